package flow

import (
	"html"
	"strings"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Body is what a flow's webhook says.
type Body struct {
	Message    string
	Text       string
	Step       string
	ProfileID  string
	LineUserID string
	EventID    string
	Vars       map[string]string
	HasText    bool
	VarsBroken bool // what stood in vars could not be read; the ids were
}

// ParseBody reads the JSON that Klaviyo's templates make. Klaviyo escapes for HTML and not
// for JSON, so entities are undone, line breaks inside strings and commas before a closing
// bracket are taken, and when a customer's name breaks "vars" the ids in front of it count.
// The line of a mistake is in the error's message.
func ParseBody(raw []byte) (Body, error) {
	if !utf8.Valid(raw) {
		return Body{}, badBody(1)
	}
	r := &reader{text: string(raw)}
	b := Body{Vars: map[string]string{}}
	if err := r.object(b.field(r)); err != nil {
		if b.VarsBroken {
			return b, nil
		}
		return Body{}, badBody(r.line())
	}
	r.space()
	if r.at != len(r.text) {
		return Body{}, badBody(r.line())
	}
	return b, nil
}

// lineID mends an id of LINE that a template wrote in capitals: LINE's own have one, in front.
func lineID(value string) string {
	if value == "" {
		return ""
	}
	mended := strings.ToUpper(value[:1]) + strings.ToLower(value[1:])
	if lumo.LineUserID(mended).Valid() || isGroup(mended) {
		return mended
	}
	return value
}

// People are whom a body is about, as far as it can be read.
func People(raw []byte) (people []string) {
	b, err := ParseBody(raw)
	if err != nil {
		return nil
	}
	for _, one := range []string{b.ProfileID, b.LineUserID} {
		if one != "" {
			people = append(people, one)
		}
	}
	return people
}

func badBody(line int) error {
	return &fault.Error{Kind: fault.Invalid, Op: "flow.ParseBody", Fields: map[string]string{"line": itoa(line)},
		Message: "The webhook body cannot be read."}
}

// field takes one member of the outer object.
func (b *Body) field(r *reader) func(name string) error {
	return func(name string) error {
		if name == "vars" {
			if err := r.object(func(name string) error { return b.variable(r, name) }); err != nil {
				b.VarsBroken, b.Vars = true, map[string]string{}
				return err
			}
			return nil
		}
		value, err := r.value()
		if err != nil {
			return err
		}
		value = strings.TrimSpace(html.UnescapeString(value))
		switch name {
		case "message":
			b.Message = value
		case "text":
			b.Text, b.HasText = value, true
		case "step":
			b.Step = value
		case "profile_id":
			b.ProfileID = value
		case "line_user_id":
			b.LineUserID = lineID(value)
		case "event_id":
			b.EventID = value
		}
		return nil
	}
}

func (b *Body) variable(r *reader, name string) error {
	value, err := r.value()
	if err == nil {
		b.Vars[html.UnescapeString(name)] = html.UnescapeString(value)
	}
	return err
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
