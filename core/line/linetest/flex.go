package linetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// template checks the older card messages.
func (e *examiner) template(m object) {
	e.length(m, "altText", 1, maxAlt)
	t := m.child("template")
	at := e.at + ".template"
	switch t.text("type") {
	case "buttons":
		e.card(t, at, 160, 4)
	case "confirm":
		e.runes(t.text("text"), 1, 240, at+".text")
		e.actions(t, at, 2, 2)
	case "carousel":
		columns := t.list("columns")
		if n := len(columns); n < 1 || n > 10 {
			e.add("Size must be between 1 and 10", at+".columns")
		}
		for i, column := range columns {
			e.card(column, fmt.Sprintf("%s.columns[%d]", at, i), 120, 3)
		}
	case "image_carousel":
		for i, column := range t.list("columns") {
			e.image(column, "imageUrl", true)
			e.action(column.child("action"), fmt.Sprintf("%s.columns[%d].action", at, i), 12)
		}
	default:
		e.add("Unknown template type", at+".type")
	}
}

// card is one column or the body of a buttons template; its text is shorter beside a
// picture or a title.
func (e *examiner) card(t object, at string, text, actions int) {
	if t.text("thumbnailImageUrl") != "" || t.text("title") != "" {
		text = 60
	}
	e.runes(t.text("title"), 0, 40, at+".title")
	e.runes(t.text("text"), 1, text, at+".text")
	e.image(t, "thumbnailImageUrl", false)
	e.actions(t, at, 1, actions)
	if a := t.child("defaultAction"); a != nil {
		e.action(a, at+".defaultAction", 20)
	}
}

func (e *examiner) actions(t object, at string, low, high int) {
	list := t.list("actions")
	if n := len(list); n < low || n > high {
		e.add(fmt.Sprintf("Size must be between %d and %d", low, high), at+".actions")
	}
	for i, a := range list {
		e.action(a, fmt.Sprintf("%s.actions[%d]", at, i), 20)
	}
}

// flexMessage checks a Flex message: sizes, component types, links and pictures. LINE names
// only the place of the first mistake, as a path from the container.
func (e *examiner) flexMessage(m object, raw json.RawMessage) {
	e.length(m, "altText", 1, maxAlt)
	var whole struct {
		Contents json.RawMessage `json:"contents"`
	}
	_ = json.Unmarshal(raw, &whole) // it was an object a moment ago
	contents := m.child("contents")
	switch contents.text("type") {
	case "bubble":
		e.size(len(whole.Contents), maxBubble)
		e.bubble(contents, "")
	case "carousel":
		e.size(len(whole.Contents), maxCarrs)
		bubbles := contents.list("contents")
		if n := len(bubbles); n < 1 || n > 12 {
			e.wrong("/contents")
		}
		for i, b := range bubbles {
			if b.text("type") != "bubble" || b.text("size") != bubbles[0].text("size") {
				e.wrong("/contents/" + strconv.Itoa(i))
			}
			e.bubble(b, "/contents/"+strconv.Itoa(i))
		}
	default:
		e.wrong("/")
	}
}

func (e *examiner) size(n, limit int) {
	if n > limit {
		e.add(fmt.Sprintf("must be at most %d bytes", limit), e.at+".contents")
	}
}

// wrong keeps the first wrong place.
func (e *examiner) wrong(path string) {
	if e.flex == "" {
		e.flex = path
	}
}

func (e *examiner) bubble(b object, path string) {
	sizes := []string{"", "nano", "micro", "deca", "hecto", "kilo", "mega", "giga"}
	if !slices.Contains(sizes, b.text("size")) {
		e.wrong(path + "/size")
	}
	for _, part := range []string{"header", "hero", "body", "footer"} {
		if c := b.child(part); c != nil {
			e.component(c, path+"/"+part, part)
		}
	}
	e.flexAction(b, path)
}

func (e *examiner) component(c object, path, part string) {
	switch kind := c.text("type"); {
	case kind == "box":
		if !slices.Contains([]string{"horizontal", "vertical", "baseline"}, c.text("layout")) {
			e.wrong(path + "/layout")
		}
		if _, given := c["contents"].([]any); !given {
			e.wrong(path + "/contents")
		}
		for i, inner := range c.list("contents") {
			e.component(inner, path+"/contents/"+strconv.Itoa(i), "box")
		}
	case part == "header" || part == "body" || part == "footer":
		e.wrong(path) // these parts are boxes
	case kind == "image" || kind == "icon" || kind == "video":
		if !e.address(c.text("url")) {
			e.wrong(path + "/url")
		}
	case kind == "button":
		if c.child("action") == nil {
			e.wrong(path + "/action")
		}
	case kind == "text":
		if c.text("text") == "" && len(c.list("contents")) == 0 {
			e.wrong(path + "/text")
		}
	case kind == "separator" || kind == "filler" || kind == "spacer" || kind == "span":
	default:
		e.wrong(path)
	}
	e.flexAction(c, path)
}

// flexAction checks a component's action; mistakes are named by path as well.
func (e *examiner) flexAction(c object, path string) {
	a := c.child("action")
	if a == nil {
		return
	}
	inner := &examiner{strict: e.strict}
	inner.action(a, "", 40)
	if len(inner.details) > 0 {
		e.wrong(path + "/action" + strings.ReplaceAll(inner.details[0].Property, ".", "/"))
	}
}
