package wasm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"lumo/edge/edgetest"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/event"
)

func ask(t *testing.T, h *wasm.Host) error {
	t.Helper()
	call := wasm.Call{Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/c/x")}}
	return h.Do(context.Background(), "bad", &call)
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
	h := newHost(t, map[string][]byte{"bad": edgetest.Answering(whole)}, time.Second)
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
		if err := h.Swap(context.Background(), map[string][]byte{"bad": edgetest.Answering(whole[:n])}); err != nil {
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
		files[name] = edgetest.Answering(v.Append(nil))
	}
	good := edgeapi.Verdict{Kind: edgeapi.Respond, Status: 200, Body: []byte("x")}
	files["a body twice"] = edgetest.Answering(append(good.Append(nil), good.Append(nil)[6:]...))
	files["bytes behind"] = edgetest.Answering(append(good.Append(nil), 0))
	files["an unknown field"] = edgetest.Answering(append(good.Append(nil), 9, 0, 0, 0, 0))
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
