package klaviyo_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// contract holds requests and answers against Klaviyo's published specification, which lies
// beside the repository.
type contract struct {
	t      testing.TB
	next   http.RoundTripper
	router routers.Router
	prefix string // of the API at the server under test
	mu     sync.Mutex
	seen   map[string]int // guarded by mu: operations that were checked
}

// newContract makes a transport that checks what passes; without the specification it only
// passes on, and says so.
func newContract(t testing.TB, prefix string) *contract {
	t.Helper()
	c := &contract{t: t, next: http.DefaultTransport, prefix: prefix, seen: map[string]int{}}
	path := filepath.Join("..", "..", "..", "shared", "contracts", "klaviyo", "stable.json")
	if _, err := os.Stat(path); err != nil {
		t.Logf("requests are not held against Klaviyo's specification: %s is not there", path)
		return c
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: "https://a.klaviyo.com"}}
	if c.router, err = gorillamux.NewRouter(doc); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *contract) RoundTrip(r *http.Request) (*http.Response, error) {
	rest, ours := strings.CutPrefix(r.URL.Path, c.prefix)
	if c.router == nil || !ours || !strings.HasPrefix(rest, "/api/") {
		return c.next.RoundTrip(r)
	}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	input := c.check(r, rest, body)
	res, err := c.next.RoundTrip(r)
	if err != nil || input == nil {
		return res, err
	}
	c.checkAnswer(input, res)
	return res, nil
}

// check holds the request against its operation.
func (c *contract) check(r *http.Request, path string, body []byte) *openapi3filter.RequestValidationInput {
	c.t.Helper()
	asked, err := http.NewRequest(r.Method, "https://a.klaviyo.com"+path, bytes.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return nil
	}
	asked.URL.RawQuery, asked.Header = r.URL.RawQuery, r.Header
	route, parameters, err := c.router.FindRoute(asked)
	if err != nil {
		c.t.Errorf("%s %s is not in the specification: %v", r.Method, path, err)
		return nil
	}
	c.mu.Lock()
	c.seen[r.Method+" "+route.Path]++
	c.mu.Unlock()
	input := &openapi3filter.RequestValidationInput{Request: asked, PathParams: parameters, Route: route,
		QueryParams: url.Values(asked.URL.Query()),
		Options:     &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true}}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		c.t.Errorf("%s %s: %v", r.Method, path, err)
	}
	return input
}

// checkAnswer holds the fake's answer against the specification. Errors are left out, and
// links of no page: the real API has fields and nulls there that it does not know.
func (c *contract) checkAnswer(input *openapi3filter.RequestValidationInput, res *http.Response) {
	c.t.Helper()
	body, err := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil || res.StatusCode/100 != 2 {
		return
	}
	err = openapi3filter.ValidateResponse(input.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: res.StatusCode, Header: res.Header,
		Body: io.NopCloser(bytes.NewReader(withoutNullLinks(c.t, body))), Options: &openapi3filter.Options{ExcludeResponseBody: len(body) == 0}})
	if err != nil {
		c.t.Errorf("answer of %s %s: %v", input.Request.Method, input.Route.Path, err)
	}
}

func withoutNullLinks(t testing.TB, body []byte) []byte {
	t.Helper()
	var answer map[string]any
	if len(body) == 0 || json.Unmarshal(body, &answer) != nil {
		return body
	}
	if links, ok := answer["links"].(map[string]any); ok {
		for name, value := range links {
			if value == nil {
				delete(links, name)
			}
		}
	}
	out, err := json.Marshal(answer)
	if err != nil {
		t.Error(err)
	}
	return out
}
