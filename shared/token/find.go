package token

import (
	"bytes"
	"encoding/base64"
)

const (
	linkPath = "/c/"
	// prefixText is how many characters of a token say all but its tag: 21 whole bytes.
	prefixText = 28
)

// CountLinks counts the different links whose addresses stand in a message. It only counts:
// nothing is checked, and a link that stands there twice is one.
func CountLinks(message []byte) int {
	var seen []uint32 // a message has a few
	for {
		_, rest, found := bytes.Cut(message, []byte(linkPath))
		if !found {
			return len(seen)
		}
		if number, ok := linkIn(rest); ok && !has(seen, number) {
			seen = append(seen, number)
		}
		message = rest
	}
}

// linkIn reads the link's number at the beginning of a token.
func linkIn(text []byte) (number uint32, ok bool) {
	if len(text) < textLength {
		return 0, false
	}
	for _, c := range text[prefixText:textLength] { // a token is longer than what is read of it
		if !inAlphabet(c) {
			return 0, false
		}
	}
	var raw [prefixText / 4 * 3]byte
	if _, err := base64.RawURLEncoding.Decode(raw[:], text[:prefixText]); err != nil || raw[0]>>4 != version {
		return 0, false
	}
	t := parsePrefix((*[prefixLength]byte)(raw[:]))
	return t.Link, t.Kind == Link || t.Kind == OneOff
}

func inAlphabet(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func has(list []uint32, v uint32) bool {
	for _, one := range list {
		if one == v {
			return true
		}
	}
	return false
}
