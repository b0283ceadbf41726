package message

import (
	"net/url"
	"slices"
	"strings"

	"lumo/core/lumo"
	"lumo/core/message/jsontree"
	"lumo/shared/edgeapi"
)

// linkHole is an address that is the same for everybody.
type linkHole struct {
	block  int
	own    string // as the merchant wrote it
	target string // with UTM
}

func (h *linkHole) fill(r *rendering) error {
	if r.tracker == nil {
		r.note(h.block, h.own, h.target)
		r.out = jsontree.AppendEscaped(r.out, h.own)
		return nil
	}
	address, err := r.tracker.Link(r.ctx, r.channel, r.delivery, h.target)
	r.out = append(r.out, outside(address, h.target)...)
	return err
}

// outside asks LINE to open a tracked address in the system's browser where its target does:
// LINE looks at the address in the message, not at where it leads.
func outside(address, target string) string {
	const wish = "openExternalBrowser=1"
	if strings.Contains(target, "?"+wish) || strings.Contains(target, "&"+wish) {
		return address + "?" + wish
	}
	return address
}

// beaconHole is the picture of one pixel.
type beaconHole struct{ comma bool }

func (h beaconHole) fill(r *rendering) error {
	if r.tracker == nil {
		return nil
	}
	address, err := r.tracker.Beacon(r.ctx, r.channel, r.delivery)
	if err != nil {
		return err
	}
	if h.comma {
		r.out = append(r.out, ',')
	}
	r.out = append(append(append(r.out, beaconBefore...), address...), beaconAfter...)
	return nil
}

// imageHole is a picture of ours.
type imageHole struct {
	own   string
	image uint32
	width string // "/0", "/1", or nothing where LINE adds the width itself
	opens bool
}

func (h *imageHole) fill(r *rendering) error {
	if r.tracker == nil {
		r.out = jsontree.AppendEscaped(r.out, h.own)
		return nil
	}
	delivery := r.delivery
	if !h.opens {
		delivery = sharedSend
	}
	address, err := r.tracker.Image(r.ctx, r.channel, delivery, h.image)
	r.out = append(append(r.out, address...), h.width...)
	return err
}

// textHole is a text with variables.
type textHole struct {
	parts   []segment
	setting setting
	block   int
	most    int
	count   func(string) int
	tracked bool // its addresses are replaced
	needed  bool // LINE takes no empty one
	first   bool // the text of a text message: gaps in it are shown
}

// piece is a segment with its value, and where it stands in the whole text.
type piece struct {
	segment
	from, to int
}

func (h *textHole) fill(r *rendering) error {
	whole, pieces := h.values(r)
	if h.needed && strings.TrimSpace(whole) == "" && r.tracker != nil {
		r.refuse(edgeapi.NoContent, nil)
		return nil
	}
	length, end := 0, 0
	if h.tracked {
		for _, a := range addresses(whole) {
			address := whole[a.from:a.to]
			if !h.setting.tracks(address) {
				continue
			}
			target := withUTM(address, h.setting.utm)
			if r.tracker == nil {
				r.note(h.block, address, target)
				continue
			}
			tracked, err := h.track(r, pieces, a, target)
			if err != nil {
				return err
			}
			h.emit(r, pieces, end, a.from)
			r.out = append(r.out, tracked...)
			length += h.count(whole[end:a.from]) + len(tracked)
			end = a.to
		}
	}
	h.emit(r, pieces, end, len(whole))
	if length += h.count(whole[end:]); length > h.most && r.tracker != nil {
		r.refuse(edgeapi.TooLong, map[string]any{"over": length - h.most})
	}
	return nil
}

// values puts the values in. A value is text: nothing in it means anything here.
func (h *textHole) values(r *rendering) (string, []piece) {
	r.room = r.room[:0]
	pieces := make([]piece, 0, len(h.parts))
	for _, s := range h.parts {
		from := len(r.room)
		if s.variable == nil {
			r.room = append(r.room, s.text...)
		} else {
			value := valueOf(s.variable, r.values)
			if value == "" {
				r.gaps = append(r.gaps, Gap{Block: h.block, Name: s.variable.Name, Text: h.first,
					At: Length(string(r.room))})
			}
			r.room = append(r.room, value...)
		}
		pieces = append(pieces, piece{s, from, len(r.room)})
	}
	return string(r.room), pieces
}

// emit writes a part of the text: what the merchant wrote byte for byte, values escaped.
func (h *textHole) emit(r *rendering, pieces []piece, from, to int) {
	for _, p := range pieces {
		a, b := max(from, p.from), min(to, p.to)
		if a >= b {
			continue
		}
		if p.variable == nil {
			r.out = append(r.out, p.rawBetween(a-p.from, b-p.from)...)
		} else {
			r.out = jsontree.AppendEscaped(r.out, string(r.room[a:b]))
		}
	}
}

// track makes the tracked form of an address in a text. One that holds a value is this
// person's alone.
func (h *textHole) track(r *rendering, pieces []piece, a span, target string) (string, error) {
	var template strings.Builder
	own := false
	for _, p := range pieces {
		from, to := max(a.from, p.from), min(a.to, p.to)
		switch {
		case from >= to:
		case p.variable != nil:
			own = true
			template.WriteString(opening + " " + p.variable.Name + " " + closing)
		default:
			template.WriteString(p.text[from-p.from : to-p.from])
		}
	}
	var address string
	var err error
	if own {
		address, err = r.tracker.OneOff(r.ctx, r.channel, r.delivery, lumo.OneOff{Target: target,
			Template: template.String(), InText: true})
	} else {
		address, err = r.tracker.Link(r.ctx, r.channel, r.delivery, target)
	}
	return outside(address, target), err
}

// addressHole is an address with variables.
type addressHole struct {
	block   int
	parts   []segment
	setting setting
	link    bool // a tap opens it; else a picture is loaded from it
}

func (h *addressHole) fill(r *rendering) error {
	var written, template strings.Builder
	for _, s := range h.parts {
		template.WriteString(s.text)
		if s.variable == nil {
			written.WriteString(s.text)
			continue
		}
		value := strings.TrimSpace(valueOf(s.variable, r.values))
		if value == "" {
			r.gaps = append(r.gaps, Gap{Block: h.block, Name: s.variable.Name})
		}
		if written.Len() > 0 { // inside of an address a value is data, never syntax
			value = strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
		}
		written.WriteString(value)
	}
	target := plainURL(written.String())
	if !h.usable(target) {
		if r.tracker == nil {
			r.out = jsontree.AppendEscaped(r.out, target)
		} else {
			r.refuse(edgeapi.NoContent, nil)
		}
		return nil
	}
	if !h.link || !h.setting.tracks(target) {
		r.out = jsontree.AppendEscaped(r.out, target)
		return nil
	}
	address := target
	target = withUTM(target, h.setting.utm)
	if r.tracker == nil {
		r.note(h.block, address, target)
		r.out = jsontree.AppendEscaped(r.out, address)
		return nil
	}
	tracked, err := r.tracker.OneOff(r.ctx, r.channel, r.delivery, lumo.OneOff{Target: target, Template: template.String()})
	r.out = append(r.out, outside(tracked, target)...)
	return err
}

// usable tells whether LINE takes an address. Values never choose another scheme than those.
func (h *addressHole) usable(target string) bool {
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	if h.link {
		return len(target) <= maxURI && slices.Contains(linkSchemes(), u.Scheme) && len(target) > len(u.Scheme)+1
	}
	return len(target) <= maxPictureURL && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func linkSchemes() []string { return []string{"http", "https", "line", "tel"} }

// plainURL writes what is no character of an address in percent, as LINE wants it.
func plainURL(address string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(address) {
		if c := address[i]; c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' {
			out.WriteByte(c)
		} else {
			out.WriteByte('%')
			out.WriteByte(digits[c>>4])
			out.WriteByte(digits[c&15])
		}
	}
	return out.String()
}

// valueOf is a variable's value for a person, or its fallback.
func valueOf(v *Variable, values map[string]string) string {
	if value := Clean(values[v.Name]); value != "" {
		return value
	}
	return v.Default
}
