package wasm_test

import (
	"context"
	"testing"
	"time"

	"lumo/edge/replica"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi/edgeapitest"
)

// The calls that edges spend their time with, against a real replica, safety on.

func BenchmarkRedirectCall(b *testing.B) { benchmark(b, "link", 302) }

func BenchmarkFlowHookCall(b *testing.B) { benchmark(b, "flow", 503) }

func BenchmarkLINEHookCall(b *testing.B) { benchmark(b, "line", 503) }

func BenchmarkScanCall(b *testing.B) { benchmark(b, "code-phone", 302) }

func benchmark(b *testing.B, name string, want uint16) {
	ctx := context.Background()
	r := replica.New(time.Now)
	for _, f := range edgeapitest.NewWorld().Frames(1) {
		if _, err := r.Apply(f); err != nil {
			b.Fatal(err)
		}
	}
	h, err := wasm.New(ctx, wasm.Config{Modules: defaultSet(b), Replica: r})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = h.Close(ctx) }()
	c, call := edgeapitest.CaseOf(name), wasm.Call{}
	call.Request, call.Body = c.Request, c.Body
	call.Request.Language = []byte("ja-JP")
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Do(ctx, c.Module, &call); err != nil || call.Verdict.Status != want {
			b.Fatalf("status %d, %v", call.Verdict.Status, err)
		}
	}
}
