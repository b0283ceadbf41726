package manifest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lumo/edge/edgetest"
	"lumo/edge/manifest"
	"lumo/shared/bundle"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const soon = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a host and a core in one: it has files and remembers what it was told to run.
type desk struct {
	mu    sync.Mutex // guards everything below
	files map[string][]byte
	runs  map[string][]byte
	swaps int
	asked int
	bad   []byte // a file that does not start
	away  bool
}

func (d *desk) Swap(_ context.Context, files map[string][]byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.swaps++
	if d.bad != nil && bytes.Equal(files["redirect"], d.bad) {
		return edgeapi.RefusedTest.Because(fault.New(fault.Invalid, "desk", "it traps"))
	}
	d.runs = files
	return nil
}

func (d *desk) Module(_ context.Context, hash string) (io.ReadCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	file, ok := d.files[hash]
	if d.away || !ok {
		return nil, errors.New("away")
	}
	return io.NopCloser(bytes.NewReader(file)), nil
}

func (d *desk) look(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func set(mark string) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range bundle.Names() {
		files[name] = []byte(name + " " + mark)
	}
	return files
}

type fixture struct {
	*desk
	t    *testing.T
	dir  string
	k    *manifest.Keeper
	stop func()
}

func start(t *testing.T, dir string) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: dir, desk: &desk{files: map[string][]byte{}}}
	f.k = manifest.New(manifest.Config{Dir: dir, Key: edgetest.ModuleKey(), BuiltIn: builtIn,
		Source: f.desk, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.k.Run(ctx, f.desk)
	}()
	f.stop = func() {
		stop()
		<-done
	}
	t.Cleanup(f.stop)
	return f
}

// publish offers a set and gives its files.
func (f *fixture) publish(version uint64, files map[string][]byte) {
	f.look(func() {
		for _, file := range files {
			f.files[bundle.Hash(file)] = file
		}
	})
	f.k.Offer(edgetest.SignModules(version, files))
}

func (f *fixture) until(what string, ok func() bool) {
	f.t.Helper()
	deadline := time.After(soon)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			f.t.Fatalf("never happened: %s", what)
		case <-tick.C:
		}
	}
}

func (f *fixture) runsSet(version uint64) {
	f.t.Helper()
	f.until("the set runs", func() bool { return f.k.Version() == version })
}

// kept is what the next start begins with.
func kept(t *testing.T, dir string) (files map[string][]byte, version uint64) {
	t.Helper()
	k := manifest.New(manifest.Config{Dir: dir, Key: edgetest.ModuleKey(), BuiltIn: builtIn,
		Log: slog.New(slog.DiscardHandler)})
	err := k.Kept(func(set map[string][]byte) error {
		files = set
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, k.Version()
}

func same(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }

func TestAPublishedSetRunsAndIsKept(t *testing.T) {
	t.Parallel()
	f := start(t, filepath.Join(t.TempDir(), "modules"))
	second := set("second")
	second["qr"] = set("built in")["qr"] // one file did not change
	f.publish(2, second)
	f.runsSet(2)
	f.look(func() {
		if !same(f.runs, second) || f.asked != 2 {
			t.Errorf("it runs %q, %d files were fetched", f.runs, f.asked)
		}
	})
	f.publish(3, set("third"))
	f.runsSet(3)
	f.until("it is kept", func() bool {
		found, _ := os.ReadDir(f.dir)
		return len(found) == 4 // the old set's files are gone
	})
	f.stop()
	if files, version := kept(t, f.dir); !same(files, set("third")) || version != 3 {
		t.Errorf("the next start begins with %d: %q", version, files)
	}
}

func TestABadSetIsRefusedWhole(t *testing.T) {
	t.Parallel()
	forged := edgetest.SignModules(9, set("forged"))
	forged.Signature[5] ^= 1
	other := edgetest.SignModules(9, set("x"))
	other.Manifest = bytes.Replace(other.Manifest, []byte(`"version":9`), []byte(`"version":8`), 1)
	for name, c := range map[string]struct {
		why   edgeapi.Refusal
		offer func(f *fixture)
	}{
		"forged":   {edgeapi.RefusedSignature, func(f *fixture) { f.k.Offer(forged) }},
		"altered":  {edgeapi.RefusedSignature, func(f *fixture) { f.k.Offer(other) }},
		"unsigned": {edgeapi.RefusedSignature, func(f *fixture) { f.k.Offer(edgeapi.ModuleSet{Manifest: []byte("{}")}) }},
		"nothing":  {edgeapi.RefusedManifest, func(f *fixture) { f.k.Offer(edgetest.Sign([]byte("{}"))) }},
		"away": {edgeapi.RefusedFetch, func(f *fixture) {
			f.look(func() { f.away = true })
			f.publish(9, set("away"))
			f.until("it cannot be had", f.k.Trouble)
			f.look(func() { f.away = false })
		}},
		"it traps": {edgeapi.RefusedTest, func(f *fixture) {
			f.look(func() { f.bad = set("bad")["redirect"] })
			f.publish(9, set("bad"))
		}},
		"another file": {edgeapi.RefusedFile, func(f *fixture) {
			files := set("swapped")
			f.look(func() { f.files[bundle.Hash(files["qr"])] = []byte("something else") })
			for _, n := range []string{"redirect", "hookauth"} {
				f.look(func() { f.files[bundle.Hash(files[n])] = files[n] })
			}
			f.k.Offer(edgetest.SignModules(9, files))
		}},
		"too large": {edgeapi.RefusedFile, func(f *fixture) {
			files := set("large")
			files["qr"] = make([]byte, 17<<20)
			f.publish(9, files)
		}},
	} {
		f := start(t, t.TempDir())
		f.publish(2, set("good"))
		f.runsSet(2)
		c.offer(f)
		f.until(name+" is refused", f.k.Trouble)
		if r := f.k.Refusal(); r.Why != c.why || r.Detail == "" {
			t.Errorf("%s: it is refused for %q, %q want %q", name, r.Why.Code(), r.Detail, c.why.Code())
		}
		f.look(func() {
			if !same(f.runs, set("good")) || f.k.Version() != 2 {
				t.Errorf("%s: it runs %q", name, f.runs)
			}
		})
		f.publish(10, set("better"))
		f.runsSet(10)
		f.until("the trouble is over", func() bool { return !f.k.Trouble() })
	}
}

// What cannot be read has no version: it is not the one that was refused before.
func TestARefusalNamesTheSetItIsAbout(t *testing.T) {
	t.Parallel()
	f := start(t, t.TempDir())
	f.look(func() { f.bad = set("bad")["redirect"] })
	f.publish(9, set("bad"))
	f.until("a set that traps is refused", f.k.Trouble)
	if r := f.k.Refusal(); r.Version != 9 {
		t.Errorf("got %d want 9", r.Version)
	}
	f.publish(10, set("good"))
	f.runsSet(10)
	f.until("the trouble is over", func() bool { return !f.k.Trouble() })
	forged := edgetest.SignModules(11, set("forged"))
	forged.Signature[5] ^= 1
	f.k.Offer(forged)
	f.until("a forged set is refused", f.k.Trouble)
	if r := f.k.Refusal(); r.Version != 0 || r.Why != edgeapi.RefusedSignature {
		t.Errorf("got %+v want none that could be read", r)
	}
}

func TestVersionsOnlyRise(t *testing.T) {
	t.Parallel()
	f := start(t, t.TempDir())
	f.publish(5, set("five"))
	f.runsSet(5)
	f.publish(4, set("four"))
	f.publish(6, set("six"))
	f.runsSet(6)
	f.look(func() {
		if f.swaps != 2 {
			t.Errorf("%d sets were tried want 2", f.swaps)
		}
	})
}

func TestABadSetIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	f := start(t, t.TempDir())
	f.look(func() { f.bad = set("bad")["redirect"] })
	for range 3 { // the stream brings it at each connection
		f.publish(2, set("bad"))
		f.until("it is refused", f.k.Trouble)
	}
	f.publish(3, set("good"))
	f.runsSet(3)
	f.look(func() {
		if f.swaps != 2 {
			t.Errorf("%d sets were tried want 2", f.swaps)
		}
	})
}

func TestWhatCannotBeHadNowIsTakenLater(t *testing.T) {
	t.Parallel()
	f := start(t, t.TempDir())
	f.look(func() { f.away = true })
	f.publish(2, set("second"))
	f.until("it failed", f.k.Trouble)
	f.look(func() { f.away = false })
	f.publish(2, set("second")) // the next connection brings it again
	f.runsSet(2)
}

func TestADamagedKeptSetGivesWayToTheBuiltIn(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(b []byte) []byte{
		"flipped": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut":     func(b []byte) []byte { return b[:len(b)-1] },
		"gone":    func([]byte) []byte { return nil },
	} {
		for _, pattern := range []string{"set", "*.wasm"} {
			f := start(t, t.TempDir())
			f.publish(2, set("second"))
			f.runsSet(2)
			f.stop() // which waits until it is kept
			files, err := filepath.Glob(filepath.Join(f.dir, pattern))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			b, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(files[0], damage(b), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, version := kept(t, f.dir); !same(got, set("built in")) || version != 0 {
				t.Errorf("%s %s: it starts with %d: %q", pattern, name, version, got)
			}
		}
	}
}

func TestAKeptSetThatDoesNotStartGivesWay(t *testing.T) {
	t.Parallel()
	f := start(t, t.TempDir())
	f.publish(2, set("second"))
	f.runsSet(2)
	f.stop()
	k := manifest.New(manifest.Config{Dir: f.dir, Key: edgetest.ModuleKey(),
		BuiltIn: builtIn, Log: slog.New(slog.DiscardHandler)})
	tries := 0
	err := k.Kept(func(files map[string][]byte) error {
		if tries++; tries == 1 {
			return errors.New("another runtime")
		}
		if !same(files, set("built in")) {
			t.Errorf("it starts with %q", files)
		}
		return nil
	})
	if err != nil || !k.Trouble() || k.Version() != 0 {
		t.Errorf("%v, trouble %v, version %d", err, k.Trouble(), k.Version())
	}
}

func builtIn() (map[string][]byte, error) { return set("built in"), nil }
