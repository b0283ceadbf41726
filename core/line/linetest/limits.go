package linetest

import (
	"strconv"
	"sync"
	"time"
)

// limit is a token bucket: n requests in each span.
type limit struct {
	n    int
	span time.Duration
}

// LINE counts each limit of its table per channel and endpoint.
func perSecond(n int) limit { return limit{n, time.Second} }
func perMinute(n int) limit { return limit{n, time.Minute} }
func perHour(n int) limit   { return limit{n, time.Hour} }

// limits are the buckets in use.
type limits struct {
	now func() time.Time

	mu      sync.Mutex // guards buckets
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// take uses one token up; false = none is left.
func (l *limits) take(key string, rate limit) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b := l.buckets[key]
	if b == nil {
		if l.buckets == nil {
			l.buckets = map[string]*bucket{}
		}
		b = &bucket{tokens: float64(rate.n), at: now}
		l.buckets[key] = b
	}
	if passed := now.Sub(b.at); passed > 0 {
		refill := passed.Seconds() / rate.span.Seconds() * float64(rate.n)
		b.tokens = min(float64(rate.n), b.tokens+refill)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func itoa(n int) string { return strconv.Itoa(n) }
