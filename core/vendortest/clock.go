package vendortest

import (
	"sync"
	"time"
)

// Clock is a time source that can be moved. It goes on running from where it was put.
type Clock struct {
	base func() time.Time

	mu     sync.Mutex // guards offset
	offset time.Duration
}

// NewClock makes a clock over another one.
func NewClock(base func() time.Time) *Clock { return &Clock{base: base} }

// Fixed is a clock that stands still until it is moved, for tests.
func Fixed(at time.Time) *Clock { return NewClock(func() time.Time { return at }) }

// Now is the clock's time in UTC.
func (c *Clock) Now() time.Time { return c.base().Add(c.Offset()).UTC() }

// Offset is how far the clock is from the one below it.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Set puts the clock to a time.
func (c *Clock) Set(to time.Time) { c.shift(to.Sub(c.base()), false) }

// Advance moves the clock forward, or back when d is negative.
func (c *Clock) Advance(d time.Duration) { c.shift(d, true) }

func (c *Clock) shift(d time.Duration, relative bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if relative {
		d += c.offset
	}
	c.offset = d
}
