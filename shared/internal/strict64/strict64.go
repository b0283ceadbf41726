// Package strict64 decodes base64 so that one value has exactly one text: no line breaks,
// no foreign characters, unused bits 0. It takes eight characters a turn and allocates
// nothing, because modules decode at every call and a turn of a loop is dear there.
package strict64

const invalid = 0x80

// Length is how many bytes n characters without padding stand for.
func Length(n int) int { return n * 6 / 8 }

// URL decodes base64url without padding into dst, which must hold exactly Length(len(src)).
func URL(dst, src []byte) bool {
	return len(dst) == Length(len(src)) && decode(dst, src, urlTable)
}

// Std decodes 32 bytes from the standard alphabet with padding, the form of signatures.
func Std(dst *[32]byte, src []byte) bool {
	return len(src) == 44 && src[43] == '=' && decode(dst[:], src[:43], stdTable)
}

func decode(dst, src []byte, table string) bool {
	if len(table) != 256 {
		return false
	}
	for len(src) >= 8 {
		a, b, c, d := table[src[0]], table[src[1]], table[src[2]], table[src[3]]
		e, f, g, h := table[src[4]], table[src[5]], table[src[6]], table[src[7]]
		if (a|b|c|d|e|f|g|h)&invalid != 0 {
			return false
		}
		_ = dst[5]
		dst[0], dst[1], dst[2] = a<<2|b>>4, b<<4|c>>2, c<<6|d
		dst[3], dst[4], dst[5] = e<<2|f>>4, f<<4|g>>2, g<<6|h
		dst, src = dst[6:], src[8:]
	}
	if len(src) >= 4 {
		a, b, c, d := table[src[0]], table[src[1]], table[src[2]], table[src[3]]
		if (a|b|c|d)&invalid != 0 {
			return false
		}
		dst[0], dst[1], dst[2] = a<<2|b>>4, b<<4|c>>2, c<<6|d
		dst, src = dst[3:], src[4:]
	}
	return decodeTail(dst, src, table)
}

// decodeTail takes the last zero, two or three characters; one alone stands for nothing.
func decodeTail(dst, src []byte, table string) bool {
	switch len(src) {
	case 0:
		return true
	case 2:
		a, b := table[src[0]], table[src[1]]
		dst[0] = a<<2 | b>>4
		return (a|b)&invalid == 0 && b&15 == 0
	case 3:
		a, b, c := table[src[0]], table[src[1]], table[src[2]]
		dst[0], dst[1] = a<<2|b>>4, b<<4|c>>2
		return (a|b|c)&invalid == 0 && c&3 == 0
	}
	return false
}
