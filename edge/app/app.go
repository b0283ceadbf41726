// Package app wires the edge: modules, replica, spool, the way to the core, the listener.
//
// It listens only when the modules are ready, and stops in order: no new requests, those
// under way end, then the spool is handed over as far as the core takes it at once, and
// closed. It starts and serves without the core once it has been enrolled.
package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"lumo/edge/core"
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
	identityFile = "identity.json"
	metricsTime  = 5 * time.Second
)

// Run serves until ctx ends.
func Run(ctx context.Context, environ []string, out io.Writer) error {
	s, err := Read(environ)
	if err != nil {
		return err
	}
	e, err := build(ctx, s, out)
	if err != nil {
		return err
	}
	return errors.Join(e.serve(ctx), e.close())
}

// edge is the wired process.
type edge struct {
	settings Settings
	log      *slog.Logger
	client   *core.Client
	replica  *replica.Replica
	spool    *spool.Spool
	host     *wasm.Host
	server   *server.Server
	metrics  *prometheus.Registry
}

func build(ctx context.Context, s Settings, out io.Writer) (e *edge, err error) {
	e = &edge{settings: s, metrics: prometheus.NewRegistry(),
		log: slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: s.LogLevel}))}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	identity, err := loadIdentity(ctx, s)
	if err != nil {
		return nil, err
	}
	public, err := sealing.ParsePublicKey(identity.SealingKey)
	if err != nil {
		return nil, err
	}
	key, err := replica.LoadKey(s.KeyFile)
	if err != nil {
		return nil, err
	}
	if e.replica, err = replica.Open(filepath.Join(s.Dir, "replica"), key, time.Now); err != nil {
		return nil, err
	}
	e.spool, err = spool.Open(spool.Config{Dir: filepath.Join(s.Dir, "spool"), MaxBytes: int64(s.SpoolMax), Now: time.Now})
	if err != nil {
		return nil, err
	}
	set, err := modules.Default()
	if err != nil {
		return nil, err
	}
	e.host, err = wasm.New(ctx, wasm.Config{Modules: set, CacheDir: filepath.Join(s.Dir, "compiled"), Replica: e.replica})
	if err != nil {
		return nil, err
	}
	e.client = core.New(s.CoreURL, identity)
	e.server = server.New(server.Config{Modules: e.host, Replica: e.replica, Core: e.client, Spool: e.spool, Seal: public,
		PublicURL: s.PublicURL, LINELogin: s.LINELogin, NewID: newIDs(), Now: time.Now, Log: e.log,
		Meter: server.NewMeter(e.metrics)})
	e.measure()
	return e, nil
}

// loadIdentity reads what enrolment gave, or enrols with the one-time code.
func loadIdentity(ctx context.Context, s Settings) (core.Identity, error) {
	const op = "app.loadIdentity"
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return core.Identity{}, fault.Wrap(op, err)
	}
	file := filepath.Join(s.Dir, identityFile)
	b, err := os.ReadFile(file)
	if err == nil {
		var identity core.Identity
		return identity, fault.Wrap(op, json.Unmarshal(b, &identity))
	}
	if !errors.Is(err, os.ErrNotExist) {
		return core.Identity{}, fault.Wrap(op, err)
	}
	if s.Enrol == "" {
		return core.Identity{}, refuse("This edge is not enrolled. Set LUMO_EDGE_ENROL to a code from lumo-core admin create-edge-code.")
	}
	name, err := os.Hostname()
	if err != nil {
		name = "edge"
	}
	identity, err := core.Enrol(ctx, s.CoreURL, s.Enrol, name)
	if err != nil {
		return core.Identity{}, err
	}
	if b, err = json.Marshal(identity); err != nil {
		return core.Identity{}, fault.Wrap(op, err)
	}
	return identity, fault.Wrap(op, os.WriteFile(file, b, 0o600))
}

func (e *edge) serve(ctx context.Context) error {
	const op = "app.serve"
	listener, err := net.Listen("tcp", e.settings.Addr)
	if err != nil {
		return fault.New(fault.Unavailable, op, "%s is in use by another program. Choose another LUMO_EDGE_ADDR.", e.settings.Addr)
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return e.spool.Run(work) })
	group.Go(func() error { return e.client.Drain(work, e.spool, e.complain("drain")) })
	group.Go(func() error { return e.client.Stream(work, e.replica, e.status, e.complain("stream")) })
	group.Go(func() error { return e.serveMetrics(work) })
	served := make(chan error, 1)
	go func() { served <- e.listen(listener) }()
	e.log.InfoContext(ctx, "edge is ready", "op", op, "addr", listener.Addr().String())
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	stopped := e.server.HTTP().Shutdown()
	stop()
	return errors.Join(err, stopped, group.Wait())
}

func (e *edge) listen(l net.Listener) error {
	if e.settings.TLSCertFile != "" {
		return e.server.HTTP().ServeTLS(l, e.settings.TLSCertFile, e.settings.TLSKeyFile)
	}
	return e.server.HTTP().Serve(l)
}

// complain logs that the core is away, once for each time it begins.
func (e *edge) complain(op string) func(error) {
	return func(err error) {
		if err != nil {
			e.log.Warn("the core is away", "op", op, "kind", string(fault.KindOf(err)), "error", err.Error())
		}
	}
}

func (e *edge) status() edgeapi.Status {
	s := e.spool.Stats()
	return edgeapi.Status{WaitingEvents: uint64(s.Waiting), OldestSeconds: uint64(s.Oldest.Seconds())}
}

func (e *edge) measure() {
	gauge := func(name, help string, value func() float64) {
		e.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("lumo_edge_spool_records", "Records that the core has not taken.", func() float64 { return float64(e.spool.Stats().Waiting) })
	gauge("lumo_edge_spool_bytes", "Bytes of the spool.", func() float64 { return float64(e.spool.Stats().Bytes) })
	gauge("lumo_edge_spool_oldest_seconds", "Age of the oldest record.", func() float64 { return e.spool.Stats().Oldest.Seconds() })
	gauge("lumo_edge_spool_damaged_records", "Records passed over.", func() float64 { return float64(e.spool.Stats().Damaged) })
	gauge("lumo_edge_config_version", "Configuration that answers.", func() float64 { return float64(e.replica.Version()) })
	gauge("lumo_edge_lease_fresh", "1 while the core's word is fresh.", func() float64 {
		if e.replica.Fresh() {
			return 1
		}
		return 0
	})
}

func (e *edge) serveMetrics(ctx context.Context) error {
	if e.settings.MetricsAddr == "" {
		return nil
	}
	s := &http.Server{Addr: e.settings.MetricsAddr, ReadHeaderTimeout: metricsTime,
		Handler: promhttp.HandlerFor(e.metrics, promhttp.HandlerOpts{})}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fault.As(fault.Unavailable, "app.serveMetrics", err)
	}
	return nil
}

func (e *edge) close() error {
	var err error
	if e.host != nil {
		err = errors.Join(err, e.host.Close(context.Background()))
	}
	if e.spool != nil {
		err = errors.Join(err, e.spool.Close())
	}
	if e.replica != nil {
		err = errors.Join(err, e.replica.Close())
	}
	return err
}

// newIDs makes ULIDs that rise even within one millisecond.
func newIDs() func() id.ID {
	var mu sync.Mutex
	entropy := ulid.Monotonic(rand.Reader, 0)
	return func() id.ID {
		mu.Lock()
		defer mu.Unlock()
		return id.ID(ulid.MustNew(ulid.Now(), entropy))
	}
}
