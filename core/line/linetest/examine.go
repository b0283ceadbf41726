package linetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"lumo/core/vendortest"
)

// LINE's limits of a message. Labels and titles count graphemes at LINE and runes here.
const (
	maxText   = 5000
	maxAlt    = 1500
	maxURI    = 1000
	maxImage  = 2000
	maxBubble = 30 << 10
	maxCarrs  = 50 << 10
)

// examiner collects what is wrong with messages.
type examiner struct {
	strict  bool
	at      string // messages[0]
	details []detail
	flex    string // the path of a component that a Flex message may not have
	notes   []string
}

// object is a JSON object that is read field by field.
type object map[string]any

// examine checks 1-5 messages. The first value lists what a real LINE would not have taken.
func (s *Server) examine(messages []json.RawMessage) ([]string, *answer) {
	e := &examiner{strict: s.strict}
	if len(messages) < 1 || len(messages) > 5 {
		e.add("Size must be between 1 and 5", "messages")
	}
	for i, raw := range messages {
		e.at = fmt.Sprintf("messages[%d]", i)
		var m object
		if json.Unmarshal(raw, &m) != nil || m == nil {
			e.add("must be an object", e.at)
			continue
		}
		e.message(m, raw)
		if e.flex != "" {
			a := refuse(http.StatusBadRequest, "A message ("+e.at+") in the request body is invalid",
				detail{"invalid property", e.flex})
			return nil, &a
		}
	}
	if n := len(e.details); n > 0 {
		a := refuse(
			http.StatusBadRequest,
			fmt.Sprintf("The request body has %d error(s)", n),
			e.details...)
		return nil, &a
	}
	return e.notes, nil
}

func (e *examiner) add(message, property string) {
	e.details = append(e.details, detail{message, property})
}

func (e *examiner) message(m object, raw json.RawMessage) {
	switch m.text("type") {
	case "text", "textV2":
		e.text(m)
	case "sticker":
		e.length(m, "packageId", 1, 100)
		e.length(m, "stickerId", 1, 100)
	case "image", "video":
		e.image(m, "originalContentUrl", true)
		e.image(m, "previewImageUrl", true)
	case "audio":
		e.image(m, "originalContentUrl", true)
	case "location":
		e.length(m, "title", 1, 100)
		e.length(m, "address", 1, 100)
	case "imagemap":
		e.imagemap(m)
	case "template":
		e.template(m)
	case "flex":
		e.flexMessage(m, raw)
	default:
		e.add("Unknown message type", e.at+".type")
	}
	e.extras(m)
}

// text checks length in UTF-16 units, as LINE counts, and the emoji list.
func (e *examiner) text(m object) {
	text := m.text("text")
	switch n := len(utf16.Encode([]rune(text))); {
	case text == "":
		e.add("May not be empty", e.at+".text")
	case n > maxText:
		e.add(fmt.Sprintf("Length must be between 0 and %d", maxText), e.at+".text")
	}
	emojis := m.list("emojis")
	if len(emojis) > 20 {
		e.add("Size must be between 0 and 20", e.at+".emojis")
	}
	units := utf16.Encode([]rune(text))
	for i, item := range emojis {
		index := int(item.number("index"))
		if index < 0 || index >= len(units) || units[index] != '$' {
			e.add("Invalid emoji index", fmt.Sprintf("%s.emojis[%d].index", e.at, i))
		}
	}
}

func (e *examiner) imagemap(m object) {
	e.image(m, "baseUrl", true)
	e.length(m, "altText", 1, maxAlt)
	if size := m.child("baseSize"); size.number("width") != 1040 || size.number("height") < 1 {
		e.add("must be 1040", e.at+".baseSize.width")
	}
	actions := m.list("actions")
	if len(actions) > 50 {
		e.add("Size must be between 0 and 50", e.at+".actions")
	}
	for i, a := range actions {
		at := fmt.Sprintf("%s.actions[%d]", e.at, i)
		switch a.text("type") {
		case "uri":
			e.uri(a, "linkUri", at)
		case "message":
			e.runes(a.text("text"), 1, 400, at+".text")
		}
	}
}

// extras are the parts that any message may have.
func (e *examiner) extras(m object) {
	if sender := m.child("sender"); sender != nil {
		e.runes(sender.text("name"), 0, 20, e.at+".sender.name")
		e.image(sender, "iconUrl", false)
	}
	items := m.child("quickReply").list("items")
	if len(items) > 13 {
		e.add("Size must be between 1 and 13", e.at+".quickReply.items")
	}
	for i, item := range items {
		at := fmt.Sprintf("%s.quickReply.items[%d]", e.at, i)
		if item.text("type") != "action" {
			e.add("must be specified", at+".type")
		}
		e.action(item.child("action"), at+".action", 20)
		e.image(item, "imageUrl", false)
	}
}

// action checks any action object.
func (e *examiner) action(a object, at string, label int) {
	if a == nil {
		e.add("May not be empty", at)
		return
	}
	e.runes(a.text("label"), 0, label, at+".label")
	switch a.text("type") {
	case "uri":
		e.uri(a, "uri", at)
		if alt := a.child("altUri"); alt != nil {
			e.uri(alt, "desktop", at+".altUri")
		}
	case "postback":
		e.runes(a.text("data"), 1, 300, at+".data")
		e.runes(a.text("displayText"), 0, 300, at+".displayText")
	case "message":
		e.runes(a.text("text"), 1, 300, at+".text")
	case "datetimepicker", "camera", "cameraRoll", "location", "richmenuswitch", "clipboard":
	default:
		e.add("Unknown action type", at+".type")
	}
}

// uri checks a link: at most 1,000 characters, percent-encoded, one of four schemes.
func (e *examiner) uri(o object, field, at string) {
	text := o.text(field)
	if n := utf8.RuneCountInString(text); n < 1 || n > maxURI {
		e.add(fmt.Sprintf("Length must be between 1 and %d", maxURI), at+"."+field)
		return
	}
	u, err := url.Parse(text)
	if err != nil || !slices.Contains([]string{"http", "https", "line", "tel"}, u.Scheme) ||
		!plainASCII(text) {
		e.add("invalid uri", at+"."+field)
	}
}

// image checks an image address: https, at most 2,000 characters.
func (e *examiner) image(o object, field string, required bool) {
	text := o.text(field)
	at := e.at + "." + field
	if text == "" {
		if required {
			e.add("May not be empty", at)
		}
		return
	}
	if !e.address(text) {
		e.add("Must be a valid HTTPS URL", at)
	}
}

// address judges an image address and notes plain http that only a simulator takes.
func (e *examiner) address(text string) bool {
	u, plain, ok := vendortest.Target(text, e.strict)
	if !ok || len(text) > maxImage || !plainASCII(text) {
		return false
	}
	if note := "plain http taken for " + u.Host; plain && !slices.Contains(e.notes, note) {
		e.notes = append(e.notes, note)
	}
	return true
}

func plainASCII(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

func (e *examiner) length(o object, field string, low, high int) {
	e.runes(o.text(field), low, high, e.at+"."+field)
}

func (e *examiner) runes(text string, low, high int, at string) {
	switch n := utf8.RuneCountInString(text); {
	case low > 0 && n == 0:
		e.add("May not be empty", at)
	case n > high:
		e.add(fmt.Sprintf("Length must be between %d and %d", 0, high), at)
	}
}

func (o object) text(field string) string { v, _ := o[field].(string); return v }

func (o object) number(field string) float64 {
	v, is := o[field].(float64)
	if !is {
		return -1
	}
	return v
}

func (o object) child(field string) object { v, _ := o[field].(map[string]any); return v }

func (o object) list(field string) []object {
	items, _ := o[field].([]any)
	var out []object
	for _, item := range items {
		v, _ := item.(map[string]any)
		out = append(out, v)
	}
	return out
}
