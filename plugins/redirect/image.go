package main

import (
	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/token"
)

// Whose URL it is decides how long an image may be kept: each person has a URL of her own.
const keepImage = "Cache-Control: private, max-age=31536000, immutable"

// open answers a beacon: one pixel, and the open is recorded.
func open(c *guest.Call, rest []byte) {
	text, ok := guest.CutSuffix(rest, ".png")
	if !ok {
		c.Deny(404, edgeapi.BadToken)
		return
	}
	t, ok := genuine(c, text, token.Open)
	if !ok {
		return
	}
	c.Respond(200)
	c.Verdict.BeginBody()
	c.Verdict.PutString(pixel)
	c.Verdict.End()
	c.Verdict.Header("Content-Type: image/png")
	c.Verdict.Header(keepImage)
	c.Verdict.Event(eventOf(c, event.Open, t))
}

// image leads to the media that a message's image has in a width. The host answers the
// media itself instead of sending the phone there. Loading an image of one's own is an open.
func image(c *guest.Call, rest []byte) {
	if len(rest) < tokenLength+2 || rest[tokenLength] != '/' {
		c.Deny(404, edgeapi.BadToken)
		return
	}
	width, ok := imageWidth(rest[tokenLength+1:])
	if !ok {
		c.Deny(404, edgeapi.BadToken)
		return
	}
	t, ok := genuine(c, rest[:tokenLength], token.Image)
	if !ok {
		return
	}
	e := eventOf(c, event.Open, t)
	value := c.Host.Lookup(edgeapi.TableImage, edgeapi.ImageKey(t.Channel, t.Link, width))
	entry, err := edgeapi.ParseImageEntry(value)
	if err != nil {
		c.Forward(edgeapi.AuthVerified, t.Channel, edgeapi.UnknownLink)
		c.Verdict.Event(e)
		return
	}
	c.Respond(302)
	c.Verdict.BeginHeader()
	c.Verdict.PutString("Location: " + edgeapi.MediaPath)
	c.Verdict.Put(appendHex(c.Room(64)[:0], entry.SHA256[:]))
	c.Verdict.End()
	c.Verdict.Header(keepImage)
	if entry.PerPerson {
		c.Verdict.Event(e)
	}
}

// imageWidth reads one of the widths that LINE asks for; 0 is the original, 1 the preview.
func imageWidth(text []byte) (uint16, bool) {
	switch string(text) {
	case "0":
		return 0, true
	case "1":
		return 1, true
	case "240":
		return 240, true
	case "300":
		return 300, true
	case "460":
		return 460, true
	case "700":
		return 700, true
	case "1040":
		return 1040, true
	}
	return 0, false
}

func appendHex(dst, b []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range b {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

// pixel is a transparent PNG of one by one pixel.
const pixel = "\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\x00\x00\x00\x01\x08" +
	"\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\x0b\x49\x44\x41\x54\x78\xda\x63\x60\x00\x02\x00\x00\x05" +
	"\x00\x01\xe9\xfa\xdc\xd8\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82"
