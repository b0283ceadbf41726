package line_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"lumo/core/line"
	"lumo/core/line/linetest"
	"lumo/core/lumo"
)

// contracts holds LINE's own specifications; they lie beside the repository, not in it.
const contracts = "../../../shared/contracts/line"

// specified passes requests on after holding them, and the answers, against LINE's
// specification.
type specified struct {
	t       *testing.T
	routers []routers.Router
	seen    map[string]bool
}

func newSpecified(t *testing.T) *specified {
	t.Helper()
	if _, err := os.Stat(contracts); err != nil {
		t.Skipf("LINE's specifications are not at %s", contracts)
	}
	s := &specified{t: t, seen: map[string]bool{}}
	for _, name := range []string{"messaging-api.yml", "channel-access-token.yml"} {
		doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(contracts, name))
		if err != nil {
			t.Fatal(err)
		}
		router, err := gorillamux.NewRouter(doc)
		if err != nil {
			t.Fatal(err)
		}
		s.routers = append(s.routers, router)
	}
	return s
}

func (s *specified) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	input := s.check(req, body)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || input == nil {
		return res, err
	}
	answer, _ := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(answer))
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: res.StatusCode, Header: res.Header,
		Body: io.NopCloser(bytes.NewReader(answer))})
	if err != nil {
		s.t.Errorf("answer to %s %s: %v", req.Method, req.URL.Path, err)
	}
	return res, nil
}

// check finds the operation that a request is for, as if it went to LINE itself.
func (s *specified) check(req *http.Request, body []byte) *openapi3filter.RequestValidationInput {
	there := req.Clone(context.Background())
	there.URL = &url.URL{Scheme: "https", Host: "api.line.me", RawQuery: req.URL.RawQuery,
		Path: strings.TrimPrefix(req.URL.Path, "/line-api")}
	there.Host, there.Body = "api.line.me", io.NopCloser(bytes.NewReader(body))
	for _, router := range s.routers {
		route, params, err := router.FindRoute(there)
		if err != nil {
			continue
		}
		input := &openapi3filter.RequestValidationInput{Request: there, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}
		if form, ok := formOf(there, body); ok { // the library cannot read forms of several shapes
			input.Options.ExcludeRequestBody = true
			media := route.Operation.RequestBody.Value.Content.Get("application/x-www-form-urlencoded")
			if err := media.Schema.Value.VisitJSON(form); err != nil {
				s.t.Errorf("%s %s: %v", there.Method, there.URL.Path, err)
			}
		}
		if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
			s.t.Errorf("%s %s: %v", there.Method, there.URL.Path, err)
		}
		s.seen[route.Operation.OperationID] = true
		return input
	}
	s.t.Errorf("LINE's specification has no %s %s", there.Method, there.URL.Path)
	return nil
}

func formOf(r *http.Request, body []byte) (map[string]any, bool) {
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return nil, false
	}
	values, err := url.ParseQuery(string(body))
	out := map[string]any{}
	for name := range values {
		out[name] = values.Get(name)
	}
	return out, err == nil
}

func TestRequestsAreThoseOfLINEsSpecification(t *testing.T) {
	t.Parallel()
	spec := newSpecified(t)
	fake := linetest.New(linetest.Config{Now: now})
	vendor := httptest.NewServer(fake.Handler())
	t.Cleanup(vendor.Close)
	c, err := line.New(line.Config{API: vendor.URL + "/line-api", Now: now, HTTP: &http.Client{Transport: spec}})
	if err != nil {
		t.Fatal(err)
	}
	demo := linetest.DemoChannel
	k := lumo.Keys{ID: demo.MessagingID, Secret: demo.MessagingSecret}
	if err := fake.Follow("yuki", demo.MessagingID); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"keys":    func() error { return c.CheckKeys(t.Context(), k) },
		"login":   func() error { return c.CheckKeys(t.Context(), lumo.Keys{ID: demo.LoginID, Secret: demo.LoginSecret}) },
		"account": func() error { _, err := c.Account(t.Context(), k); return err },
		"profile": func() error {
			_, err := c.Profile(t.Context(), k, lumo.LineUserID(linetest.UserID(demo.Provider, "yuki")))
			return err
		},
		"quota": func() error { _, err := c.Quota(t.Context(), k); return err },
		"hook": func() error {
			if err := c.SetEndpoint(t.Context(), k, vendor.URL+"/hook"); err != nil {
				return err
			}
			if _, err := c.Endpoint(t.Context(), k); err != nil {
				return err
			}
			_, err := c.TestEndpoint(t.Context(), k)
			return err
		},
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, operation := range []string{"issueStatelessChannelToken", "getBotInfo", "getProfile", "getMessageQuota",
		"getMessageQuotaConsumption", "setWebhookEndpoint", "getWebhookEndpoint", "testWebhookEndpoint"} {
		if !spec.seen[operation] {
			t.Errorf("%s was not called", operation)
		}
	}
}
