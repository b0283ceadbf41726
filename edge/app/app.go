// Package app wires the edge: modules, replica, spool, the way to the core, the listener.
//
// It listens only when the modules are ready, and has heard the core's first word by then
// if the core is there. It stops in order: no new requests, those under way end, then the
// spool is handed over as far as the core takes it at once, and closed. Once it has been
// enrolled it starts and serves without the core.
package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"lumo/edge/core"
	"lumo/edge/manifest"
	"lumo/edge/media"
	"lumo/edge/modules"
	"lumo/edge/replica"
	"lumo/edge/server"
	"lumo/edge/spool"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

const (
	stopGrace     = 12 * time.Second // longer than the longest question to the core
	handOverGrace = 3 * time.Second
	firstWord     = 250 * time.Millisecond
	lookAgain     = 5 * time.Millisecond

	maxMedia     = 1 << 30
	maxMediaFile = 64 << 20 // the core takes no larger one
)

// Run serves until ctx ends. Settings are environment variables; the one argument, doctor, has
// them and what they lead to looked at.
func Run(ctx context.Context, args, environ []string, out, log io.Writer) error {
	if len(args) == 1 && args[0] == "doctor" {
		return doctor(ctx, environ, out, time.Now)
	}
	if len(args) > 0 {
		return refuse("lumo-edge takes no arguments but doctor. Its settings are environment variables; the README lists them all.")
	}
	s, err := Read(environ)
	if err != nil {
		return err
	}
	limitMemory()
	e := &edge{settings: s, now: time.Now, metrics: prometheus.NewRegistry(),
		log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: s.LogLevel}))}
	if err := e.open(ctx); err != nil {
		return errors.Join(err, e.close())
	}
	return errors.Join(e.serve(ctx, out), e.close())
}

// edge is the wired process.
type edge struct {
	settings Settings
	log      *slog.Logger
	now      func() time.Time
	metrics  *prometheus.Registry

	public  sealing.PublicKey
	client  *core.Client
	replica *replica.Replica
	spool   *spool.Spool
	media   *media.Cache
	modules *manifest.Keeper
	host    *wasm.Host
	hosting errgroup.Group // makes host while the rest is opened
	server  *server.Server
	// answering is server for who asks before it is made.
	answering atomic.Pointer[server.Server]

	certificate *certificate // nil = plain HTTP
}

// open makes what needs no listener, and begins to make the modules: they take longest.
func (e *edge) open(ctx context.Context) (err error) {
	if e.settings.TLSCertFile != "" {
		e.certificate, err = loadCertificate(e.settings.TLSCertFile, e.settings.TLSKeyFile, e.log)
		if err != nil {
			return err
		}
	}
	identity, err := e.identity(ctx)
	if err != nil {
		return err
	}
	if e.public, err = sealing.ParsePublicKey(identity.SealingKey); err != nil {
		return err
	}
	if len(e.settings.ModuleKey) > 0 { // the operator's word at the edge itself outdoes enrolment's
		identity.ModuleKey = []byte(e.settings.ModuleKey)
	}
	key, err := replica.LoadKey(e.settings.KeyFile)
	if err != nil {
		return err
	}
	e.replica, err = replica.Open(filepath.Join(e.settings.Dir, "replica"), key, e.now)
	if err != nil {
		return err
	}
	e.client = core.New(core.Config{
		URL:      e.settings.CoreURL,
		Identity: identity,
		Now:      e.now,
		Fresh:    func() uint64 { return e.server.Served() }, // asked only while it serves
		Modules:  func(set edgeapi.ModuleSet) { e.modules.Offer(set) },
		Meter:    core.NewMeter(e.metrics),
	})
	e.modules = manifest.New(manifest.Config{Dir: filepath.Join(e.settings.Dir, "modules"),
		Key: identity.ModuleKey, BuiltIn: modules.Default, Source: e.client, Log: e.log})
	e.hosting.Go(func() error { return e.makeHost(ctx) })
	e.spool, err = spool.Open(spool.Config{
		Dir:      filepath.Join(e.settings.Dir, "spool"),
		MaxBytes: int64(e.settings.SpoolMax),
		Now:      e.now,
	})
	if err != nil {
		return err
	}
	e.media, err = media.Open(media.Config{Dir: filepath.Join(e.settings.Dir, "media"),
		MaxBytes: maxMedia, MaxFile: maxMediaFile, Source: e.client})
	return err
}

// makeHost starts the modules that worked last.
func (e *edge) makeHost(ctx context.Context) error {
	return e.modules.Kept(func(set map[string][]byte) (err error) {
		e.host, err = wasm.New(ctx, wasm.Config{
			Modules:  set,
			CacheDir: filepath.Join(e.settings.Dir, "compiled"),
			Replica:  e.replica,
			Now:      e.replica.CoreTime,
		})
		return err
	})
}

// prepare makes the server when the modules are ready; the configuration comes in meanwhile.
func (e *edge) prepare() (err error) {
	if err = e.hosting.Wait(); err != nil {
		return err
	}
	e.server, err = server.New(server.Config{
		Modules:     e.host,
		Replica:     e.replica,
		Core:        e.client,
		Spool:       e.spool,
		Media:       e.media,
		Seal:        e.public,
		PublicURL:   e.settings.PublicURL,
		LINELogin:   e.settings.LINELogin,
		Proxies:     e.settings.Proxies,
		Connections: min(server.MostConnections, openFiles()/filesOfEach),
		NewID:       newIDs(e.replica.CoreTime),
		Now:         e.now,
		Log:         e.log,
		Meter:       server.NewMeter(e.metrics),
	})
	e.answering.Store(e.server)
	e.measure()
	return err
}

// serve works in two stages: the first ends with ctx, the second when the first has ended.
func (e *edge) serve(ctx context.Context, out io.Writer) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	heard := newWord()
	group.Go(func() error { return e.spool.Run(work) })
	group.Go(func() error {
		complain := e.complain("stream")
		return e.client.Stream(work, e.replica, e.status,
			func(err error) { complain(err); heard.say() })
	})
	err := e.prepare()
	if err == nil {
		err = e.answer(ctx, work, &group, heard, out)
	}
	stop()
	return errors.Join(err, group.Wait())
}

// answer listens until ctx ends.
func (e *edge) answer(ctx, work context.Context, group *errgroup.Group, heard *word,
	out io.Writer) error {
	metrics, err := listenTo(e.settings.MetricsAddr, "LUMO_EDGE_METRICS_ADDR")
	if err != nil {
		return err
	}
	e.awaitLease(ctx, heard)
	listener, err := listenTo(e.settings.Addr, "LUMO_EDGE_ADDR")
	if err != nil {
		return errors.Join(err, closeListener(metrics))
	}
	drain, stopDrain := context.WithCancel(work)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_ = e.client.Drain(drain, e.spool, e.complain("drain")) // it only ends with its context
	}()
	group.Go(func() error { return e.modules.Run(work, e.host) })
	if metrics != nil {
		group.Go(func() error { return e.serveMetrics(work, metrics) })
	}
	served := make(chan error, 1)
	go func() { served <- e.listen(listener) }()
	group.Go(func() error { return paceCollector(work) })
	fmt.Fprintf(out, "lumo-edge is ready at %s (listening on %s)\n", e.settings.PublicURL,
		listener.Addr())
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	err = errors.Join(err, e.stopServer())
	stopDrain()
	<-drained
	last, cancel := context.WithTimeout(work, handOverGrace)
	defer cancel()
	e.client.HandOver(last, e.spool)
	return err
}

// stopServer tells everybody to go elsewhere, gives them the time to hear of it, and then
// closes: nobody's request meets a closed connection. That nobody is connected right now says
// nothing about who comes next, such as a balancer that has not asked yet.
func (e *edge) stopServer() error {
	e.server.Leave()
	time.Sleep(e.settings.Farewell)
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	return fault.Wrap("app.stopServer", e.server.HTTP().ShutdownWithContext(ctx))
}

func listenTo(addr, setting string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "app.listen",
			"%s cannot be listened on. Choose another %s.", addr, setting)
	}
	return l, nil
}

func closeListener(l net.Listener) error {
	if l == nil {
		return nil
	}
	return l.Close()
}

func (e *edge) listen(l net.Listener) error {
	l = patient{l}
	if e.certificate != nil {
		l = tls.NewListener(l, e.certificate.config())
	}
	return e.server.Serve(l)
}

// awaitLease gives the core a moment to bring the newest configuration, unless it is away:
// the first answers are then as good as the later ones.
func (e *edge) awaitLease(ctx context.Context, heard *word) {
	ctx, cancel := context.WithTimeout(ctx, firstWord)
	defer cancel()
	select {
	case <-heard.said:
	case <-ctx.Done():
		return
	}
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for !e.replica.Fresh() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// word is said once.
type word struct {
	once sync.Once
	said chan struct{}
}

func newWord() *word { return &word{said: make(chan struct{})} }

func (w *word) say() { w.once.Do(func() { close(w.said) }) }

// complain logs when trouble with the core begins and ends, not each time it shows.
func (e *edge) complain(op string) func(error) {
	var mu sync.Mutex
	away := false
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil && !away:
			e.log.Warn("the core is away", "op", op, "kind", string(fault.KindOf(err)), "error",
				err.Error())
		case err == nil && away:
			e.log.Info("the core is back", "op", op)
		}
		away = err != nil
	}
}

func (e *edge) status() edgeapi.Status {
	s := e.spool.Stats()
	refused := e.modules.Refusal()
	return edgeapi.Status{WaitingEvents: uint64(s.Waiting),
		OldestSeconds: uint64(s.Oldest.Seconds()), Modules: e.modules.Version(),
		Trouble: e.trouble(s), Refused: refused.Version, Refusal: refused.Why, Detail: refused.Detail,
		SpoolBytes: uint64(s.Bytes), SpoolLimit: uint64(e.settings.SpoolMax),
		Served: e.served(), Program: program()}
}

// served counts answers; before the server is made there are none.
func (e *edge) served() uint64 {
	if s := e.answering.Load(); s != nil {
		return s.Served()
	}
	return 0
}

// program is the version that this program was built as.
func program() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) > 12 {
			return s.Value[:12]
		}
	}
	return strings.Trim(info.Main.Version, "()")
}

func (e *edge) trouble(s spool.Stats) (t edgeapi.Trouble) {
	if s.Failing || s.Full {
		t |= edgeapi.TroubleSpool
	}
	if e.replica.Failing() {
		t |= edgeapi.TroubleReplica
	}
	if e.modules.Trouble() {
		t |= edgeapi.TroubleModules
	}
	return t
}

func (e *edge) close() error {
	_ = e.hosting.Wait() // who waited first told of it
	var err error
	if e.host != nil {
		err = errors.Join(err, e.host.Close(context.Background()))
	}
	if e.client != nil {
		e.client.Close()
	}
	if e.spool != nil {
		err = errors.Join(err, e.spool.Close())
	}
	if e.replica != nil {
		err = errors.Join(err, e.replica.Close())
	}
	return err
}

// newIDs makes ULIDs of core time that rise even within one millisecond.
func newIDs(now func() time.Time) func() id.ID {
	var mu sync.Mutex
	entropy := ulid.Monotonic(rand.Reader, 0)
	return func() id.ID {
		mu.Lock()
		defer mu.Unlock()
		ms := ulid.Timestamp(now())
		v, err := ulid.New(ms, entropy)
		for err != nil { // within one millisecond the numbers ran out
			entropy = ulid.Monotonic(rand.Reader, 0)
			v, err = ulid.New(ms, entropy)
		}
		return id.ID(v)
	}
}
