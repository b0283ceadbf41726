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

// Scope says whose merchants somebody may serve. The zero value is all of them, those that
// come later too.
type Scope struct{ only map[MerchantID]bool }

// ScopeOf is a scope of these merchants alone; without any it is all.
func ScopeOf(merchants []MerchantID) Scope {
	if len(merchants) == 0 {
		return Scope{}
	}
	s := Scope{only: make(map[MerchantID]bool, len(merchants))}
	for _, m := range merchants {
		s.only[m] = true
	}
	return s
}

// All tells that the scope has no limit.
func (s Scope) All() bool { return s.only == nil }

// Has tells whether a merchant is in scope.
func (s Scope) Has(m MerchantID) bool { return s.only == nil || s.only[m] }
