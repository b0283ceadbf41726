package outbox

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// share of Klaviyo's limits that we use: clocks differ, and tests of a connection count too.
const share = 0.95

// tier is one of Klaviyo's limits: so many requests in a second, so many in a minute.
type tier struct {
	burst  float64
	steady float64
}

// The tiers of the requests that the outbox makes.
func eventTier() tier   { return tier{burst: 350, steady: 3500} } // XL
func profileTier() tier { return tier{burst: 75, steady: 750} }   // L
func bulkTier() tier    { return tier{burst: 10, steady: 150} }   // M

// pace keeps one tier's limit and the pauses that Klaviyo asks for.
type pace struct {
	limit *rate.Limiter
	mu    sync.Mutex // guards until
	until time.Time
}

// newPace makes a token bucket that keeps both windows wherever they begin: with r a second
// and b at once, a second holds b+r and a minute b+60r. It starts nearly empty, because
// another process may have used this minute's share.
func newPace(t tier, now time.Time) *pace {
	perSecond := share * (t.steady - t.burst) / 59
	burst := int(share*t.burst - perSecond)
	p := &pace{limit: rate.NewLimiter(rate.Limit(perSecond), burst)}
	p.limit.AllowN(now, burst-max(burst/10, 1))
	return p
}

// paused tells until when nothing may be sent; ok is false when something may.
func (p *pace) paused(now time.Time) (until time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until, now.Before(p.until)
}

// pause keeps everything back for a while.
func (p *pace) pause(now time.Time, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := now.Add(wait); until.After(p.until) {
		p.until = until
	}
}

// wait blocks until one more request is within the limit.
func (p *pace) wait(ctx context.Context) error { return p.limit.Wait(ctx) }
