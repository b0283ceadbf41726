package main

import (
	"encoding/base64"

	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/token"
)

const (
	callbackPath = "/link/callback"
	confirmPath  = "/link/confirm"
	maxState     = 1 << 10
	maxSkew      = 60 // seconds that another edge's clock may be ahead
)

// callback lets the core take a return from LINE Login whose state is ours and fresh. It is
// the one GET that changes something, so a program's visit gets nothing.
func callback(c *guest.Call) {
	c.Verdict.Header(noStore)
	if c.Request.Method != edgeapi.GET {
		c.BadMethod("Allow: GET")
		return
	}
	if event.Classify(false, c.Request.Purpose(), c.Request.UserAgent()) != event.Person {
		c.Respond(204)
		return
	}
	_, header, reason := openState(c, wordValue(c.Request.Query(), "state="))
	if reason != 0 {
		gone(c, 400, reason, header.Channel)
		return
	}
	c.Forward(edgeapi.AuthVerified, header.Channel, 0)
}

// confirm passes the form on: the one-time value in it is the core's to judge. Our pages
// send no referrer, so their Origin may be "null"; another site's is refused.
func confirm(c *guest.Call) {
	c.Verdict.Header(noStore)
	if c.Request.Method != edgeapi.POST {
		c.BadMethod("Allow: POST")
		return
	}
	if from := c.Request.Origin(); len(from) > 0 && string(from) != "null" {
		if origin(c) != string(from) {
			gone(c, 400, edgeapi.BadOrigin, 0)
			return
		}
	}
	c.Forward(edgeapi.AuthUnchecked, 0, 0)
}

// openState opens a sealed state and judges its age. The header's channel is set only when
// the state is ours.
func openState(c *guest.Call, text string) (token.State, token.StateHeader, edgeapi.Reason) {
	if len(text) > maxState {
		return token.State{}, token.StateHeader{}, edgeapi.BadState
	}
	header, sealed, err := token.ParseStateHeader(text)
	if err != nil || header.Key == 0 {
		return token.State{}, token.StateHeader{}, edgeapi.BadState
	}
	whole := append(header.Append(nil), sealed...)
	plain := c.Host.Open(edgeapi.Ref(edgeapi.KeyState, header.Key, header.Channel), whole)
	state, err := token.ParseState(plain)
	if err != nil {
		return token.State{}, token.StateHeader{}, edgeapi.BadState
	}
	age := c.Host.Now()/1000 - int64(state.Issued)
	if age > int64(token.StateLife.Seconds()) || age < -maxSkew {
		return state, header, edgeapi.ExpiredState
	}
	return state, header, 0
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// wordValue is the first value of a parameter given as "name=".
func wordValue(query []byte, name string) string {
	for len(query) > 0 {
		var pair []byte
		pair, query = cutPair(query)
		if value, ok := guest.CutPrefix(pair, name); ok {
			return unescape(value)
		}
	}
	return ""
}
