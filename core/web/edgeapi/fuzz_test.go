package edgeapi_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/core/web/edgeapi"
	wire "lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// anyEdge knows every caller, and looks at what comes through.
type anyEdge struct {
	*far
	t *testing.T
}

func (anyEdge) Enrol(context.Context, string, string) (fleet.Identity, error) {
	return fleet.Identity{}, fault.New(fault.Unauthenticated, "x", "No.")
}
func (anyEdge) Authenticate(context.Context, string) (fleet.Edge, error)     { return fleet.Edge{}, nil }
func (anyEdge) Stream(context.Context, fleet.Edge, uint64, fleet.Conn) error { return nil }
func (anyEdge) ModuleFile(context.Context, string) ([]byte, error) {
	return nil, fault.New(fault.NotFound, "x", "None.")
}
func (anyEdge) Take(_ context.Context, _ fleet.Edge, b []byte) (fleet.Taken, error) {
	return fleet.Taken{Offset: len(b)}, nil
}

// Handle insists on what handlers rely on.
func (e anyEdge) Handle(_ context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	if !fleet.ValidAuth(r.Auth) || r.ReceivedAt.IsZero() || r.Spooled {
		e.t.Errorf("got %+v", r)
	}
	for name := range r.Header {
		if http.CanonicalHeaderKey(name) != name {
			e.t.Errorf("a header is called %q", name)
		}
	}
	return lumo.EdgeAnswer{Status: 200, Body: []byte("ok")}, nil
}

// FuzzRequestHeaders: whatever stands around a request that an edge passes on, the answer is
// the handler's, or says that the call is wrong.
func FuzzRequestHeaders(f *testing.F) {
	event := id.New(1, [10]byte{1}).String()
	f.Add(event, "1795489200123", "verified", "POST", "/hooks/line/x?y", "ab01", "3", "body")
	f.Add("", "", "", "", "", "", "", "")
	f.Add(event, "-9223372036854775808", "refused", "\x00", "//\xff", "zz", "-1", "\x00")
	f.Add(event, "9223372036854775807", "provisional", "GET", "/c/%zz", "a", "18446744073709551616", "")
	f.Fuzz(func(t *testing.T, event, received, auth, method, target, key, config, body string) {
		e := anyEdge{far: &far{}, t: t}
		s, err := edgeapi.New(edgeapi.Config{Edges: e, Intake: e, Media: e, Now: time.Now,
			Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/edge/v1/requests", bytes.NewReader([]byte(body)))
		for name, value := range map[string]string{wire.HeaderEventID: event, wire.HeaderReceivedAt: received, wire.HeaderAuth: auth,
			wire.HeaderMethod: method, wire.HeaderTarget: target, wire.HeaderKeySHA256: key, wire.HeaderConfig: config,
			wire.HeaderFlowKey: key, wire.HeaderLinkCookie: target, "User-Agent": target} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if !slices.Contains([]int{200, 400}, w.Code) {
			t.Errorf("got %d", w.Code)
		}
	})
}
