// Package strict64 decodes base64 so that one value has exactly one text: no line breaks,
// no foreign characters, unused bits 0. It takes eight characters at once by arithmetic on
// a word and allocates nothing, because modules decode at every call, where a turn of a
// loop costs as much as all the arithmetic.
package strict64

import "encoding/binary"

// alphabet holds the two characters in which the alphabets differ, for 62 and 63.
type alphabet struct{ c62, c63 uint64 }

func urlSafe() alphabet  { return alphabet{'-', '_'} }
func standard() alphabet { return alphabet{'+', '/'} }

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
	zeros = uint64(ones * 'A') // the text of zero bits
)

// Length is how many bytes n characters without padding stand for.
func Length(n int) int { return n * 6 / 8 }

// URL decodes base64url without padding into dst, which must hold exactly Length(len(src)).
func URL(dst, src []byte) bool {
	if len(dst) != Length(len(src)) || len(src)%4 == 1 {
		return false
	}
	var room [8]byte
	for len(src) >= 8 {
		bits, bad := eight(binary.LittleEndian.Uint64(src), urlSafe())
		if bad != 0 {
			return false
		}
		binary.LittleEndian.PutUint64(room[:], bits)
		copy(dst, room[:6])
		dst, src = dst[6:], src[8:]
	}
	room = [8]byte{'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A'} // the text of zero bits
	copy(room[:], src)
	bits, bad := eight(binary.LittleEndian.Uint64(room[:]), urlSafe())
	binary.LittleEndian.PutUint64(room[:], bits)
	copy(dst, room[:6])
	return bad == 0 && bits>>(8*len(dst)) == 0
}

// URL42 decodes the length of a token, 31 bytes, to the front of dst. It writes over more.
func URL42(dst *[40]byte, src *[42]byte) bool {
	bad := forty(dst, (*[40]byte)(src[:]), urlSafe())
	tail, wrong := eight(uint64(src[40])|uint64(src[41])<<8|zeros&^0xffff, urlSafe())
	dst[30] = byte(tail)
	return bad|wrong|tail>>8 == 0
}

// URL43 decodes 32 bytes.
func URL43(dst *[32]byte, src *[43]byte) bool { return decode43(dst, src, urlSafe()) }

// Std decodes 32 bytes from the standard alphabet with padding, the form of signatures.
func Std(dst *[32]byte, src []byte) bool {
	return len(src) == 44 && src[43] == '=' && decode43(dst, (*[43]byte)(src), standard())
}

func decode43(dst *[32]byte, src *[43]byte, a alphabet) bool {
	var raw [40]byte
	bad := forty(&raw, (*[40]byte)(src[:]), a)
	tail, wrong := eight(uint64(src[40])|uint64(src[41])<<8|uint64(src[42])<<16|zeros&^0xffffff, a)
	*dst = [32]byte(raw[:])
	dst[30], dst[31] = byte(tail), byte(tail>>8)
	return bad|wrong|tail>>16 == 0
}

// forty decodes forty characters to the first thirty bytes of dst and writes over the rest.
func forty(dst, src *[40]byte, a alphabet) (bad uint64) {
	v0, b0 := eight(binary.LittleEndian.Uint64(src[0:]), a)
	v1, b1 := eight(binary.LittleEndian.Uint64(src[8:]), a)
	v2, b2 := eight(binary.LittleEndian.Uint64(src[16:]), a)
	v3, b3 := eight(binary.LittleEndian.Uint64(src[24:]), a)
	v4, b4 := eight(binary.LittleEndian.Uint64(src[32:]), a)
	binary.LittleEndian.PutUint64(dst[0:], v0)
	binary.LittleEndian.PutUint64(dst[6:], v1)
	binary.LittleEndian.PutUint64(dst[12:], v2)
	binary.LittleEndian.PutUint64(dst[18:], v3)
	binary.LittleEndian.PutUint64(dst[24:], v4)
	return b0 | b1 | b2 | b3 | b4
}

// eight turns eight characters into six bytes, the first of each in the lowest byte; bad
// is not 0 when a character is foreign.
func eight(w uint64, a alphabet) (bytes, bad uint64) {
	upper := atLeast(w, 'A') &^ atLeast(w, 'Z'+1)
	lower := atLeast(w, 'a') &^ atLeast(w, 'z'+1)
	digit := atLeast(w, '0') &^ atLeast(w, '9'+1)
	is62 := ^atLeast(w^ones*a.c62, 1) & highs
	is63 := ^atLeast(w^ones*a.c63, 1) & highs
	bad = (^(upper | lower | digit | is62 | is63) | w) & highs
	// Each character is in one class, so no byte borrows from its neighbour.
	w = w + digit>>7*4 + is62>>7*62 + is63>>7*63 - upper>>7*'A' - lower>>7*('a'-26) - is62>>7*a.c62 - is63>>7*a.c63
	w = w&0x003f003f003f003f<<6 | w>>8&0x003f003f003f003f   // two characters: 12 bits
	w = w&0x00000fff00000fff<<12 | w>>16&0x00000fff00000fff // four: 24 bits, still the first highest
	w = w>>16&0x000000ff000000ff | w&0x0000ff000000ff00 | w&0x000000ff000000ff<<16
	return w&0xffffff | w>>8&0xffffff000000, bad
}

// atLeast sets the high bit of each byte that is at least c; bytes and c are below 0x80.
func atLeast(w, c uint64) uint64 { return ((w | highs) - ones*c) & highs }
