package message

import (
	"context"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"lumo/core/lumo"
	"lumo/core/message/jsontree"
	"lumo/shared/edgeapi"
)

// program is a body made ready for rendering: stretches of LINE's JSON that are the same for
// everybody, and holes between them. It is made once for a version and used for each person.
type program struct {
	parts []stretch
}

// stretch is a run of JSON and the hole behind it; hole nil = the end.
type stretch struct {
	literal string
	hole    hole
}

// hole is a place that differs from person to person, or from delivery to delivery.
type hole interface{ fill(r *rendering) error }

// setting is what a program is made for, beside the body.
type setting struct {
	edgeURL string
	ownURL  string // of the merchant's host: its tracked links are ours; empty = none
	utm     string // query part for tracked links
	opens   bool   // beacons and pictures of one's own
	image   func(sha [32]byte) (number uint32, ok bool, err error)
}

// edit replaces text[from:to] by a hole.
type edit struct {
	from, to int
	hole     hole
}

// compile makes a program of all messages of a body: a JSON array.
func compile(b Body, s setting) (*program, error) {
	messages, err := b.messages()
	if err != nil {
		return nil, err
	}
	p := &program{}
	pending := "["
	for i, text := range messages {
		if i > 0 {
			pending += ","
		}
		edits, err := s.edits(text, i)
		if err != nil {
			return nil, err
		}
		end := 0
		for _, e := range edits {
			p.parts = append(p.parts, stretch{pending + text[end:e.from], e.hole})
			pending, end = "", e.to
		}
		pending += text[end:]
	}
	p.parts = append(p.parts, stretch{pending + "]", nil})
	return p, nil
}

// edits are the holes of one message, in their order.
func (s setting) edits(text string, block int) ([]edit, error) {
	v, err := jsontree.Parse(text)
	if err != nil {
		return nil, err
	}
	var out []edit
	kind := word(text, v, "type")
	beacon := s.beacon(text, v)
	eachString(text, v, place{}, func(at place, d jsontree.Decoded, v jsontree.Value) {
		if beacon != nil && v.From >= beacon.from {
			out, beacon = append(out, *beacon), nil
		}
		var found []edit
		switch at.useOf() {
		case asText:
			found = s.text(text, at, d, block, kind)
		case asLink:
			found = s.link(d, block)
		case asPicture:
			var e []edit
			if e, err = s.picture(d, at, block, kind); err == nil {
				found = e
			}
		}
		out = append(out, found...)
	})
	if beacon != nil {
		out = append(out, *beacon)
	}
	return out, err
}

// trackedRoom is more than a tracked address takes. A text that may be too long with them is
// measured each time.
const trackedRoom = 200

// text makes holes of variables and, in a text message, of web addresses.
func (s setting) text(whole string, at place, d jsontree.Decoded, block int, kind string) []edit {
	tracked := at.path == "text" && (kind == "text" || kind == "textV2")
	if emojis, ok := at.parent.Get("emojis"); ok && len(emojis.Items) > 0 {
		tracked = false // LINE finds its emoji by position, which an address would shift
	}
	parts := segments(whole, d)
	switch {
	case dynamic(parts), at.path == "text" && Length(d.Text) > MaxTextLength-trackedRoom*strings.Count(d.Text, "http"):
	case tracked:
		return s.addressesIn(d, block)
	default:
		return nil
	}
	max, count := limitOf(at)
	return []edit{{d.Raw(0), d.Raw(len(d.Text)), &textHole{parts: parts, tracked: tracked, setting: s,
		block: block, most: max, count: count, first: at.path == "text",
		needed: at.name == "text" || at.name == "altText" || at.name == "label"}}}
}

// addressesIn makes holes of the addresses of a text without variables.
func (s setting) addressesIn(d jsontree.Decoded, block int) []edit {
	var out []edit
	for _, a := range addresses(d.Text) {
		address := d.Text[a.from:a.to]
		if s.tracks(address) {
			out = append(out, edit{d.Raw(a.from), d.Raw(a.to), &linkHole{block, address, withUTM(address, s.utm)}})
		}
	}
	return out
}

// link makes a hole of an address that a tap opens.
func (s setting) link(d jsontree.Decoded, block int) []edit {
	from, to := d.Raw(0), d.Raw(len(d.Text))
	parts := segments("", d)
	switch {
	case dynamic(parts):
		return []edit{{from, to, &addressHole{block: block, parts: parts, link: true, setting: s}}}
	case s.tracks(d.Text):
		return []edit{{from, to, &linkHole{block, d.Text, withUTM(d.Text, s.utm)}}}
	}
	return nil
}

// picture makes a hole of an address with variables, or of a picture of ours that tells by
// whom it was loaded.
func (s setting) picture(d jsontree.Decoded, at place, block int, kind string) ([]edit, error) {
	from, to := d.Raw(0), d.Raw(len(d.Text))
	if parts := segments("", d); dynamic(parts) {
		return []edit{{from, to, &addressHole{block: block, parts: parts, setting: s}}}, nil
	}
	width, own := "", true
	switch {
	case at.path == "baseUrl" && kind == "imagemap":
	case at.path == "originalContentUrl" && kind == "image":
		width = "/0"
	case at.path == "previewImageUrl" && (kind == "image" || kind == "video"):
		width = "/1"
	default:
		own = false
	}
	sha, ok := OwnMedia(d.Text)
	if !own || !ok {
		return nil, nil
	}
	number, ok, err := s.image(sha)
	if err != nil || !ok {
		return nil, err
	}
	return []edit{{from, to, &imageHole{own: d.Text, image: number, width: width, opens: s.opens}}}, nil
}

// OwnMedia tells which of our files an address is: https://edge/m/{sha256}.
func OwnMedia(address string) (sha [32]byte, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.RawQuery != "" {
		return sha, false
	}
	text, ok := strings.CutPrefix(u.Path, edgeapi.MediaPath)
	if !ok || len(text) != 64 || strings.ToLower(text) != text {
		return sha, false
	}
	n, err := hex.Decode(sha[:], []byte(text))
	return sha, err == nil && n == 32
}

const (
	beaconBefore = `{"type":"box","layout":"vertical","position":"absolute","width":"1px","height":"1px",` +
		`"offsetTop":"0px","offsetStart":"0px","contents":[{"type":"image","url":"`
	beaconAfter = `","size":"full","aspectRatio":"1:1"}]}`
	// BeaconSize is at least what a beacon adds to a bubble, in bytes.
	BeaconSize = len(beaconBefore) + len(beaconAfter) + 200
)

// beacon finds where a Flex message takes a picture of one pixel: at the end of the first
// box of its first bubble that takes pictures, lifted out of the layout.
func (s setting) beacon(text string, v jsontree.Value) *edit {
	bubble, ok := v.Get("contents")
	if !s.opens || word(text, v, "type") != "flex" || !ok {
		return nil
	}
	if word(text, bubble, "type") == "carousel" {
		bubbles, _ := bubble.Get("contents")
		if len(bubbles.Items) == 0 {
			return nil
		}
		bubble = bubbles.Items[0]
	}
	for _, name := range []string{"body", "footer", "header"} {
		box, _ := bubble.Get(name)
		list, ok := box.Get("contents")
		if layout := word(text, box, "layout"); ok && list.Kind == jsontree.Array && layout != "baseline" {
			return &edit{list.To - 1, list.To - 1, beaconHole{comma: len(list.Items) > 0}}
		}
	}
	return nil
}

// segment is a stretch of a string: written out, or a variable.
type segment struct {
	text     string // as it is meant
	raw      string // as it is written in the JSON; of literals
	at       []int  // where each byte of text is in raw; nil = byte for byte
	variable *Variable
}

// segments splits a string. whole is the JSON that d was read from; where it is empty the
// segments have no raw form.
func segments(whole string, d jsontree.Decoded) []segment {
	var out []segment
	from := 0
	for _, p := range parse(d.Text) {
		to := from + len(p.text)
		s := segment{text: p.text, variable: p.variable}
		if p.variable == nil && whole != "" {
			s.raw = whole[d.Raw(from):d.Raw(to)]
			if s.raw != s.text {
				s.at = make([]int, len(p.text)+1)
				for i := range s.at {
					s.at[i] = d.Raw(from+i) - d.Raw(from)
				}
			}
		}
		out = append(out, s)
		from = to
	}
	return out
}

func dynamic(parts []segment) bool {
	for _, p := range parts {
		if p.variable != nil {
			return true
		}
	}
	return false
}

// rawBetween is how text[from:to] of a literal is written.
func (s segment) rawBetween(from, to int) string {
	if s.at == nil {
		return s.raw[from:to]
	}
	return s.raw[s.at[from]:s.at[to]]
}

// rendering is one pass over a program for one delivery.
type rendering struct {
	ctx      context.Context
	tracker  Tracker // nil = a preview: addresses stay as they are
	channel  lumo.Channel
	delivery uint64
	values   map[string]string
	out      []byte
	reason   edgeapi.Reason // why nothing can be sent; 0 = it can
	data     map[string]any
	gaps     []Gap
	tracked  []Tracked // of a preview: what would be tracked
	room     []byte    // for texts under way
}

// run fills the holes. It stops at the first reason not to send.
func (p *program) run(r *rendering) error {
	for _, one := range p.parts {
		r.out = append(r.out, one.literal...)
		if one.hole == nil {
			continue
		}
		if err := one.hole.fill(r); err != nil || r.reason != 0 {
			return err
		}
	}
	return nil
}

// note takes down an address that a send would track.
func (r *rendering) note(block int, address, target string) {
	r.tracked = append(r.tracked, Tracked{block, address, target})
}

func (r *rendering) refuse(why edgeapi.Reason, data map[string]any) { r.reason, r.data = why, data }

// limitOf is the most that LINE takes in a text, and how it counts there.
func limitOf(at place) (most int, count func(string) int) {
	switch at.name {
	case "text":
		if at.path == "text" || at.kind == "" {
			return MaxTextLength, Length
		}
	case "altText":
		return maxAltText, Length
	case "label":
		if strings.HasPrefix(at.path, "contents") {
			return maxFlexLabel, Graphemes
		}
		return maxLabel, Graphemes
	case "data", "displayText", "fillInText":
		return maxPostback, Graphemes
	case "name":
		return maxSenderName, Graphemes
	}
	return MaxTextLength, Length
}

func itoa(n int) string { return strconv.Itoa(n) }
