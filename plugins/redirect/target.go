package main

import (
	"lumo/plugins/internal/guest"
	"lumo/shared/event"
)

const (
	clickParameter = "lumo_click="
	clickLength    = len("?") + len(clickParameter) + 26
)

// redirect leads on to a target that was looked up or verified, and records the click.
func redirect(c *guest.Call, e event.Event, target []byte) {
	const name = "Location: "
	line := append(c.Room(len(name)+len(target)+clickLength), name...)
	if e.Class == event.Person && len(c.Request.EventID) == 16 {
		line = withClick(line, target, c.Request.EventID)
	} else {
		line = append(line, target...)
	}
	c.Respond(302)
	c.Line(line)
	c.Header("Cache-Control: private, no-store")
	record(c, e)
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
