package main

import (
	"lumo/plugins/internal/guest"
	"lumo/shared/event"
)

const clickParameter = "lumo_click="

// redirect leads on to a target that was looked up or verified, and records the click.
func redirect(c *guest.Call, e event.Event, target []byte) {
	c.Respond(302)
	c.Verdict.BeginHeader()
	c.Verdict.PutString("Location: ")
	if id := c.Request.EventID(); e.Class == event.Person && len(id) == 16 {
		putWithClick(c, target, (*[16]byte)(id))
	} else {
		c.Verdict.Put(target)
	}
	c.Verdict.End()
	c.Verdict.Header("Cache-Control: private, no-store")
	c.Verdict.Event(e)
}

// putWithClick adds the target with the click id in its query, before its fragment.
func putWithClick(c *guest.Call, target []byte, id *[16]byte) {
	end, query := guest.QueryEnd(target)
	c.Verdict.Put(target[:end])
	if query {
		c.Verdict.PutString("&" + clickParameter)
	} else {
		c.Verdict.PutString("?" + clickParameter)
	}
	guest.PutULID((*[26]byte)(c.Verdict.Room(26)), id)
	c.Verdict.Put(target[end:])
}
