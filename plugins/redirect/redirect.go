// Package main is redirect.wasm: tracked links, beacons and images.
//
// It answers from the replica alone. A token whose MAC is right may count; anything else
// is "not found" and leaves no trace. Only a person's click carries the click id on.
package main

import (
	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/token"
)

const (
	clickParameter = "lumo_click="
	beaconCache    = "private, max-age=31536000, immutable"
)

func handle(h guest.Host, r *edgeapi.Request, v *edgeapi.Verdict) {
	if r.Method != edgeapi.GET && r.Method != edgeapi.HEAD {
		guest.BadMethod(v, "GET, HEAD")
		return
	}
	if rest, ok := guest.CutPrefix(r.Path, "/c/"); ok {
		click(h, r, v, string(rest))
		return
	}
	if rest, ok := guest.CutPrefix(r.Path, "/o/"); ok {
		open(h, r, v, rest)
		return
	}
	guest.Deny(v, 404, edgeapi.BadToken)
}

func click(h guest.Host, r *edgeapi.Request, v *edgeapi.Verdict, text string) {
	t, tag, err := token.Parse(text)
	if err != nil {
		oneOff(h, r, v, text)
		return
	}
	if t.Kind != token.Link || !genuine(h, t, tag) {
		guest.Deny(v, 404, edgeapi.BadToken)
		return
	}
	e := eventOf(event.Click, t, r)
	value := h.Lookup(edgeapi.TableLink, edgeapi.LinkKey(t.Channel, t.Link))
	if value == nil { // the core may know it already, or alone; the host counts if it does
		guest.Forward(v, edgeapi.AuthVerified, t.Channel)
		v.Reason = edgeapi.UnknownLink
		v.Events = append(v.Events, e.Append(nil))
		return
	}
	redirect(r, v, e, value[2:]) // a text: u16 length, then the bytes
}

// oneOff serves a link whose signed target stands in the URL itself.
func oneOff(h guest.Host, r *edgeapi.Request, v *edgeapi.Verdict, text string) {
	t, target, message, signature, err := token.ParseOneOff(text)
	if err != nil || h.SigVerify(edgeapi.Ref(edgeapi.KeyOneOff, t.Key, 0), message, signature) != guest.Match {
		guest.Deny(v, 404, edgeapi.BadToken)
		return
	}
	redirect(r, v, eventOf(event.Click, t, r), []byte(target))
}

func open(h guest.Host, r *edgeapi.Request, v *edgeapi.Verdict, rest []byte) {
	const suffix = ".png"
	end := len(rest) - len(suffix)
	if end < 0 || string(rest[end:]) != suffix {
		guest.Deny(v, 404, edgeapi.BadToken)
		return
	}
	t, tag, err := token.Parse(string(rest[:end]))
	if err != nil || t.Kind != token.Open || !genuine(h, t, tag) {
		guest.Deny(v, 404, edgeapi.BadToken)
		return
	}
	v.Kind, v.Status, v.Body = edgeapi.Respond, 200, []byte(pixel)
	guest.Header(v, "Content-Type", "image/png")
	guest.Header(v, "Cache-Control", beaconCache)
	v.Events = append(v.Events, eventOf(event.Open, t, r).Append(nil))
}

func genuine(h guest.Host, t token.Token, tag [12]byte) bool {
	return h.MACVerify(edgeapi.Ref(edgeapi.KeyLink, t.Key, t.Channel), t.MACInput(), tag[:]) == guest.Match
}

func eventOf(kind event.Type, t token.Token, r *edgeapi.Request) event.Event {
	class := event.Classify(r.Method == edgeapi.HEAD, r.Purpose, r.UserAgent)
	return event.Event{Type: kind, Class: class, Number: t.Channel, Subject: t.Subject, Link: t.Link}
}

func redirect(r *edgeapi.Request, v *edgeapi.Verdict, e event.Event, target []byte) {
	location := make([]byte, 0, len("Location: ")+len(target)+len(clickParameter)+27)
	location = append(location, "Location: "...)
	if e.Class == event.Person && len(r.EventID) == 16 {
		location = withClick(location, target, r.EventID)
	} else {
		location = append(location, target...)
	}
	v.Kind, v.Status = edgeapi.Respond, 302
	v.Headers = append(v.Headers, location, []byte("Cache-Control: private, no-store"))
	v.Events = append(v.Events, e.Append(nil))
}

// withClick adds the click id to the target's query, before its fragment.
func withClick(dst, target, id []byte) []byte {
	end := guest.Index(target, '#')
	if end < 0 {
		end = len(target)
	}
	separator := byte('?')
	if guest.Index(target[:end], '?') >= 0 {
		separator = '&'
	}
	dst = append(append(dst, target[:end]...), separator)
	dst = guest.ULIDText(append(dst, clickParameter...), id)
	return append(dst, target[end:]...)
}

// pixel is a transparent PNG of one by one pixel.
const pixel = "\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\x00\x00\x00\x01\x08" +
	"\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\x0b\x49\x44\x41\x54\x78\xda\x63\x60\x00\x02\x00\x00\x05" +
	"\x00\x01\xe9\xfa\xdc\xd8\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82"
