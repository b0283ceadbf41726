package core

import (
	"sync"
	"time"
)

const (
	silentCalls = 3 // in a row: from then on the core counts as away
	askEvery    = time.Second
)

// silence remembers that the core does not answer, so that webhooks are spooled at once
// and need not wait out their time limit. Any answer ends it.
type silence struct {
	mu    sync.Mutex
	calls int       // guarded by mu: without any answer, in a row
	next  time.Time // guarded by mu: when one may try again
}

func (s *silence) mayAsk(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls < silentCalls {
		return true
	}
	if now.Before(s.next) {
		return false
	}
	s.next = now.Add(askEvery)
	return true
}

func (s *silence) heardNothing(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls == silentCalls {
		s.next = now.Add(askEvery)
	}
}

func (s *silence) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = 0
}
