package message

import (
	"strconv"

	"lumo/core/message/jsontree"
)

// place is where a value stands in a LINE message.
type place struct {
	path   string         // "contents.body.contents[2].action.uri"
	name   string         // of the member: "uri"
	parent jsontree.Value // the object that holds it
	kind   string         // the parent's "type"
}

// use says how a string is used, which decides what a variable in it means.
type use int

const (
	asWord    use = iota // LINE's own words: types, sizes, colours. Nothing is put in
	asText               // people read it
	asLink               // an address that a tap opens
	asPicture            // an address that a picture, film or sound is loaded from
)

// useOf tells how LINE uses a string.
func (p place) useOf() use {
	switch p.name {
	case "uri", "linkUri", "desktop":
		return asLink
	case "url", "originalContentUrl", "previewImageUrl", "thumbnailImageUrl", "imageUrl", "iconUrl", "baseUrl":
		return asPicture
	case "text", "altText", "label", "title", "displayText", "fillInText", "data", "clipboardText", "name",
		"address":
		return asText
	}
	return asWord
}

// eachString visits every string of a message, in the order in which they are written.
func eachString(text string, v jsontree.Value, at place, visit func(place, jsontree.Decoded, jsontree.Value)) {
	switch v.Kind {
	case jsontree.String:
		visit(at, jsontree.Decode(text, v.From, v.To), v)
	case jsontree.Object:
		kind := word(text, v, "type")
		for _, m := range v.Members {
			path := m.Name
			if at.path != "" {
				path = at.path + "." + m.Name
			}
			eachString(text, m.Value, place{path, m.Name, v, kind}, visit)
		}
	case jsontree.Array:
		for i, item := range v.Items {
			inside := at
			inside.path += "[" + strconv.Itoa(i) + "]"
			eachString(text, item, inside, visit)
		}
	}
}

// word is a member of an object as text; empty = there is none, or it is no string.
func word(text string, v jsontree.Value, name string) string {
	m, ok := v.Get(name)
	if !ok || m.Kind != jsontree.String {
		return ""
	}
	return jsontree.Decode(text, m.From, m.To).Text
}

// number is a member of an object as a number; ok is false where there is none.
func number(text string, v jsontree.Value, name string) (float64, bool) {
	m, ok := v.Get(name)
	if !ok || m.Kind != jsontree.Number {
		return 0, false
	}
	n, err := strconv.ParseFloat(text[m.From:m.To], 64)
	return n, err == nil
}
