package message

import (
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// Length counts a text as LINE counts most texts: in UTF-16 code units, so most emoji count
// as two.
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

// Graphemes counts a text as LINE counts labels and titles: in characters as people see
// them.
func Graphemes(text string) int { return uniseg.GraphemeClusterCount(text) }

// Clean drops what LINE and the database do not take in a text: invalid UTF-8 and
// control characters other than line feed and tab. Line ends become line feeds.
func Clean(text string) string {
	if clean(text) {
		return text
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// clean tells whether there is nothing to drop.
func clean(text string) bool {
	for _, r := range text {
		if r == unicode.ReplacementChar || unicode.IsControl(r) && r != '\n' && r != '\t' {
			return false
		}
	}
	return true
}
