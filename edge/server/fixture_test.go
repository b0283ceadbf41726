package server_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lumo/edge/core"
	"lumo/edge/edgetest"
	"lumo/edge/media"
	"lumo/edge/modules"
	"lumo/edge/replica"
	"lumo/edge/server"
	"lumo/edge/spool"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

const soon = time.Minute

// clock is real time that can be moved forward, or be made to stand.
type clock struct {
	ahead atomic.Int64
	still atomic.Pointer[time.Time]
}

func (c *clock) now() time.Time {
	if at := c.still.Load(); at != nil {
		return *at
	}
	return time.Now().Add(time.Duration(c.ahead.Load()))
}

func (c *clock) stand(at time.Time)      { c.still.Store(&at) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// edge is a real server with real modules, spool and replica, and a core that we wrote.
type edge struct {
	t       testing.TB
	server  *server.Server
	core    *edgetest.Core
	client  *core.Client
	replica *replica.Replica
	spool   *spool.Spool
	wasm    *wasm.Host
	clock   *clock
	log     *logged
	metrics *prometheus.Registry
	url     string
	addr    string
}

// logged keeps what was logged.
type logged struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// setup is what differs between tests.
type setup struct {
	spoolMax  int64
	lineLogin string
	modules   server.Modules // nil = the real ones
	core      server.Core    // nil = the client of the core that we wrote
	deadline  time.Duration  // of a module's call
	proxies   []netip.Prefix
	readTime  time.Duration // for a whole request, 0 = the usual
	writeTime time.Duration // for an answer, 0 = the usual
	// connections are served at a time, 0 = the usual.
	connections int
	spoolDir    string // "" = a folder of its own
}

func start(t testing.TB, with setup) *edge {
	t.Helper()
	e := &edge{t: t, core: edgetest.NewCore(t), clock: &clock{}, log: &logged{},
		metrics: prometheus.NewRegistry()}
	e.core.Seed()
	e.replica = replica.New(e.clock.now)
	var err error
	e.spool, err = spool.Open(spool.Config{Dir: cmp.Or(with.spoolDir, t.TempDir()), MaxBytes: with.spoolMax,
		Now: e.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.spool.Close() })
	public, err := sealing.ParsePublicKey(e.core.SealingKey())
	if err != nil {
		t.Fatal(err)
	}
	e.client = core.New(core.Config{URL: e.core.URL(),
		Identity: core.Identity{Key: e.core.EdgeKey()}, Now: e.clock.now})
	if with.modules == nil {
		e.host(cmp.Or(with.deadline, 5*time.Second))
		with.modules = e.wasm
	}
	if with.core == nil {
		with.core = e.client
	}
	s, err := server.New(server.Config{Modules: with.modules, Replica: e.replica, Core: with.core,
		Spool: e.spool, Media: e.media(), Seal: public,
		PublicURL: "https://go.example", LINELogin: with.lineLogin, Proxies: with.proxies, NewID: e.newID,
		Connections: with.connections,
		Now:         e.clock.now,
		Log:         slog.New(slog.NewTextHandler(e.log, nil)), Meter: server.NewMeter(e.metrics)})
	if err != nil {
		t.Fatal(err)
	}
	e.server = s
	if with.readTime > 0 {
		s.HTTP().ReadTimeout = with.readTime
	}
	if with.writeTime > 0 {
		s.HTTP().WriteTimeout = with.writeTime
	}
	e.listen(s)
	e.background(func(ctx context.Context) {
		_ = e.client.Stream(ctx, e.replica, func() edgeapi.Status { return edgeapi.Status{} },
			func(error) {})
	})
	e.until("the configuration came", func() bool {
		return e.replica.Fresh() &&
			e.replica.Version() == e.core.Version()
	})
	return e
}

func (e *edge) host(deadline time.Duration) {
	e.t.Helper()
	set, err := modules.Default()
	if err != nil {
		e.t.Fatal(err)
	}
	e.wasm, err = wasm.New(context.Background(), wasm.Config{Modules: set, CacheDir: cacheDir(),
		Replica: e.replica, Now: e.clock.now, Pool: 1, Deadline: deadline})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = e.wasm.Close(context.Background()) })
}

func (e *edge) media() *media.Cache {
	e.t.Helper()
	m, err := media.Open(media.Config{Dir: e.t.TempDir(), MaxBytes: 1 << 20, MaxFile: 1 << 16,
		Source: e.client})
	if err != nil {
		e.t.Fatal(err)
	}
	return m
}

func (e *edge) newID() id.ID {
	var entropy [10]byte
	_, _ = rand.Read(entropy[:])
	return id.New(e.clock.now().UnixMilli(), entropy)
}

func (e *edge) listen(s *server.Server) {
	e.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.t.Fatal(err)
	}
	e.addr = l.Addr().String()
	e.url = "http://" + e.addr
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	e.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		if err := s.HTTP().ShutdownWithContext(ctx); err != nil {
			e.t.Error(err)
		}
		<-done
	})
}

// background runs something until the test ends.
func (e *edge) background(run func(ctx context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	e.t.Cleanup(func() {
		stop()
		<-done
	})
}

func (e *edge) drain() {
	e.background(func(ctx context.Context) { _ = e.client.Drain(ctx, e.spool, func(error) {}) })
}

// handOver gives the core what is spooled.
func (e *edge) handOver() {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	e.client.HandOver(ctx, e.spool)
}

// lapse cuts the edge off from the core's word. Frames come in order: when a change that was
// made after the last heartbeat has arrived, none is on its way that would renew the lease.
func (e *edge) lapse() {
	e.t.Helper()
	e.core.Mute(true)
	e.core.Delete(edgeapi.TableKey, []byte("nobody's"))
	e.until("the last word arrived", func() bool { return e.replica.Version() == e.core.Version() })
	e.clock.advance(replica.LeaseLife)
	if e.replica.Fresh() {
		e.t.Fatal("the lease holds")
	}
}

func (e *edge) until(what string, ok func() bool) {
	e.t.Helper()
	deadline := time.After(soon)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			e.t.Fatalf("never happened: %s", what)
		case <-tick.C:
		}
	}
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) location() string { return a.header.Get("Location") }

// problem reads problem details.
func (a answer) problem(t *testing.T) (p struct {
	Type, Title, Kind, Reason, Request,
	Detail string
}) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("got a %q want problem details: %s", got, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Errorf("the problem cannot be read: %v", err)
	}
	return p
}

// do sends a request; header holds names and values in turn.
func (e *edge) do(method, path, body string, header ...string) answer {
	e.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, e.url+path,
		strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: soon,
		CheckRedirect: func(*http.Request,
			[]*http.Request) error {
			return http.ErrUseLastResponse
		}}
	res, err := client.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

func (e *edge) get(path string, header ...string) answer {
	e.t.Helper()
	return e.do(http.MethodGet, path, "", header...)
}

const (
	phone   = edgeapitest.Phone
	desktop = edgeapitest.Desktop
	linePth = "/hooks/line/" + edgeapitest.LINEHook
	flowPth = "/hooks/klaviyo/flow/" + edgeapitest.FlowHook
)

func signed(body string) string {
	mac := hmac.New(sha256.New, []byte(edgeapitest.Secret))
	mac.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func klaviyoSigned(body, at string) string {
	mac := hmac.New(sha256.New, []byte(edgeapitest.Secret))
	mac.Write([]byte(body + at))
	return hex.EncodeToString(mac.Sum(nil))
}

func (e *edge) line(body, signature string) answer {
	e.t.Helper()
	return e.do(http.MethodPost, linePth, body, "X-Line-Signature", signature)
}

func (e *edge) flow(body, key string) answer {
	e.t.Helper()
	return e.do(http.MethodPost, flowPth, body, edgeapi.HeaderFlowKey, key, "X-Klaviyo-Flow-ID",
		"Flow1",
		"Content-Type", "application/json")
}
