package message

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	opening         = "[["
	closing         = "]]"
	maxVariableName = 100 // characters
)

// Variable is one [[ name | default ]] of a text.
type Variable struct {
	Name    string
	Default string // used when the value is absent or empty
	Given   bool   // a default was written, if only an empty one
}

// part is a stretch of literal text, or a variable.
type part struct {
	text     string // literal, or the variable as written
	variable *Variable
}

// parse splits a text into literals and variables. Every text has a meaning: what is
// not exactly a variable (unclosed, no name, another [[ inside) is literal text.
func parse(text string) []part {
	var parts []part
	literal := 0 // start of the literal text not yet taken
	for at := 0; ; {
		start := strings.Index(text[at:], opening)
		if start < 0 {
			break
		}
		start += at
		length := strings.Index(text[start+len(opening):], closing)
		if length < 0 {
			break
		}
		inside := text[start+len(opening) : start+len(opening)+length]
		// "[[[[" and "[[ a [[ b ]]": the innermost opening is the one that counts.
		if again := strings.LastIndex(text[start+1:start+len(opening)+length], opening); again >= 0 {
			at = start + 1 + again
			continue
		}
		end := start + len(opening) + length + len(closing)
		at = end
		v, ok := parseVariable(inside)
		if !ok {
			continue
		}
		if start > literal {
			parts = append(parts, part{text: text[literal:start]})
		}
		parts = append(parts, part{text: text[start:end], variable: &v})
		literal = end
	}
	if literal < len(text) {
		parts = append(parts, part{text: text[literal:]})
	}
	return parts
}

// parseVariable reads what stands between the brackets: a name, and after the first
// bar a default in which further bars are text.
func parseVariable(inside string) (Variable, bool) {
	name, fallback, given := strings.Cut(inside, "|")
	v := Variable{Name: strings.TrimSpace(name), Default: strings.TrimSpace(fallback), Given: given}
	return v, validName(v.Name)
}

// validName keeps names to what can stand inside a Klaviyo template in single quotes.
func validName(name string) bool {
	if name == "" || utf8.RuneCountInString(name) > maxVariableName || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
		case strings.ContainsRune("_.$ -#&/()", r):
		default:
			return false
		}
	}
	return true
}

// Variables lists the variables of a text in order of first use, each name once.
func Variables(text string) []Variable {
	var found []Variable
	seen := map[string]bool{}
	for _, p := range parse(text) {
		if p.variable != nil && !seen[p.variable.Name] {
			seen[p.variable.Name] = true
			found = append(found, *p.variable)
		}
	}
	return found
}

// Substitute puts values into a text. An absent or empty value gives the default, and
// without one nothing. A value is text: brackets in it mean nothing.
func Substitute(text string, values map[string]string) string {
	var out strings.Builder
	for _, p := range parse(text) {
		switch {
		case p.variable == nil:
			out.WriteString(p.text)
		case values[p.variable.Name] != "":
			out.WriteString(values[p.variable.Name])
		default:
			out.WriteString(p.variable.Default)
		}
	}
	return out.String()
}
