package server_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"lumo/edge/edgetest"
	"lumo/edge/media"
	"lumo/edge/replica"
	"lumo/edge/server"
	"lumo/edge/spool"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/id"
)

// memory is a connection that somebody hung up after sending.
type memory struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (m *memory) Read(p []byte) (int, error)       { return m.in.Read(p) }
func (m *memory) Write(p []byte) (int, error)      { return m.out.Write(p) }
func (m *memory) Close() error                     { return nil }
func (m *memory) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (m *memory) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (m *memory) SetDeadline(time.Time) error      { return nil }
func (m *memory) SetReadDeadline(time.Time) error  { return nil }
func (m *memory) SetWriteDeadline(time.Time) error { return nil }

// FuzzRequests holds that no bytes make the server fall over, or answer what is no answer.
func FuzzRequests(f *testing.F) {
	f.Add([]byte("GET /c/" + edgetest.Link(1, 1) + " HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("POST /hooks/line/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("POST /f/a/claim HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: a, b\r\n\r\n"))
	f.Add([]byte("GET http://[::1]%23/q/ HTTP/1.0\r\n\r\n"))
	f.Add([]byte("HEAD //../%00 HTTP/1.1\r\nHost: x\r\nCookie: " + edgeapi.LinkCookie + "=\"\r\n\r\n"))
	s := refusing(f)
	f.Fuzz(func(t *testing.T, sent []byte) {
		conn := &memory{in: bytes.NewReader(sent)}
		_ = s.HTTP().ServeConn(conn)
		for r := bufio.NewReader(&conn.out); ; {
			if _, err := r.Peek(1); err != nil {
				return
			}
			res, err := http.ReadResponse(r, &http.Request{Method: http.MethodGet})
			if err != nil || res.StatusCode < 100 {
				t.Fatalf("%q was answered with nonsense: %v", sent, err)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				return // an answer to HEAD has a length and no body
			}
		}
	})
}

// FuzzRequestsToModules holds that with the modules that are shipped, too, every answer is one
// of those that the design lists: webhooks get none but theirs, and never a redirect.
func FuzzRequestsToModules(f *testing.F) {
	const host = " HTTP/1.1\r\nHost: x\r\n"
	for _, path := range []string{"/c/" + edgetest.Link(1, 1), "/c/x", "/o/" + edgetest.Beacon(1) + ".png",
		"/q/" + edgeapitest.Code + "?k=01HPROFILE", "/q/" + edgeapitest.Code + ".png", "/f/" + edgetest.Form + ".js",
		"/link/callback?state=x", "/i/x/1040", "/m/x", "/healthz", flowPth, "/hooks/x"} {
		f.Add([]byte("GET " + path + host + "User-Agent: " + phone + "\r\n\r\n"))
	}
	post := func(path, headers, body string) {
		f.Add([]byte("POST " + path + host + headers + "Content-Length: " + strconv.Itoa(len(body)) +
			"\r\n\r\n" + body))
	}
	line := "X-Line-Signature: " + signed("{}") + "\r\n"
	post(linePth, line, "{}")
	post(linePth, line+line, "{}")
	post(linePth, line, "{} ")
	post(flowPth, edgeapi.HeaderFlowKey+": "+edgeapitest.FlowKey()+"\r\n", flowBody)
	post(flowPth, edgeapi.HeaderFlowKey+": lfk_1_\r\n", flowBody)
	post("/hooks/klaviyo/system/"+edgetest.KlaviyoHook, "Klaviyo-Timestamp: 17\r\nKlaviyo-Signature: "+
		klaviyoSigned("{}", "17")+"\r\n", "{}")
	post("/hooks/shopify/"+edgetest.ShopifyHook, "X-Shopify-Topic: shop/redact\r\nX-Shopify-Shop-Domain: "+
		"tea.myshopify.com\r\nX-Shopify-Hmac-Sha256: "+signed("{}")+"\r\n", "{}")
	post("/f/"+edgetest.Form+"/claim", "Origin: https://shop.example\r\nContent-Type: "+
		"application/x-www-form-urlencoded\r\n", "email=taro%40shop.example")
	e := start(f, setup{core: edgetest.Away{}})
	listed := map[int]bool{200: true, 202: true, 204: true, 302: true, 400: true, 401: true, 404: true,
		405: true, 413: true, 429: true, 431: true, 503: true, 505: true}
	f.Fuzz(func(t *testing.T, sent []byte) {
		conn := &memory{in: bytes.NewReader(sent)}
		_ = e.server.HTTP().ServeConn(conn)
		asked, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent)))
		hook := err == nil && strings.HasPrefix(asked.RequestURI, "/hooks/")
		for r, first := bufio.NewReader(&conn.out), true; ; first = false {
			if _, err := r.Peek(1); err != nil {
				return
			}
			res, err := http.ReadResponse(r, &http.Request{Method: http.MethodGet})
			if err != nil || !listed[res.StatusCode] {
				t.Fatalf("%q was answered with nonsense: %v %v", sent, res, err)
			}
			if first && hook && (res.StatusCode < 202 || res.StatusCode == 204 || res.StatusCode == 302 ||
				res.StatusCode == 503 && res.Header.Get("Retry-After") == "") {
				t.Fatalf("the webhook %q was answered %d %v while the core is away", sent, res.StatusCode, res.Header)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				return // an answer to HEAD has a length and no body
			}
		}
	})
}

// refusing is a server whose modules refuse everything.
func refusing(f testing.TB) *server.Server {
	f.Helper()
	sp, err := spool.Open(spool.Config{Dir: f.TempDir(), Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = sp.Close() })
	deny := decides(func(c *wasm.Call) error {
		c.Verdict = edgeapi.Verdict{Kind: edgeapi.Deny, Status: 404, Reason: edgeapi.UnknownHook}
		return nil
	})
	files, err := media.Open(media.Config{Dir: f.TempDir(), Source: edgetest.Away{}})
	if err != nil {
		f.Fatal(err)
	}
	s, err := server.New(server.Config{Modules: deny, Replica: replica.New(time.Now),
		Core: edgetest.Away{}, Spool: sp, Media: files, PublicURL: "https://go.example",
		NewID: func() id.ID { return id.New(1, [10]byte{}) }, Now: time.Now,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	return s
}
