package lumo

import (
	"lumo/shared/event"
	"lumo/shared/id"
)

// EdgeEvent is an event as an edge handed it over; its id's time is when it happened.
type EdgeEvent struct {
	ID    id.ID
	Edge  id.ID
	Event event.Event
}
