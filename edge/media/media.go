// Package media keeps the pictures and films of messages on the edge's disk, by their hash.
//
// A file is fetched from the core when somebody first asks for it, however many ask at the
// same moment, and takes its name only when it is whole and hashes to it. Its bytes never
// change, so that it is kept until the room is needed for others: who was asked for longest
// ago goes first. What a disk made of a file is noticed the first time it is used after a
// start. Losing the folder costs nothing but fetching again.
package media

import (
	"container/list"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/singleflight"

	"lumo/shared/fault"
)

// Hash names a file: the SHA-256 of its bytes.
type Hash [32]byte

// String is the hash as addresses write it.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads lower-case hex.
func ParseHash(text string) (Hash, bool) {
	var h Hash
	if len(text) != hex.EncodedLen(len(h)) {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(text))
	return h, err == nil && h.String() == text
}

// Source is where files come from. It answers fault.NotFound for one that does not exist.
type Source interface {
	Media(ctx context.Context, hash string) (kind string, body io.ReadCloser, err error)
}

// Config says where files are kept and how much.
type Config struct {
	Dir      string
	MaxBytes int64 // of all files
	MaxFile  int64 // of one
	Source   Source
}

// Cache is the files at hand. It is safe for concurrent use.
type Cache struct {
	c       Config
	fetches singleflight.Group

	mu    sync.Mutex
	files map[Hash]*list.Element // guarded by mu
	order *list.List             // guarded by mu: of *entry, the newest use first
	size  int64                  // guarded by mu: bytes of all files
}

// entry is one kept file.
type entry struct {
	hash  Hash
	size  int64 // with its head
	whole bool  // hashed since the start
}

// File is an opened file; close it.
type File struct {
	*io.SectionReader
	Type string // a media type of a picture, film or sound
	file *os.File
}

// Close ends reading.
func (f *File) Close() error { return f.file.Close() }

// Open makes a cache with what the last run left in the folder.
func Open(c Config) (*Cache, error) {
	const op = "media.Open"
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fault.Wrap(op, err)
	}
	found, err := os.ReadDir(c.Dir)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	m := &Cache{c: c, files: map[Hash]*list.Element{}, order: list.New()}
	for _, f := range found {
		info, err := f.Info()
		hash, named := ParseHash(f.Name())
		if err != nil || !named || !info.Mode().IsRegular() {
			_ = os.RemoveAll(filepath.Join(c.Dir, f.Name())) // half of a fetch
			continue
		}
		m.keep(entry{hash: hash, size: info.Size()})
	}
	return m, nil
}

// Size is the bytes on disk, for metrics.
func (m *Cache) Size() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.size
}

// Has tells whether a file is at hand.
func (m *Cache) Has(h Hash) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.files[h] != nil
}

// Get opens a file, fetching it first where it is missing. fault.NotFound means that there
// is none, fault.Unavailable that it cannot be had now.
func (m *Cache) Get(ctx context.Context, h Hash) (*File, error) {
	const op = "media.Get"
	if f, err := m.open(h); err == nil {
		return f, nil
	}
	fetched := m.fetches.DoChan(h.String(), func() (any, error) {
		if m.Has(h) { // it came while we were on our way here
			return nil, nil
		}
		return nil, m.fetch(context.WithoutCancel(ctx), h) // others may wait for it, too
	})
	select {
	case <-ctx.Done():
		return nil, fault.As(fault.Unavailable, op, ctx.Err())
	case r := <-fetched:
		if r.Err != nil {
			return nil, fault.Wrap(op, r.Err)
		}
	}
	f, err := m.open(h)
	return f, fault.As(fault.Unavailable, op, err)
}

var errMissing = errors.New("the file is not at hand")

// open finds a kept file. One that is damaged is forgotten.
func (m *Cache) open(h Hash) (*File, error) {
	known, e := m.use(h)
	if !known {
		return nil, errMissing
	}
	f, err := openFile(filepath.Join(m.c.Dir, h.String()), h, !e.whole)
	if err != nil {
		m.forget(h)
		return nil, err
	}
	if !e.whole {
		m.sound(h)
	}
	return f, nil
}

// use marks a file as the last one used.
func (m *Cache) use(h Hash) (bool, entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.files[h]
	if at == nil {
		return false, entry{}
	}
	m.order.MoveToFront(at)
	return true, *at.Value.(*entry)
}

func (m *Cache) sound(h Hash) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at := m.files[h]; at != nil {
		at.Value.(*entry).whole = true
	}
}

// keep adds a file and makes room for it.
func (m *Cache) keep(e entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files[e.hash] != nil {
		return
	}
	m.files[e.hash] = m.order.PushFront(&e)
	for m.size += e.size; m.size > m.c.MaxBytes && m.order.Len() > 1; {
		m.remove(m.order.Back().Value.(*entry).hash)
	}
}

func (m *Cache) forget(h Hash) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(h)
}

// remove is for who holds mu. Who reads the file reads it to its end.
func (m *Cache) remove(h Hash) {
	at := m.files[h]
	if at == nil {
		return
	}
	m.size -= at.Value.(*entry).size
	m.order.Remove(at)
	delete(m.files, h)
	_ = os.Remove(filepath.Join(m.c.Dir, h.String())) // the next start removes or finds it
}
