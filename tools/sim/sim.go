package main

import (
	"net/http"
	"time"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
	"lumo/core/vendortest"
)

// keep is how many rows of each log the simulator holds, so that it can run for weeks.
const keep = 5_000

// config is what a simulator is made of.
type config struct {
	Now    func() time.Time
	URL    string // where it is reached
	Dir    string // empty = nothing is kept
	Strict bool
}

// sim joins the fakes, their clock and faults, and everybody who watches.
type sim struct {
	url     string
	strict  bool
	clock   *vendortest.Clock
	faults  *vendortest.Faults
	line    *linetest.Server
	klaviyo *klaviyotest.Server
	live    *live
	store   *store
}

// newSim makes a simulator with the state that its folder holds.
func newSim(c config) (*sim, error) {
	s := &sim{
		url:    c.URL,
		strict: c.Strict,
		clock:  vendortest.NewClock(c.Now),
		faults: &vendortest.Faults{},
	}
	s.live = newLive(s.clock.Now)
	s.store = newStore(s, c.Dir)
	s.line = linetest.New(
		linetest.Config{Now: s.clock.Now, Strict: c.Strict, Faults: s.faults, Keep: keep,
			AccessURL: c.URL + "/line-access", Changed: s.changed},
	)
	s.klaviyo = klaviyotest.New(
		klaviyotest.Config{Now: s.clock.Now, Strict: c.Strict, Faults: s.faults,
			Keep: keep, Changed: s.changed},
	)
	if err := s.store.begin(); err != nil {
		return nil, err
	}
	return s, nil
}

// changed tells watchers and the store.
func (s *sim) changed(kind, id string) {
	s.live.publish(kind, id)
	s.store.touch()
}

func (s *sim) handler() http.Handler {
	mux := http.NewServeMux()
	for _, prefix := range []string{"/line-api/", "/line-data/", "/line-access/"} {
		mux.Handle(prefix, s.line.Handler())
	}
	for _, prefix := range []string{"/klaviyo-api/", "/klaviyo-web/"} {
		mux.Handle(prefix, s.klaviyo.Handler())
	}
	control := http.NewServeMux()
	s.commonRoutes(control)
	s.lineRoutes(control)
	s.peopleRoutes(control)
	s.klaviyoRoutes(control)
	s.flowRoutes(control)
	mux.Handle("/sim/v1/", http.NewCrossOriginProtection().Handler(control))
	mux.HandleFunc("GET /shop", s.shop)
	mux.Handle("/", pages())
	return mux
}
