package prooftest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lumo/core/lumo"
	"lumo/core/postgres/postgrestest"
	"lumo/core/prooftest"
	"lumo/core/vendortest"
)

// Thousands of links made at once reach Klaviyo's fake through the product's own client: as one
// import job and a few requests for events. The process that began the job is stopped while
// Klaviyo works on it; the next one goes on with it.
func TestALargeBacklogReachesKlaviyoInBulk(t *testing.T) {
	t.Parallel()
	const friends = 2100
	w, err := prooftest.New(t.Context(), prooftest.Config{URL: postgrestest.URL(t), Shops: 1, Friends: friends, LinkEvery: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	s := &scene{World: w, t: t}
	shop, first := w.Shops[0], s.engine("a", nil)
	s.linked(first, shop)
	w.Klaviyo.Faults().Add(vendortest.Fault{API: "klaviyo.imports", Kind: vendortest.Late, DelayMS: 25_000})
	stop := s.writing(first)
	s.eventually(func() bool { return s.calls("POST", "/api/profile-bulk-import-jobs") == 1 })
	stop()
	if n := s.calls("GET", "/api/profile-bulk-import-jobs/"); n != 0 {
		t.Fatalf("the job was looked at %d times: it is not in the middle any more", n)
	}
	second := s.engine("b", nil)
	stop = s.writing(second)
	defer stop()
	s.eventually(func() bool {
		w.Clock.Advance(5 * time.Second)
		w.Klaviyo.Work(t.Context())
		waiting, kept, err := second.Outbox.Count(t.Context(), shop.Merchant, shop.Account)
		if err != nil || kept > 0 {
			t.Fatalf("%d are kept, %v", kept, err)
		}
		return waiting == 0
	})
	for _, f := range shop.Friends {
		p, _ := w.Klaviyo.Profile(shop.Site, string(f.Profile))
		if p.Properties["LINE User ID"] != string(f.Line) || p.Properties["LINE Follow Status"] != "following" {
			t.Fatalf("a customer has %v", p.Properties)
		}
		if events := w.Klaviyo.Events(shop.Site, string(f.Profile)); len(events) != 1 || events[0].Metric != "Linked LINE Identity" {
			t.Fatalf("a customer has %d events", len(events))
		}
	}
	for call, want := range map[string]int{"POST /api/profile-bulk-import-jobs": 1, "POST /api/event-bulk-create-jobs": 3,
		"POST /api/profile-import": 0, "POST /api/events": 0} {
		method, path, _ := strings.Cut(call, " ")
		if n := s.calls(method, path); n != want {
			t.Errorf("%s: %d requests, want %d", call, n, want)
		}
	}
}

// linked tells the outbox of all links of a shop, as an import does.
func (s *scene) linked(e *prooftest.Engine, shop *prooftest.Shop) {
	s.t.Helper()
	const each = 700
	for from := 0; from < len(shop.Friends); from += each {
		err := s.DB.InTenant(s.t.Context(), shop.Merchant, func(ctx context.Context) error {
			var friends []lumo.FriendID
			var facts []lumo.Fact
			for _, f := range shop.Friends[from:min(from+each, len(shop.Friends))] {
				friends = append(friends, f.ID)
				facts = append(facts, lumo.Fact{Merchant: shop.Merchant, Channel: shop.Channel.ID, Friend: f.ID,
					Kind: lumo.FactLinked, Source: "import", OccurredAt: s.Clock.Now()})
			}
			if err := e.Outbox.LinksMade(ctx, shop.Merchant, friends); err != nil {
				return err
			}
			return e.Tracking.RecordAll(ctx, shop.Merchant, facts)
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// writing has an engine write to Klaviyo until it is stopped.
func (s *scene) writing(e *prooftest.Engine) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := e.Outbox.Run(ctx); err != nil {
			s.t.Error(err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// eventually waits for something, without hurrying anything.
func (s *scene) eventually(ok func() bool) {
	s.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 1200 {
		if ok() {
			return
		}
		<-tick.C
	}
	s.t.Fatal("it does not come to that")
}

// calls are the requests that Klaviyo answered, by how they begin.
func (s *scene) calls(method, path string) (n int) {
	for _, c := range s.Klaviyo.Calls() {
		whole := strings.HasPrefix(c.Path, path) && (c.Path == path || strings.HasSuffix(path, "/"))
		if c.Method == method && whole {
			n++
		}
	}
	return n
}
