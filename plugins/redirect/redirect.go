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

const tokenLength = 42

func handle(c *guest.Call) {
	const reading = 1<<edgeapi.GET | 1<<edgeapi.HEAD
	path := c.Request.Path()
	if 1<<c.Request.Method&reading == 0 {
		c.BadMethod("Allow: GET, HEAD")
		return
	}
	if len(path) < 3 {
		c.Deny(404, edgeapi.BadToken)
		return
	}
	switch rest := path[3:]; uint32(path[0])<<16 | uint32(path[1])<<8 | uint32(path[2]) {
	case '/'<<16 | 'c'<<8 | '/':
		click(c, rest)
	case '/'<<16 | 'o'<<8 | '/':
		open(c, rest)
	case '/'<<16 | 'i'<<8 | '/':
		image(c, rest)
	default:
		c.Deny(404, edgeapi.BadToken)
	}
}

func click(c *guest.Call, text []byte) {
	if len(text) != tokenLength {
		oneOff(c, text)
		return
	}
	t, ok := genuine(c, text, token.Link)
	if !ok {
		return
	}
	e := eventOf(c, event.Click, t)
	value := c.Host.Lookup(edgeapi.TableLink, linkKey(c, t))
	target, found := edgeapi.CutTarget(value)
	if !found { // the core may know it already, or alone; the host counts if it does
		c.Forward(edgeapi.AuthVerified, t.Channel, edgeapi.UnknownLink)
		c.Verdict.Event(e)
		return
	}
	redirect(c, e, target)
}

// oneOff serves a link whose signed target stands in the URL itself.
func oneOff(c *guest.Call, text []byte) {
	o, ok := token.ParseOneOffBytes(c.Room(token.MaxOneOff)[:0], text)
	ref := edgeapi.Ref(edgeapi.KeyOneOff, o.Token.Key, 0)
	if !ok || o.Token.Key == 0 || c.Host.SigVerify(ref, o.Message, o.Signature) != guest.Match {
		c.Deny(404, edgeapi.BadToken)
		return
	}
	redirect(c, eventOf(c, event.Click, o.Token), o.Target)
}

// genuine reads a token and checks its tag. Where there is none to trust the verdict is
// made: a bad token ends here; one of a channel that this edge has no key of goes to the core.
func genuine(c *guest.Call, text []byte, kind token.Kind) (token.Token, bool) {
	s, ok := token.ParseSigned((*[token.SignedRoom]byte)(c.Room(token.SignedRoom)), text)
	t := s.Token
	if !ok || t.Kind != kind || t.Key == 0 { // key 0 would mean any key
		c.Deny(404, edgeapi.BadToken)
		return t, false
	}
	switch c.Host.MACVerify(edgeapi.Ref(edgeapi.KeyLink, t.Key, t.Channel), s.Message, s.Tag) {
	case guest.Match:
		return t, true
	case guest.NoKey: // a channel too new, or not served here; the host counts if the core answers
		c.Forward(edgeapi.AuthUnchecked, t.Channel, edgeapi.NoKey)
		if kind == token.Link {
			c.Verdict.Event(eventOf(c, event.Click, t))
		}
	default:
		c.Deny(404, edgeapi.BadToken)
	}
	return t, false
}

func linkKey(c *guest.Call, t token.Token) []byte {
	key := c.Room(8)
	edgeapi.PutLinkKey((*[8]byte)(key), t.Channel, t.Link)
	return key
}

func eventOf(c *guest.Call, kind event.Type, t token.Token) event.Event {
	r := &c.Request
	class := event.Classify(r.Method == edgeapi.HEAD, r.Purpose(), r.UserAgent())
	return event.Event{
		Type:    kind,
		Class:   class,
		Number:  t.Channel,
		Subject: t.Subject,
		Link:    t.Link,
	}
}
