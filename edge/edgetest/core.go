// Package edgetest is a core as an edge sees it, for tests: enrolment, configuration
// stream, requests, records. It can be slow, silent or gone.
package edgetest

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

// Code enrols one edge.
const Code = "lec_test"

const (
	edgeKey   = "lek_test"
	beatEvery = 50 * time.Millisecond
)

// Asked is a request that the edge passed on and waited for.
type Asked struct {
	ID     id.ID
	Auth   string
	Method string
	Target string
	Header http.Header
	Body   []byte
}

// Answer is what the core says to it. Drop breaks the connection instead.
type Answer struct {
	Status int
	Header map[string]string
	Body   string
	Drop   bool
}

// Core plays the core. It is safe for concurrent use.
type Core struct {
	t       testing.TB
	private sealing.PrivateKey
	addr    string

	mu       sync.Mutex // guards everything below
	server   *http.Server
	closing  chan struct{}
	enrolled bool
	version  uint64
	rows     map[string]edgeapi.Entry
	changes  []change
	news     chan struct{} // closed at the next change
	mute     bool          // no heartbeats
	acked    uint64
	answer   func(Asked) Answer
	asked    []Asked
	taken    []edgeapi.Record // opened, as they came
	refuse   map[id.ID]bool   // records that are kept aside
	broken   bool             // records are answered 503
	revoked  bool             // the edge's key does not count
	media    map[string]file  // by hash
	fetched  int              // how often one was asked for
	modules  *edgeapi.ModuleSet
	files    map[string][]byte // modules by hash
	status   edgeapi.Status
}

type change struct {
	version uint64
	entry   edgeapi.Entry
}

// NewCore starts a core that answers 200 to everything.
func NewCore(t testing.TB) *Core {
	t.Helper()
	raw, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := sealing.ParsePrivateKey(raw.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	c := &Core{t: t, private: private, rows: map[string]edgeapi.Entry{}, news: make(chan struct{}),
		refuse: map[id.ID]bool{}, media: map[string]file{}, files: map[string][]byte{},
		answer: func(Asked) Answer { return Answer{Status: http.StatusOK} }}
	c.addr = "127.0.0.1:0"
	c.Start()
	t.Cleanup(c.Stop)
	return c
}

// URL is where the edge finds the core.
func (c *Core) URL() string { return "http://" + c.addr }

// SealingKey is the public half of what spools are sealed to.
func (c *Core) SealingKey() []byte { return c.private.Public() }

// EdgeKey is the key that an enrolled edge gets.
func (c *Core) EdgeKey() string { return edgeKey }

// Start listens, at the same address as before.
func (c *Core) Start() {
	c.t.Helper()
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /edge/v1/enrol", c.enrol)
	mux.HandleFunc("GET /edge/v1/stream", c.known(c.stream))
	mux.HandleFunc("POST /edge/v1/requests", c.known(c.requests))
	mux.HandleFunc("POST /edge/v1/events", c.known(c.records))
	mux.HandleFunc("GET /edge/v1/modules/{sha256}", c.known(c.getModule))
	mux.HandleFunc("GET /edge/v1/media/{sha256}", c.known(c.getMedia))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addr = listener.Addr().String()
	c.closing = make(chan struct{})
	c.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func(s *http.Server) { _ = s.Serve(listener) }(c.server)
}

// Stop is gone: connections break, new ones are refused.
func (c *Core) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return
	}
	close(c.closing)
	_ = c.server.Close()
	c.server = nil
}

// Revoke makes the edge's key count no more, or again. A stream that stands goes on until
// the core stops.
func (c *Core) Revoke(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revoked = yes
}

func (c *Core) isRevoked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revoked
}

func (c *Core) known(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if c.isRevoked() || r.Header.Get("Authorization") != "Bearer "+edgeKey {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func (c *Core) enrol(w http.ResponseWriter, r *http.Request) {
	var in struct{ Code, Name string }
	err := json.NewDecoder(r.Body).Decode(&in)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || in.Code != Code || c.enrolled {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	c.enrolled = true
	c.write(w, map[string]any{"edge": "edg_test", "key": edgeKey, "sealing_key": c.SealingKey(),
		"module_key": []byte(ModuleKey())})
}

func (c *Core) write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		c.t.Log("the edge left before its answer:", err)
	}
}
