package flow

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const maxDepth = 20

var errSyntax = errors.New("not JSON as Klaviyo makes it")

// reader reads JSON with the liberties that ParseBody names.
type reader struct {
	text  string
	at    int
	depth int
}

func (r *reader) line() int { return 1 + strings.Count(r.text[:min(r.at, len(r.text))], "\n") }

func (r *reader) space() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *reader) take(c byte) bool {
	r.space()
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

// object reads {"name": value, ...}; member reads each value. A name twice is a mistake:
// whichever counted, half of the senders would mean the other.
func (r *reader) object(member func(name string) error) error {
	if r.depth++; r.depth > maxDepth || !r.take('{') {
		return errSyntax
	}
	defer func() { r.depth-- }()
	seen := map[string]bool{}
	for first := true; ; first = false {
		if r.take('}') {
			return nil
		}
		if !first && !r.take(',') {
			return errSyntax
		}
		if r.take('}') { // a comma before the end
			return nil
		}
		name, err := r.str()
		if err != nil || seen[name] || !r.take(':') {
			return errSyntax
		}
		seen[name] = true
		if err := member(name); err != nil {
			return err
		}
	}
}

// value reads any value and gives it as text; null, objects and lists give nothing.
func (r *reader) value() (string, error) {
	r.space()
	if r.at >= len(r.text) {
		return "", errSyntax
	}
	switch c := r.text[r.at]; {
	case c == '"':
		return r.str()
	case c == '{':
		return "", r.object(func(string) error { _, err := r.value(); return err })
	case c == '[':
		return "", r.list()
	}
	return r.literal()
}

func (r *reader) list() error {
	if r.depth++; r.depth > maxDepth || !r.take('[') {
		return errSyntax
	}
	defer func() { r.depth-- }()
	for first := true; ; first = false {
		if r.take(']') {
			return nil
		}
		if !first && !r.take(',') {
			return errSyntax
		}
		if r.take(']') {
			return nil
		}
		if _, err := r.value(); err != nil {
			return err
		}
	}
}

// literal reads a number, true, false or null.
func (r *reader) literal() (string, error) {
	start := r.at
	for r.at < len(r.text) && strings.IndexByte(",}] \t\r\n", r.text[r.at]) < 0 {
		r.at++
	}
	word := r.text[start:r.at]
	switch word {
	case "true", "false":
		return word, nil
	case "null", "None":
		return "", nil
	}
	if _, err := strconv.ParseFloat(word, 64); err != nil || strings.ContainsAny(word, "xXpPnN_") {
		r.at = start
		return "", errSyntax
	}
	return word, nil
}

// str reads a string; line breaks in it are taken as they are.
func (r *reader) str() (string, error) {
	if !r.take('"') {
		return "", errSyntax
	}
	var out strings.Builder
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case '"':
			r.at++
			return out.String(), nil
		case '\\':
			if err := r.escape(&out); err != nil {
				return "", err
			}
		default:
			out.WriteByte(c)
			r.at++
		}
	}
	return "", errSyntax
}

func (r *reader) escape(out *strings.Builder) error {
	if r.at+1 >= len(r.text) {
		return errSyntax
	}
	c := r.text[r.at+1]
	r.at += 2
	switch c {
	case '"', '\\', '/':
		out.WriteByte(c)
	case 'n':
		out.WriteByte('\n')
	case 't':
		out.WriteByte('\t')
	case 'r', 'b', 'f': // nothing that a message needs
	case 'u':
		return r.unicode(out)
	default: // a backslash of somebody's name, which Klaviyo does not escape
		out.WriteByte('\\')
		out.WriteByte(c)
	}
	return nil
}

func (r *reader) unicode(out *strings.Builder) error {
	first, ok := r.hex()
	if !ok {
		return errSyntax
	}
	if utf16.IsSurrogate(first) {
		if !strings.HasPrefix(r.text[r.at:], `\u`) {
			return errSyntax
		}
		r.at += 2
		second, ok := r.hex()
		if first = utf16.DecodeRune(first, second); !ok || first == utf8.RuneError {
			return errSyntax
		}
	}
	if first != 0 { // NUL is nothing that a message or the database takes
		out.WriteRune(first)
	}
	return nil
}

func (r *reader) hex() (rune, bool) {
	if r.at+4 > len(r.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(r.text[r.at:r.at+4], 16, 16)
	r.at += 4
	return rune(n), err == nil
}
