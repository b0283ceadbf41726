package guest

import "encoding/binary"

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Index finds the first c in b, eight bytes a turn; -1 = none.
func Index(b []byte, c byte) int {
	at := 0
	for pattern := lows * uint64(c); len(b)-at >= 8; at += 8 {
		word := binary.LittleEndian.Uint64(b[at:]) ^ pattern
		if (word-lows)&^word&highs != 0 {
			break // it is within these eight
		}
	}
	for ; at < len(b); at++ {
		if b[at] == c {
			return at
		}
	}
	return -1
}

// CutPrefix gives the rest of b after a short prefix.
func CutPrefix(b []byte, prefix string) ([]byte, bool) {
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return nil, false
	}
	return b[len(prefix):], true
}

// ULIDText is the 26 characters of an id of 16 bytes, without a loop per character.
func ULIDText(dst, id []byte) []byte {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	hi, lo := binary.BigEndian.Uint64(id), binary.BigEndian.Uint64(id[8:])
	return append(dst,
		alphabet[hi>>61&31], alphabet[hi>>56&31], alphabet[hi>>51&31], alphabet[hi>>46&31], alphabet[hi>>41&31],
		alphabet[hi>>36&31], alphabet[hi>>31&31], alphabet[hi>>26&31], alphabet[hi>>21&31], alphabet[hi>>16&31],
		alphabet[hi>>11&31], alphabet[hi>>6&31], alphabet[hi>>1&31], alphabet[(hi<<4|lo>>60)&31],
		alphabet[lo>>55&31], alphabet[lo>>50&31], alphabet[lo>>45&31], alphabet[lo>>40&31], alphabet[lo>>35&31],
		alphabet[lo>>30&31], alphabet[lo>>25&31], alphabet[lo>>20&31], alphabet[lo>>15&31], alphabet[lo>>10&31],
		alphabet[lo>>5&31], alphabet[lo&31])
}
