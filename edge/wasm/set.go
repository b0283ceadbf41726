package wasm

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sync/errgroup"

	"lumo/shared/bundle"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

// moduleSet is what is in use at one time: whole, or not at all.
type moduleSet struct{ pools map[string]*pool }

// Swap compiles and tries a new set and then puts it in the old one's place. A set that
// fails leaves the old one at work; no call is dropped.
func (h *Host) Swap(ctx context.Context, files map[string][]byte) error {
	const op = "wasm.Swap"
	h.swapping.Lock()
	defer h.swapping.Unlock()
	set, err := h.compileAll(ctx, files)
	if err != nil {
		return fault.Wrap(op, err)
	}
	for _, name := range bundle.Names() {
		if p, ok := set.pools[name]; ok {
			if err := p.selfTest(ctx); err != nil {
				set.close(ctx)
				return edgeapi.RefusedTest.Because(fault.Wrap(op, err))
			}
		}
	}
	if old := h.set.Swap(set); old != nil {
		old.close(ctx)
	}
	return nil
}

// compileAll works on all modules at once: a cold start waits for the slowest, not for each.
// Only names with the same code wait for each other: wazero 1.12 shows code that it read from
// its cache to a second asker before the entry points are made (wazevo, getCompiledModule).
func (h *Host) compileAll(ctx context.Context, files map[string][]byte) (*moduleSet, error) {
	set := &moduleSet{pools: map[string]*pool{}}
	var mu sync.Mutex // guards the set
	var group errgroup.Group
	for _, names := range sameCode(files) {
		group.Go(func() error {
			for _, name := range names {
				p, err := h.compile(ctx, name, files[name])
				if err != nil {
					return err
				}
				mu.Lock()
				set.pools[name] = p
				mu.Unlock()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		set.close(ctx)
		return nil, err
	}
	return set, nil
}

// sameCode returns the names of files, those with the same bytes together.
func sameCode(files map[string][]byte) map[[sha256.Size]byte][]string {
	names := map[[sha256.Size]byte][]string{}
	for name, file := range files {
		sum := sha256.Sum256(file)
		names[sum] = append(names[sum], name)
	}
	return names
}

func (h *Host) compile(ctx context.Context, name string, file []byte) (*pool, error) {
	if err := checkShape(name, file); err != nil {
		return nil, edgeapi.RefusedShape.Because(err)
	}
	m, err := h.compileFile(ctx, joinData(file))
	if err != nil {
		return nil, edgeapi.RefusedCompile.Because(fault.As(fault.Invalid, "compile the module "+name, err))
	}
	p, err := func() (*pool, error) {
		if err := checkImports(name, m); err != nil {
			return nil, edgeapi.RefusedImport.Because(err)
		}
		p, err := newPool(ctx, h, name, m)
		return p, edgeapi.RefusedStart.Because(err)
	}()
	if err != nil {
		_ = m.Close(ctx) // the first error says more
		return nil, err
	}
	return p, nil
}

func (h *Host) compileFile(ctx context.Context, file []byte) (wazero.CompiledModule, error) {
	m, err := h.runtime.CompileModule(ctx, file)
	if err != nil && h.config.CacheDir != "" && h.sound(ctx, file) {
		return h.compileAnew(ctx, file)
	}
	return m, err
}

// sound tells whether a file that did not compile is a module all the same, as one finds who has
// no cache: then the cache is what is damaged. Nobody's bad module costs the others theirs.
func (h *Host) sound(ctx context.Context, file []byte) bool {
	r := wazero.NewRuntimeWithConfig(ctx, h.config.limits(wazero.NewRuntimeConfigInterpreter()))
	defer func() { _ = r.Close(ctx) }()
	_, err := r.CompileModule(ctx, file)
	return err == nil
}

// compileAnew is for a cache that a power cut left damaged: it forgets the compiled code,
// but not the folders that the runtime made at its start. One module at a time, so that
// nobody removes what another is writing.
func (h *Host) compileAnew(ctx context.Context, file []byte) (wazero.CompiledModule, error) {
	h.anew.Lock()
	defer h.anew.Unlock()
	files, err := filepath.Glob(filepath.Join(h.config.CacheDir, "wazero-*", "*"))
	for _, file := range files {
		if gone := os.Remove(file); !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return nil, fault.Wrap("wasm cache", err)
	}
	return h.runtime.CompileModule(ctx, file)
}

// selfTest asks about a path that is nobody's: each of our modules refuses it with 404.
func (p *pool) selfTest(ctx context.Context) error {
	c := Call{Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/")}}
	err := p.do(ctx, &c)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return fault.As(fault.Invalid, "self-test of the module "+p.name, err)
	}
	if c.Verdict.Kind != edgeapi.Deny || c.Verdict.Status != 404 {
		return fault.New(fault.Invalid, "wasm.selfTest",
			"the module %s does not refuse an unknown path", p.name)
	}
	return nil
}

// close waits for the calls in flight and ends the instances.
func (s *moduleSet) close(ctx context.Context) {
	for _, p := range s.pools {
		p.close(ctx)
	}
}

// endOverdue ends the calls that began too many looks ago.
func (h *Host) endOverdue(tick uint64) {
	set := h.set.Load()
	if set == nil {
		return
	}
	for _, p := range set.pools {
		p.endOverdue(tick)
	}
}
