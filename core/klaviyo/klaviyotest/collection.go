package klaviyotest

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rule says what a collection may be asked: filters, sort fields, page sizes.
type rule struct {
	kind    string              // resource type, for fields[..]
	filters map[string][]string // field -> operators
	sorts   []string
	size    int // default page size, 0 = no page[size]
	most    int
	// includes finds what resources refer to, by kind; a nil answer = there is none.
	includes map[string]func(id string) object
}

// condition is one part of a filter.
type condition struct {
	op     string
	field  string
	values []string
}

// readFilter takes filter=op(field,value),op(field,value) apart.
func readFilter(text string) ([]condition, bool) {
	var out []condition
	for text != "" {
		op, rest, found := strings.Cut(text, "(")
		if !found {
			return nil, false
		}
		inside, after, closed := cutClosing(rest)
		if !closed {
			return nil, false
		}
		field, value, _ := strings.Cut(inside, ",")
		values, ok := readValues(strings.TrimSpace(value))
		if !ok {
			return nil, false
		}
		out = append(out, condition{strings.TrimSpace(op), strings.TrimSpace(field), values})
		text = strings.TrimPrefix(strings.TrimSpace(after), ",")
		if strings.TrimSpace(after) != "" && text == strings.TrimSpace(after) {
			return nil, false
		}
	}
	return out, true
}

// cutClosing splits at the closing parenthesis, which may also stand inside a string.
func cutClosing(text string) (inside, after string, ok bool) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ')' && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return "", "", false
}

// readValues reads one value or a list of them; strings stand in double quotes.
func readValues(text string) ([]string, bool) {
	if text == "" {
		return nil, true
	}
	list := strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]")
	if list {
		text = text[1 : len(text)-1]
	}
	var out []string
	for text != "" {
		text = strings.TrimSpace(text)
		if !strings.HasPrefix(text, `"`) {
			value, rest, _ := strings.Cut(text, ",")
			if strings.ContainsAny(value, `[]"`) {
				return nil, false
			}
			out, text = append(out, strings.TrimSpace(value)), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return nil, false
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, false
		}
		out = append(out, value)
		text = strings.TrimSpace(text[len(quoted):])
		if text != "" && !strings.HasPrefix(text, ",") {
			return nil, false
		}
		text = strings.TrimPrefix(text, ",")
	}
	return out, list || len(out) == 1
}

// item is one resource with the values that filters and sorts look at.
type item struct {
	fields map[string]any // string, time.Time or bool
	body   func() object
}

// collect answers a collection: filter, sort, page, sparse fields, links.
func (s *Server) collect(c *call, r rule, items []item) answer {
	q := c.URL.Query()
	conditions, fine := readFilter(q.Get("filter"))
	if !fine {
		return s.parameter("filter", "The filter cannot be parsed.")
	}
	for _, k := range conditions {
		if !slices.Contains(r.filters[k.field], k.op) {
			return s.parameter("filter", "'"+k.field+"' cannot be filtered with '"+k.op+"'.")
		}
	}
	items = slices.DeleteFunc(slices.Clone(items), func(i item) bool { return !i.match(conditions) })
	if by := q.Get("sort"); by != "" {
		if !slices.Contains(r.sorts, by) {
			return s.parameter("sort", "'"+by+"' is not a valid sort.")
		}
		field, down := strings.CutPrefix(by, "-")
		slices.SortStableFunc(items, func(a, b item) int {
			if down {
				a, b = b, a
			}
			return compare(a.fields[field], b.fields[field])
		})
	}
	size, start, bad := page(q, r)
	if bad != "" {
		return s.parameter(bad, "The page parameters are not valid.")
	}
	start = min(start, len(items))
	end := min(start+size, len(items))
	data := make([]any, 0, end-start)
	for _, i := range items[start:end] {
		data = append(data, sparse(i.body(), q.Get("fields["+r.kind+"]")))
	}
	body := object{"data": data, "links": links(c, start, end, size, len(items))}
	if kind := q.Get("include"); kind != "" {
		if r.includes[kind] == nil {
			return s.parameter("include", "'"+kind+"' is not a valid include.")
		}
		body["included"] = included(data, kind, q.Get("fields["+kind+"]"), r.includes[kind])
	}
	return answer{status: 200, body: body}
}

// included are what resources refer to, each once.
func included(data []any, kind, fields string, find func(id string) object) []any {
	all, seen := []any{}, map[string]bool{}
	for _, one := range data {
		id, _ := path(one, "relationships", kind, "data", "id").(string)
		if v := find(id); v != nil && !seen[id] {
			all, seen[id] = append(all, sparse(v, fields)), true
		}
	}
	return all
}

func page(q url.Values, r rule) (size, start int, bad string) {
	size = r.size
	if size == 0 {
		size = 200
	}
	if text := q.Get("page[size]"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > r.most || r.size == 0 {
			return 0, 0, "page[size]"
		}
		size = n
	}
	if text := q.Get("page[cursor]"); text != "" {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		n, err2 := strconv.Atoi(strings.TrimPrefix(string(raw), "from:"))
		if err != nil || err2 != nil || n < 0 {
			return 0, 0, "page[cursor]"
		}
		start = n
	}
	return size, start, ""
}

// links of a collection; the ends have explicit nulls, as seen live.
func links(c *call, start, end, size, total int) object {
	at := func(from int) any {
		q := c.URL.Query()
		q.Set("page[cursor]", base64.RawURLEncoding.EncodeToString([]byte("from:"+itoa(from))))
		return c.base + c.URL.Path + "?" + q.Encode()
	}
	self := c.base + c.URL.Path
	if c.URL.RawQuery != "" {
		self += "?" + c.URL.RawQuery
	}
	out := object{"self": self, "next": nil, "prev": nil}
	if end < total {
		out["next"] = at(end)
	}
	if start > 0 {
		out["prev"] = at(max(start-size, 0))
	}
	return out
}

// sparse keeps the attributes that were asked for.
func sparse(body object, fields string) object {
	attributes, is := body["attributes"].(object)
	if fields == "" || !is {
		return body
	}
	kept := object{}
	for _, field := range strings.Split(fields, ",") {
		top, _, _ := strings.Cut(strings.TrimSpace(field), ".")
		if v, had := attributes[top]; had {
			kept[top] = v
		}
	}
	out := object{}
	for k, v := range body {
		out[k] = v
	}
	out["attributes"] = kept
	return out
}

func (i item) match(conditions []condition) bool {
	for _, k := range conditions {
		have, known := i.fields[k.field]
		switch k.op {
		case "has":
			if !known {
				return false
			}
		case "any", "equals":
			if !slices.ContainsFunc(k.values, func(v string) bool { return compareText(have, v) == 0 }) {
				return false
			}
		default:
			if len(k.values) != 1 || !ordered(k.op, have, k.values[0]) {
				return false
			}
		}
	}
	return true
}

func ordered(op string, have any, want string) bool {
	n := compareText(have, want)
	text, _ := have.(string)
	switch op {
	case "greater-than":
		return n > 0
	case "greater-or-equal":
		return n >= 0
	case "less-than":
		return n < 0
	case "less-or-equal":
		return n <= 0
	case "contains":
		return strings.Contains(text, want)
	case "starts-with":
		return strings.HasPrefix(text, want)
	case "ends-with":
		return strings.HasSuffix(text, want)
	}
	return false
}

func compareText(have any, want string) int {
	switch v := have.(type) {
	case time.Time:
		t, ok := readTime(want)
		if !ok {
			return -1
		}
		return v.Compare(t)
	case int64:
		n, err := strconv.ParseInt(want, 10, 64)
		if err != nil {
			return -1
		}
		return compare(v, n)
	case bool:
		return strings.Compare(strconv.FormatBool(v), want)
	case string:
		return strings.Compare(v, want)
	}
	return -1
}

func compare(a, b any) int {
	switch a := a.(type) {
	case time.Time:
		b, _ := b.(time.Time)
		return a.Compare(b)
	case int64:
		b, _ := b.(int64)
		return int(min(max(a-b, -1), 1))
	case string:
		b, _ := b.(string)
		return strings.Compare(a, b)
	}
	return 0
}

// readTime reads the forms of a time that Klaviyo takes.
func readTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parameter is a 400 that names a query parameter.
func (s *Server) parameter(name, detail string) answer {
	a := s.refuse(problem{400, "invalid", "", detail, "", nil})
	first := a.body.(object)["errors"].([]any)[0].(object)
	first["source"] = object{"parameter": name}
	return a
}
