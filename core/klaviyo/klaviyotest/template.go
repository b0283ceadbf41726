package klaviyotest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/flosch/pongo2/v6"
)

// registered guards pongo2's own registry of filters, which is one for the whole program.
var registered sync.Once

// Render renders one of Klaviyo's templates: Django's language with autoescape. A missing
// variable is empty; a malformed tag fails the whole.
//
// Two differences to Django are left: a name looked up in a string or number fails instead
// of being empty, and parts that only pongo2 knows are not refused.
func Render(text string, context map[string]any) (out string, err error) {
	registered.Do(register)
	defer func() {
		if v := recover(); v != nil { // pongo2 compares values that Go cannot compare
			err = fmt.Errorf("render the template: %v", v)
		}
	}()
	source, err := rewrite(text)
	if err != nil {
		return "", err
	}
	set := pongo2.NewSet("klaviyo", nowhere{})
	for _, tag := range []string{"include", "extends", "import", "ssi", "macro", "set", "block"} {
		if err := set.BanTag(tag); err != nil {
			return "", err
		}
	}
	t, err := set.FromString(source)
	if err != nil {
		return "", fmt.Errorf("parse the template: %w", err)
	}
	values := pongo2.Context{"True": true, "False": false}
	for name, value := range context {
		values[name] = native(value)
	}
	return t.Execute(values)
}

// nowhere has no files, so that no template reads one.
type nowhere struct{}

func (nowhere) Abs(_, name string) string     { return name }
func (nowhere) Get(string) (io.Reader, error) { return nil, errors.New("templates load no files") }
func loopNames() *strings.Replacer {
	return strings.NewReplacer(
		"forloop.counter0",
		"forloop.Counter0",
		"forloop.counter",
		"forloop.Counter",
		"forloop.revcounter0",
		"forloop.Revcounter0",
		"forloop.revcounter",
		"forloop.Revcounter",
		"forloop.first",
		"forloop.First",
		"forloop.last",
		"forloop.Last",
		"forloop.parentloop",
		"forloop.Parentloop",
	)
}

// rewrite closes the gaps between pongo2 and Django: a space after a filter's colon is an
// error, names of the loop are lower case, and what is printed is a string first, because
// pongo2 escapes nothing else.
func rewrite(text string) (string, error) {
	var b strings.Builder
	loop := loopNames()
	for {
		start := strings.Index(text, "{")
		if start < 0 || start+1 >= len(text) {
			b.WriteString(text)
			return b.String(), nil
		}
		closing, known := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[text[start+1]]
		if !known {
			b.WriteString(text[:start+1])
			text = text[start+1:]
			continue
		}
		length := strings.Index(text[start:], closing)
		if length < 0 {
			b.WriteString(text)
			return b.String(), nil
		}
		end := start + length
		inside := text[start+2 : end]
		b.WriteString(text[:start])
		if closing != "#}" {
			if badColon(inside) {
				return "", fmt.Errorf(
					"parse the template: a space after the colon in %q",
					strings.TrimSpace(inside),
				)
			}
			inside = outsideQuotes(inside, loop.Replace)
		}
		if closing == "}}" && strings.TrimSpace(inside) != "" {
			if strings.HasSuffix(strings.TrimSpace(inside), "|") {
				return "", fmt.Errorf(
					"parse the template: no filter after the | in %q",
					strings.TrimSpace(inside),
				)
			}
			inside = strings.TrimRight(inside, " ") + "|lumo_text "
		}
		b.WriteString(text[start:start+2] + inside + closing)
		text = text[end+2:]
	}
}

// badColon finds a colon outside quotes that a space follows.
func badColon(text string) bool {
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ':' && i+1 < len(text) && text[i+1] == ' ':
			return true
		}
	}
	return false
}

// outsideQuotes changes the parts of a tag that are not strings.
func outsideQuotes(text string, change func(string) string) string {
	var b strings.Builder
	start, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote == 0 && (c == '\'' || c == '"'):
			b.WriteString(change(text[start:i]))
			start, quote = i, c
		case quote != 0 && c == quote:
			b.WriteString(text[start : i+1])
			start, quote = i+1, 0
		}
	}
	if quote != 0 {
		b.WriteString(text[start:])
	} else {
		b.WriteString(change(text[start:]))
	}
	return b.String()
}

// register adds and corrects filters. It runs once in a program.
func register() {
	own := map[string]pongo2.FilterFunction{"lookup": lookup, "urlencode": urlencode, "date": date,
		"escape": escape, "e": escape, "lumo_text": asText, "format_date_string": same}
	for name, f := range own {
		if pongo2.FilterExists(name) {
			_ = pongo2.ReplaceFilter(name, f) // it exists
		} else {
			_ = pongo2.RegisterFilter(name, f) // it does not
		}
	}
	for _, tag := range []string{"unsubscribe", "manage_preferences", "web_view"} {
		_ = pongo2.RegisterTag(tag, emailLink(tag)) // once in a program
	}
}

// emailLink is a tag that puts a link into emails.
func emailLink(name string) pongo2.TagParser {
	return func(_ *pongo2.Parser, _ *pongo2.Token, arguments *pongo2.Parser) (
		pongo2.INodeTag, *pongo2.Error) {
		for arguments.Remaining() > 0 {
			arguments.Consume()
		}
		return linkNode(name), nil
	}
}

type linkNode string

func (n linkNode) Execute(_ *pongo2.ExecutionContext, w pongo2.TemplateWriter) *pongo2.Error {
	text := strings.ReplaceAll(string(n), "_", " ")
	_, _ = w.WriteString(`<a href="https://manage.kmail-lists.com/` + string(n) + `">` + text + `</a>`)
	return nil
}
