// Package main is qr.wasm: custom QR codes, forms on shop pages, and the way back from
// LINE Login.
//
// Opening a code changes nothing: what the customer claims to be travels sealed through
// LINE Login and counts only when it comes back in time. Nothing personal is written into
// an event here, and into a URL only what stood in the one that was opened.
package main

import (
	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
)

const (
	publicKeyLength = 16
	noStore         = "Cache-Control: no-store"
	keepImage       = "Cache-Control: public, max-age=86400"
)

func handle(c *guest.Call) {
	path := c.Request.Path()
	if rest, ok := guest.CutPrefix(path, "/q/"); ok {
		openCode(c, rest)
		return
	}
	if rest, ok := guest.CutPrefix(path, "/f/"); ok {
		openForm(c, rest)
		return
	}
	switch string(path) {
	case callbackPath:
		callback(c)
	case confirmPath:
		confirm(c)
	default:
		c.Deny(404, edgeapi.UnknownCode)
		c.Verdict.Page(edgeapi.PageNotFound)
	}
}

// code is a custom QR code that somebody opened.
type code struct {
	key   []byte // public key
	entry edgeapi.CodeEntry
}

// openCode answers /q/{code} and /q/{code}.png.
func openCode(c *guest.Call, rest []byte) {
	if c.Request.Method != edgeapi.GET && c.Request.Method != edgeapi.HEAD {
		c.BadMethod("Allow: GET, HEAD")
		return
	}
	key, image := guest.CutSuffix(rest, ".png")
	if !image {
		key = rest
	}
	q, ok := findCode(c, key)
	if !ok {
		return
	}
	if image { // drawn even when the code rests: the email it is for was sent already
		draw(c, q, edgeapi.PageNone)
		c.Verdict.Header("Content-Type: image/png")
		c.Verdict.Header(keepImage)
		return
	}
	c.Verdict.Header(noStore)
	if rests(c, q.entry) && !unlinks(c) {
		gone(c, 404, edgeapi.PausedCode, q.entry.Channel)
		return
	}
	scan(c, q)
}

// findCode looks a code up; without one the verdict is made.
func findCode(c *guest.Call, key []byte) (code, bool) {
	if len(key) == publicKeyLength {
		entry, err := edgeapi.ParseCodeEntry(c.Host.Lookup(edgeapi.TableCode, key))
		if err == nil {
			return code{key, entry}, true
		}
	}
	c.Deny(404, edgeapi.UnknownCode)
	c.Verdict.Page(edgeapi.PageNotFound)
	c.Verdict.Header(noStore)
	return code{}, false
}

func rests(c *guest.Call, e edgeapi.CodeEntry) bool {
	return e.State != edgeapi.CodeLive || e.Expires != 0 && int64(e.Expires) <= c.Host.Now()/1000
}

// gone says "this link no longer works"; the channel lets the host name the shop.
func gone(c *guest.Call, status uint16, reason edgeapi.Reason, channel uint32) {
	c.Deny(status, reason)
	c.Verdict.Page(edgeapi.PageGone)
	c.Verdict.Number(channel)
}

// scan leads a person with a phone on to LINE. Everybody else gets the page with the QR
// code of this same URL, and nothing happens: a desktop visitor scans what she sees with
// her phone, and only that is a scan; a program's visit is recorded as a program's.
func scan(c *guest.Call, q code) {
	agent := c.Request.UserAgent()
	class := event.Classify(c.Request.Method == edgeapi.HEAD, c.Request.Purpose(), agent)
	onPhone := isPhone(agent)
	if class != event.Person || !onPhone {
		draw(c, q, edgeapi.PageDesktopQR)
	} else {
		toLINE(c, q)
	}
	if c.Verdict.Kind() == edgeapi.Respond && (class != event.Person || onPhone) {
		c.Verdict.Event(event.Event{
			Type: event.Scan, Class: class, Number: q.entry.Channel, Subject: q.entry.Number,
		})
	}
}

// draw lets the host make the PNG or the desktop page of the code's URL, with what it says
// about the customer and nothing else of the query.
func draw(c *guest.Call, q code, page edgeapi.Page) {
	c.Respond(200)
	if page != edgeapi.PageNone {
		c.Verdict.Page(page)
	}
	c.Verdict.Number(q.entry.Channel)
	c.Verdict.BeginDraw()
	putCodeURL(c, string(q.key))
	putKnown(c, c.Request.Query())
	c.Verdict.End()
}

// origin is the edge's public address, without a path.
func origin(c *guest.Call) string {
	if c.Request.Flags&edgeapi.FlagPlainHTTP != 0 {
		return "http://" + string(c.Request.Host())
	}
	return "https://" + string(c.Request.Host())
}

func putCodeURL(c *guest.Call, key string) {
	c.Verdict.PutString(origin(c))
	c.Verdict.PutString("/q/")
	c.Verdict.PutString(key)
}

func isPhone(agent []byte) bool {
	for _, name := range [...]string{"iPhone", "Android", "iPad", "Mobile", " Line/"} {
		if guest.Contains(agent, name) {
			return true
		}
	}
	return false
}
