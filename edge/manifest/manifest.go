// Package manifest puts the module set to work that the core published.
//
// A set is named by a manifest that is signed with a key the core does not have on its disk;
// so neither the core nor the wire can change what runs here. It is fetched file by file,
// each checked against its hash, compiled and tried, and only then put in the old one's
// place. A set that fails any of this is refused as a whole, told to the core, and not tried
// again; what decided before goes on deciding. Versions only rise. A set that works is kept,
// so that the edge starts with it; where the kept one cannot start, the built-in one does.
package manifest

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"lumo/edge/replica"
	"lumo/shared/bundle"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	keptFile  = "set"    // the manifest that works, as the stream brings one
	extension = ".wasm"  // of files, named by their hash
	maxFile   = 16 << 20 // of one module
	tryAgain  = 10 * time.Second
)

// Source is where modules come from, by the SHA-256 of their files.
type Source interface {
	Module(ctx context.Context, hash string) (io.ReadCloser, error)
}

// Host runs modules. Swap puts a set to work whole, or leaves the old one.
type Host interface {
	Swap(ctx context.Context, files map[string][]byte) error
}

// Config is what a keeper needs. Without a key only the built-in set runs.
type Config struct {
	Dir     string
	Key     ed25519.PublicKey
	BuiltIn func() (map[string][]byte, error) // read when needed: it is large
	Source  Source
	Log     *slog.Logger
}

// Keeper knows which set runs. It is safe for concurrent use.
type Keeper struct {
	c       Config
	version atomic.Uint64 // of the set that runs, 0 = built in
	refused atomic.Uint64 // newest version that was refused
	trouble atomic.Bool   // the newest set does not run
	refusal atomic.Pointer[Refusal]

	mu    sync.Mutex
	offer *edgeapi.ModuleSet // guarded by mu: the newest one, not looked at yet
	news  chan struct{}
}

// New makes a keeper; a folder that does not exist is made when there is something to keep.
func New(c Config) *Keeper { return &Keeper{c: c, news: make(chan struct{}, 1)} }

// Version is the set that runs, 0 = the built-in one.
func (k *Keeper) Version() uint64 { return k.version.Load() }

// Trouble tells that the newest set was refused.
func (k *Keeper) Trouble() bool { return k.trouble.Load() }

// Refusal is why the newest set does not run.
type Refusal struct {
	Version uint64 // 0 = none that could be read
	Why     edgeapi.Refusal
	Detail  string
}

// Refusal tells what was refused last; the zero value means that nothing is.
func (k *Keeper) Refusal() Refusal {
	if r := k.refusal.Load(); r != nil && k.trouble.Load() {
		return *r
	}
	return Refusal{}
}

// blame remembers why the newest set does not run.
func (k *Keeper) blame(version uint64, err error) {
	detail := fault.MessageOf(err)
	if detail == "" {
		detail = err.Error()
	}
	k.refusal.Store(&Refusal{version, edgeapi.RefusalOf(err), detail})
	k.trouble.Store(true)
}

// Kept is the set to start with: the last one that worked, else the built-in one. start
// tries it; when the kept set does not start, the built-in one must.
func (k *Keeper) Kept(start func(files map[string][]byte) error) error {
	m, files, err := k.load()
	if err == nil {
		if err = start(files); err == nil {
			k.version.Store(m.Version)
			return nil
		}
	}
	if !errors.Is(err, os.ErrNotExist) {
		k.blame(0, err)
		k.c.Log.Error("the kept modules do not start; the built-in ones do", "op",
			"manifest.Kept", "kind", string(fault.KindOf(err)), "error", err.Error())
	}
	files, err = k.c.BuiltIn()
	if err != nil {
		return err
	}
	return start(files)
}

func (k *Keeper) load() (bundle.Manifest, map[string][]byte, error) {
	const op = "manifest.load"
	b, err := os.ReadFile(filepath.Join(k.c.Dir, keptFile))
	if err != nil {
		return bundle.Manifest{}, nil, err
	}
	set, err := edgeapi.ParseModuleSet(b)
	if err != nil {
		return bundle.Manifest{}, nil, edgeapi.RefusedFile.Because(fault.Wrap(op, err))
	}
	m, err := k.open(set)
	if err != nil {
		return m, nil, fault.Wrap(op, err)
	}
	files := map[string][]byte{}
	for _, module := range m.Modules {
		b, err := os.ReadFile(k.fileOf(module))
		if err != nil || !m.Holds(module.Name, b) {
			return m, nil, edgeapi.RefusedFile.Because(fault.New(fault.Invalid, op,
				"the module %s is missing or damaged", module.Name))
		}
		files[module.Name] = b
	}
	return m, files, nil
}

// open checks the signature and reads the manifest.
func (k *Keeper) open(set edgeapi.ModuleSet) (bundle.Manifest, error) {
	m, err := bundle.Open(set.Manifest, set.Signature[:], k.c.Key)
	why := edgeapi.RefusedManifest
	if !bundle.Verify(set.Manifest, set.Signature[:], k.c.Key) {
		why = edgeapi.RefusedSignature
	}
	return m, why.Because(err)
}

func (k *Keeper) fileOf(m bundle.Module) string {
	return filepath.Join(k.c.Dir, m.SHA256+extension)
}

// Offer takes what the stream brought; Run looks at it.
func (k *Keeper) Offer(set edgeapi.ModuleSet) {
	k.mu.Lock()
	k.offer = &set
	k.mu.Unlock()
	select {
	case k.news <- struct{}{}:
	default:
	}
}

// Run works offers off until ctx ends. A set whose files cannot be had now is tried again.
func (k *Keeper) Run(ctx context.Context, host Host) error {
	again := time.NewTimer(tryAgain)
	again.Stop()
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.news:
		case <-again.C:
		}
		k.mu.Lock()
		set := *k.offer
		k.mu.Unlock()
		if err := k.take(ctx, set, host); fault.Is(err, fault.Unavailable) {
			again.Reset(tryAgain)
		}
	}
}

// take puts one set to work, or says why not.
func (k *Keeper) take(ctx context.Context, set edgeapi.ModuleSet, host Host) error {
	m, err := k.open(set)
	switch {
	case err != nil:
		return k.refuse(0, err)
	case m.Version == k.version.Load():
		k.trouble.Store(false) // what was refused is not wanted any more
		return nil
	case m.Version < k.version.Load(), m.Version <= k.refused.Load():
		return nil // an old one is sent once more, or a bad one
	}
	files, err := k.gather(ctx, m)
	if err == nil {
		err = host.Swap(ctx, files)
	}
	if err != nil {
		return k.refuse(m.Version, err)
	}
	k.version.Store(m.Version)
	k.trouble.Store(false)
	k.c.Log.Info("another module set decides", "op", "manifest.take", "version", m.Version)
	if err := k.keep(set, m, files); err != nil {
		k.c.Log.Error("the module set is not kept; the next start begins with an older one", "op",
			"manifest.keep", "error", err.Error())
	}
	return nil
}

// refuse remembers a set that must not be tried again. What could not be had now may be.
func (k *Keeper) refuse(version uint64, err error) error {
	k.blame(version, err)
	if !fault.Is(err, fault.Unavailable) {
		k.refused.Store(max(k.refused.Load(), version))
	}
	k.c.Log.Error("a module set was refused", "op", "manifest.take", "version", version, "kind",
		string(fault.KindOf(err)), "error", err.Error())
	return err
}

// gather has all files of a set: those that did not change are here already.
func (k *Keeper) gather(ctx context.Context, m bundle.Manifest) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, module := range m.Modules {
		if b, ok := k.atHand(m, module); ok {
			files[module.Name] = b
			continue
		}
		b, err := k.fetch(ctx, module)
		if err != nil {
			return nil, err
		}
		if !m.Holds(module.Name, b) {
			return nil, edgeapi.RefusedFile.Because(fault.New(fault.Invalid, "manifest.gather",
				"the module %s is not what its hash says", module.Name))
		}
		files[module.Name] = b
	}
	return files, nil
}

func (k *Keeper) atHand(m bundle.Manifest, module bundle.Module) ([]byte, bool) {
	if builtIn, err := k.c.BuiltIn(); err == nil && m.Holds(module.Name, builtIn[module.Name]) {
		return builtIn[module.Name], true
	}
	b, err := os.ReadFile(k.fileOf(module))
	return b, err == nil && m.Holds(module.Name, b)
}

func (k *Keeper) fetch(ctx context.Context, module bundle.Module) ([]byte, error) {
	const op = "manifest.fetch"
	body, err := k.c.Source.Module(ctx, module.SHA256)
	if err != nil {
		return nil, edgeapi.RefusedFetch.Because(fault.As(fault.Unavailable, op, err))
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, maxFile+1))
	if err != nil {
		return nil, edgeapi.RefusedFetch.Because(fault.As(fault.Unavailable, op, err))
	}
	if len(b) > maxFile {
		return nil, edgeapi.RefusedFile.Because(fault.New(fault.Invalid, op, "the module %s is too large",
			module.Name))
	}
	return b, nil
}

// keep writes the files first: a manifest on disk has all of its own. What no manifest
// names any more goes.
func (k *Keeper) keep(set edgeapi.ModuleSet, m bundle.Manifest, files map[string][]byte) error {
	const op = "manifest.keep"
	if err := os.MkdirAll(k.c.Dir, 0o700); err != nil {
		return fault.Wrap(op, err)
	}
	named := map[string]bool{keptFile: true}
	for _, module := range m.Modules {
		named[filepath.Base(k.fileOf(module))] = true
		if err := replica.WriteFile(k.fileOf(module), files[module.Name]); err != nil {
			return fault.Wrap(op, err)
		}
	}
	err := replica.WriteFile(filepath.Join(k.c.Dir, keptFile), set.Append(nil))
	if err != nil {
		return fault.Wrap(op, err)
	}
	found, err := os.ReadDir(k.c.Dir)
	for _, f := range found {
		if !named[f.Name()] {
			err = errors.Join(err, os.Remove(filepath.Join(k.c.Dir, f.Name())))
		}
	}
	return fault.Wrap(op, err)
}
