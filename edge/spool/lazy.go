package spool

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft-wal/types"
)

// lazyFS postpones fsync: a file only remembers that it owes one, and sync pays for all.
type lazyFS struct {
	types.VFS
	mu    sync.Mutex
	files map[*lazyFile]struct{} // guarded by mu: open ones
}

func newLazy(below layer) *lazyFS {
	return &lazyFS{VFS: below, files: map[*lazyFile]struct{}{}}
}

// Create and OpenWriter give files that sync late.
func (l *lazyFS) Create(dir, name string, size uint64) (types.WritableFile, error) {
	return l.keep(l.VFS.Create(dir, name, size))
}

// OpenWriter opens a file for writing.
func (l *lazyFS) OpenWriter(dir, name string) (types.WritableFile, error) {
	return l.keep(l.VFS.OpenWriter(dir, name))
}

func (l *lazyFS) keep(f types.WritableFile, err error) (types.WritableFile, error) {
	if err != nil {
		return nil, err
	}
	lazy := &lazyFile{WritableFile: f, home: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files[lazy] = struct{}{}
	return lazy, nil
}

// meta pays before the list of files says anything new: a file that it calls complete must
// be, also after a power cut.
func (l *lazyFS) meta(below types.MetaStore) types.MetaStore {
	if m, ok := l.VFS.(metaLayer); ok {
		below = m.meta(below)
	}
	return payFirst{below, l}
}

type payFirst struct {
	types.MetaStore
	lazy *lazyFS
}

// CommitState replaces the list of files.
func (p payFirst) CommitState(s types.PersistentState) error {
	return errors.Join(p.lazy.sync(), p.MetaStore.CommitState(s))
}

// sync pays every open file's debt.
func (l *lazyFS) sync() error {
	l.mu.Lock()
	files := make([]*lazyFile, 0, len(l.files))
	for f := range l.files {
		files = append(files, f)
	}
	l.mu.Unlock()
	var all error
	for _, f := range files {
		all = errors.Join(all, f.pay())
	}
	return all
}

type lazyFile struct {
	types.WritableFile
	home *lazyFS
	owes atomic.Bool
	mu   sync.Mutex // Close must not overtake a sync
}

// Sync notes the debt.
func (f *lazyFile) Sync() error {
	f.owes.Store(true)
	return nil
}

func (f *lazyFile) pay() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.owes.Swap(false) {
		return nil
	}
	err := f.WritableFile.Sync()
	if err != nil {
		f.owes.Store(true)
	}
	return err
}

// Close pays first.
func (f *lazyFile) Close() error {
	f.home.mu.Lock()
	delete(f.home.files, f)
	f.home.mu.Unlock()
	return errors.Join(f.pay(), f.WritableFile.Close())
}
