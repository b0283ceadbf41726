package wasm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/event"
)

const dataAt = 1024 // where a hand-made module keeps what it answers

// module is a WebAssembly file by hand: two pages of memory with some data, lumo_buffer at
// 0, lumo_handle with a body.
func module(data []byte, body ...byte) []byte {
	name := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	section := func(id byte, b ...byte) []byte { return append(append([]byte{id}, leb(uint64(len(b)))...), b...) }
	exports := []byte{4}
	exports = append(append(exports, name("lumo_buffer")...), 0, 0)
	exports = append(append(exports, name("lumo_handle")...), 0, 1)
	exports = append(append(exports, name("_initialize")...), 0, 2)
	exports = append(append(exports, name("memory")...), 2, 0)
	code := []byte{3, 4, 0, 0x41, 0, 0x0b}
	code = append(append(code, byte(len(body)+2), 0), append(body, 0x0b)...)
	code = append(code, 2, 0, 0x0b)
	segment := append(
		[]byte{1, 0, 0x41, 0x80, 0x08, 0x0b},
		leb(uint64(len(data)))...) // i32.const 1024
	out := []byte{0, 'a', 's', 'm', 1, 0, 0, 0}
	out = append(out, section(1, 3, 0x60, 0, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7e, 0x60, 0, 0)...)
	out = append(out, section(3, 3, 0, 1, 2)...)
	out = append(out, section(5, 1, 0, 2)...)
	out = append(out, section(7, exports...)...)
	out = append(out, section(10, code...)...)
	return append(out, section(11, append(segment, data...)...)...)
}

// leb is an unsigned number as WebAssembly writes it.
func leb(v uint64) []byte {
	var out []byte
	for ; v >= 0x80; v >>= 7 {
		out = append(out, byte(v)|0x80)
	}
	return append(out, byte(v))
}

// answering is a module that answers the same bytes to everything.
func answering(verdict []byte) []byte {
	result := append([]byte{0x42}, signed(dataAt<<32|int64(len(verdict)))...) // i64.const
	return module(verdict, result...)
}

func signed(v int64) []byte {
	var out []byte
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

func ask(t *testing.T, h *wasm.Host) error {
	t.Helper()
	call := wasm.Call{Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/c/x")}}
	return h.Do(context.Background(), "bad", &call)
}

func TestHostileModulesAreUndecidedAndHarmless(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"endless loop":      {0x03, 0x40, 0x0c, 0, 0x0b, 0x42, 0},
		"trap":              {0x00, 0x42, 0},
		"no verdict":        {0x42, 0},
		"pointer outside":   append([]byte{0x42}, signed(0x7fffffff<<32|16)...),
		"end outside":       append([]byte{0x42}, signed((2<<16-8)<<32|16)...),
		"too long":          append([]byte{0x42}, signed(64<<10+1)...),
		"nonsense verdict":  {0x42, 8},
		"huge memory grown": {0x41, 0xff, 0xff, 0x03, 0x40, 0, 0x1a, 0x42, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, map[string][]byte{"bad": module(nil, body...)}, 40*time.Millisecond)
			for range 8 { // more often than there are instances: they are replaced
				begun := time.Now()
				if err := ask(t, h); !errors.Is(err, wasm.ErrUndecided) {
					t.Fatalf("got %v want undecided", err)
				}
				if took := time.Since(begun); took > 5*time.Second {
					t.Fatalf("it took %s", took)
				}
			}
		})
	}
}

func TestATruncatedVerdictIsUndecided(t *testing.T) {
	t.Parallel()
	v := edgeapi.Verdict{
		Kind:    edgeapi.Respond,
		Status:  200,
		Headers: [][]byte{[]byte("Cache-Control: no-store")},
		Body:    []byte("body"),
	}
	whole := v.Append(nil)
	h := newHost(t, map[string][]byte{"bad": answering(whole)}, time.Second)
	if err := ask(t, h); err != nil {
		t.Fatalf("the whole verdict: %v", err)
	}
	fields := []int{
		6,
		6 + 5 + len("Cache-Control: no-store"),
	} // ends of head and header: shorter, but whole
	for n := 1; n < len(whole); n++ {
		if n == fields[0] || n == fields[1] {
			continue
		}
		if err := h.Swap(context.Background(), map[string][]byte{"bad": answering(whole[:n])}); err != nil {
			t.Fatal(err)
		}
		if err := ask(t, h); !errors.Is(err, wasm.ErrUndecided) {
			t.Errorf("%d of %d bytes: got %v want undecided", n, len(whole), err)
		}
	}
}

func TestVerdictsWithoutSenseAreUndecided(t *testing.T) {
	t.Parallel()
	line := func(lines ...string) (all [][]byte) {
		for _, l := range lines {
			all = append(all, []byte(l))
		}
		return all
	}
	click := event.Event{Type: event.Click}.Append(nil)
	verdicts := map[string]edgeapi.Verdict{
		"no kind":               {Status: 200},
		"a kind that is none":   {Kind: 4, Status: 200},
		"an unknown status":     {Kind: edgeapi.Respond, Status: 500},
		"a redirect to nowhere": {Kind: edgeapi.Respond, Status: 302},
		"a redirect to two places": {
			Kind:    edgeapi.Respond,
			Status:  302,
			Headers: line("Location: /a", "Location: /b"),
		},
		"a location without redirect": {
			Kind:    edgeapi.Respond,
			Status:  200,
			Headers: line("Location: /a"),
		},
		"a response that refuses": {Kind: edgeapi.Respond, Status: 404},
		"a refusal that does not": {Kind: edgeapi.Deny, Status: 200},
		"a refusal that leads on": {
			Kind:    edgeapi.Deny,
			Status:  404,
			Headers: line("Location: /a"),
		},
		"nothing known":              {Kind: edgeapi.Forward, Status: 503},
		"an auth that is the host's": {Kind: edgeapi.Forward, Status: 503, Auth: 2},
		"a foreign header": {
			Kind:    edgeapi.Respond,
			Status:  200,
			Headers: line("X-Forwarded-For: 1"),
		},
		"a second header inside": {
			Kind:    edgeapi.Respond,
			Status:  200,
			Headers: line("Vary: x\r\nSet-Cookie: a=b"),
		},
		"no header at all": {Kind: edgeapi.Respond, Status: 200, Headers: line("Vary")},
		"half an event": {
			Kind:   edgeapi.Respond,
			Status: 200,
			Events: [][]byte{click[:21]},
		},
		"an event of no type": {
			Kind:   edgeapi.Respond,
			Status: 200,
			Events: [][]byte{make([]byte, event.Size)},
		},
		"an unknown page": {Kind: edgeapi.Respond, Status: 200, Page: 9},
	}
	files := map[string][]byte{}
	for name, v := range verdicts {
		files[name] = answering(v.Append(nil))
	}
	good := edgeapi.Verdict{Kind: edgeapi.Respond, Status: 200, Body: []byte("x")}
	files["a body twice"] = answering(append(good.Append(nil), good.Append(nil)[6:]...))
	files["bytes behind"] = answering(append(good.Append(nil), 0))
	files["an unknown field"] = answering(append(good.Append(nil), 9, 0, 0, 0, 0))
	h := newHost(t, files, time.Second)
	for name := range files {
		call := wasm.Call{Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/")}}
		if err := h.Do(context.Background(), name, &call); !errors.Is(err, wasm.ErrUndecided) {
			t.Errorf("%s: got %v want undecided", name, err)
		}
	}
}

func TestForbiddenImportsAreRefused(t *testing.T) {
	t.Parallel()
	for module, function := range map[string]string{
		"env": "open", "lumo": "keys", "wasi_snapshot_preview1": "path_open", "extism:host/env": "http_request",
		"extism:host/user": "lumo_secret",
	} {
		if err := load(importing(module, function)); err == nil {
			t.Errorf("%s of %s was granted", function, module)
		}
	}
}

// importing is a module that asks for one function without parameters and results.
func importing(module, function string) []byte {
	entry := append([]byte{1, byte(len(module))}, module...)
	entry = append(append(entry, byte(len(function))), function...)
	entry = append(entry, 0, 0)
	out := []byte{0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, byte(len(entry))}
	return append(out, entry...)
}

func load(file []byte) error {
	ctx := context.Background()
	h, err := wasm.New(
		ctx,
		wasm.Config{Modules: map[string][]byte{"bad": file}, Replica: edgeapitest.NewWorld()},
	)
	if err != nil {
		return err
	}
	return h.Close(ctx)
}
