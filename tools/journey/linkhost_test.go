package journey_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/tracking"
	"lumo/core/web/linkhost"
	"lumo/shared/token"
)

// through is a shop's own proxy in front of the edges. It keeps what it passed on.
type through struct {
	proxy *httputil.ReverseProxy
	mu    sync.Mutex // guards asked
	asked []string
}

func newThrough(t *testing.T, edges string) *through {
	t.Helper()
	to, err := url.Parse(edges)
	if err != nil {
		t.Fatal(err)
	}
	p := httputil.NewSingleHostReverseProxy(to) // which leaves the Host header as it came
	return &through{proxy: p}
}

func (p *through) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.URL.Path)
	p.mu.Unlock()
	p.proxy.ServeHTTP(w, r)
}

type linkHost struct {
	State, Host, Target, Reason, Found string
}

// A shop's own host: entered, pointed at the edges, checked by the core, in the links of messages
// from then on, and tapped. The check is the same behind a certificate.
func TestLinksBeginWithTheShopsOwnHostOnceItLeadsToTheEdges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("yuki", yuki)
	shop := newThrough(t, w.front.URL)
	own, wrong := httptest.NewServer(shop), httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(own.Close)
	t.Cleanup(wrong.Close)
	named := func(s *httptest.Server) string {
		return strings.Replace(s.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	}
	ctx := t.Context()
	set := func(host string) (got linkHost) {
		t.Helper()
		var none linkHost
		w.must(w.console.Put(ctx, "/link_host", map[string]string{"host": host}, &none))
		w.must(w.console.Post(ctx, "/link_host/check", nil, &got))
		return got
	}
	if got := set(named(wrong)); got.State != "waiting" || got.Reason != "elsewhere" || got.Found != "404" {
		t.Fatalf("another server: got %+v", got)
	}
	if got := set(named(own)); got.State != "used" || got.Host != named(own) || got.Target != strings.TrimPrefix(w.front.URL, "http://") {
		t.Fatalf("got %+v", got)
	}
	w.checkedWithACertificate(shop)

	w.cartFlow("CART", klaviyotest.DemoMetric, "Your cart: https://shop.example/cart", "{{ event|lookup:'$event_id' }}")
	w.cart(yuki, "cart-1")
	var text string
	w.until("the message", func() (bool, error) {
		for _, sent := range w.line.Ledger() {
			var body struct {
				To       string
				Messages []struct{ Text string }
			}
			w.must(json.Unmarshal(sent.Body, &body))
			if body.To == lineID("yuki") {
				text = body.Messages[0].Text
			}
		}
		return text != "", fmt.Errorf("none came")
	})
	link, ok := strings.CutPrefix(text, "Your cart: ")
	if !ok || !strings.HasPrefix(link, "http://"+named(own)+"/c/") {
		t.Fatalf("the message says %q", text)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	w.must(err)
	req.Header.Set("User-Agent", "Mozilla/5.0 (iPhone) Line/15.0")
	res, err := http.DefaultTransport.RoundTrip(req)
	w.must(err)
	w.must(res.Body.Close())
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusFound || !strings.HasPrefix(to, "https://shop.example/cart?") {
		t.Errorf("a tap leads to %d %s", res.StatusCode, to)
	}
	w.until("the tap to be counted, and the checks not", func() (bool, error) {
		got := get[struct {
			Today struct{ Clicked int }
		}](w, "/home")
		return got.Today.Clicked == 1, fmt.Errorf("%d clicks", got.Today.Clicked)
	})
}

// checkedWithACertificate asks the link of the core's check again, where it needs a certificate.
func (w *world) checkedWithACertificate(shop *through) {
	w.t.Helper()
	shop.mu.Lock()
	path, ok := strings.CutPrefix(shop.asked[len(shop.asked)-1], "HEAD ")
	shop.mu.Unlock()
	_, target, _, _, err := token.ParseOneOff(strings.TrimPrefix(path, "/c/"))
	w.must(err)
	secure := httptest.NewTLSServer(shop)
	w.t.Cleanup(secure.Close)
	for name, c := range map[string]struct {
		client *http.Client
		target string
		want   string
	}{"trusted": {secure.Client(), target, ""}, "of nobody known": {http.DefaultClient, target, tracking.HostCertificate},
		"another target": {secure.Client(), target + "X", tracking.HostElsewhere}} {
		if got := linkhost.New(c.client, patience).Probe(w.t.Context(), secure.URL+path, c.target); !ok || got.Reason != c.want {
			w.t.Errorf("%s: got %+v", name, got)
		}
	}
}
