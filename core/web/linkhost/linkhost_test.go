package linkhost_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"code.dny.dev/ssrf"

	"lumo/core/tracking"
	"lumo/core/web/linkhost"
)

const (
	target  = "https://check.example/K7Q2"
	patient = time.Minute
)

// guarded is a client that trusts one server's certificate and refuses private addresses, but
// for those that are allowed.
func guarded(t *testing.T, trusted *x509.Certificate, allowed string) *http.Client {
	t.Helper()
	options := []ssrf.Option{ssrf.WithAnyPort(), ssrf.WithNetworks("tcp4", "tcp6")}
	if allowed != "" {
		options = append(options, ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix(allowed)))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Control: ssrf.New(options...).Safe}).DialContext
	pool := x509.NewCertPool()
	if trusted != nil {
		pool.AddCert(trusted)
	}
	transport.TLSClientConfig.RootCAs = pool
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// nameless is a client whose names are nowhere.
func nameless() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "go.shop.example", IsNotFound: true}}
	}}}
}

func TestAHostLeadsToTheEdgesOrIsToldApart(t *testing.T) {
	t.Parallel()
	answer := func(status int, location string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodHead || r.URL.RawQuery != "" {
				t.Errorf("asked %s %s", r.Method, r.URL)
			}
			w.Header().Set("Location", location)
			w.WriteHeader(status)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/c/good", answer(302, target))
	mux.Handle("/c/other", answer(302, "https://check.example/old"))
	mux.Handle("/c/person", answer(302, target+"?lumo_click=01ARZ3NDEKTSV4RRFFQ69G5FAV"))
	mux.Handle("/c/moved", answer(301, target))
	mux.Handle("/c/shop", answer(301, "https://www.shop.example/c/shop"))
	mux.Handle("/c/ok", answer(200, ""))
	mux.Handle("/c/hang", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	s := httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	plain := httptest.NewServer(mux)
	t.Cleanup(plain.Close)
	gone := httptest.NewServer(mux)
	gone.Close()
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	trusting := linkhost.New(guarded(t, s.Certificate(), "127.0.0.0/8"), patient)
	for name, c := range map[string]struct {
		prober *linkhost.Prober
		link   string
		want   tracking.Finding
	}{
		"an edge":                {trusting, s.URL + "/c/good", tracking.Finding{}},
		"an old answer":          {trusting, s.URL + "/c/other", tracking.Finding{Reason: "elsewhere", Found: "302 check.example"}},
		"a GET at the edge":      {trusting, s.URL + "/c/person", tracking.Finding{Reason: "rewritten"}},
		"another redirect":       {trusting, s.URL + "/c/moved", tracking.Finding{Reason: "elsewhere", Found: "301 check.example"}},
		"the shop":               {trusting, s.URL + "/c/shop", tracking.Finding{Reason: "elsewhere", Found: "301 www.shop.example"}},
		"a page":                 {trusting, s.URL + "/c/ok", tracking.Finding{Reason: "elsewhere", Found: "200"}},
		"nothing":                {trusting, s.URL + "/c/none", tracking.Finding{Reason: "elsewhere", Found: "404"}},
		"hangs up":               {trusting, s.URL + "/c/hang", tracking.Finding{Reason: "refused"}},
		"nobody listens":         {trusting, gone.URL + "/c/good", tracking.Finding{Reason: "refused"}},
		"no certificate":         {trusting, "https://" + plain.Listener.Addr().String() + "/c/good", tracking.Finding{Reason: "certificate"}},
		"of another name":        {trusting, "https://localhost:" + at.Port() + "/c/good", tracking.Finding{Reason: "certificate"}},
		"nobody trusts it":       {linkhost.New(guarded(t, nil, "127.0.0.0/8"), patient), s.URL + "/c/good", tracking.Finding{Reason: "certificate"}},
		"a private address":      {linkhost.New(guarded(t, s.Certificate(), ""), patient), s.URL + "/c/good", tracking.Finding{Reason: "private"}},
		"a name that is nowhere": {linkhost.New(nameless(), patient), s.URL + "/c/good", tracking.Finding{Reason: "unresolved"}},
	} {
		if got := c.prober.Probe(t.Context(), c.link, target); got != c.want {
			t.Errorf("%s: got %+v want %+v", name, got, c.want)
		}
	}
}

func TestAHostThatIsSlowIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-never:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(never); s.Close() })
	client := guarded(t, nil, "127.0.0.0/8")
	if got := linkhost.New(client, 50*time.Millisecond).Probe(t.Context(), s.URL+"/c/good", target); got.Reason != "timeout" {
		t.Errorf("got %+v", got)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if got := linkhost.New(client, patient).Probe(ended, s.URL+"/c/good", target); got.Reason != "timeout" {
		t.Errorf("stopped: got %+v", got)
	}
}
