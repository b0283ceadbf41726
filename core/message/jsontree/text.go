package jsontree

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Decoded is a string's meaning, and where each byte of it is written.
type Decoded struct {
	Text string
	at   []int // nil = byte for byte
	from int
}

// Raw is where byte i of the meaning is written; i = len(Text) is the closing quote.
func (d Decoded) Raw(i int) int {
	if d.at == nil {
		return d.from + i
	}
	return d.at[i]
}

// Decode reads the string text[from:to] that Parse has found right.
func Decode(text string, from, to int) Decoded {
	raw := text[from+1 : to-1]
	plain := true
	for i := 0; i < len(raw) && plain; i++ {
		plain = raw[i] != '\\'
	}
	if plain {
		return Decoded{Text: raw, from: from + 1}
	}
	out := make([]byte, 0, len(raw))
	at := make([]int, 0, len(raw)+1)
	for i := 0; i < len(raw); {
		start, before := i, len(out)
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
		} else {
			out, i = unescape(out, raw, i)
		}
		for range len(out) - before {
			at = append(at, from+1+start)
		}
	}
	return Decoded{Text: string(out), at: append(at, to-1)}
}

func unescape(out []byte, raw string, i int) ([]byte, int) {
	switch c := raw[i+1]; c {
	case 'b':
		return append(out, '\b'), i + 2
	case 'f':
		return append(out, '\f'), i + 2
	case 'n':
		return append(out, '\n'), i + 2
	case 'r':
		return append(out, '\r'), i + 2
	case 't':
		return append(out, '\t'), i + 2
	case 'u':
		first := hex4(raw[i+2:])
		if utf16.IsSurrogate(first) && len(raw) >= i+12 && raw[i+6] == '\\' && raw[i+7] == 'u' {
			if r := utf16.DecodeRune(first, hex4(raw[i+8:])); r != utf8.RuneError {
				return utf8.AppendRune(out, r), i + 12
			}
		}
		return utf8.AppendRune(out, first), i + 6
	default:
		return append(out, c), i + 2
	}
}

func hex4(text string) rune {
	n, err := strconv.ParseUint(text[:4], 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// AppendEscaped adds a text as it stands inside a JSON string, without the quotes. No text
// can end the string or begin an escape in it.
func AppendEscaped(dst []byte, text string) []byte {
	const digits = "0123456789abcdef"
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				dst = append(dst, '\\', c)
			case c == '\n':
				dst = append(dst, '\\', 'n')
			case c == '\t':
				dst = append(dst, '\\', 't')
			case c == '\r':
				dst = append(dst, '\\', 'r')
			case c < ' ' || c == 0x7f:
				dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
			default:
				dst = append(dst, c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		dst = utf8.AppendRune(dst, r) // what is no character becomes U+FFFD
		i += size
	}
	return dst
}

// Quote is a text as a JSON string.
func Quote(text string) string {
	return string(append(AppendEscaped([]byte{'"'}, text), '"'))
}

// With adds a member at the end of the object v; value is JSON. Everything else stays.
func With(text string, v Value, name, value string) string {
	comma := ","
	if len(v.Members) == 0 {
		comma = ""
	}
	return text[:v.To-1] + comma + Quote(name) + ":" + value + text[v.To-1:]
}
