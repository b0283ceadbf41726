package wasm_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"lumo/edge/modules"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/token"
)

func golden(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "shared", "edgeapi", "testdata", "verdict", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func newHost(t testing.TB, set map[string][]byte, deadline time.Duration) *wasm.Host {
	t.Helper()
	h, err := wasm.New(context.Background(), wasm.Config{Modules: set, CacheDir: filepath.Join(os.TempDir(), "lumo-wasm-cache"),
		Replica: edgeapitest.NewWorld(), Random: edgeapitest.Zero{}, Deadline: deadline,
		Now: func() time.Time { return time.UnixMilli(edgeapitest.NowMS) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	return h
}

func defaultSet(t testing.TB) map[string][]byte {
	t.Helper()
	set, err := modules.Default()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

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
		if got, want := call.Allowed([]byte(edgeapitest.Target)), c.Name == "link" || c.Name == "link-crawler"; got != want {
			t.Errorf("%s: allowed %v want %v", c.Name, got, want)
		}
		if call.Allowed([]byte("https://evil.example/")) {
			t.Errorf("%s: an invented target is allowed", c.Name)
		}
	}
}

// module is a WebAssembly file by hand: one memory, lumo_buffer at 0, lumo_handle with a body.
func module(body ...byte) []byte {
	section := func(id byte, b ...byte) []byte { return append([]byte{id, byte(len(b))}, b...) }
	name := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	exports := []byte{4}
	exports = append(append(exports, name("lumo_buffer")...), 0, 0)
	exports = append(append(exports, name("lumo_handle")...), 0, 1)
	exports = append(append(exports, name("_initialize")...), 0, 2)
	exports = append(append(exports, name("memory")...), 2, 0)
	code := []byte{3, 4, 0, 0x41, 0, 0x0b}
	code = append(append(code, byte(len(body)+2), 0), append(body, 0x0b)...)
	code = append(code, 2, 0, 0x0b)
	out := []byte{0, 'a', 's', 'm', 1, 0, 0, 0}
	out = append(out, section(1, 3, 0x60, 0, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7e, 0x60, 0, 0)...)
	out = append(out, section(3, 3, 0, 1, 2)...)
	out = append(out, section(5, 1, 0, 2)...) // two pages
	out = append(out, section(7, exports...)...)
	return append(out, section(10, code...)...)
}

func TestHostileModulesAreUndecidedAndHarmless(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"endless loop":      {0x03, 0x40, 0x0c, 0, 0x0b, 0x42, 0},
		"trap":              {0x00, 0x42, 0},
		"no verdict":        {0x42, 0},
		"pointer outside":   {0x42, 0x84, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, // far away, 4 bytes
		"nonsense verdict":  {0x42, 8},
		"huge memory grown": {0x41, 0xff, 0xff, 0x03, 0x40, 0, 0x1a, 0x42, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, map[string][]byte{"bad": module(body...)}, 40*time.Millisecond)
			for range 8 { // more often than there are instances: they are replaced
				begun := time.Now()
				call := wasm.Call{Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/c/x")}}
				if err := h.Do(context.Background(), "bad", &call); !errors.Is(err, wasm.ErrUndecided) {
					t.Fatalf("got %v want undecided", err)
				}
				if took := time.Since(begun); took > 5*time.Second {
					t.Fatalf("it took %s", took)
				}
			}
		})
	}
}

func TestForbiddenImportsAreRefused(t *testing.T) {
	t.Parallel()
	// (import "env" "open" (func))
	file := []byte{0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 12, 1, 3, 'e', 'n', 'v', 4, 'o', 'p', 'e', 'n', 0, 0}
	h, err := wasm.New(context.Background(), wasm.Config{Modules: map[string][]byte{"bad": file}, Replica: edgeapitest.NewWorld()})
	if err == nil {
		_ = h.Close(context.Background())
		t.Fatal("the module was taken")
	}
}

func BenchmarkRedirectCall(b *testing.B) {
	text := token.Sign(token.Token{Kind: token.Link, Key: 1, Channel: edgeapitest.Channel, Subject: 42, Link: 1}, edgeapitest.LinkKey())
	benchmark(b, "redirect", edgeapi.Request{Method: edgeapi.GET, Path: []byte("/c/" + text)}, nil, 302)
}

func BenchmarkHookAuthCall(b *testing.B) {
	benchmark(b, "hookauth", edgeapi.Request{Method: edgeapi.POST, Flags: edgeapi.FlagHasBody,
		Path: []byte("/hooks/klaviyo/flow/" + edgeapitest.FlowHook), Credential: []byte(edgeapitest.FlowKey())}, []byte("{}"), 503)
}

func benchmark(b *testing.B, name string, r edgeapi.Request, body []byte, want uint16) {
	h := newHost(b, defaultSet(b), 50*time.Millisecond)
	event := edgeapitest.EventID()
	r.EventID, r.Host, r.UserAgent = event[:], []byte("edge.example"), []byte(edgeapitest.Phone)
	call := wasm.Call{Request: r, Body: body}
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Do(context.Background(), name, &call); err != nil || call.Verdict.Status != want {
			b.Fatal(err, call.Verdict.Status)
		}
	}
}
