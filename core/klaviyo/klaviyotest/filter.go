package klaviyotest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/flosch/pongo2/v6"
)

func same(in, _ *pongo2.Value) (*pongo2.Value, *pongo2.Error) { return in, nil }

// lookup is Klaviyo's filter for names with spaces or signs, and for places in a list.
func lookup(in, name *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
	switch v := in.Interface().(type) {
	case dict:
		return pongo2.AsValue(v[name.String()]), nil
	case list:
		if i, err := strconv.Atoi(name.String()); err == nil && i >= 0 && i < len(v) {
			return pongo2.AsValue(v[i]), nil
		}
	}
	return pongo2.AsValue(nil), nil
}

// asText makes what is printed a string, as Django does before it escapes.
func asText(in, _ *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
	switch v := in.Interface().(type) {
	case dict, list:
		return pongo2.AsValue(fmt.Sprint(v)), nil
	}
	return in, nil
}

// escape is Django's, which writes an apostrophe in hexadecimal.
func escape(in, _ *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
	r := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;")
	return pongo2.AsSafeValue(r.Replace(in.String())), nil
}

// urlencode is Python's quote: a space is %20, and / stays unless another set is given.
func urlencode(in, keep *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
	safe := "/"
	if !keep.IsNil() {
		safe = keep.String()
	}
	var b strings.Builder
	for _, c := range []byte(in.String()) {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if plain || strings.IndexByte("_.-~"+safe, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return pongo2.AsValue(b.String()), nil
}

// date writes a time in Django's letters; text that is no time is empty.
func date(in, format *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
	var t time.Time
	switch v := in.Interface().(type) {
	case time.Time:
		t = v
	case string:
		read, ok := readTime(v)
		if !ok {
			return pongo2.AsValue(""), nil
		}
		t = read
	default:
		return pongo2.AsValue(""), nil
	}
	layout := format.String()
	if layout == "" {
		layout = "N j, Y"
	}
	letters := dateLetters()
	var b strings.Builder
	escaped := false
	for _, c := range layout {
		goLayout, known := letters[c]
		switch {
		case escaped:
			b.WriteRune(c)
			escaped = false
		case c == '\\':
			escaped = true
		case c == 'b':
			b.WriteString(strings.ToLower(t.Format("Jan")))
		case known:
			b.WriteString(t.Format(goLayout))
		default:
			b.WriteRune(c)
		}
	}
	return pongo2.AsValue(b.String()), nil
}

// dateLetters are Django's letters in Go's layouts.
func dateLetters() map[rune]string {
	return map[rune]string{
		'd': "02",
		'j': "2",
		'D': "Mon",
		'l': "Monday",
		'm': "01",
		'n': "1",
		'M': "Jan",
		'N': "Jan.",
		'F': "January",
		'b': "jan",
		'y': "06",
		'Y': "2006",
		'H': "15",
		'G': "15",
		'h': "03",
		'g': "3",
		'i': "04",
		's': "05",
		'A': "PM",
		'a': "pm",
		'P': "3:04 pm",
		'e': "MST",
		'O': "-0700",
		'c': "2006-01-02T15:04:05Z07:00",
	}
}
