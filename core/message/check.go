package message

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/core/message/jsontree"
)

// Check applies our own rules, which are LINE's as far as they are known.
func Check(b Body) []Problem {
	c := &checker{}
	switch n := len(b.Blocks); {
	case n == 0:
		c.block = -1
		c.fail("no_blocks", "", 0, nil)
		return c.found
	case n > MaxBlocks:
		c.block = -1
		c.fail("too_many_blocks", "", 0, map[string]any{"max": MaxBlocks, "over": n - MaxBlocks})
	}
	for i, text := range b.Blocks {
		c.block = i
		c.own(text)
	}
	c.block = -1
	for _, part := range []struct{ name, text string }{{"quickReply", b.QuickReply}, {"sender", b.Sender}} {
		if strings.TrimSpace(part.text) != "" {
			c.whole(`{"`+part.name+`":`+part.text+`}`, c.extras)
		}
	}
	c.text = ""
	c.utm(b.UTM)
	return c.found
}

// utm checks the campaign parameters. They know neither a person nor an event: a target that
// held their values would be a link of its own for each.
func (c *checker) utm(u lumo.UTM) {
	for _, f := range utmFields(u) {
		if n := utf8.RuneCountInString(f.text); n > lumo.MaxUTM {
			c.fail("too_long", f.name, 0, map[string]any{"n": n, "max": lumo.MaxUTM, "over": n - lumo.MaxUTM})
		}
		known := utmValues("", "", 1)
		for _, v := range Variables(f.text) {
			if _, ok := known[v.Name]; !ok {
				c.fail("utm_variable", f.name, 0, map[string]any{"name": v.Name})
			}
		}
		for _, found := range klaviyoTemplates(f.text) {
			c.fail("utm_variable", f.name, 0, map[string]any{"name": found})
		}
	}
}

// checker collects problems of one body.
type checker struct {
	block int
	text  string // the JSON under way
	found []Problem
}

func (c *checker) add(level Level, code, path string, at int, data map[string]any) {
	c.found = append(c.found, Problem{Level: level, Code: code, Block: c.block, Path: path,
		Line: jsontree.Line(c.text, at), Data: data})
}

func (c *checker) fail(code, path string, at int, data map[string]any) {
	c.add(ErrorLevel, code, path, at, data)
}

// own checks one block.
func (c *checker) own(text string) { c.whole(text, c.message) }

func (c *checker) whole(text string, check func(v jsontree.Value)) {
	c.text = text
	v, err := jsontree.Parse(text)
	var problem *jsontree.Error
	switch {
	case errors.As(err, &problem):
		code := map[jsontree.Problem]string{jsontree.Syntax: "not_json", jsontree.Twice: "name_twice",
			jsontree.Deep: "too_deep"}[problem.Problem]
		c.found = append(c.found, Problem{Level: ErrorLevel, Code: code, Block: c.block, Line: problem.Line,
			Data: map[string]any{"line": problem.Line, "name": problem.Name}})
	case v.Kind != jsontree.Object:
		c.fail("not_json", "", 0, map[string]any{"line": 1})
	default:
		check(v)
		c.strings(v)
	}
}

// message checks a LINE message by its type.
func (c *checker) message(v jsontree.Value) {
	switch kind := word(c.text, v, "type"); kind {
	case "text", "textV2":
		c.needed(v, "", "text")
		c.emojis(v)
	case "sticker":
		c.needed(v, "", "packageId")
		c.needed(v, "", "stickerId")
	case "image", "video":
		c.needed(v, "", "originalContentUrl")
		c.needed(v, "", "previewImageUrl")
	case "audio":
		c.needed(v, "", "originalContentUrl")
	case "location":
		c.needed(v, "", "title")
		c.needed(v, "", "address")
	case "imagemap":
		c.imagemap(v)
	case "template":
		c.alt(v)
		c.template(v)
	case "flex":
		c.alt(v)
		c.flex(v)
	case "":
		c.fail("missing", "type", v.From, map[string]any{"field": "type"})
	default:
		c.fail("unknown_type", "type", v.From, map[string]any{"type": kind})
	}
	c.extras(v)
}

// needed checks that a text is there. One that is all variable counts as there.
func (c *checker) needed(v jsontree.Value, path, name string) {
	m, ok := v.Get(name)
	at := join(path, name)
	switch {
	case !ok || m.Kind != jsontree.String:
		c.fail("missing", at, v.From, map[string]any{"field": name})
	case strings.TrimSpace(word(c.text, v, name)) == "":
		c.fail("empty", at, m.From, map[string]any{"field": name})
	}
}

func (c *checker) alt(v jsontree.Value) {
	if strings.TrimSpace(word(c.text, v, "altText")) == "" {
		c.fail("alt_missing", "altText", v.From, nil)
	}
}

// emojis refuses LINE's own emoji beside variables: LINE finds them by position.
func (c *checker) emojis(v jsontree.Value) {
	list, _ := v.Get("emojis")
	if len(list.Items) > 0 && len(Variables(word(c.text, v, "text"))) > 0 {
		c.fail("emoji_shift", "emojis", list.From, nil)
	}
	c.count(list, "emojis", 0, 20)
}

func (c *checker) count(list jsontree.Value, path string, low, high int) {
	switch n := len(list.Items); {
	case n > high:
		c.fail("too_many", path, list.From, map[string]any{"n": n, "max": high, "over": n - high})
	case n < low:
		c.fail("too_few", path, list.From, map[string]any{"n": n, "min": low})
	}
}

func (c *checker) imagemap(v jsontree.Value) {
	c.alt(v)
	c.needed(v, "", "baseUrl")
	size, _ := v.Get("baseSize")
	if w, ok := number(c.text, size, "width"); !ok || w != 1040 {
		c.fail("imagemap_width", "baseSize.width", size.From, nil)
	}
	height, ok := number(c.text, size, "height")
	if !ok || height < 1 || height != float64(int(height)) {
		c.fail("imagemap_height", "baseSize.height", size.From, nil)
	}
	actions, _ := v.Get("actions")
	c.count(actions, "actions", 0, maxAreas)
	for i, a := range actions.Items {
		path := "actions[" + itoa(i) + "]"
		area, _ := a.Get("area")
		var box [4]float64
		good := true
		for j, name := range []string{"x", "y", "width", "height"} {
			n, ok := number(c.text, area, name)
			box[j], good = n, good && ok && n >= 0
		}
		if !good || box[2] < 1 || box[3] < 1 || box[0]+box[2] > 1040 || ok && box[1]+box[3] > height {
			c.fail("area_outside", path+".area", a.From, nil)
		}
		switch word(c.text, a, "type") {
		case "uri":
			c.needed(a, path, "linkUri")
		case "message":
			c.needed(a, path, "text")
		case "clipboard":
		default:
			c.fail("unknown_type", path+".type", a.From, map[string]any{"type": word(c.text, a, "type")})
		}
	}
}

// extras are the parts that any message may have.
func (c *checker) extras(v jsontree.Value) {
	reply, ok := v.Get("quickReply")
	if !ok {
		return
	}
	items, _ := reply.Get("items")
	c.count(items, "quickReply.items", 1, maxQuick)
	for i, item := range items.Items {
		path := "quickReply.items[" + itoa(i) + "]"
		if word(c.text, item, "type") != "action" {
			c.fail("missing", path+".type", item.From, map[string]any{"field": "type"})
		}
		a, ok := item.Get("action")
		c.action(a, path+".action", ok, true)
	}
}

// action checks any action; quick replies need a label.
func (c *checker) action(a jsontree.Value, path string, there, label bool) {
	if !there || a.Kind != jsontree.Object {
		c.fail("missing", path, a.From, map[string]any{"field": "action"})
		return
	}
	if label {
		c.needed(a, path, "label")
	}
	switch kind := word(c.text, a, "type"); kind {
	case "uri":
		c.needed(a, path, "uri")
	case "message":
		c.needed(a, path, "text")
	case "postback", "datetimepicker":
		c.needed(a, path, "data")
	case "clipboard":
		c.needed(a, path, "clipboardText")
	case "camera", "cameraRoll", "location", "richmenuswitch":
	default:
		c.fail("unknown_type", path+".type", a.From, map[string]any{"type": kind})
	}
}

// strings checks what holds for every string: length, addresses, variables.
func (c *checker) strings(v jsontree.Value) {
	eachString(c.text, v, place{}, func(at place, d jsontree.Decoded, v jsontree.Value) {
		used := at.useOf()
		if used == asWord {
			return
		}
		plain := Substitute(d.Text, nil)
		hasVariables := len(Variables(d.Text)) > 0
		switch used {
		case asText:
			c.length(at, plain, v.From)
		case asLink:
			c.link(at, plain, hasVariables, v.From)
		case asPicture:
			c.picture(at, plain, hasVariables, v.From)
		}
		c.variables(at, d.Text, used, v.From)
	})
}

func (c *checker) length(at place, text string, from int) {
	most, count := limitOf(at)
	if n := count(text); n > most {
		c.fail("too_long", at.path, from, map[string]any{"n": n, "max": most, "over": n - most})
	}
}

func (c *checker) link(at place, text string, hasVariables bool, from int) {
	if n := utf8.RuneCountInString(text); n > maxURI {
		c.fail("uri_too_long", at.path, from, map[string]any{"n": n, "max": maxURI})
		return
	}
	if hasVariables || text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || !slices.Contains(linkSchemes(), u.Scheme) || plainURL(text) != text ||
		strings.HasPrefix(u.Scheme, "http") && u.Host == "" {
		c.fail("uri_bad", at.path, from, nil)
	}
}

func (c *checker) picture(at place, text string, hasVariables bool, from int) {
	if n := utf8.RuneCountInString(text); n > maxPictureURL {
		c.fail("picture_url_long", at.path, from, map[string]any{"n": n, "max": maxPictureURL})
		return
	}
	if hasVariables || text == "" {
		return
	}
	if !secure(text) || plainURL(text) != text {
		c.fail("picture_url_bad", at.path, from, nil)
	}
}

// secure tells whether LINE loads from an address. Plain http counts on this machine alone,
// where simulators are.
func secure(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	host := u.Hostname()
	return u.Scheme == "https" || u.Scheme == "http" && (host == "127.0.0.1" || host == "localhost" || host == "::1")
}

// variables warns of what would be missing for a person, and of another template language.
func (c *checker) variables(at place, text string, used use, from int) {
	for _, found := range klaviyoTemplates(text) {
		c.add(WarningLevel, "klaviyo_template", at.path, from, map[string]any{"found": found, "fix": fixTemplate(found)})
	}
	for i, p := range parse(text) {
		if p.variable == nil || p.variable.Default != "" {
			continue
		}
		switch {
		case used != asText && i == 0:
			c.fail("link_no_fallback", at.path, from, map[string]any{"name": p.variable.Name})
		case !p.variable.Given:
			c.add(WarningLevel, "no_fallback", at.path, from, map[string]any{"name": p.variable.Name})
		}
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// withoutFallback names the variables of a body in whose place nothing would stand.
func (b Body) withoutFallback() (names []string) {
	for _, p := range Check(b) {
		if name, _ := p.Data["name"].(string); p.Code == "no_fallback" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
