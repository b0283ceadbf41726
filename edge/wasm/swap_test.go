package wasm_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lumo/edge/edgetest"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/fault"
)

func TestNoCallIsDroppedByASwap(t *testing.T) {
	t.Parallel()
	h := newHost(t, defaultSet(t), time.Second)
	var stop atomic.Bool
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			c := edgeapitest.CaseOf("link")
			for call := (wasm.Call{Request: c.Request}); !stop.Load(); {
				if err := h.Do(context.Background(), "redirect", &call); err != nil ||
					call.Verdict.Status != 302 {
					t.Errorf("status %d, %v", call.Verdict.Status, err)
					return
				}
			}
		})
	}
	for range 3 {
		if err := h.Swap(context.Background(), defaultSet(t)); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	group.Wait()
}

func TestABadSetLeavesTheOldOneAtWork(t *testing.T) {
	t.Parallel()
	h := newHost(t, defaultSet(t), time.Second)
	welcome := edgeapi.Verdict{Kind: edgeapi.Respond, Status: 200, Body: []byte("welcome")}
	for name, c := range map[string]struct {
		file []byte
		why  edgeapi.Refusal
	}{
		"no WebAssembly":      {[]byte("MZ"), edgeapi.RefusedShape},
		"no code":             {codeOfNothing(), edgeapi.RefusedCompile},
		"without its exports": {[]byte{0, 'a', 's', 'm', 1, 0, 0, 0}, edgeapi.RefusedStart},
		"one that traps":      {edgetest.Module{Handle: []byte{0x00}}.File(), edgeapi.RefusedTest},
		"one that lets all":   {edgetest.Answering(welcome.Append(nil)), edgeapi.RefusedTest},
		"a forbidden import":  {importing("env", "open"), edgeapi.RefusedImport},
	} {
		set := defaultSet(t)
		set["redirect"] = c.file
		err := h.Swap(context.Background(), set)
		if !fault.Is(err, fault.Invalid) || edgeapi.RefusalOf(err) != c.why {
			t.Errorf("%s: got %v, %q want invalid, %q", name, err, edgeapi.RefusalOf(err).Code(), c.why.Code())
		}
		call := wasm.Call{Request: edgeapitest.CaseOf("link").Request}
		if err := h.Do(context.Background(), "redirect", &call); err != nil ||
			call.Verdict.Status != 302 {
			t.Fatalf("%s: after it status %d, %v", name, call.Verdict.Status, err)
		}
	}
}

// The cache is warm and all names ask for the same entry at once.
func TestNamesMayShareTheSameCode(t *testing.T) {
	t.Parallel()
	same := edgetest.Answering((&edgeapi.Verdict{Kind: edgeapi.Deny, Status: 404}).Append(nil))
	set := map[string][]byte{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		set[name] = same
	}
	dir := t.TempDir()
	for range 30 {
		h, err := wasm.New(context.Background(), wasm.Config{Modules: set, CacheDir: dir, Pool: 1,
			Replica: edgeapitest.NewWorld()})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// A power cut may leave half a file of compiled code.
func TestADamagedCacheIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	small := edgetest.Answering((&edgeapi.Verdict{Kind: edgeapi.Deny, Status: 404}).Append(nil))
	start := func() error {
		h, err := wasm.New(
			context.Background(),
			wasm.Config{Modules: map[string][]byte{"small": small}, CacheDir: dir,
				Replica: edgeapitest.NewWorld()},
		)
		if err != nil {
			return err
		}
		return h.Close(context.Background())
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(b []byte) []byte{
		"empty": func([]byte) []byte { return nil },
		"cut":   func(b []byte) []byte { return b[:len(b)/2] },
		"flipped": func(b []byte) []byte {
			if len(b) > 0 {
				b[len(b)/2] ^= 1
			}
			return b
		},
	} {
		files := 0
		err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			b, err := os.ReadFile(file)
			return errors.Join(err, os.WriteFile(file, damage(b), 0o600))
		})
		if err != nil || files == 0 {
			t.Fatalf("%d files, %v", files, err)
		}
		if err := start(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is in the cache is what the next start is fast with.
func TestABadSetLeavesTheCacheAsItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	small := edgetest.Answering((&edgeapi.Verdict{Kind: edgeapi.Deny, Status: 404}).Append(nil))
	h, err := wasm.New(context.Background(), wasm.Config{Modules: map[string][]byte{"small": small}, CacheDir: dir,
		Replica: edgeapitest.NewWorld()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	before := filesIn(t, dir)
	err = h.Swap(context.Background(), map[string][]byte{"small": codeOfNothing()})
	if edgeapi.RefusalOf(err) != edgeapi.RefusedCompile {
		t.Errorf("got %v", err)
	}
	if after := filesIn(t, dir); len(before) == 0 || !slices.Equal(before, after) {
		t.Errorf("the cache holds %v after %v", after, before)
	}
}

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// codeOfNothing is a file whose code belongs to no function.
func codeOfNothing() []byte {
	return append([]byte{0, 'a', 's', 'm', 1, 0, 0, 0}, 10, 4, 1, 2, 0xff, 0xff)
}

func TestInstancesAreReplacedInTime(t *testing.T) {
	t.Parallel()
	h, err := wasm.New(
		context.Background(),
		wasm.Config{Modules: defaultSet(t), CacheDir: cacheDir(), Random: edgeapitest.Zero{},
			Replica: edgeapitest.NewWorld(), Now: now, Recycle: 3, Pool: 1},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	for _, name := range []string{"link", "code-phone", "link", "link", "link", "link", "code-phone", "link"} {
		c := edgeapitest.CaseOf(name)
		call := wasm.Call{Request: c.Request}
		if err := h.Do(context.Background(), c.Module, &call); err != nil ||
			string(edgeapitest.Hex(call.Bytes())) != golden(t, name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEmptyPoolWaitsNoLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	spin := edgetest.Hostile()["endless loop"]
	h, err := wasm.New(
		context.Background(),
		wasm.Config{Modules: map[string][]byte{"bad": spin}, CacheDir: cacheDir(),
			Replica: edgeapitest.NewWorld(), Deadline: 300 * time.Millisecond, Pool: 1},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() { _ = ask(t, h) })
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	err = h.Do(
		ctx,
		"bad",
		&wasm.Call{Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/c/x")}},
	)
	if took := time.Since(begun); !errors.Is(err, wasm.ErrUndecided) || took > 4*time.Second {
		t.Errorf("got %v after %s", err, took)
	}
	group.Wait()
}
