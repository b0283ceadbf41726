package vendortest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"lumo/core/vendortest"
)

func TestNothingLeavesThisMachine(t *testing.T) {
	t.Parallel()
	client := vendortest.LocalClient(time.Second)
	for _, address := range []string{"http://192.0.2.1/", "http://[2001:db8::1]/", "https://198.51.100.7/x"} {
		if _, err := client.Get(address); !errors.Is(err, vendortest.ErrOutside) {
			t.Errorf("%s: got %v want %v", address, err, vendortest.ErrOutside)
		}
	}
}

func TestPlainHTTPIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address   string
		strict    bool
		plain, ok bool
	}{
		{"https://shop.example/x", false, false, true},
		{"https://shop.example/x", true, false, true},
		{"http://127.0.0.1:8080/x", false, true, true},
		{"http://localhost/x", false, true, true},
		{"http://[::1]:1/x", false, true, true},
		{"http://127.0.0.1:8080/x", true, false, false},
		{"http://shop.example/x", false, false, false},
		{"http://127.0.0.1.example/x", false, false, false},
		{"ftp://127.0.0.1/x", false, false, false},
		{"https://user@shop.example/", false, false, false},
		{"", false, false, false},
	} {
		_, plain, ok := vendortest.Target(c.address, c.strict)
		if plain != c.plain || ok != c.ok {
			t.Errorf("%q strict %v: got plain %v ok %v", c.address, c.strict, plain, ok)
		}
	}
}

func TestFaultsAreUsedUp(t *testing.T) {
	t.Parallel()
	var f vendortest.Faults
	if f.Add(vendortest.Fault{API: "line.push", Kind: "explode"}) ||
		f.Add(vendortest.Fault{Kind: "500"}) {
		t.Error("an unknown fault was taken")
	}
	f.Add(vendortest.Fault{API: "line.push", Kind: "500", Times: 2})
	f.Add(vendortest.Fault{API: "line.*", Kind: vendortest.Slow, Times: -1})
	for i, want := range []string{"500", "500", vendortest.Slow, vendortest.Slow} {
		got, _ := f.Take("line.push")
		if got.Kind != want {
			t.Errorf("use %d: got %q want %q", i+1, got.Kind, want)
		}
	}
	if _, on := f.Take("klaviyo.events"); on {
		t.Error("another vendor's fault was taken")
	}
	f.Clear()
	if got := len(f.List()); got != 0 {
		t.Errorf("%d faults are left", got)
	}
}

func TestGuardedAnswersFailAsAsked(t *testing.T) {
	t.Parallel()
	var f vendortest.Faults
	var done atomic.Int32
	server := httptest.NewServer(
		f.Guard("line.push", func(w http.ResponseWriter, _ *http.Request, status int) {
			w.WriteHeader(status)
		}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { done.Add(1) })),
	)
	t.Cleanup(server.Close)
	for _, c := range []struct {
		kind   string
		status int // 0 = no answer
		done   int32
	}{{"503", 503, 0}, {vendortest.Reset, 0, 0}, {vendortest.NoAnswer, 0, 1}, {vendortest.Slow, 200, 1}} {
		done.Store(0)
		f.Add(vendortest.Fault{API: "line.push", Kind: c.kind, DelayMS: 1})
		status := 0
		if res, err := http.Post(server.URL, "text/plain", nil); err == nil {
			status = res.StatusCode
			res.Body.Close()
		}
		if status != c.status || done.Load() != c.done {
			t.Errorf("%s: got %d, done %d times; want %d, %d", c.kind, status, done.Load(), c.status, c.done)
		}
	}
}

func TestClockRunsOnFromWhereItIsPut(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	now := base
	c := vendortest.NewClock(func() time.Time { return now })
	c.Set(base.Add(time.Hour))
	now = now.Add(time.Minute)
	c.Advance(time.Second)
	if got, want := c.Now(), base.Add(time.Hour+time.Minute+time.Second); !got.Equal(want) {
		t.Errorf("got %s want %s", got, want)
	}
}
