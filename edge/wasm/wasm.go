// Package wasm runs the edge's modules under wazero; it alone knows that host.
//
// A module sees one request and a few host functions: no files, no network, no clock but
// ours, no keys. Each call has a deadline that also covers the host's part, each instance a
// memory limit. Instances serve one call at a time, keep nothing between calls, and are
// thrown away after any error. Whatever is not a well-formed verdict is ErrUndecided.
package wasm

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	defaultDeadline = 50 * time.Millisecond
	defaultPages    = 512 // of 64 KiB: 32 MiB
	defaultRecycle  = 1 << 20
)

// ErrUndecided says that a module gave no well-formed verdict in time: it trapped, ran out
// of time or memory, or answered nonsense.
var ErrUndecided = errors.New("the module is undecided")

// Replica is what modules look up and verify against.
type Replica interface {
	// Lookup gives a value of tables 1 to 6.
	Lookup(table uint8, key []byte) ([]byte, bool)
	// Keys gives the secrets of a reference that are valid at a time, newest first. A
	// reference with a key number gives at most one.
	Keys(ref edgeapi.KeyRef, unixMS int64) [][]byte
}

// Config is what a host needs; zero values mean the defaults.
type Config struct {
	Modules  map[string][]byte // name -> file
	CacheDir string            // compiled code; empty = compile at each start
	Replica  Replica
	Now      func() time.Time
	Random   io.Reader     // nonces of login states; nil = the system's
	Deadline time.Duration // of one call
	Pages    uint32        // memory limit of one instance, in 64 KiB
	Pool     int           // instances of each module
	Recycle  int           // calls after which an instance is replaced
}

// Host holds the compiled modules and their instances.
type Host struct {
	runtime wazero.Runtime
	cache   wazero.CompilationCache
	pools   map[string]*pool
	replica Replica
	now     func() time.Time
	random  io.Reader
	stop    context.CancelFunc
	watched chan struct{}
}

// New compiles the modules and makes their first instances: when it returns, calls are fast.
func New(ctx context.Context, c Config) (*Host, error) {
	const op = "wasm.New"
	c = c.withDefaults()
	h := &Host{pools: map[string]*pool{}, replica: c.Replica, now: c.Now, random: c.Random, watched: make(chan struct{})}
	settings := wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(true).WithMemoryLimitPages(c.Pages)
	if c.CacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(c.CacheDir)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		h.cache, settings = cache, settings.WithCompilationCache(cache)
	}
	h.runtime = wazero.NewRuntimeWithConfig(ctx, settings)
	if err := h.load(ctx, c); err != nil {
		return nil, errors.Join(fault.Wrap(op, err), h.Close(ctx))
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.stop = stop
	go h.watch(watch, c.Deadline)
	return h, nil
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Deadline == 0 {
		c.Deadline = defaultDeadline
	}
	if c.Pages == 0 {
		c.Pages = defaultPages
	}
	if c.Pool == 0 {
		c.Pool = runtime.GOMAXPROCS(0) + 1
	}
	if c.Recycle == 0 {
		c.Recycle = defaultRecycle
	}
	return c
}

func (h *Host) load(ctx context.Context, c Config) error {
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, h.runtime); err != nil {
		return err
	}
	if err := h.exportFast(ctx); err != nil {
		return err
	}
	compiled := map[string]wazero.CompiledModule{}
	for name, file := range c.Modules {
		m, err := h.runtime.CompileModule(ctx, file)
		if err != nil {
			return fault.Wrap("module "+name, err)
		}
		if err := checkImports(name, m); err != nil {
			return err
		}
		compiled[name] = m
	}
	if err := h.exportStubs(ctx, compiled); err != nil {
		return err
	}
	for name, m := range compiled {
		p, err := newPool(ctx, h, name, m, c)
		if err != nil {
			return err
		}
		h.pools[name] = p
	}
	return nil
}

// Close ends all instances.
func (h *Host) Close(ctx context.Context) error {
	if h.stop != nil {
		h.stop()
		<-h.watched
	}
	err := h.runtime.Close(ctx)
	if h.cache != nil {
		err = errors.Join(err, h.cache.Close(ctx))
	}
	return fault.Wrap("wasm.Close", err)
}

// Call is one request and, afterwards, its verdict. It can be used again and again.
type Call struct {
	Request edgeapi.Request
	Body    []byte // stays in the host; modules only verify it
	Verdict edgeapi.Verdict
	// Targets are the redirect targets that a look-up or signature check gave in this call.
	Targets [][]byte
	raw     []byte
}

// Allowed tells whether a redirect may lead to a location: it must begin with a target that
// this call looked up or verified, so that no module can invent one.
func (c *Call) Allowed(target []byte) bool {
	for _, known := range c.Targets {
		if string(known) == string(target) {
			return true
		}
	}
	return false
}

// Do lets a module decide. The verdict's bytes belong to the call.
func (h *Host) Do(ctx context.Context, module string, c *Call) error {
	p, ok := h.pools[module]
	if !ok {
		return fault.New(fault.Internal, "wasm.Do", "no module %s", module)
	}
	c.Targets = c.Targets[:0]
	if err := p.do(ctx, c); err != nil {
		return err
	}
	if err := c.Verdict.Parse(c.raw); err != nil {
		return ErrUndecided
	}
	return nil
}

// watch ends calls that take too long, host functions included.
func (h *Host) watch(ctx context.Context, deadline time.Duration) {
	defer close(h.watched)
	tick := time.NewTicker(deadline / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, p := range h.pools {
				p.endOverdue(now, deadline)
			}
		}
	}
}
