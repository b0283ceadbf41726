package media_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"lumo/edge/media"
	"lumo/shared/fault"
)

// shelf is a core that has files.
type shelf struct {
	files map[string][]byte
	kind  string
	err   error
	wait  chan struct{} // nil = at once
	asked atomic.Int64
}

func (s *shelf) Media(_ context.Context, hash string) (string, io.ReadCloser, error) {
	s.asked.Add(1)
	if s.wait != nil {
		<-s.wait
	}
	b, ok := s.files[hash]
	switch {
	case s.err != nil:
		return "", nil, s.err
	case !ok:
		return "", nil, fault.New(fault.NotFound, "shelf", "there is none")
	}
	return s.kind, io.NopCloser(bytes.NewReader(b)), nil
}

func (s *shelf) add(content string) media.Hash {
	h := media.Hash(sha256.Sum256([]byte(content)))
	s.files[h.String()] = []byte(content)
	return h
}

func newShelf() *shelf { return &shelf{files: map[string][]byte{}, kind: "image/png"} }

func open(t *testing.T, dir string, s *shelf) *media.Cache {
	t.Helper()
	m, err := media.Open(media.Config{Dir: dir, MaxBytes: 100, MaxFile: 60, Source: s})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func content(t *testing.T, m *media.Cache, h media.Hash) string {
	t.Helper()
	f, err := m.Get(context.Background(), h)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil || f.Type != "image/png" {
		t.Fatal(f.Type, err)
	}
	return string(b)
}

func TestAFileIsFetchedOnceAndKept(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newShelf()
	s.wait = make(chan struct{})
	h, m := s.add("tea"), open(t, dir, s)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if got := content(t, m, h); got != "tea" {
				t.Errorf("got %q", got)
			}
		})
	}
	close(s.wait)
	group.Wait()
	if got := s.asked.Load(); got != 1 {
		t.Errorf("the core was asked %d times want 1", got)
	}
	s.err = errors.New("away")
	if got := content(t, open(t, dir, s), h); got != "tea" {
		t.Errorf("after a start without the core: got %q", got)
	}
}

func TestOnlyWhatItsHashSaysIsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(s *shelf, h media.Hash)
		want  fault.Kind
	}{
		"another content": {func(s *shelf, h media.Hash) { s.files[h.String()] = []byte("x") },
			fault.Unavailable},
		"too large": {func(s *shelf, h media.Hash) { s.files[h.String()] = make([]byte, 61) },
			fault.Unavailable},
		"a page":        {func(s *shelf, _ media.Hash) { s.kind = "text/html" }, fault.NotFound},
		"a drawing":     {func(s *shelf, _ media.Hash) { s.kind = "image/svg+xml" }, fault.NotFound},
		"unknown":       {func(s *shelf, h media.Hash) { delete(s.files, h.String()) }, fault.NotFound},
		"the core away": {func(s *shelf, _ media.Hash) { s.err = fault.New(fault.Unavailable, "x", "x") }, fault.Unavailable},
	} {
		dir, s := t.TempDir(), newShelf()
		h, m := s.add("tea"), open(t, dir, s)
		c.spoil(s, h)
		if _, err := m.Get(context.Background(), h); !fault.Is(err, c.want) {
			t.Errorf("%s: got %v want %s", name, err, c.want)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 || m.Size() != 0 {
			t.Errorf("%s: %d files stay (%v)", name, len(left), err)
		}
	}
}

func TestTheLongestUnusedMakesRoom(t *testing.T) {
	t.Parallel()
	s := newShelf()
	m := open(t, t.TempDir(), s)
	first, second, third := s.add(filled("a")), s.add(filled("b")), s.add(filled("c"))
	content(t, m, first)
	content(t, m, second)
	content(t, m, first)
	content(t, m, third)
	if !m.Has(first) || m.Has(second) || !m.Has(third) || m.Size() > 100 {
		t.Errorf("kept: %v %v %v, %d bytes", m.Has(first), m.Has(second), m.Has(third), m.Size())
	}
	if content(t, m, second) != filled("b") {
		t.Error("it does not come again")
	}
}

func filled(letter string) string { return fmt.Sprintf("%030s", letter) }

func TestADamagedFileIsFetchedAgain(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(b []byte) []byte{
		"flipped": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut":     func(b []byte) []byte { return b[:len(b)-1] },
		"empty":   func([]byte) []byte { return nil },
		"no head": func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] },
	} {
		dir, s := t.TempDir(), newShelf()
		h := s.add("tea")
		content(t, open(t, dir, s), h)
		file := filepath.Join(dir, h.String())
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := content(t, open(t, dir, s), h); got != "tea" || s.asked.Load() != 2 {
			t.Errorf("%s: got %q after %d fetches", name, got, s.asked.Load())
		}
	}
}

func TestHalfAFetchIsRemovedAtTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "new-1"), []byte("image/png\nte"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir, newShelf())
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%d files stay (%v)", len(left), err)
	}
}

func TestWhoLeavesDoesNotEndTheFetch(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.wait = make(chan struct{})
	h, m := s.add("tea"), open(t, t.TempDir(), s)
	ctx, leave := context.WithCancel(context.Background())
	leave()
	if _, err := m.Get(ctx, h); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v want unavailable", err)
	}
	close(s.wait)
	if content(t, m, h) != "tea" || s.asked.Load() != 1 {
		t.Errorf("it was fetched %d times", s.asked.Load())
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("ab")
	f.Add("AB")
	f.Add(media.Hash{1}.String())
	f.Fuzz(func(t *testing.T, text string) {
		if h, ok := media.ParseHash(text); ok && h.String() != text {
			t.Errorf("%q is read as %s", text, h)
		}
	})
}
