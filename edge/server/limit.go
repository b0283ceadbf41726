package server

import (
	"sync"
	"time"
)

const (
	provisionalPerSecond = 20
	provisionalBytes     = 64 << 20
	refusedPerDay        = 100
	day                  = 24 * time.Hour
)

// limits bound what may be taken without proof.
type limits struct {
	now      func() time.Time
	mu       sync.Mutex
	second   map[uint32]window // guarded by mu: provisional requests of a hook's owner
	daily    map[uint32]window // guarded by mu: refused requests of a channel
	bytes    int               // guarded by mu: provisional bytes since the window began
	bytesEnd time.Time
}

type window struct {
	n    int
	ends time.Time
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, second: map[uint32]window{}, daily: map[uint32]window{}}
}

func (l *limits) provisional(number uint32, size int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if !now.Before(l.bytesEnd) {
		l.bytes, l.bytesEnd = 0, now.Add(day)
	}
	if l.bytes+size > provisionalBytes || !pass(l.second, number, now, time.Second, provisionalPerSecond) {
		return false
	}
	l.bytes += size
	return true
}

func (l *limits) refused(number uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return pass(l.daily, number, l.now(), day, refusedPerDay)
}

func pass(windows map[uint32]window, number uint32, now time.Time, span time.Duration, most int) bool {
	w := windows[number]
	if !now.Before(w.ends) {
		w = window{ends: now.Add(span)}
	}
	w.n++
	windows[number] = w
	return w.n <= most
}
