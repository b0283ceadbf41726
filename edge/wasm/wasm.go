// Package wasm runs the edge's modules under wazero; it alone knows that host.
//
// A module sees one request and a few host functions: no files, no network, no clock but
// ours, no keys. Each call has a deadline that also covers the host's part, each instance a
// memory limit. Instances serve one call at a time, keep nothing between calls, and are
// thrown away after any error. Whatever is not a well-formed verdict is ErrUndecided.
//
// Of a redirect's call three fifths are the module's own code; 39 times in it, where a loop or a
// function begins, it leaves native code to see whether it was ended, which is a fifth. The host's
// functions take a sixth, most of it the MAC; the rest is the way in and out, the request and the
// verdict's check. Each instance is called once for all its life (serving.go), which took a third
// off: a call of its own for each request costs a goroutine that watches it. Tried without gain:
// building modules with a profile (nothing more is inlined), other pool sizes, places of its own
// for each core. Of a cold start with code in the cache a third is the runtime's check of each
// function, so what helps is less of them: modules are built without cryptography, and their data
// is joined (data.go).
package wasm

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	defaultDeadline = 100 * time.Millisecond
	defaultPages    = 512 // of 64 KiB: 32 MiB
	defaultRecycle  = 1 << 20
	ticksPerCall    = 4  // the watchdog looks this often within a deadline
	startsPerCall   = 50 // a start may take this many deadlines
)

// Replica is what modules look up and verify against. What it gives is never changed.
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
	Pool     int           // instances of each module, by default one a core
	Recycle  int           // calls after which an instance is replaced
	// Interpreter does without compiled code: slow, but it runs wherever Go does.
	Interpreter bool
}

// Host holds the compiled modules and their instances.
type Host struct {
	config   Config
	runtime  wazero.Runtime
	cache    wazero.CompilationCache
	serving  wazero.CompiledModule // see serve
	anew     sync.Mutex            // held while the cache is made anew
	swapping sync.Mutex            // held while one set takes another's place
	set      atomic.Pointer[moduleSet]
	tick     atomic.Uint64 // counts the watchdog's looks, from 1
	stop     context.CancelFunc
	watched  chan struct{}
}

// New compiles the modules and makes their first instances: when it returns, calls are fast.
func New(ctx context.Context, c Config) (*Host, error) {
	const op = "wasm.New"
	h := &Host{config: c.withDefaults(), watched: make(chan struct{})}
	h.tick.Store(1)
	h.watch(ctx)
	if err := h.start(ctx); err != nil {
		return nil, errors.Join(fault.Wrap(op, err), h.Close(ctx))
	}
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
		c.Pool = runtime.GOMAXPROCS(0)
	}
	if c.Recycle == 0 {
		c.Recycle = defaultRecycle
	}
	return c
}

// limits are what holds for every module.
func (c Config) limits(settings wazero.RuntimeConfig) wazero.RuntimeConfig {
	return settings.
		WithCoreFeatures(api.CoreFeaturesV2 &^ api.CoreFeatureReferenceTypes). // tables cannot grow
		WithCloseOnContextDone(true).
		WithMemoryLimitPages(c.Pages)
}

func (h *Host) start(ctx context.Context) error {
	settings := wazero.NewRuntimeConfigCompiler()
	if h.config.Interpreter {
		settings = wazero.NewRuntimeConfigInterpreter()
	}
	settings = h.config.limits(settings)
	if h.config.CacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(h.config.CacheDir)
		if err != nil {
			return fault.Wrap("wasm cache", err)
		}
		h.cache, settings = cache, settings.WithCompilationCache(cache)
	}
	h.runtime = wazero.NewRuntimeWithConfig(ctx, settings)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, h.runtime); err != nil {
		return fault.Wrap("wasm WASI", err)
	}
	if err := h.exportFast(ctx); err != nil {
		return err
	}
	if err := h.exportStubs(ctx); err != nil {
		return err
	}
	if err := h.prepareServing(ctx); err != nil {
		return err
	}
	files := h.config.Modules
	h.config.Modules = nil // it holds megabytes that nobody needs once they are compiled
	return h.Swap(ctx, files)
}

// Close ends all instances. No call may be in flight.
func (h *Host) Close(ctx context.Context) error {
	h.stop()
	<-h.watched
	if set := h.set.Swap(&moduleSet{}); set != nil {
		set.close(ctx)
	}
	var err error
	if h.runtime != nil {
		err = h.runtime.Close(ctx)
	}
	if h.cache != nil {
		err = errors.Join(err, h.cache.Close(ctx))
	}
	return fault.Wrap("wasm.Close", err)
}

// watch ends calls that take too long, host functions included, until the host is closed.
func (h *Host) watch(ctx context.Context) {
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	ticker := time.NewTicker(h.config.Deadline / ticksPerCall)
	go func() {
		defer close(h.watched)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				h.endOverdue(h.tick.Add(1))
			}
		}
	}()
}
