package channel

import (
	"time"

	"lumo/core/lumo"
)

// Batch is one request of LINE's webhook, read event by event.
type Batch struct {
	Destination lumo.LineUserID // the account's own user id
	Events      []Event
	Bad         int // events that could not be read; the others stand
}

// Event is one webhook event, as far as Lumo uses it. Kinds we do not know are kept by name.
type Event struct {
	ID        string // webhookEventId
	Type      string // follow, unfollow, message, ...
	At        time.Time
	User      lumo.LineUserID // empty for groups, rooms, and people without consent
	Unblocked bool            // follow: came back after a block, as far as LINE knows
	Said      string          // message: its kind
	Text      string          // of a text message, for automatic replies; it is never stored
	Reply     lumo.Secret     // the token that answers this event once; empty = there is none
}

// The types of events that change something.
const (
	typeFollow   = "follow"
	typeUnfollow = "unfollow"
	typeMessage  = "message"
)
