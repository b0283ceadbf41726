package message

import (
	"strings"
	"unicode"
)

// Length counts a text as LINE does: in UTF-16 code units, so most emoji count as two.
func Length(text string) int {
	n := 0
	for _, r := range text {
		if r > 0xffff {
			n++
		}
		n++
	}
	return n
}

// Clean drops what LINE and the database do not take in a text: invalid UTF-8 and
// control characters other than line feed and tab. Line ends become line feeds.
func Clean(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}
