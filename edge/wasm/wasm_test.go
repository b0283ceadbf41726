package wasm_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"lumo/edge/edgetest"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi/edgeapitest"
)

func golden(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(
		filepath.Join("..", "..", "shared", "edgeapi", "testdata", "verdict", name+".hex"),
	)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func cacheDir() string { return filepath.Join(os.TempDir(), "lumo-wasm-cache") }

func now() time.Time { return time.UnixMilli(edgeapitest.NowMS) }

func newHost(t testing.TB, set map[string][]byte, deadline time.Duration) *wasm.Host {
	t.Helper()
	return hostOn(t, edgeapitest.NewWorld(), set, deadline)
}

func hostOn(t testing.TB, world wasm.Replica, set map[string][]byte, deadline time.Duration) *wasm.Host {
	t.Helper()
	h, err := wasm.New(
		context.Background(),
		wasm.Config{Modules: set, CacheDir: cacheDir(), Replica: world,
			Random: edgeapitest.Zero{}, Deadline: deadline, Now: now},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	return h
}

func defaultSet(t testing.TB) map[string][]byte { return edgetest.Modules(t) }

func TestCompiledModulesGiveTheGoldenVerdicts(t *testing.T) {
	t.Parallel()
	h := newHost(t, defaultSet(t), time.Second)
	for _, c := range edgeapitest.Cases() {
		call := wasm.Call{Request: c.Request, Body: c.Body}
		if err := h.Do(context.Background(), c.Module, &call); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if got, want := string(edgeapitest.Hex(call.Bytes())), golden(t, c.Name); got != want {
			t.Errorf("%s: got\n%swant\n%s", c.Name, got, want)
		}
	}
}

// A module that kept anything would give another verdict the second time, or for a
// neighbour's request in between.
func TestNothingIsKeptBetweenCalls(t *testing.T) {
	t.Parallel()
	h := newHost(t, defaultSet(t), time.Second)
	cases := edgeapitest.Cases()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 400 {
				c := cases[(i*7)%len(cases)]
				call := wasm.Call{Request: c.Request, Body: c.Body}
				if err := h.Do(context.Background(), c.Module, &call); err != nil {
					t.Errorf("%s: %v", c.Name, err)
					return
				}
				if got, want := string(edgeapitest.Hex(call.Bytes())), golden(t, c.Name); got != want {
					t.Errorf("%s differs in turn %d", c.Name, i)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestOnlyLookedUpTargetsAreAllowed(t *testing.T) {
	t.Parallel()
	h := newHost(t, defaultSet(t), time.Second)
	for _, c := range edgeapitest.Cases() {
		call := wasm.Call{Request: c.Request, Body: c.Body}
		if err := h.Do(context.Background(), c.Module, &call); err != nil {
			t.Fatal(err)
		}
		want := bytes.Contains(call.Bytes(), []byte("Location: "+edgeapitest.Target))
		if got := call.Allowed([]byte(edgeapitest.Target)); got != want {
			t.Errorf("%s: allowed %v want %v", c.Name, got, want)
		}
		if call.Allowed([]byte("https://evil.example/")) {
			t.Errorf("%s: an invented target is allowed", c.Name)
		}
	}
}
