package guest

import (
	"encoding/binary"
	"math/bits"
)

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// hit is not 0 when one of a word's bytes is that of the pattern; its lowest bit is exact.
func hit(word, pattern uint64) uint64 {
	word ^= pattern
	return (word - lows) &^ word & highs
}

// Index finds the first c in b; -1 = none. It takes 32 bytes a turn, then eight.
func Index(b []byte, c byte) int {
	pattern, at := lows*uint64(c), 0
	for ; len(b)-at >= 32; at += 32 {
		w := b[at : at+32]
		a, b := binary.LittleEndian.Uint64(w), binary.LittleEndian.Uint64(w[8:])
		c, d := binary.LittleEndian.Uint64(w[16:]), binary.LittleEndian.Uint64(w[24:])
		if hit(a, pattern)|hit(b, pattern)|hit(c, pattern)|hit(d, pattern) != 0 {
			break
		}
	}
	for len(b)-at >= 8 {
		if h := hit(binary.LittleEndian.Uint64(b[at:]), pattern); h != 0 {
			return at + bits.TrailingZeros64(h)/8
		}
		at += 8
	}
	if at == len(b) {
		return -1
	}
	if len(b) >= 8 { // the last eight; those looked at before hold no c
		at = len(b) - 8
		if h := hit(binary.LittleEndian.Uint64(b[at:]), pattern); h != 0 {
			return at + bits.TrailingZeros64(h)/8
		}
		return -1
	}
	for ; at < len(b); at++ {
		if b[at] == c {
			return at
		}
	}
	return -1
}

// QueryEnd finds where a URL's query ends, or where one would begin, which is before its
// fragment; query tells whether it has one. It takes 32 bytes a turn.
func QueryEnd(url []byte) (end int, query bool) {
	var asked uint64
	at := 0
	for ; len(url)-at >= 32; at += 32 {
		w := (*[32]byte)(url[at:])
		a, b := binary.LittleEndian.Uint64(w[0:]), binary.LittleEndian.Uint64(w[8:])
		c, d := binary.LittleEndian.Uint64(w[16:]), binary.LittleEndian.Uint64(w[24:])
		if hit(a, lows*'#')|hit(b, lows*'#')|hit(c, lows*'#')|hit(d, lows*'#') != 0 {
			break
		}
		asked |= hit(a, lows*'?') | hit(b, lows*'?') | hit(c, lows*'?') | hit(d, lows*'?')
	}
	rest := url[at:]
	if len(rest) < 32 {
		var padded [32]byte
		copy(padded[:], rest)
		a, b := binary.LittleEndian.Uint64(padded[0:]), binary.LittleEndian.Uint64(padded[8:])
		c, d := binary.LittleEndian.Uint64(padded[16:]), binary.LittleEndian.Uint64(padded[24:])
		if hit(a, lows*'#')|hit(b, lows*'#')|hit(c, lows*'#')|hit(d, lows*'#') == 0 {
			asked |= hit(a, lows*'?') | hit(b, lows*'?') | hit(c, lows*'?') | hit(d, lows*'?')
			return len(url), asked != 0
		}
	}
	fragment := Index(rest, '#')
	return at + fragment, asked != 0 || Index(rest[:fragment], '?') >= 0
}

// Contains tells whether a short text stands in b.
func Contains(b []byte, text string) bool {
	for {
		at := Index(b, text[0])
		if at < 0 {
			return false
		}
		b = b[at:]
		if _, ok := CutPrefix(b, text); ok {
			return true
		}
		b = b[1:]
	}
}

// CutPrefix gives the rest of b after a short prefix.
func CutPrefix(b []byte, prefix string) ([]byte, bool) {
	n := len(prefix)
	if len(b) < n {
		return nil, false
	}
	var differs uint64
	if n < 8 {
		for i := range n {
			differs |= uint64(b[i] ^ prefix[i])
		}
		return b[n:], differs == 0
	}
	for at := 0; at < n-8; at += 8 {
		differs |= binary.LittleEndian.Uint64(b[at:]) ^ word(prefix[at:])
	}
	differs |= binary.LittleEndian.Uint64(b[n-8:]) ^ word(prefix[n-8:])
	return b[n:], differs == 0
}

// word is a text's first eight bytes.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// CutSuffix gives the part of b before a short suffix.
func CutSuffix(b []byte, suffix string) ([]byte, bool) {
	end := len(b) - len(suffix)
	if end < 0 {
		return nil, false
	}
	_, ok := CutPrefix(b[end:], suffix)
	return b[:end], ok
}

// PutULID writes the 26 characters of an id of 16 bytes, without a turn for each.
func PutULID(dst *[26]byte, id *[16]byte) {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	*dst = [26]byte{
		alphabet[hi>>61&31], alphabet[hi>>56&31], alphabet[hi>>51&31], alphabet[hi>>46&31], alphabet[hi>>41&31],
		alphabet[hi>>36&31], alphabet[hi>>31&31], alphabet[hi>>26&31], alphabet[hi>>21&31], alphabet[hi>>16&31],
		alphabet[hi>>11&31], alphabet[hi>>6&31], alphabet[hi>>1&31], alphabet[(hi<<4|lo>>60)&31],
		alphabet[lo>>55&31], alphabet[lo>>50&31], alphabet[lo>>45&31], alphabet[lo>>40&31], alphabet[lo>>35&31],
		alphabet[lo>>30&31], alphabet[lo>>25&31], alphabet[lo>>20&31], alphabet[lo>>15&31], alphabet[lo>>10&31],
		alphabet[lo>>5&31], alphabet[lo&31],
	}
}
