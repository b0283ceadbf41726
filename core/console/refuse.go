package console

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"lumo/shared/fault"
)

// A request that does not fit its operation is refused before the operation sees it, by the
// library that reads it. Its complaint repeats what was typed, which may be a password, so
// only places that we named ourselves and sentences of our own leave this file.

// refusing gives the library's refusals our statuses.
type refusing struct{ answering }

// answering has another name than the method Context.
type answering huma.Context

// SetStatus translates: the library has one status for values, another for text that cannot
// be read, and a third for content types. No operation of ours answers with them.
func (c refusing) SetStatus(code int) {
	switch code {
	case http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType, http.StatusNotAcceptable,
		http.StatusRequestTimeout:
		code = status(refusal(code))
	}
	c.answering.SetStatus(code)
}

// Unwrap leads to the context of the adapter.
func (c refusing) Unwrap() huma.Context { return c.answering }

// refusal is the kind of a refusal by the library.
func refusal(code int) fault.Kind {
	switch code {
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case http.StatusRequestTimeout:
		return fault.Unavailable
	case http.StatusInternalServerError:
		return fault.Internal
	}
	return fault.Invalid
}

// refuse turns the library's complaints into problems; everything else passes.
func (a *API) refuse(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	err := &fault.Error{Kind: refusal(m.Status), Op: "console.refuse"}
	switch {
	case err.Kind == fault.Invalid:
		err.Fields = a.complaints(m.Errors)
		err.Message = cannotRead(m, err.Fields)
	case err.Kind == fault.TooLarge:
		err.Message = "This is too large. Send less than 1 MiB."
	}
	return a.problem(ctx.Context(), ctx.Operation().OperationID, err), nil
}

// cannotRead is the sentence about the request as a whole.
func cannotRead(m *huma.ErrorModel, fields map[string]string) string {
	switch {
	case m.Status == http.StatusUnsupportedMediaType:
		return "Send JSON, with the content type application/json."
	case len(m.Errors) == 0:
		return "Send a JSON object."
	case len(fields) == 1 && fields["body"] != "":
		return fields["body"]
	}
	return "Something in this request is not right. Correct the fields named here."
}

// complaints says for each field what to do. The first complaint of a field is enough.
func (a *API) complaints(all []*huma.ErrorDetail) map[string]string {
	fields := map[string]string{}
	for _, detail := range all {
		if detail == nil {
			continue
		}
		field := a.field(detail.Location)
		text, missing := a.advice(detail.Message)
		if missing != "" && field != "body" {
			field += "." + missing
		} else if missing != "" {
			field = missing
		}
		if fields[field] == "" {
			fields[field] = text
		}
	}
	return fields
}

// field is the part of a place that we named: a member of an object that nobody described
// was named by the caller.
func (a *API) field(location string) string {
	parts := strings.Split(location, ".")
	var out []string
	for _, part := range parts[1:] {
		name, _, _ := strings.Cut(part, "[")
		if !a.names[name] {
			break
		}
		out = append(out, part)
	}
	if len(out) == 0 {
		return "body"
	}
	return strings.Join(out, ".")
}

// learn remembers how the inputs of operations are named, and says that no list is null.
func (a *API) learn() {
	for _, item := range a.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				a.names[p.Name] = true
			}
		}
	}
	for _, schema := range a.huma.OpenAPI().Components.Schemas.Map() {
		for name, p := range schema.Properties {
			a.names[name] = true
			p.Nullable = p.Nullable && p.Type != huma.TypeArray
		}
	}
}

// advised is a complaint of the library and what to do about it. A number or a list in a
// complaint is the operation's own.
type advised struct {
	complaint *regexp.Regexp
	text      string
}

// advices is the one table of them.
func advices() []advised {
	on := regexp.MustCompile
	return []advised{
		{on(`^expected length <= ([0-9]+)$`), "Use at most %s characters."},
		{on(`^expected length >= ([0-9]+)$`), "Use at least %s characters."},
		{on(`^expected array length <= ([0-9]+)$`), "Give at most %s."},
		{on(`^expected array length >= ([0-9]+)$`), "Give at least %s."},
		{on(`^expected value to be one of "([a-z0-9_, -]+)"$`), "Choose one of: %s."},
		{on(`^expected number >= (-?[0-9.]+)$`), "Enter %s or more."},
		{on(`^expected number <= (-?[0-9.]+)$`), "Enter %s or less."},
		{on(`^(?:expected|invalid) integer$`), "Enter a whole number."},
		{on(`^(?:expected|invalid) (?:number|floating value)$`), "Enter a number."},
		{on(`^(?:expected|invalid) boolean$`), "Enter true or false."},
		{on(`^expected string$`), "Enter a text."},
		{on(`^expected array$`), "Give a list."},
		{on(`^expected object$`), "Give an object with fields."},
		{on(`^expected required property ([a-z0-9_]+) to be present$`), "Fill this in."},
		{on(`^required [a-z]+ parameter is missing$`), "Fill this in."},
		{on(`^unexpected property$`), "Leave out fields that are not described for this."},
	}
}

// advice says what to do about a complaint; missing names the member that is not there.
func (a *API) advice(complaint string) (text, missing string) {
	for _, one := range a.advices {
		m := one.complaint.FindStringSubmatch(complaint)
		if m == nil {
			continue
		}
		if strings.HasPrefix(complaint, "expected required property") {
			missing = m[1]
		}
		return strings.Replace(one.text, "%s", m[len(m)-1], 1), missing
	}
	return "Send JSON that can be read.", ""
}
