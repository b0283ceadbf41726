package tracking

import (
	"time"

	"lumo/core/lumo"
	"lumo/shared/event"
	"lumo/shared/id"
)

// sameClick is how long a second click on the same link counts as the same.
const sameClick = 10 * time.Second

// Event is an edge's event with its owner, and how it counts.
type Event struct {
	lumo.EdgeEvent
	Channel  lumo.ChannelID
	Delivery Delivery // zero = none: a scan, a shared send
	At       time.Time
	Counted  bool
	First    bool // the first that counted: of its delivery and link, or delivery
	Inferred bool // an open that only the click tells of
}

// Shared tells that the event belongs to a send to many, not to a person.
func (e Event) Shared() bool { return e.Event.Subject>>63 == 1 }

// Subject is the number that the event is about.
func (e Event) Subject() uint64 { return e.Event.Subject &^ (1 << 63) }

// Delivery is what a tracked link or a beacon was sent with.
type Delivery struct {
	ID            lumo.DeliveryID
	Number        uint64
	Channel       lumo.ChannelID
	Friend        lumo.FriendID  // zero = erased since
	Account       lumo.AccountID // at Klaviyo, to which the friend is linked; zero = not linked
	OpensMeasured bool
}

// Counted is an earlier click or open that counted.
type Counted struct {
	Delivery lumo.DeliveryID
	Type     event.Type
	Link     uint32
	At       time.Time
}

// place is where clicks are counted: a link in a delivery. Opens have link 0.
type place struct {
	delivery lumo.DeliveryID
	kind     event.Type
	link     uint32
}

// tally decides which events count, given those that did before. It does not matter in
// which order events arrive: each is compared by its own time with all that counted.
type tally struct {
	times map[place][]time.Time
}

func newTally(before []Counted) *tally {
	t := &tally{times: map[place][]time.Time{}}
	for _, c := range before {
		p := place{c.Delivery, c.Type, c.Link}
		t.times[p] = append(t.times[p], c.At)
	}
	return t
}

// judge marks the events and adds the opens that clicks tell of.
func (t *tally) judge(events []Event) []Event {
	out := make([]Event, 0, len(events))
	for _, e := range events {
		if e.Event.Class != event.Person {
			out = append(out, e)
			continue
		}
		switch e.Event.Type {
		case event.Click:
			out = append(out, t.click(e)...)
		case event.Open:
			out = append(out, t.open(e))
		case event.Scan:
			e.Counted = true
			out = append(out, e)
		default:
			out = append(out, e)
		}
	}
	return out
}

func (t *tally) click(e Event) []Event {
	if e.Delivery.ID == (lumo.DeliveryID{}) {
		e.Counted = e.Shared() // a click without a person is still a click
		return []Event{e}
	}
	p := place{e.Delivery.ID, event.Click, e.Event.Link}
	for _, at := range t.times[p] {
		if gap := e.At.Sub(at).Abs(); gap < sameClick {
			return []Event{e}
		}
	}
	e.Counted, e.First = true, len(t.times[p]) == 0
	t.times[p] = append(t.times[p], e.At)
	open := e
	open.ID, open.Event.Type, open.Event.Link, open.Inferred = inferredID(e.ID), event.Open, 0, true
	if open = t.open(open); open.Counted {
		return []Event{open, e}
	}
	return []Event{e}
}

func (t *tally) open(e Event) Event {
	p := place{e.Delivery.ID, event.Open, 0}
	known := e.Delivery.ID != (lumo.DeliveryID{})
	e.Counted = known && e.Delivery.OpensMeasured && len(t.times[p]) == 0
	e.First = e.Counted
	if e.Counted {
		t.times[p] = append(t.times[p], e.At)
	}
	return e
}

// inferredID is the id of the open that a click tells of: the click's time, and entropy
// that nothing else has.
func inferredID(click id.ID) id.ID {
	for i := 6; i < len(click); i++ {
		click[i] ^= 0xA5
	}
	return click
}
