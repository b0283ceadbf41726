package journey_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	reissues      = 50
	callers       = 64
	perSecond     = 200         // calls of flows, all callers together
	callsOfEach   = 20          // with a key that was shown, before the next one is asked for
	refusedWithin = time.Second // on a machine of one's own
	slack         = 10          // by which it is wider where other tests run beside this one
	mayBeSentBack = 100         // one call in so many, where the machine does not keep up: it comes again
)

// shownKey is a key that its merchant can see.
type shownKey struct {
	number int64
	value  string
}

// flowLoad calls a flow's webhook at edges in turn, always with the newest key that was shown.
type flowLoad struct {
	t         *testing.T
	addresses []string // of the webhook at each edge
	header    string
	newest    atomic.Pointer[shownKey]
	asked     atomic.Int64 // number of the key that was asked for last
	sent      atomic.Int64
	good      atomic.Int64 // calls whose key was the newest, and stayed it until the answer
	back      atomic.Int64 // those of them that were sent back to come again

	mu      sync.Mutex  // guards answers
	answers map[int]int // how often each status came
}

// run calls at a fixed rate until ctx ends, whatever the answers take, and tells the rate.
func (l *flowLoad) run(ctx context.Context) float64 {
	begun, step := time.Now(), time.Second*callers/perSecond
	var group sync.WaitGroup
	for n := range callers {
		group.Go(func() {
			timer := time.NewTimer(step * time.Duration(n) / callers)
			defer timer.Stop()
			for due := begun.Add(step * time.Duration(n) / callers); ; timer.Reset(time.Until(due)) {
				select {
				case <-ctx.Done():
					return
				case <-timer.C:
				}
				due = due.Add(step)
				l.call()
			}
		})
	}
	group.Wait()
	return float64(l.sent.Load()) / time.Since(begun).Seconds()
}

// call presents the newest key. A call that was on its way while the key was replaced says
// nothing: it may have come before or after.
func (l *flowLoad) call() {
	n, key := l.sent.Add(1), l.newest.Load()
	status, err := l.present(l.addresses[n%int64(len(l.addresses))], key.value, n)
	if err != nil {
		l.t.Error(err)
		return
	}
	l.mu.Lock()
	l.answers[status]++
	l.mu.Unlock()
	if l.asked.Load() != key.number {
		return
	}
	switch status {
	case http.StatusOK, http.StatusAccepted:
	case http.StatusServiceUnavailable:
		l.back.Add(1)
	default:
		l.t.Errorf("key %d, the newest that was shown, was answered %d", key.number, status)
	}
	l.good.Add(1)
}

// present calls for somebody who is no friend yet: nothing is sent to anybody.
func (l *flowLoad) present(address, key string, n int64) (int, error) {
	body := fmt.Sprintf(`{"lumo":1,"profile_id":%q,"event_id":"call-%d","text":"tea","vars":{}}`, mio, n)
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(l.header, key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

func TestFiftyKeysAreReplacedUnderLoadAndNoEdgeErrs(t *testing.T) { // beside no other test of these
	replaceFifty(t, slack*refusedWithin, perSecond*0.5) // a busy machine sends late
}

// On a machine of one's own the design's figures hold.
func TestSoakFiftyKeysAreReplacedWithinASecondEach(t *testing.T) {
	if os.Getenv("LUMO_SOAK") == "" {
		t.Skip("skipped: exact times need a quiet machine; LUMO_SOAK=1 runs it")
	}
	replaceFifty(t, refusedWithin, perSecond*0.95)
}

// A core, two edges and 200 calls of flows a second, while the key is replaced fifty times, each
// time at once. Nobody who presents the newest key that was shown is refused. When it is shown no
// edge takes the one before it any more, which is within a second of the merchant's press. And
// the core knows of every call that was taken.
func replaceFifty(t *testing.T, limit time.Duration, atLeast float64) {
	w := newWorld(t, 2)
	settings := w.flowOf()
	l := &flowLoad{t: t, header: settings.Header, answers: map[int]int{}}
	for _, edge := range w.front.addresses {
		l.addresses = append(l.addresses, edge+strings.TrimPrefix(settings.URL, w.front.URL))
	}
	l.newest.Store(&shownKey{0, settings.Key})
	account := get[struct{ Name string }](w, "")
	ctx, stop := context.WithCancel(t.Context())
	var rate float64
	var running sync.WaitGroup
	running.Go(func() { rate = l.run(ctx) })
	defer running.Wait()
	defer stop()
	var ended []string
	var slowest time.Duration
	for n := int64(1); n <= reissues; n++ {
		enough := l.good.Load() + callsOfEach
		w.until("the key to be used", func() (bool, error) { return l.good.Load() >= enough, nil })
		before := l.newest.Load()
		l.asked.Store(n)
		var made struct{ Value string }
		begun := time.Now()
		w.post("/flow_keys", map[string]any{"mode": "now", "confirm_name": account.Name}, &made)
		l.newest.Store(&shownKey{n, made.Value})
		for edge, address := range l.addresses {
			status, err := l.present(address, before.value, -n)
			w.must(err)
			if took := time.Since(begun); status != http.StatusUnauthorized {
				t.Errorf("edge %d answers key %d with %d when key %d is shown", edge, before.number, status, n)
			} else if slowest = max(slowest, took); took > limit {
				t.Errorf("edge %d refuses key %d only after %s", edge, before.number, took)
			}
		}
		ended = append(ended, before.value)
	}
	stop()
	running.Wait()
	t.Logf("%d calls, %.0f a second, answered %v, %d of them say something; the slowest replacement took %s until both edges refused",
		l.sent.Load(), rate, l.answers, l.good.Load(), slowest)
	taken := int64(l.answers[http.StatusOK] + l.answers[http.StatusAccepted])
	if rate < atLeast || l.back.Load()*mayBeSentBack > l.good.Load() {
		t.Errorf("%.0f calls were sent a second, %d were sent back: this proves little", rate, l.back.Load())
	}
	for _, key := range ended {
		for edge, address := range l.addresses {
			if status, err := l.present(address, key, 0); status != http.StatusUnauthorized {
				t.Errorf("edge %d answers a key that ended with %d %v", edge, status, err)
			}
		}
	}
	w.until("the core to know of every call that was taken", func() (bool, error) {
		var accepted int64
		for _, k := range get[struct {
			Keys []struct {
				Accepted int64 `json:"accepted_24h"`
			}
		}](w, "/flow_settings").Keys {
			accepted += k.Accepted
		}
		return accepted == taken, fmt.Errorf("it knows of %d of %d", accepted, taken)
	})
}
