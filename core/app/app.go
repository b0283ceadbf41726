// Package app wires the core: it is the one place that knows every package. It makes the
// parts in order, runs what is long-lived until told to stop, and stops in stages: it says
// that nobody should come any more and waits until they have gone elsewhere, closes the
// listener, lets what is under way end, and ends the recorders of results last.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"lumo/core/account"
	"lumo/core/console"
	"lumo/core/live"
	"lumo/core/postgres"
	accountstore "lumo/core/postgres/account"
	livewire "lumo/core/postgres/live"
	"lumo/core/postgres/vault"
	"lumo/core/web"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	stopGrace = 10 * time.Second
	farewell  = time.Second // for proxies, edges and browsers to notice before the listener closes
	tick      = 5 * time.Millisecond
)

// App is the wired core.
type App struct {
	settings Settings
	log      *slog.Logger
	now      func() time.Time
	newID    func() id.ID
	http     *http.Client // outgoing, guarded

	metrics  *metrics
	db       *postgres.DB
	vault    *vault.Vault
	accounts *account.Service
	hub      *live.Hub
	api      *console.API
	parts    parts

	// runners live until the first stage of stopping, recorders until the second.
	runners   []func(context.Context) error
	recorders []func(context.Context) error
}

// New connects to the database, brings its schema up to date, and wires everything.
func New(ctx context.Context, s Settings, out io.Writer) (*App, error) {
	const op = "app.New"
	a := &App{settings: s, now: time.Now, newID: newIDs(), metrics: newMetrics(),
		log: slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: s.LogLevel}))}
	key, err := s.masterKey()
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, string(s.DatabaseURL)); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if a.db, err = postgres.Open(ctx, string(s.DatabaseURL)); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if a.vault, err = vault.New(a.db, key); err != nil {
		return nil, errors.Join(fault.Wrap(op, err), a.close())
	}
	if err := a.wire(ctx); err != nil {
		return nil, errors.Join(fault.Wrap(op, err), a.close())
	}
	return a, nil
}

func (a *App) wire(ctx context.Context) error {
	var err error
	if a.http, err = guardedClient(a.settings.AllowPrivateTargets); err != nil {
		return err
	}
	a.metrics.meterVendors(a.http, a.settings)
	hasher, err := account.NewHasher(nil)
	if err != nil {
		return err
	}
	store := accountstore.New(a.vault)
	a.accounts = account.New(account.Config{Units: a.db, Store: store, Members: store, Tries: store, Audit: store, Keys: store, Sessions: store, Filters: store,
		Hasher: hasher, NewID: a.newID, Now: a.now})
	a.hub = live.New(livewire.New(a.db), a.log, a.now)
	a.api = console.New(console.Config{Accounts: a.accounts, Sessions: accountstore.NewSessions(a.db),
		Repeats: accountstore.NewRepeats(a.db, a.vault), Log: a.log, Now: a.now})
	console.RegisterLive(a.api, a.hub)
	console.RegisterAPIKeys(a.api, a.accounts)
	console.RegisterSavedFilters(a.api, a.accounts)
	a.runners = append(a.runners, a.hub.Run)
	a.keepShort()
	a.observe()
	return a.wireParts(ctx)
}

// Accounts serves the admin commands.
func (a *App) Accounts() *account.Service { return a.accounts }

// Serve answers requests and works until ctx ends.
func (a *App) Serve(ctx context.Context) error {
	const op = "app.Serve"
	metrics, err := a.listenToMetrics()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", a.settings.Addr)
	if err != nil {
		if metrics != nil {
			_ = metrics.Close() // nothing came of it
		}
		return fault.New(fault.Unavailable, op, "%s is in use by another program. Choose another LUMO_CORE_ADDR.", a.settings.Addr)
	}
	site := a.site()
	server := web.NewServer(site)
	var open connections
	server.ConnState = open.count
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	recording, stopRecording := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRecording()
	defer stopWork()
	var group, recorders errgroup.Group
	for _, run := range a.runners {
		group.Go(func() error { return run(work) })
	}
	for _, run := range a.recorders {
		recorders.Go(func() error { return run(recording) })
	}
	if metrics != nil {
		recorders.Go(func() error { return a.serveMetrics(recording, metrics) })
	}
	served := make(chan error, 1)
	go func() { served <- a.listen(server, listener) }()
	a.log.InfoContext(ctx, "core is ready", "op", op, "addr", listener.Addr().String())
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	site.Leave()
	open.wait()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	stopped := server.Shutdown(grace)
	stopWork()
	err = errors.Join(err, stopped, group.Wait())
	stopRecording()
	return errors.Join(err, recorders.Wait())
}

// connections counts those that may still bring a request. Websockets are no part of it: they
// are told to leave by whoever serves them.
type connections struct{ n atomic.Int64 }

func (c *connections) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.n.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.n.Add(-1)
	}
}

// wait gives everybody a moment to go elsewhere.
func (c *connections) wait() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for left := farewell; left > 0 && c.n.Load() > 0; left -= tick {
		<-ticker.C
	}
}

func (a *App) listen(server *http.Server, l net.Listener) error {
	var err error
	if a.settings.TLSCertFile != "" {
		err = server.ServeTLS(l, a.settings.TLSCertFile, a.settings.TLSKeyFile)
	} else {
		err = server.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// site joins the API, the pages and what edges ask.
func (a *App) site() *web.Site {
	return web.New(web.Config{API: a.api.Handler(), Pages: console.Pages(), Edge: a.parts.edge, Ready: a.db.Ready,
		Meter: a.metrics.site, Log: a.log})
}

// OpenAPI describes the API with all of its operations, as served at /api/openapi.json.
func (a *App) OpenAPI() ([]byte, error) { return a.api.OpenAPI() }

// Close gives the database back.
func (a *App) Close() error { return a.close() }

func (a *App) close() error {
	if a.db != nil {
		a.db.Close()
	}
	return nil
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
