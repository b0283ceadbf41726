package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"lumo/edge/edgetest"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/webhooksig"
)

// decides is a module set of our own.
type decides func(c *wasm.Call) error

func (d decides) Do(_ context.Context, _ string, c *wasm.Call) error { return d(c) }

func leadTo(location string) decides {
	return func(c *wasm.Call) error {
		c.Targets = [][]byte{[]byte(edgeapitest.Target)}
		c.Verdict = edgeapi.Verdict{Kind: edgeapi.Respond, Status: 302,
			Headers: [][]byte{[]byte("Location: " + location)}}
		return nil
	}
}

func TestUndecidedCostsNobodyAnything(t *testing.T) {
	t.Parallel()
	e := start(t, setup{modules: decides(func(*wasm.Call) error {
		return fmt.Errorf("%w: it trapped", wasm.ErrUndecided)
	})})
	link := "/c/" + edgetest.Link(1, 42)
	e.core.Answering(func(edgetest.Asked) edgetest.Answer {
		return edgetest.Answer{Status: 302,
			Header: map[string]string{"Location": edgeapitest.Target}}
	})
	if got := e.get(link); got.status != 302 || got.location() != edgeapitest.Target {
		t.Errorf("the core is asked: got %d %q", got.status, got.location())
	}
	e.core.Answering(func(edgetest.Asked) edgetest.Answer { return edgetest.Answer{Status: 404} })
	for name, status := range map[string]int{link: 302, "/c/x": 503, "/q/" + edgeapitest.Code: 503,
		"/o/" + edgetest.Beacon(1) + ".png": 503} {
		got := e.get(name)
		if got.status != status || status == 302 && got.location() != edgetest.Shop {
			t.Errorf("%s: got %d %q want %d", name, got.status, got.location(), status)
		}
	}
	for _, path := range []string{linePth, flowPth} {
		if got := e.do("POST", path, "{}"); got.status != 503 ||
			got.header.Get("Retry-After") == "" {
			t.Errorf("%s: got %d", path, got.status)
		}
	}
	if got := e.spool.Stats().Waiting; got != 0 {
		t.Errorf("%d records were spooled", got)
	}
	if log := e.log.String(); !strings.Contains(log, "it trapped") {
		t.Errorf("the log does not say why: %s", log)
	}
}

// While a module does not decide, what anybody can make up does not reach the core without
// end; customers with a link of ours do.
func TestMadeUpLinksAreLimitedWhileAModuleIsUndecided(t *testing.T) {
	t.Parallel()
	h := &holding{}
	e := start(t, setup{core: h,
		modules: decides(func(*wasm.Call) error { return wasm.ErrUndecided })})
	at := time.Now() // within one second of the limit
	e.clock.stand(at)
	madeUp := "/c/" + strings.Repeat("A", 42)
	for range 130 {
		e.get(madeUp)
	}
	if n := len(h.waited); n != 100 {
		t.Errorf("the core was asked %d times about made-up links want 100", n)
	}
	for range 30 {
		e.get("/c/"+edgetest.Link(1, 42), "User-Agent", phone)
	}
	if n := len(h.waited); n != 130 {
		t.Errorf("the core was asked %d times want 130 with 30 genuine links", n)
	}
}

// A mistake of ours in one request costs that request alone.
func TestAPanicEndsOneRequestAndNotTheEdge(t *testing.T) {
	t.Parallel()
	broken := true
	e := start(t, setup{modules: decides(func(c *wasm.Call) error {
		if broken {
			panic("canary " + string(c.Request.Path))
		}
		c.Verdict = edgeapi.Verdict{Kind: edgeapi.Respond, Status: 204}
		return nil
	})})
	for _, got := range []answer{e.flow(flowBody, edgeapitest.FlowKey()),
		e.get("/c/"+edgetest.Link(1, 42), "User-Agent", phone)} {
		if got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("got %d %v", got.status, got.header)
		}
	}
	if got := metric(t, e, "lumo_edge_panics_total"); got != 2 {
		t.Errorf("%v were counted want 2", got)
	}
	if log := e.log.String(); !strings.Contains(log, "a request was given up") ||
		strings.Contains(log, "canary") || strings.Contains(log, edgetest.Link(1, 42)) {
		t.Errorf("logged: %s", log)
	}
	broken = false
	if got := e.get("/c/x"); got.status != 204 {
		t.Errorf("afterwards: got %d", got.status)
	}
}

func TestNoModuleLeadsAstray(t *testing.T) {
	t.Parallel()
	for location, allowed := range map[string]bool{
		edgeapitest.Target:                  true,
		edgeapitest.Target + "&lumo_click=": false,
		// without this request's id
		edgeapitest.Target + "&x=1":                        false,
		"https://evil.example/":                            false,
		"https://shop.example.evil.example/":               false,
		"/m/../../etc":                                     false,
		"https://access.line.me/oauth2/v2.1/authorize?x=1": false,
		// not from a tracked link
		"https://line.me/R/ti/p/%40evil":                              false,
		edgeapitest.Target + "&lumo_click=01k0000000000000000000000a": false,
	} {
		e := start(t, setup{modules: leadTo(location)})
		e.core.Answering(func(edgetest.Asked) edgetest.Answer { return edgetest.Answer{Status: 404} })
		got := e.get("/c/" + edgetest.Link(1, 42))
		if passed := got.location() == location; passed != allowed {
			t.Errorf("%s: got %q", location, got.location())
		}
		got = e.get("/q/" + edgeapitest.Code)
		toLINE := strings.HasPrefix(location, "https://access.line.me/oauth2/v2.1/authorize?") ||
			strings.HasPrefix(location, "https://line.me/")
		if passed := got.location() == location; passed != (allowed || toLINE) {
			t.Errorf("from a code, %s: got %q", location, got.location())
		}
	}
}

// raw sends bytes and answers the status line, or "closed".
func raw(t *testing.T, e *edge, bytes string) string {
	t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, bytes); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	line, _, found := strings.Cut(string(all), "\r\n")
	if !found {
		t.Logf("%q: %q %v", bytes, all, err)
		return "closed"
	}
	if strings.Count(string(all), "HTTP/1.1 ") > 1 {
		return line + " and more"
	}
	return line
}

func TestProtocolAbuseIsRefused(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	const end = "Connection: close\r\n\r\n"
	// Whatever the first request is taken for: nothing of its body may be a second one.
	const smuggled, one = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", ""
	for name, c := range map[string]struct{ send, want string }{
		"fine":     {"GET /healthz HTTP/1.1\r\nHost: x\r\n" + end, "HTTP/1.1 200 OK"},
		"HTTP/1.0": {"GET /healthz HTTP/1.0\r\nHost: x\r\n" + end, "HTTP/1.1 200 OK"},
		"no Host":  {"GET /healthz HTTP/1.1\r\n" + end, "HTTP/1.1 400 Bad Request"},
		"two Hosts": {"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n" + end,
			"HTTP/1.1 400 Bad Request"},
		"no protocol": {"GET /healthz\r\nHost: x\r\n" + end, "HTTP/1.1 400 Bad Request"},
		"nonsense":    {"\x16\x03\x01\x02\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		"HTTP/2.0": {"GET /healthz HTTP/2.0\r\nHost: x\r\n" + end,
			"HTTP/1.1 505 HTTP Version Not Supported"},
		"HTTP/3.7": {"GET /healthz HTTP/3.7\r\nHost: x\r\n" + end,
			"HTTP/1.1 505 HTTP Version Not Supported"},
		"two lengths":   {"POST /hooks/line/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n" + end + "{}", "HTTP/1.1 400 Bad Request"},
		"signed length": {"POST /hooks/line/a HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n" + end + "{}", "HTTP/1.1 400 Bad Request"},
		"space before colon": {"GET /healthz HTTP/1.1\r\nHost : x\r\n" + end,
			"HTTP/1.1 400 Bad Request"},
		"NUL in a value": {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: \x00\r\n" + end,
			"HTTP/1.1 400 Bad Request"},
		"headers too large": {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y",
			17<<10) + "\r\n" + end, "HTTP/1.1 431 Request Header Fields Too Large"},
		"15 KiB of headers": {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y",
			15<<10) + "\r\n" + end, "HTTP/1.1 200 OK"},
		"length and chunks": {"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK"},
		"unknown encoding":  {"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: rot13\r\n" + end, "HTTP/1.1 400 Bad Request"},
		"absolute form": {"GET http://evil.example/healthz HTTP/1.1\r\nHost: x\r\n" + end,
			"HTTP/1.1 200 OK"},
		"length of gigabytes":                    {"POST /hooks/line/a HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n" + end, "HTTP/1.1 413 Request Entity Too Large"},
		"chunks in capitals":                     {"POST /hooks/line/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\nContent-Length: 0\r\n" + end + "0\r\n\r\n", one},
		"encoding twice":                         {"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + end + smuggled, one},
		"encoding in a list":                     {"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n" + end + smuggled, one},
		"encoding with a tab":                    {"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\tchunked\r\n" + end + smuggled, one},
		"space before the colon of the encoding": {"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n" + end + smuggled, one},
		"folded header":                          {"POST /healthz HTTP/1.1\r\nHost: x\r\nX: a\r\n Transfer-Encoding: chunked\r\n" + end + smuggled, one},
		"length list":                            {"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 5\r\n" + end + smuggled, one},
		"length of less than nothing":            {"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n" + end + smuggled, one},
		"length in hex":                          {"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0x10\r\n" + end + smuggled, one},
		"chunk of no size":                       {"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + end + "zz\r\n" + smuggled, one},
		"chunk of all memory":                    {"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + end + "ffffffffffffffff\r\n" + smuggled, one},
		"chunk longer than it says":              {"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + end + "1\r\nabc\r\n0\r\n\r\n" + smuggled, one},
		"carriage return in a value":             {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\rTransfer-Encoding: chunked\r\n" + end + smuggled, one},
		"body where none goes":                   {"GET /c/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n" + end + strings.Repeat("x", 2000), "HTTP/1.1 413 Request Entity Too Large"},
	} {
		got := raw(t, e, c.send)
		if c.want == one && !strings.HasSuffix(got, " and more") && got != "closed" {
			continue
		}
		if got != c.want {
			t.Errorf("%s: got %q want %q", name, got, c.want)
		}
	}
}

// The Host header must not reach the state or the address on a page: links are ours alone.
func TestHostHeaderIsNotBelieved(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = io.WriteString(conn,
		"GET /q/"+edgeapitest.Code+" HTTP/1.1\r\nHost: evil.example\r\nUser-Agent: "+phone+"\r\nConnection: close\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(all), "302") || strings.Contains(string(all),
		"evil") {
		t.Errorf("got %s %v", all, err)
	}
}

func TestNothingSecretOrPersonalIsLoggedOrMeasured(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	wrong := webhooksig.FormatFlowKey(1, [32]byte{6})
	e.core.Answering(func(edgetest.Asked) edgetest.Answer {
		return edgetest.Answer{Status: 500,
			Body: "canary-core"}
	})
	e.flow("canary-body", wrong)
	e.flow("canary-body", edgeapitest.FlowKey())
	e.line(`{"userId":"U0123456789abcdef0123456789abcdef"}`, "canary-signature")
	e.get("/q/"+edgeapitest.Code+"?e=canary%40shop.example", "User-Agent", "canary-agent")
	e.get("/c/"+edgetest.Link(99, 42), "User-Agent", "canary-agent", "Cookie",
		edgeapi.LinkCookie+"=canary-cookie")
	e.do("POST", "/f/"+edgetest.Form+"/claim", "email=canary%40shop.example", "Origin",
		"https://canary.example")
	raw(t, e, "GET /canary HTTP/1.1\r\nHost: canary\r\nHost: canary\r\n\r\n")
	var all strings.Builder
	all.WriteString(e.log.String())
	families, err := e.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		all.WriteString(f.String())
	}
	for _, secret := range []string{"canary", wrong, edgeapitest.FlowKey(), edgeapitest.Secret,
		"U0123", "@shop.example"} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q stands in log or metrics", secret)
		}
	}
}

func TestReadyzMeansIt(t *testing.T) {
	t.Parallel()
	e := start(t, setup{spoolMax: 1 << 20})
	ready := func(want int, why string) {
		t.Helper()
		got := e.get("/readyz")
		if got.status != want || got.header.Get("Cache-Control") != "no-store" ||
			!strings.Contains(got.body, why) {
			t.Errorf("want %d %q, got %d %q", want, why, got.status, got.body)
		}
		if got := e.get("/healthz"); got.status != http.StatusOK {
			t.Errorf("it lives, but says %d", got.status)
		}
	}
	ready(200, "ready")
	e.core.Stop()
	e.until("the lease lapsed", func() bool { return !e.replica.Fresh() })
	ready(200, "ready") // it was made to be without the core
	for e.line("{}"+strings.Repeat(" ", 300<<10), signed("{}"+strings.Repeat(" ", 300<<10))).status == 202 {
	}
	e.until("the spool is full", func() bool {
		e.line("{}"+strings.Repeat(" ", 3000), signed("{}"+strings.Repeat(" ", 3000)))
		return e.spool.Stats().Full
	})
	ready(503, "full")
	e.core.Start()
	e.handOver()
	ready(200, "ready")
	e.server.Leave()
	ready(503, "stopping")
	got := e.get("/c/"+edgetest.Link(1, 42), "User-Agent", phone)
	if got.status != 302 {
		t.Errorf("while it leaves: got %d", got.status)
	}
}

func TestAnEdgeThatKnowsNothingIsNotReady(t *testing.T) {
	t.Parallel()
	s := refusing(t)
	conn := &memory{in: bytes.NewReader([]byte("GET /readyz HTTP/1.0\r\nHost: x\r\n\r\n"))}
	_ = s.HTTP().ServeConn(conn)
	if got := conn.out.String(); !strings.Contains(got, "503") ||
		!strings.Contains(got, "no configuration") {
		t.Errorf("got %s", got)
	}
}

// Who sends a byte now and then keeps a connection only as long as a whole request may take.
func TestSlowClientsAreLeft(t *testing.T) {
	t.Parallel()
	e := start(t, setup{readTime: 300 * time.Millisecond})
	for name, begin := range map[string]string{
		"headers": "GET /c/x HTTP/1.1\r\nX: ",
		"body":    "POST " + flowPth + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
		"nothing": "",
	} {
		conn, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		begun, tick := time.Now(), time.NewTicker(50*time.Millisecond)
		_, _ = io.WriteString(conn, begin)
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			if n, _ := io.Copy(io.Discard, conn); n != 0 {
				t.Errorf("%s: it is answered with %d bytes", name, n)
			}
		}()
		for open := true; open; {
			select {
			case <-closed:
				open = false
			case <-tick.C:
				if begin != "" {
					_, _ = io.WriteString(conn, "x")
				}
				if time.Since(begun) > soon {
					t.Fatalf("%s: it is still there", name)
				}
			}
		}
		tick.Stop()
		_ = conn.Close()
	}
	if got := e.get("/c/"+edgetest.Link(1, 42), "User-Agent", phone); got.status != 302 {
		t.Errorf("a quick one: got %d", got.status)
	}
}
