package server

import (
	"sync"
	"time"
)

const (
	provisionalPerSecond = 20
	provisionalBytes     = 64 << 20
	refusedPerDay        = 100
	notesPerSecond       = 20
	strangersPerSecond   = 100
	claimsPerMinute      = 10
	maxAddresses         = 50_000 // remembered at a time
	day                  = 24 * time.Hour
)

// limits bound what is taken without proof.
type limits struct {
	now         func() time.Time
	mu          sync.Mutex
	hooks       map[hook]window   // guarded by mu: provisional requests
	notes       map[uint32]window // guarded by mu: events of refusals, by the hook's owner
	daily       map[uint32]window // guarded by mu: refused requests, by channel
	claims      map[string]window // guarded by mu: by address
	strangers   window            // guarded by mu: questions that anybody can make us ask
	provisioned int               // guarded by mu: provisional bytes that wait
}

type hook struct {
	label  string
	number uint32
}

// window counts until it ends.
type window struct {
	n    int
	ends time.Time
}

// newLimits begins with what waits in the spool. How much of it is provisional nobody can read
// there, so after a start all of it counts until it is handed over.
func newLimits(now func() time.Time, waiting int64) *limits {
	return &limits{now: now, provisioned: int(min(waiting, provisionalBytes)), hooks: map[hook]window{}, notes: map[uint32]window{},
		daily:  map[uint32]window{},
		claims: map[string]window{}}
}

// provisional tells whether one more may be taken. waiting tells whether requests are in
// the spool: once it is empty, the core has had all that was taken.
func (l *limits) provisional(label string, number uint32, size int, waiting bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !waiting {
		l.provisioned = 0
	}
	if l.provisioned+size > provisionalBytes ||
		!pass(l.hooks, hook{label, number}, l.now(), time.Second, provisionalPerSecond) {
		return false
	}
	l.provisioned += size
	return true
}

func (l *limits) refused(number uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return pass(l.daily, number, l.now(), day, refusedPerDay)
}

func (l *limits) note(number uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return pass(l.notes, number, l.now(), time.Second, notesPerSecond)
}

func (l *limits) claim(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.claims) > maxAddresses {
		clear(l.claims)
	}
	return pass(l.claims, address, l.now(), time.Minute, claimsPerMinute)
}

// stranger bounds what the core is asked about hooks and links that nobody here knows.
func (l *limits) stranger() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.strangers.pass(l.now(), time.Second, strangersPerSecond)
}

func pass[K comparable](windows map[K]window, key K, now time.Time, span time.Duration,
	most int) bool {
	w := windows[key]
	ok := w.pass(now, span, most)
	windows[key] = w
	return ok
}

func (w *window) pass(now time.Time, span time.Duration, most int) bool {
	if !now.Before(w.ends) {
		*w = window{ends: now.Add(span)}
	}
	w.n++
	return w.n <= most
}
