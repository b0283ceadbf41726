// Package guesttest holds the one test that all modules share: native verdicts against the
// golden requests, with the host functions computed plainly.
package guesttest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
)

// Golden holds a module's requests and verdicts against shared/edgeapi/testdata; with
// -update it writes them.
func Golden(t *testing.T, module string, handle guest.Handler) {
	t.Helper()
	for _, c := range edgeapitest.Cases() {
		if c.Module != module {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			request := c.Request.Append(nil)
			verdict := guest.Decide(NewHost(request, c.Body), request, handle)
			if err := new(edgeapi.Verdict).Parse(verdict); err != nil {
				t.Errorf("the verdict is not well formed: %v", err)
			}
			compare(t, "request", c.Name, request)
			compare(t, "verdict", c.Name, verdict)
		})
	}
}

func compare(t *testing.T, folder, name string, b []byte) {
	t.Helper()
	file := filepath.Join("..", "..", "shared", "edgeapi", "testdata", folder, name+".hex")
	got := string(edgeapitest.Hex(b))
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", folder, diff)
	}
}

// Host answers from the golden world.
type Host struct{ edgeapitest.Answers }

// NewHost makes a host for one request, as bytes; one that is malformed is no form claim.
func NewHost(request, body []byte) Host {
	var r edgeapi.Request
	claim := r.Parse(request) == nil && r.IsClaim()
	return Host{edgeapitest.Answers{World: edgeapitest.NewWorld(), RequestBody: body, Claim: claim}}
}

// Lookup is guest.Host's.
func (h Host) Lookup(table uint8, key []byte) []byte { return h.Value(table, key) }

// Derive is guest.Host's.
func (h Host) Derive(ref edgeapi.KeyRef, label guest.Label, id []byte) []byte {
	return h.Answers.Derive(ref, int32(label), id)
}

// Robust checks what holds for every request, however strange: no panic, and a verdict that
// is well formed, the same each time, and leads nowhere but to a known target or LINE.
func Robust(t *testing.T, request, body []byte, handle guest.Handler) {
	t.Helper()
	verdict := guest.Decide(NewHost(request, body), request, handle)
	if new(edgeapi.Request).Parse(request) != nil {
		if verdict != nil {
			t.Fatalf("a malformed request got the verdict %x", verdict)
		}
		return
	}
	var v edgeapi.Verdict
	if err := v.Parse(verdict); err != nil {
		if hostile(request) { // a CR or LF may come in; it must not go out
			return
		}
		t.Fatalf("%v: %x", err, verdict)
	}
	if again := guest.Decide(NewHost(request, body), request, handle); !bytes.Equal(again, verdict) {
		t.Fatalf("a second verdict differs: %x, then %x", verdict, again)
	}
	for _, line := range v.Headers {
		location, ok := bytes.CutPrefix(line, []byte("Location: "))
		if ok && !known(string(location)) {
			t.Fatalf("the verdict leads to %q", location)
		}
	}
}

func hostile(request []byte) bool { return bytes.ContainsAny(request, "\r\n\x00") }

func known(location string) bool {
	for _, start := range []string{edgeapitest.Target, "https://shop.example/tea", "https://shop.example/x", edgeapi.MediaPath,
		"https://access.line.me/oauth2/v2.1/authorize?", "https://line.me/R/ti/p/"} {
		if strings.HasPrefix(location, start) {
			return true
		}
	}
	return false
}
