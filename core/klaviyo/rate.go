package klaviyo

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Rate is what Klaviyo says about the limit that a request counted against.
type Rate struct {
	Windows   []Window
	Remaining int
	Reset     time.Duration
}

// Window is one fixed window of a limit: Limit requests in each Length.
type Window struct {
	Limit  int
	Length time.Duration
}

// ReadRate reads "RateLimit-Limit: 75, 75;w=1, 750;w=60" and its companions. The leading
// number has meant different windows over the years, so only the parts with ;w= count.
// A 429 has no such headers; ok is false then.
func ReadRate(h http.Header) (r Rate, ok bool) {
	for part := range strings.SplitSeq(h.Get("RateLimit-Limit"), ",") {
		limit, window, found := strings.Cut(strings.TrimSpace(part), ";w=")
		if !found {
			continue
		}
		n, err := strconv.Atoi(limit)
		seconds, err2 := strconv.Atoi(window)
		if err != nil || err2 != nil || n <= 0 || seconds <= 0 || seconds > 31*86400 {
			continue
		}
		r.Windows = append(r.Windows, Window{n, time.Duration(seconds) * time.Second})
	}
	remaining, err := strconv.Atoi(h.Get("RateLimit-Remaining"))
	if len(r.Windows) == 0 || err != nil || remaining < 0 {
		return Rate{}, false
	}
	reset, _ := strconv.Atoi(h.Get("RateLimit-Reset"))
	r.Remaining = remaining
	r.Reset = min(time.Duration(max(reset, 0))*time.Second, time.Hour)
	return r, true
}

// pause is how long the next request of the same kind should wait: until the window
// ends, once it is used up.
func pause(h http.Header) time.Duration {
	if r, ok := ReadRate(h); ok && r.Remaining == 0 {
		return r.Reset
	}
	return 0
}
