// Package jsontree reads JSON without losing a byte of it: every value knows where it
// stands in the text, so that a part can be replaced and the rest stays as it was written.
//
// It takes exactly what the JSON standard takes, less names that come twice in one object
// and nesting beyond MaxDepth.
package jsontree

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep values may be nested.
const MaxDepth = 60

// Kind is what a value is.
type Kind byte

// The kinds of values.
const (
	Object Kind = '{'
	Array  Kind = '['
	String Kind = '"'
	Number Kind = '0'
	Bool   Kind = 't'
	Null   Kind = 'n'
)

// Value is a value and its place: text[From:To], quotes and brackets included.
type Value struct {
	Kind     Kind
	From, To int
	Members  []Member // of an object, in their order
	Items    []Value  // of an array
}

// Member is a named value of an object.
type Member struct {
	Name  string
	Value Value
}

// Get finds a member of an object.
func (v Value) Get(name string) (Value, bool) {
	for _, m := range v.Members {
		if m.Name == name {
			return m.Value, true
		}
	}
	return Value{}, false
}

// Problem is what is wrong with a text.
type Problem string

// The problems.
const (
	Syntax Problem = "syntax"
	Twice  Problem = "twice" // a name stands twice in one object
	Deep   Problem = "deep"
)

// Error says what is wrong and where; lines count from 1.
type Error struct {
	Problem Problem
	Line    int
	Name    string // of Twice
}

// Error is for programmers.
func (e *Error) Error() string { return fmt.Sprintf("json: %s in line %d", e.Problem, e.Line) }

// Parse reads a text of one value; an error is an *Error.
func Parse(text string) (Value, error) {
	p := &parser{text: text}
	if !utf8.ValidString(text) {
		return Value{}, p.fail(Syntax)
	}
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	if p.space(); p.at != len(text) {
		return Value{}, p.fail(Syntax)
	}
	return v, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) fail(why Problem) error {
	return &Error{Problem: why, Line: Line(p.text, p.at)}
}

// Line is the line, from 1, in which a place of a text is.
func Line(text string, at int) int {
	return 1 + strings.Count(text[:min(max(at, 0), len(text))], "\n")
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// next skips space and tells what stands there; 0 at the end.
func (p *parser) next() byte {
	if p.space(); p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) value(depth int) (Value, error) {
	if depth > MaxDepth {
		return Value{}, p.fail(Deep)
	}
	c := p.next()
	v := Value{From: p.at}
	var err error
	switch {
	case c == '{':
		v.Kind = Object
		v.Members, err = p.object(depth)
	case c == '[':
		v.Kind = Array
		v.Items, err = p.array(depth)
	case c == '"':
		v.Kind = String
		err = p.str()
	case c == '-' || c >= '0' && c <= '9':
		v.Kind = Number
		err = p.number()
	default:
		v.Kind, err = p.word()
	}
	v.To = p.at
	return v, err
}

func (p *parser) object(depth int) (members []Member, err error) {
	p.at++
	if p.next() == '}' {
		p.at++
		return nil, nil
	}
	seen := map[string]bool{}
	for {
		if p.next() != '"' {
			return nil, p.fail(Syntax)
		}
		from := p.at
		if err := p.str(); err != nil {
			return nil, err
		}
		name := Decode(p.text, from, p.at).Text
		if seen[name] {
			return nil, &Error{Problem: Twice, Line: Line(p.text, from), Name: name}
		}
		seen[name] = true
		if p.next() != ':' {
			return nil, p.fail(Syntax)
		}
		p.at++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		members = append(members, Member{name, v})
		if done, err := p.more('}'); done || err != nil {
			return members, err
		}
	}
}

func (p *parser) array(depth int) (items []Value, err error) {
	p.at++
	if p.next() == ']' {
		p.at++
		return nil, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		if done, err := p.more(']'); done || err != nil {
			return items, err
		}
	}
}

// more takes a comma, or the end.
func (p *parser) more(end byte) (done bool, err error) {
	switch p.next() {
	case ',':
		p.at++
		return false, nil
	case end:
		p.at++
		return true, nil
	}
	return false, p.fail(Syntax)
}

func (p *parser) str() error {
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return nil
		case c < ' ':
			return p.fail(Syntax)
		case c == '\\':
			if err := p.escape(); err != nil {
				return err
			}
		}
	}
	return p.fail(Syntax)
}

// escape leaves the parser at the escape's last byte.
func (p *parser) escape() error {
	p.at++
	if p.at >= len(p.text) || strings.IndexByte(`"\/bfnrtu`, p.text[p.at]) < 0 {
		return p.fail(Syntax)
	}
	if p.text[p.at] != 'u' {
		return nil
	}
	for range 4 {
		p.at++
		if p.at >= len(p.text) || !isHex(p.text[p.at]) {
			return p.fail(Syntax)
		}
	}
	return nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (p *parser) number() error {
	if p.text[p.at] == '-' {
		p.at++
	}
	if p.at < len(p.text) && p.text[p.at] == '0' {
		p.at++
	} else if !p.digits() {
		return p.fail(Syntax)
	}
	if p.at < len(p.text) && p.text[p.at] == '.' {
		if p.at++; !p.digits() {
			return p.fail(Syntax)
		}
	}
	if p.at < len(p.text) && (p.text[p.at] == 'e' || p.text[p.at] == 'E') {
		if p.at++; p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		if !p.digits() {
			return p.fail(Syntax)
		}
	}
	return nil
}

func (p *parser) digits() bool {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}

func (p *parser) word() (Kind, error) {
	for word, kind := range map[string]Kind{"true": Bool, "false": Bool, "null": Null} {
		if strings.HasPrefix(p.text[p.at:], word) {
			p.at += len(word)
			return kind, nil
		}
	}
	return 0, p.fail(Syntax)
}
