package main

import (
	"flag"
	"testing"

	"lumo/plugins/internal/guest"
	"lumo/plugins/internal/guest/guesttest"
	"lumo/shared/edgeapi/edgeapitest"
)

var _ = flag.Bool("update", false, "write the golden files")

func TestVerdictsAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	guesttest.Golden(t, "redirect", handle)
}

func FuzzHandle(f *testing.F) {
	for _, c := range edgeapitest.Cases() {
		if c.Module == "redirect" {
			f.Add(c.Request.Append(nil), c.Body)
		}
	}
	f.Fuzz(func(t *testing.T, request, body []byte) {
		guesttest.Robust(t, request, body, handle)
	})
}

// The same code without WebAssembly: what the sandbox costs is the difference.
func BenchmarkNativeCall(b *testing.B) {
	c := edgeapitest.CaseOf("link")
	request, host := c.Request.Append(nil), guesttest.NewHost(nil, c.Body)
	call := guest.NewCall(host)
	b.ReportAllocs()
	for b.Loop() {
		if call.Decide(request, handle) == nil {
			b.Fatal("undecided")
		}
	}
}
