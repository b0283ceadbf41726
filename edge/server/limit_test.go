package server

import (
	"testing"
	"time"
)

// clockAt is a clock that stands until it is moved.
type clockAt struct{ at time.Time }

func (c *clockAt) now() time.Time { return c.at }

func TestProvisionalRequestsTakeAtMost64MiB(t *testing.T) {
	t.Parallel()
	clock := &clockAt{time.Unix(1, 0)}
	l := newLimits(clock.now, 0)
	const megabyte = 1 << 20
	take := func(size int, waiting bool) bool {
		clock.at = clock.at.Add(time.Second) // the limit by second is another one
		return l.provisional("hook_line", 7, size, waiting)
	}
	for n := range 64 {
		if !take(megabyte, n > 0) {
			t.Fatalf("the %d. of 64 MiB was not taken", n+1)
		}
	}
	if take(1, true) {
		t.Error("more than 64 MiB was taken")
	}
	if !take(megabyte, false) {
		t.Error("the core has all that was taken, and nothing more is")
	}
}

// What waits since before the start is counted: a restart makes no room.
func TestProvisionalRequestsAreCountedFromTheSpoolAtTheStart(t *testing.T) {
	t.Parallel()
	clock := &clockAt{time.Unix(1, 0)}
	l := newLimits(clock.now, provisionalBytes-10)
	if l.provisional("hook_line", 7, 11, true) {
		t.Error("what waits was forgotten")
	}
	if !l.provisional("hook_line", 7, 10, true) {
		t.Error("there was room for it")
	}
	if full := newLimits(clock.now, 1<<40); full.provisional("hook_line", 7, 1, true) ||
		!full.provisional("hook_line", 7, 1, false) {
		t.Error("a spool of verified requests that is handed over must make room")
	}
}
