package server_test

import (
	"net/http"
	"strings"
	"testing"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/event"
	"lumo/shared/token"
)

func TestTrackedLinkRecordsWhoCameAndTellsOnlyPeopleApart(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	plain := edgetest.Link(1, 42)
	for _, c := range []struct {
		name, method, path, target string
		header                     []string
		class                      event.Class
	}{
		{"person", "GET", "/c/" + plain, edgeapitest.Target + "&lumo_click=", []string{"User-Agent",
			phone}, event.Person},
		{"fragment", "GET", "/c/" + edgetest.Link(2, 42), "https://shop.example/tea?lumo_click=",
			[]string{"User-Agent", phone}, event.Person},
		{"HEAD", "HEAD", "/c/" + plain, edgeapitest.Target, []string{"User-Agent", phone},
			event.Head},
		{"prefetch", "GET", "/c/" + plain, edgeapitest.Target, []string{"User-Agent", phone,
			"Sec-Purpose", "prefetch;prerender"}, event.Prefetch},
		{"old prefetch", "GET", "/c/" + plain, edgeapitest.Target, []string{"User-Agent", phone,
			"Purpose", "prefetch"}, event.Prefetch},
		{"line-poker", "GET", "/c/" + plain, edgeapitest.Target, []string{"User-Agent",
			edgeapitest.Crawler}, event.Crawler},
		{"one-off", "GET", "/c/" + token.SignOneOff(token.Token{Key: 1,
			Channel: edgeapitest.Channel, Subject: 42, Link: 3},
			"https://shop.example/x", edgeapitest.OneOffKey()),
			"https://shop.example/x?lumo_click=", []string{"User-Agent", phone}, event.Person},
	} {
		before := len(e.core.Events())
		got := e.do(c.method, c.path, "", c.header...)
		e.handOver()
		events := e.core.Events()[before:]
		if got.status != http.StatusFound || len(events) != 1 {
			t.Errorf("%s: got %d and %d events", c.name, got.status, len(events))
			continue
		}
		if events[0].Class != c.class || events[0].Type != event.Click || events[0].Subject != 42 {
			t.Errorf("%s: got %+v", c.name, events[0].Event)
		}
		want := c.target
		if c.class == event.Person {
			want += events[0].ID.String()
		}
		if location, _, _ := strings.Cut(got.location(), "#"); location != want {
			t.Errorf("%s: leads to %q want %q", c.name, location, want)
		}
		if got.header.Get("Cache-Control") != "private, no-store" ||
			got.header.Get("Server") != "" {
			t.Errorf("%s: got %v", c.name, got.header)
		}
	}
	if len(e.core.Asked()) != 0 {
		t.Error("the core was asked about links that the replica knows")
	}
}

// Merchants have hosts of their own lead here, so no verdict depends on which one was asked.
func TestALinkLeadsOnWhateverHostIsAsked(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	const target = "https://check.example/K7Q2"
	oneOff := "/c/" + token.SignOneOff(token.Token{Key: 1, Channel: edgeapitest.Channel}, target, edgeapitest.OneOffKey())
	for _, host := range []string{"go.example", "go.shop.example", "GO.Shop.example:8443", "xn--t8jy01w.example", "127.0.0.1"} {
		for path, want := range map[string]string{oneOff: target, "/c/" + edgetest.Link(1, 42): edgeapitest.Target} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, e.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusFound || res.Header.Get("Location") != want {
				t.Errorf("%s: got %d to %q", host, res.StatusCode, res.Header.Get("Location"))
			}
		}
	}
	e.handOver()
	for _, got := range e.core.Events() {
		if got.Class != event.Head {
			t.Errorf("a check was recorded as %+v", got.Event)
		}
	}
	if len(e.core.Asked()) != 0 {
		t.Error("the core was asked")
	}
}

func TestBadTokenIsNotFoundAndLeavesNoTrace(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	good := edgetest.Link(1, 42)
	other := "A"
	if good[20] == 'A' {
		other = "B"
	}
	for name, path := range map[string]string{
		"altered": "/c/" + good[:20] + other + good[21:], "cut": "/c/" + good[:41],
		"longer":         "/c/" + good + "A",
		"beacon as link": "/c/" + edgetest.Beacon(1), "nonsense": "/c/x", "empty": "/c/",
		"two slashes": "//c/" + good,
		"escaped":     "/c/%" + "41" + good[1:],
	} {
		got := e.get(path, "User-Agent", phone)
		if got.status != http.StatusNotFound || !strings.HasPrefix(got.header.Get("Content-Type"),
			"text/html") ||
			!strings.Contains(got.body, "This page does not exist.") {
			t.Errorf("%s: got %d %s", name, got.status, got.body)
		}
	}
	if got := e.get("/o/" + good + ".png"); got.status != http.StatusNotFound || got.body != "" {
		t.Errorf("a link as beacon: got %d %q", got.status, got.body)
	}
	e.handOver()
	if len(e.core.Events()) != 0 || len(e.core.Asked()) != 0 {
		t.Errorf("got %d events, %d questions", len(e.core.Events()), len(e.core.Asked()))
	}
}

func TestUnknownLinkAsksTheCoreThenFallsBack(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	unknown := "/c/" + edgetest.Link(99, 42)
	e.core.Answering(func(a edgetest.Asked) edgetest.Answer {
		return edgetest.Answer{Status: 302,
			Header: map[string]string{"Location": "https://shop.example/new?lumo_click=" + a.ID.String()}}
	})
	got := e.get(unknown, "User-Agent", phone)
	e.handOver()
	asked, events := e.core.Asked(), e.core.Events()
	if len(asked) != 1 || len(events) != 1 || asked[0].ID != events[0].ID ||
		asked[0].Auth != "verified" || asked[0].Target != unknown ||
		asked[0].Header.Get("User-Agent") != phone {
		t.Fatalf("got %+v and %+v", asked, events)
	}
	if want := "https://shop.example/new?lumo_click=" + events[0].ID.String(); got.location() != want {
		t.Errorf("leads to %q want %q", got.location(), want)
	}
	e.core.Answering(func(edgetest.Asked) edgetest.Answer { return edgetest.Answer{Status: 404} })
	if got := e.get(unknown); got.status != 302 || got.location() != edgetest.Shop {
		t.Errorf("nobody knows it: got %d %q", got.status, got.location())
	}
	e.core.Stop()
	if got := e.get(unknown); got.status != 302 || got.location() != edgetest.Shop {
		t.Errorf("the core is away: got %d %q", got.status, got.location())
	}
	stranger := token.Sign(token.Token{Kind: token.Link, Key: 1, Channel: 999, Subject: 1, Link: 1},
		edgeapitest.LinkKey())
	if got := e.get("/c/" + stranger); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("an unknown channel's, the core away: got %d", got.status)
	}
}

func TestBeaconIsOnePixelAndAnOpen(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	got := e.get("/o/" + edgetest.Beacon(42) + ".png")
	if got.status != 200 || got.header.Get("Content-Type") != "image/png" ||
		!strings.HasPrefix(got.body, "\x89PNG") ||
		!strings.Contains(got.header.Get("Cache-Control"), "private") {
		t.Errorf("got %d %v", got.status, got.header)
	}
	if got := e.do("HEAD", "/o/"+edgetest.Beacon(42)+".png", ""); got.status != 200 ||
		got.body != "" {
		t.Errorf("HEAD: got %d %q", got.status, got.body)
	}
	e.handOver()
	events := e.core.Events()
	if len(events) != 2 || events[0].Type != event.Open || events[0].Subject != 42 ||
		events[1].Class != event.Head {
		t.Errorf("got %+v", events)
	}
}

func TestLinksTakeOnlyTheirMethods(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	for path, allow := range map[string]string{"/c/" + edgetest.Link(1, 1): "GET, HEAD",
		"/q/" + edgeapitest.Code: "GET, HEAD",
		"/link/confirm":          "POST", linePth: "POST", flowPth: "POST"} {
		if got := e.do(http.MethodPut, path, ""); got.status != 405 ||
			got.header.Get("Allow") != allow {
			t.Errorf("%s: got %d, allowed %q want %q", path, got.status, got.header.Get("Allow"),
				allow)
		}
	}
	e.handOver()
	if len(e.core.Events()) != 0 {
		t.Error("something was recorded")
	}
}

func TestRedirectsGoOnWhenTheSpoolCannot(t *testing.T) {
	t.Parallel()
	e := start(t, setup{spoolMax: 1})
	if got := e.get("/c/"+edgetest.Link(1, 42), "User-Agent", phone); got.status != 302 {
		t.Errorf("got %d", got.status)
	}
	if got := metric(t, e, "lumo_edge_events_lost_total"); got != 1 {
		t.Errorf("got %v events lost want 1", got)
	}
}

func metric(t *testing.T, e *edge, name string) (sum float64) {
	t.Helper()
	families, err := e.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
