// Package event is the 22-byte record of what happened at an edge (DESIGN 3.6).
//
// An event holds no time and no id: the host adds the request's ULID, whose time is the
// event's time. The package also decides, from a request alone, whether a person caused it.
package event

import (
	"bytes"
	"encoding/binary"

	"lumo/shared/fault"
)

// Size is the length of an event in bytes.
const Size = 22

const version = 1

// Type is what happened.
type Type uint8

// The types of events.
const (
	Click       Type = 1
	Open        Type = 2
	Scan        Type = 3
	RefusedHook Type = 4
	Form        Type = 5
)

// What a customer did with a form of a shop page; the link of a form's event.
const (
	FormSubmitted uint32 = 1
	FormShown     uint32 = 2
)

// Class is who caused it. Only persons are counted.
type Class uint8

// The classes of callers.
const (
	Person   Class = 0
	Head     Class = 1
	Prefetch Class = 2
	Crawler  Class = 3
)

// Event is one click, open, scan, refused hook or submitted form.
type Event struct {
	Type    Type
	Class   Class
	Number  uint32 // channel; for a refused hook the hook's owner
	Subject uint64 // delivery number; scan, form: code number; refused hook: flow key number or 0
	Link    uint32
	Reason  uint16 // code of CONTRACTS.md part A
}

// Append adds the event's bytes, little endian, to dst.
func (e Event) Append(dst []byte) []byte {
	var b [Size]byte
	e.Put(&b)
	return append(dst, b[:]...)
}

// Put writes the event's bytes.
func (e Event) Put(b *[Size]byte) {
	b[0], b[1], b[2], b[3] = version, byte(e.Type), byte(e.Class), 0
	binary.LittleEndian.PutUint32(b[4:], e.Number)
	binary.LittleEndian.PutUint64(b[8:], e.Subject)
	binary.LittleEndian.PutUint32(b[16:], e.Link)
	binary.LittleEndian.PutUint16(b[20:], e.Reason)
}

// Parse reads exactly one event.
func Parse(b []byte) (Event, error) {
	const op = "event.Parse"
	if len(b) != Size || b[0] != version || b[3] != 0 {
		return Event{}, fault.New(fault.Invalid, op, "not an event of version 1")
	}
	e := Event{
		Type: Type(b[1]), Class: Class(b[2]),
		Number:  binary.LittleEndian.Uint32(b[4:]),
		Subject: binary.LittleEndian.Uint64(b[8:]),
		Link:    binary.LittleEndian.Uint32(b[16:]),
		Reason:  binary.LittleEndian.Uint16(b[20:]),
	}
	if e.Type < Click || e.Type > Form || e.Class > Crawler {
		return Event{}, fault.New(fault.Invalid, op, "unknown type or class")
	}
	return e, nil
}

// Classify decides from a request's method and headers. purpose is the value of
// Sec-Purpose or Purpose.
func Classify(head bool, purpose, userAgent []byte) Class {
	switch {
	case head:
		return Head
	case len(purpose) > 0 && isPrefetch(purpose):
		return Prefetch
	case isCrawler(userAgent):
		return Crawler
	}
	return Person
}

func isPrefetch(purpose []byte) bool {
	return bytes.Contains(purpose, []byte("prefetch")) ||
		bytes.Contains(purpose, []byte("prerender"))
}
