package wasm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lumo/edge/edgetest"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
)

// Instances have goroutines of their own for as long as they live: none outlives an instance
// that was replaced, was ended, or stood in a set that was swapped. Other tests wait meanwhile.
func TestInstancesLeaveNoGoroutineBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	ctx := context.Background()
	set, hostile := defaultSet(t), []string{"endless loop", "trap", "exit", "no verdict"}
	for _, name := range hostile {
		set[name] = edgetest.Hostile()[name]
	}
	h, err := wasm.New(ctx, wasm.Config{Modules: set, CacheDir: cacheDir(), Now: now, Recycle: 3,
		Replica: edgeapitest.NewWorld(), Deadline: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	c := edgeapitest.CaseOf("link")
	for range 10 {
		call := wasm.Call{Request: c.Request}
		if err := h.Do(ctx, c.Module, &call); err != nil || call.Verdict.Status != 302 {
			t.Fatalf("status %d, %v", call.Verdict.Status, err)
		}
	}
	for _, name := range hostile {
		call := wasm.Call{Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/hostile")}}
		if err := h.Do(ctx, name, &call); !errors.Is(err, wasm.ErrUndecided) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := h.Swap(ctx, defaultSet(t)); err != nil {
		t.Error(err)
	}
	if err := h.Close(ctx); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before)
	if err := h.Do(ctx, c.Module, &wasm.Call{Request: c.Request}); err == nil {
		t.Error("a closed host answers")
	}
}
