package prooftest

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Chaos is what goes wrong on the way to the vendors. The zero value lets everything through.
// What it does depends on the number of a request alone, so that a run has each fault in its
// share.
type Chaos struct {
	// Of a hundred requests to LINE so many are taken and never answered, or answered 500:
	// every second of those was taken, as LINE says it may have been.
	NoAnswer, Failing int
	// BurstEvery is after how many requests LINE refuses everything for a while; 0 = never.
	BurstEvery int
	// MulticastEvery is how far apart multicasts are that LINE takes; it refuses one that comes
	// sooner, as it refuses what is too fast.
	MulticastEvery time.Duration
	// Script decides by itself, by how often a retry key came, from 1; nil = the shares above.
	Script func(try int) Step
	// Busy of a hundred requests to Klaviyo are answered 503, and as many taken unanswered.
	Busy int

	down    atomic.Bool // LINE answers nothing and takes nothing
	pushes  atomic.Int64
	writes  atomic.Int64
	mu      sync.Mutex     // guards what follows
	refused time.Time      // until when LINE refuses everything
	tries   map[string]int // of each retry key
	taken   time.Time      // the last multicast that was let through
	tooFast int            // multicasts refused because they came too soon
}

// Step is what becomes of one request.
type Step int

// The steps of a script.
const (
	Pass       Step = iota
	Unanswered      // taken, and the answer is lost
	Lost            // neither taken nor answered
	Denied          // 401: the token is not good
)

const burst = 150 * time.Millisecond

// Down takes LINE away, or gives it back.
func (c *Chaos) Down(down bool) { c.down.Store(down) }

// LINE puts the faults before LINE's sending endpoints.
func (c *Chaos) LINE(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/message/push") && !strings.Contains(r.URL.Path, "/message/multicast") {
			next.ServeHTTP(w, r)
			return
		}
		n := int(c.pushes.Add(1))
		part, half := n*37%100, n/3%2 == 0 // spread, and each kind of failure in turn
		switch {
		case c.down.Load():
			hangUp(w)
		case c.Script != nil:
			c.step(w, r, next)
		case c.refuses(n), c.tooSoon(r):
			answer(w, r, http.StatusTooManyRequests, `{"message":"The API rate limit has been exceeded. Try again later."}`)
		case part < c.NoAnswer:
			next.ServeHTTP(&mute{header: http.Header{}}, r)
			hangUp(w)
		case part < c.NoAnswer+c.Failing:
			if half {
				next.ServeHTTP(&mute{header: http.Header{}}, r)
			}
			answer(w, r, http.StatusInternalServerError, `{"message":"Internal server error"}`)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// step follows the script.
func (c *Chaos) step(w http.ResponseWriter, r *http.Request, next http.Handler) {
	key := r.Header.Get("X-Line-Retry-Key")
	c.mu.Lock()
	if c.tries == nil {
		c.tries = map[string]int{}
	}
	c.tries[key]++
	n := c.tries[key]
	c.mu.Unlock()
	switch c.Script(n) {
	case Unanswered:
		next.ServeHTTP(&mute{header: http.Header{}}, r)
		hangUp(w)
	case Lost:
		hangUp(w)
	case Denied:
		answer(w, r, http.StatusUnauthorized, `{"message":"Authentication failed"}`)
	default:
		next.ServeHTTP(w, r)
	}
}

// refuses tells whether a burst of refusals is on.
func (c *Chaos) refuses(n int) bool {
	if c.BurstEvery == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if n%c.BurstEvery == 0 {
		c.refused = now.Add(burst)
	}
	return now.Before(c.refused)
}

// tooSoon tells whether a request is a multicast that comes sooner than LINE takes one.
func (c *Chaos) tooSoon(r *http.Request) bool {
	if c.MulticastEvery == 0 || !strings.Contains(r.URL.Path, "/message/multicast") {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.taken) < c.MulticastEvery {
		c.tooFast++
		return true
	}
	c.taken = now
	return false
}

// TooFast is how many multicasts were refused because they came too soon.
func (c *Chaos) TooFast() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tooFast
}

// Klaviyo puts the faults before the endpoint that takes events.
func (c *Chaos) Klaviyo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		part := 100
		if strings.HasSuffix(r.URL.Path, "/api/events") && r.Method == http.MethodPost {
			part = int(c.writes.Add(1)) * 37 % 100
		}
		switch {
		case part < c.Busy:
			answer(w, r, http.StatusServiceUnavailable, `{"errors":[]}`)
		case part < 2*c.Busy:
			next.ServeHTTP(&mute{header: http.Header{}}, r)
			hangUp(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func answer(w http.ResponseWriter, r *http.Request, status int, body string) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.Close()
}

// mute takes an answer that nobody is to see.
type mute struct{ header http.Header }

func (m *mute) Header() http.Header         { return m.header }
func (m *mute) Write(b []byte) (int, error) { return len(b), nil }
func (m *mute) WriteHeader(int)             {}
