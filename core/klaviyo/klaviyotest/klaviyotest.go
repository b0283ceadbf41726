// Package klaviyotest is Klaviyo as Lumo meets it, for tests and for the simulator: OAuth,
// the API of profiles and events, flows with webhook actions, emails with merge variables.
//
// What always holds: answers have the status, headers and JSON:API bodies of the published
// specification, or of recordings of the real API where those differ; what was accepted
// stands in the ledger even when the answer got lost; accounts never see each other. Time is
// the clock's alone, and no address beyond this machine is ever called. It is safe for
// concurrent use; no lock is held while something is called.
//
// Where Klaviyo's behaviour is unknown, the comment at that place says what was chosen.
package klaviyotest

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"sync"
	"time"

	"lumo/core/vendortest"
	"lumo/shared/id"
)

// Revision is the newest revision of the API that the fake speaks.
const Revision = "2026-07-15"

// Config is what a fake Klaviyo is made of. Only Now is required.
type Config struct {
	Now      func() time.Time
	Accounts []Account // nil = the demo account
	Apps     []App     // nil = the demo app
	Empty    bool      // without the demo's profiles, flow and lists
	Strict   bool      // refuse plain http everywhere
	Client   *http.Client
	Faults   *vendortest.Faults
	Random   io.Reader
	// Changed hears of everything that happens, without a lock held: kind and id.
	Changed func(kind, id string)
	// Keep is how many rows of each log are kept; 0 = all.
	Keep int
}

// Server is the fake. Make one with New.
type Server struct {
	now     func() time.Time
	random  io.Reader
	client  *http.Client
	faults  *vendortest.Faults
	changed func(kind, id string)
	strict  bool
	keep    int
	rates   rates
	wake    chan struct{}
	round   sync.Mutex // one round of Work at a time

	mu sync.Mutex // guards db and everything it points to
	db state
}

// New makes a fake Klaviyo.
func New(c Config) *Server {
	s := &Server{now: c.Now, random: c.Random, client: c.Client, faults: c.Faults,
		changed: c.Changed, strict: c.Strict, keep: c.Keep, wake: make(chan struct{}, 1),
		db: newState()}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.client == nil {
		s.client = vendortest.LocalClient(webhookTimeout)
	}
	if s.faults == nil {
		s.faults = &vendortest.Faults{}
	}
	if s.changed == nil {
		s.changed = func(string, string) {}
	}
	s.rates.now = c.Now
	if c.Accounts == nil {
		c.Accounts = []Account{DemoAccount.Account}
	}
	if c.Apps == nil {
		c.Apps = []App{DemoAccount.App()}
	}
	for _, app := range c.Apps {
		s.db.Apps[app.ClientID] = &app
	}
	for _, a := range c.Accounts {
		s.AddAccount(a)
		if a.ID == DemoAccount.ID && !c.Empty {
			s.demo(a.ID)
		}
	}
	return s
}

// Faults are the switches of this fake.
func (s *Server) Faults() *vendortest.Faults { return s.faults }

// Handler serves both hosts below /klaviyo-api and /klaviyo-web.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/klaviyo-api/", http.StripPrefix("/klaviyo-api", s.API()))
	mux.Handle("/klaviyo-web/", http.StripPrefix("/klaviyo-web", s.Web()))
	return mux
}

// Run works flows and jobs off as they become due, until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond) // due times move with a clock we cannot wait on
	defer tick.Stop()
	for {
		s.Work(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// hurry makes Run look for work now.
func (s *Server) hurry() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Server) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = io.ReadFull(s.random, b) // crypto/rand does not fail; a test's source is its own affair
	return b
}

// short is a random id of Klaviyo's short form.
func (s *Server) short(n int) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
	b := s.bytes(n)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

// ulid is a new id at the clock's time, in upper case as Klaviyo writes them.
func (s *Server) ulid() string {
	var entropy [10]byte
	copy(entropy[:], s.bytes(10))
	return upper(id.New(s.now().UnixMilli(), entropy).String())
}
