// Package linetest is LINE as Lumo meets it, for tests and for the simulator: the Messaging
// API, LINE Login, the sender of webhooks, and people with phones.
//
// What always holds: an answer has the status, body and headers that LINE's references and
// reports of real answers give; what was accepted stands in the ledger even when the answer
// got lost; people have another user id at each provider; only delivered messages count
// against the quota. Time is the clock's alone, and no address beyond this machine is ever
// called. It is safe for concurrent use; no lock is held while something is called.
//
// Where LINE's behaviour is unknown, the comment at that place says what was chosen.
package linetest

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

// Config is what a fake LINE is made of. Only Now is required.
type Config struct {
	Now      func() time.Time
	Channels []Channel // nil = the demo channel
	People   []Person  // nil = the demo people
	Strict   bool      // refuse plain http everywhere, and unregistered callbacks
	// AccessURL is where Access() can be reached; phones go there instead of access.line.me.
	AccessURL string
	Client    *http.Client // what calls webhooks and loads pages; nil = this machine only
	Faults    *vendortest.Faults
	Random    io.Reader
	// Changed hears of everything that happens, without a lock held: kind and id.
	Changed func(kind, id string)
	// Keep is how many rows of ledger, webhooks and each chat are kept; 0 = all.
	Keep int
}

// Server is the fake. Make one with New.
type Server struct {
	now       func() time.Time
	random    io.Reader
	client    *http.Client
	faults    *vendortest.Faults
	changed   func(kind, id string)
	strict    bool
	accessURL string
	keep      int
	limits    limits
	wake      chan struct{}
	round     sync.Mutex // one round of Deliver at a time

	mu    sync.Mutex // guards db, everything it points to, tabs, crowd and pictures
	db    state
	tabs  map[string]*Page // person -> what the browser shows
	crowd crowd            // finds people
	// pictures are what phones have loaded: person and address -> picture.
	pictures map[string]Picture
}

// New makes a fake LINE.
func New(c Config) *Server {
	s := &Server{now: c.Now, random: c.Random, client: c.Client, faults: c.Faults, changed: c.Changed,
		strict: c.Strict, accessURL: c.AccessURL, keep: c.Keep, wake: make(chan struct{}, 1),
		db: newState(), tabs: map[string]*Page{},
		pictures: map[string]Picture{}}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.client == nil {
		s.client = vendortest.LocalClient(10 * time.Second)
	}
	if s.faults == nil {
		s.faults = &vendortest.Faults{}
	}
	if s.changed == nil {
		s.changed = func(string, string) {}
	}
	s.limits.now = c.Now
	s.db.Secret = s.bytes(32)
	if c.Channels == nil {
		c.Channels = []Channel{DemoChannel}
	}
	if c.People == nil {
		c.People = DemoPeople()
	}
	for _, channel := range c.Channels {
		s.AddChannel(channel)
	}
	for _, p := range c.People {
		s.AddPerson(p)
	}
	return s
}

// Faults are the switches of this fake.
func (s *Server) Faults() *vendortest.Faults { return s.faults }

// Handler serves the three hosts below /line-api, /line-data and /line-access.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/line-api/", http.StripPrefix("/line-api", s.API()))
	mux.Handle("/line-data/", http.StripPrefix("/line-data", s.Data()))
	mux.Handle("/line-access/", http.StripPrefix("/line-access", s.Access()))
	return mux
}

// Run sends webhooks as they become due, until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond) // due times move with a clock we cannot wait on
	defer tick.Stop()
	for {
		s.Deliver(ctx)
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

// ulid is a new id at the clock's time.
func (s *Server) ulid() string {
	var entropy [10]byte
	copy(entropy[:], s.bytes(10))
	return id.New(s.now().UnixMilli(), entropy).String()
}
