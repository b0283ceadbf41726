package vendortest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kinds of faults besides a status number such as "500", "503" or "429".
const (
	NoAnswer  = "accept_then_no_answer" // done and recorded, then the connection ends unanswered
	Slow      = "slow"                  // answered after the delay
	Reset     = "reset"                 // the connection ends before anything is done
	Duplicate = "duplicate_webhook"     // sent twice
	Reorder   = "reorder"               // sent after the next one
	Late      = "late"                  // sent or seen after the delay
)

// Fault is one switch. An API is named like "line.push"; "line.*" means all of a vendor.
type Fault struct {
	API     string `json:"api"`
	Kind    string `json:"kind"`
	Times   int    `json:"times"` // how often; 0 = once, negative = until cleared
	DelayMS int    `json:"delay_ms"`
}

// Delay is the fault's delay as a duration.
func (f Fault) Delay() time.Duration { return time.Duration(f.DelayMS) * time.Millisecond }

// Status is the status that the kind names, or 0.
func (f Fault) Status() int {
	n, err := strconv.Atoi(f.Kind)
	if err != nil || n < 400 || n > 599 {
		return 0
	}
	return n
}

// Valid tells whether the kind is known.
func (f Fault) Valid() bool {
	known := []string{NoAnswer, Slow, Reset, Duplicate, Reorder, Late}
	return f.API != "" && (f.Status() != 0 || slices.Contains(known, f.Kind))
}

// Faults are the switches that are on. The zero value has none.
type Faults struct {
	mu sync.Mutex // guards on
	on []Fault
}

// Add turns a switch on; false means that the kind is unknown.
func (f *Faults) Add(fault Fault) bool {
	if !fault.Valid() {
		return false
	}
	if fault.Times == 0 {
		fault.Times = 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = append(f.on, fault)
	return true
}

// Clear turns all switches off.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = nil
}

// List gives the switches that are on, with what is left of their times.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Fault{}, f.on...)
}

// Take uses the oldest switch of an API up once. Without kinds any kind counts.
func (f *Faults) Take(api string, kinds ...string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.on {
		if !covers(fault.API, api) || len(kinds) > 0 && !slices.Contains(kinds, fault.Kind) {
			continue
		}
		if fault.Times > 0 {
			f.on[i].Times--
			if f.on[i].Times == 0 {
				f.on = slices.Delete(f.on, i, i+1)
			}
		}
		return fault, true
	}
	return Fault{}, false
}

func covers(pattern, api string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(api, prefix)
	}
	return pattern == api
}

// transport are the kinds that Guard itself acts on; the fakes take the others.
func (f *Faults) transport(api string) (Fault, bool) {
	f.mu.Lock()
	var kinds []string
	for _, fault := range f.on {
		if fault.Status() != 0 || slices.Contains([]string{NoAnswer, Slow, Reset}, fault.Kind) {
			kinds = append(kinds, fault.Kind)
		}
	}
	f.mu.Unlock()
	if len(kinds) == 0 {
		return Fault{}, false
	}
	return f.Take(api, kinds...)
}

// Refuse writes a vendor's own body for a status.
type Refuse func(w http.ResponseWriter, r *http.Request, status int)

// Guard runs next under the faults of an API.
func (f *Faults) Guard(api string, refuse Refuse, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, on := f.transport(api)
		switch {
		case !on:
			next.ServeHTTP(w, r)
		case fault.Status() != 0:
			refuse(w, r, fault.Status())
		case fault.Kind == Reset:
			hangUp(w)
		case fault.Kind == NoAnswer:
			next.ServeHTTP(&mute{header: http.Header{}}, r)
			wait(r, fault.Delay())
			hangUp(w)
		default:
			wait(r, fault.Delay())
			next.ServeHTTP(w, r)
		}
	})
}

// wait passes real time, or less when the caller gives up.
func wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// hangUp ends the connection without an answer. Where it cannot be taken over (HTTP/2, a
// recorder in a test) the answer is an empty 502, which is as good as none.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	_ = conn.Close()
}

// mute takes an answer that nobody is to see.
type mute struct{ header http.Header }

func (m *mute) Header() http.Header         { return m.header }
func (m *mute) Write(b []byte) (int, error) { return len(b), nil }
func (m *mute) WriteHeader(int)             {}
