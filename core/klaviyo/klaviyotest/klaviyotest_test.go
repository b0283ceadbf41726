package klaviyotest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/vendortest"
)

// fake is a fake Klaviyo under test with its clock and address.
type fake struct {
	*klaviyotest.Server
	clock *vendortest.Clock
	url   string
	token string
	// transport checks traffic, nil = it is not checked
	transport http.RoundTripper
}

func start(t *testing.T, edit func(*klaviyotest.Config)) *fake {
	t.Helper()
	clock := vendortest.Fixed(time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC))
	c := klaviyotest.Config{Now: clock.Now}
	if edit != nil {
		edit(&c)
	}
	f := &fake{
		Server: klaviyotest.New(c),
		clock:  clock,
		token:  "Klaviyo-API-Key " + klaviyotest.DemoAccount.PrivateKey,
	}
	address, stop, err := f.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	f.url = address
	return f
}

type answer struct {
	status int
	header http.Header
	text   string
}

// first is the code of the first error.
func (a answer) first(t *testing.T) (code string, meta map[string]any) {
	t.Helper()
	var body struct {
		Errors []struct {
			Code string
			Meta map[string]any
		}
	}
	if err := json.Unmarshal([]byte(a.text), &body); err != nil || len(body.Errors) == 0 {
		t.Fatalf("no error in %d %s", a.status, a.text)
	}
	return body.Errors[0].Code, body.Errors[0].Meta
}

func (f *fake) do(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", f.token)
	req.Header.Set("revision", klaviyotest.Revision)
	req.Header.Set("Content-Type", "application/vnd.api+json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{
		Transport:     f.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func (f *fake) importProfile(t *testing.T, attributes string) answer {
	t.Helper()
	return f.do(t, http.MethodPost, "/klaviyo-api/api/profile-import",
		`{"data":{"type":"profile","attributes":`+attributes+`}}`)
}

const (
	verifier = "verifier-verifier-verifier-verifier-verifier"
	redirect = "http://127.0.0.1:8080/oauth/klaviyo/callback"
)

func authorizeURL(scope string) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{"response_type": {"code"}, "client_id": {klaviyotest.DemoAccount.ClientID},
		"redirect_uri": {redirect}, "scope": {scope}, "state": {"s1"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}
	return "/klaviyo-web/oauth/authorize?" + q.Encode()
}

// connect goes through OAuth and gives the token answer.
func (f *fake) connect(t *testing.T, scope string) map[string]any {
	t.Helper()
	back, err := f.Decide(f.url+authorizeURL(scope), "", true)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil || u.Query().Get("state") != "s1" {
		t.Fatalf("came back to %s", back)
	}
	a := f.tokens(t, url.Values{"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")},
		"code_verifier": {verifier}, "redirect_uri": {redirect}})
	if a.status != http.StatusOK {
		t.Fatalf("token: got %d %s", a.status, a.text)
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(a.text), &out); err != nil {
		t.Fatal(err)
	}
	f.token = "Bearer " + out["access_token"].(string)
	return out
}

func (f *fake) tokens(t *testing.T, form url.Values) answer {
	t.Helper()
	basic := base64.StdEncoding.EncodeToString(
		[]byte(klaviyotest.DemoAccount.ClientID + ":" + klaviyotest.DemoAccount.ClientSecret),
	)
	return f.do(
		t,
		http.MethodPost,
		"/klaviyo-api/oauth/token",
		form.Encode(),
		"Authorization",
		"Basic "+basic,
		"Content-Type",
		"application/x-www-form-urlencoded",
	)
}

func TestOAuthWithPKCE(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	first := f.connect(t, "accounts:read profiles:read")
	if a := f.do(
		t,
		http.MethodGet,
		"/klaviyo-api/api/accounts",
		"",
	); a.status != 200 ||
		!strings.Contains(a.text, `"public_api_key":"HnTeaX"`) {
		t.Errorf("accounts: got %d %s", a.status, a.text)
	}
	if a := f.importProfile(t, `{"email":"a@b.example"}`); a.status != 403 {
		t.Errorf("without the scope: got %d want 403", a.status)
	}
	f.clock.Advance(2 * time.Hour)
	if a := f.do(t, http.MethodGet, "/klaviyo-api/api/accounts", ""); a.status != 401 {
		t.Errorf("after its life: got %d want 401", a.status)
	}
	again := f.tokens(
		t,
		url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first["refresh_token"].(string)}},
	)
	if again.status != 200 || !strings.Contains(again.text, first["refresh_token"].(string)) {
		t.Errorf("refresh: got %d %s", again.status, again.text)
	}
	f.Uninstall("")
	gone := f.tokens(
		t,
		url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first["refresh_token"].(string)}},
	)
	if gone.status != 400 || strings.TrimSpace(gone.text) != `{"error":"invalid_grant"}` {
		t.Errorf("after the app was removed: got %d %s", gone.status, gone.text)
	}
}

func TestWrongVerifierIsRefusedAndTheCodeIsGone(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	back, err := f.Decide(authorizeURL("accounts:read"), "", true)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(back)
	for _, v := range []string{strings.Repeat("x", 43), verifier} {
		a := f.tokens(t, url.Values{"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")},
			"code_verifier": {v}, "redirect_uri": {redirect}})
		if a.status != 400 {
			t.Errorf("verifier %q: got %d want 400", v[:4], a.status)
		}
	}
}

func TestImportFindsMakesAndConflicts(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	for _, step := range []struct {
		name, attributes string
		status           int
		code             string
	}{
		{"new", `{"email":"New@Customer.example","properties":{"LINE Consent":"given"}}`, 201, ""},
		{"known by email", `{"email":"new@customer.example","first_name":"Nao"}`, 200, ""},
		{"phone not E.164", `{"phone_number":"090-1234-5678"}`, 400, "invalid"},
		{"bad email", `{"email":"nobody"}`, 400, "invalid"},
		{"nobody", `{"first_name":"X"}`, 400, "invalid"},
		{"two people", `{"email":"mio@customer.example","phone_number":"+819012345601"}`, 409, "duplicate_profile"},
		{"unknown field", `{"email":"a@b.example","anonymous_id":"x"}`, 400, "invalid"},
	} {
		a := f.importProfile(t, step.attributes)
		if a.status != step.status {
			t.Errorf("%s: got %d %s", step.name, a.status, a.text)
			continue
		}
		if step.code == "" {
			continue
		}
		code, meta := a.first(t)
		if code != step.code {
			t.Errorf("%s: code got %q want %q", step.name, code, step.code)
		}
		if code == "duplicate_profile" && meta["duplicate_profile_id"] != klaviyotest.DemoYuki {
			t.Errorf("the other profile is not named: %v", meta)
		}
	}
	p, ok := f.Profile("", "new@customer.example")
	if !ok || p.FirstName != "Nao" || p.Properties["LINE Consent"] != "given" {
		t.Errorf("got %+v", p)
	}
}

func TestEventsAreKeptOncePerUniqueID(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	const event = `{"data":{"type":"event","attributes":{"properties":{"LINE Account":"Hana Tea"},"time":"2026-11-24T02:00:00.9Z",
		"unique_id":"chn:sent:1","metric":{"data":{"type":"metric","attributes":{"name":"Sent LINE Message"}}},
		"profile":{"data":{"type":"profile","id":"` + klaviyotest.DemoMio + `","attributes":{}}}}}}`
	for range 2 {
		if a := f.do(
			t,
			http.MethodPost,
			"/klaviyo-api/api/events",
			event,
		); a.status != 202 ||
			a.text != "" {
			t.Fatalf("got %d %s", a.status, a.text)
		}
	}
	events := f.Events("", klaviyotest.DemoMio)
	if len(events) != 1 || events[0].At.Nanosecond() != 0 {
		t.Fatalf("got %+v", events)
	}
	q := url.Values{
		"filter": {
			`equals(profile_id,"` + klaviyotest.DemoMio + `"),greater-or-equal(datetime,2026-11-24T01:00:00Z)`,
		},
		"sort":       {"-datetime"},
		"page[size]": {"1"},
	}
	a := f.do(t, http.MethodGet, "/klaviyo-api/api/events?"+q.Encode(), "")
	if a.status != 200 || !strings.Contains(a.text, `"$event_id":"chn:sent:1"`) ||
		!strings.Contains(a.text, `"next":null`) {
		t.Errorf("got %d %s", a.status, a.text)
	}
	if a := f.do(t, http.MethodGet, "/klaviyo-api/api/events?page[size]=1001", ""); a.status != 400 {
		t.Errorf("too large a page: got %d want 400", a.status)
	}
}

func TestRateLimitHeadersAndRefusal(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	a := f.do(t, http.MethodGet, "/klaviyo-api/api/accounts", "")
	if got := a.header.Get(
		"RateLimit-Limit",
	); got != "1, 1;w=1, 15;w=60" ||
		a.header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("limit header got %q", got)
	}
	b := f.do(t, http.MethodGet, "/klaviyo-api/api/accounts", "")
	if code, _ := b.first(
		t,
	); b.status != 429 || code != "throttled" || b.header.Get("Retry-After") == "" ||
		b.header.Get("RateLimit-Limit") != "" {
		t.Errorf("got %d %v", b.status, b.header)
	}
}
