// Package spectest holds requests and answers against the vendors' published OpenAPI
// documents, in tests: the product's requests on their way out, the fakes' answers on their
// way back.
//
// What always holds: a test that asks for a document that is not there is skipped and says
// why; paths that no document describes (LINE Login, OAuth) are counted, not judged; where
// recordings of the real API contradict the document, the recording wins.
package spectest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Checker judges traffic. Its findings fail the test when it ends.
type Checker struct {
	host    string
	routers []routers.Router
	relax   func(body []byte) []byte // closes known gaps between document and reality

	mu       sync.Mutex // guards findings, judged, unknown
	findings []string
	judged   int
	unknown  int
}

// LINE checks against the Messaging API, insight and channel token documents.
func LINE(t testing.TB) *Checker {
	return load(t, "https://api.line.me", func(b []byte) []byte { return b },
		"line/messaging-api.yml", "line/insight.yml", "line/channel-access-token.yml")
}

// Klaviyo checks against the stable API document.
func Klaviyo(t testing.TB) *Checker {
	return load(t, "https://a.klaviyo.com", withoutNullLinks, "klaviyo/stable.json")
}

func load(t testing.TB, host string, relax func([]byte) []byte, names ...string) *Checker {
	t.Helper()
	c := &Checker{host: host, relax: relax}
	for _, name := range names {
		file := filepath.Join(root(t), "..", "shared", "contracts", filepath.FromSlash(name))
		if _, err := os.Stat(file); err != nil {
			t.Skipf("the document ../shared/contracts/%s is not there, so nothing is held against it", name)
		}
		doc, err := openapi3.NewLoader().LoadFromFile(file)
		if err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		for _, server := range doc.Servers {
			server.URL = host
		}
		router, err := gorillamux.NewRouter(doc)
		if err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		c.routers = append(c.routers, router)
	}
	t.Cleanup(func() {
		for _, finding := range c.Findings() {
			t.Error(finding)
		}
	})
	return c
}

// root is the folder of go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
}

// Findings are the contradictions so far.
func (c *Checker) Findings() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.findings)
}

// Judged is how many requests a document described, and how many none did.
func (c *Checker) Judged() (known, unknown int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.judged, c.unknown
}

// Transport checks what a client sends and gets. prefix is where the fake is mounted, such
// as /line-api.
func (c *Checker) Transport(prefix string, next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return transport{c, prefix, next}
}

type transport struct {
	checker *Checker
	prefix  string
	next    http.RoundTripper
}

// RoundTrip sends a request and checks both directions.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		read, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		body = read
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	res, err := t.next.RoundTrip(req)
	if err != nil {
		t.checker.Request(t.prefix, req, body)
		return nil, err
	}
	answer, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(answer))
	t.checker.Exchange(t.prefix, req, body, res.StatusCode, res.Header, answer)
	return res, nil
}

// Handler checks what arrives at a fake and what it answers. Requests that are refused on
// purpose are judged by their answers only.
func (c *Checker) Handler(prefix string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		kept := &keeper{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(kept, r)
		c.Exchange(prefix, r, body, kept.status, w.Header(), kept.body.Bytes())
	})
}

type keeper struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader keeps the status.
func (k *keeper) WriteHeader(status int) {
	k.status = status
	k.ResponseWriter.WriteHeader(status)
}

// Write keeps the body.
func (k *keeper) Write(b []byte) (int, error) {
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}

// Request judges a request alone.
func (c *Checker) Request(prefix string, req *http.Request, body []byte) {
	if input, known := c.input(prefix, req, body); known {
		c.request(input, body)
	}
}

// Exchange judges a request and its answer; a request that was refused with 4xx is not
// judged, because tests refuse on purpose.
func (c *Checker) Exchange(
	prefix string,
	req *http.Request,
	body []byte,
	status int,
	header http.Header,
	answer []byte,
) {
	input, known := c.input(prefix, req, body)
	if !known {
		return
	}
	if status/100 != 4 {
		c.request(input, body)
	}
	if status/100 == 2 && len(answer) == 0 || status >= 500 {
		return // nothing to judge: 202 and 204 of documents without a body
	}
	err := openapi3filter.ValidateResponse(
		context.Background(),
		&openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: status, Header: header,
			Body:    io.NopCloser(bytes.NewReader(c.relax(answer))),
			Options: &openapi3filter.Options{IncludeResponseStatus: false, MultiError: true},
		},
	)
	if err != nil {
		c.find("answer %d of %s %s: %v", status, input.Request.Method, input.Request.URL.Path, short(err))
	}
}

func (c *Checker) request(input *openapi3filter.RequestValidationInput, body []byte) {
	input.Request.Body = io.NopCloser(bytes.NewReader(body))
	err := openapi3filter.ValidateRequest(context.Background(), input)
	if err != nil &&
		!strings.Contains(err.Error(), "unsupported schema of request body") { // oneOf in a form
		c.find("request %s %s: %v", input.Request.Method, input.Request.URL.Path, short(err))
	}
}

// input finds the operation of a request in the documents.
func (c *Checker) input(
	prefix string,
	req *http.Request,
	body []byte,
) (*openapi3filter.RequestValidationInput, bool) {
	u, err := url.Parse(c.host)
	if err != nil {
		return nil, false
	}
	u.Path = strings.TrimSuffix(strings.TrimPrefix(req.URL.Path, prefix), "/")
	u.RawQuery = req.URL.RawQuery
	again := req.Clone(context.Background())
	again.URL, again.Host, again.RequestURI = u, u.Host, ""
	again.Body = io.NopCloser(bytes.NewReader(body))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, router := range c.routers {
		route, params, err := router.FindRoute(again)
		if err != nil {
			continue
		}
		c.judged++
		return &openapi3filter.RequestValidationInput{
			Request:    again,
			PathParams: params,
			Route:      route,
			Options: &openapi3filter.Options{
				AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
				MultiError:         true,
			},
		}, true
	}
	c.unknown++
	return nil, false
}

func (c *Checker) find(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.findings = append(c.findings, fmt.Sprintf(format, args...))
}

// short cuts the printed schema off a finding.
func short(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\nSchema:")
	if len(text) > 600 {
		text = text[:600] + ".."
	}
	return text
}

// withoutNullLinks drops explicit nulls of next and prev: real answers have them, the
// document wants text.
func withoutNullLinks(body []byte) []byte {
	var whole map[string]any
	if json.Unmarshal(body, &whole) != nil {
		return body
	}
	links, is := whole["links"].(map[string]any)
	if !is {
		return body
	}
	for _, name := range []string{"next", "prev"} {
		if links[name] == nil {
			delete(links, name)
		}
	}
	out, err := json.Marshal(whole)
	if err != nil {
		return body
	}
	return out
}
