package klaviyotest

import (
	"fmt"
	"strconv"
	"sync"
	"time"
)

// tier is a pair of fixed windows: one second and one minute; some have a day as well.
type tier struct{ burst, steady, daily int }

func tierXS() tier { return tier{burst: 1, steady: 15} }
func tierS() tier  { return tier{burst: 3, steady: 60} }
func tierM() tier  { return tier{burst: 10, steady: 150} }
func tierL() tier  { return tier{burst: 75, steady: 750} }
func tierXL() tier { return tier{burst: 350, steady: 3500} }

// rates are the windows in use, per app, account and endpoint.
type rates struct {
	now func() time.Time

	mu      sync.Mutex // guards windows
	windows map[string]*windows
}

type windows struct {
	start [3]int64
	used  [3]int
}

// take counts a request. wait is in seconds, 0 = it may go on; header tells what is left.
func (r *rates) take(key string, t tier) (header map[string]string, wait int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.windows == nil {
		r.windows = map[string]*windows{}
	}
	w := r.windows[key]
	if w == nil {
		w = &windows{}
		r.windows[key] = w
	}
	now := r.now().Unix()
	lengths, limits := [3]int64{1, 60, 86400}, [3]int{t.burst, t.steady, t.daily}
	left, reset := 1<<30, int64(0)
	for i, limit := range limits {
		if limit == 0 {
			continue
		}
		if start := now - now%lengths[i]; start != w.start[i] {
			w.start[i], w.used[i] = start, 0
		}
		rest := w.start[i] + lengths[i] - now
		if w.used[i] >= limit {
			wait = max(wait, int(rest))
		}
		if n := limit - w.used[i] - 1; n < left {
			left, reset = n, rest
		}
	}
	if wait > 0 {
		return nil, wait
	}
	for i := range w.used {
		w.used[i]++
	}
	text := fmt.Sprintf("%d, %d;w=1, %d;w=60", t.burst, t.burst, t.steady)
	if t.daily > 0 {
		text += fmt.Sprintf(", %d;w=86400", t.daily)
	}
	return map[string]string{"RateLimit-Limit": text, "RateLimit-Remaining": itoa(left),
		"RateLimit-Reset": strconv.FormatInt(reset, 10)}, 0
}

func itoa(n int) string { return strconv.Itoa(n) }
