package klaviyo_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/klaviyo"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	canaryToken  = lumo.Secret("canary-token")
	canarySecret = "canary-client-secret"
)

func now() time.Time { return time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC) }

// server answers with a status, headers and a body, and keeps the last request.
type server struct {
	*httptest.Server
	status int
	header map[string]string
	body   string
	got    *http.Request
	sent   string
}

func newServer(t *testing.T) (*server, *klaviyo.Client) {
	t.Helper()
	s := &server{status: http.StatusOK, header: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.got, s.sent = r, string(body)
		for name, value := range s.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, s.body)
	}))
	t.Cleanup(s.Close)
	return s, newClient(t, s.URL)
}

func newClient(t *testing.T, api string) *klaviyo.Client {
	t.Helper()
	c, err := klaviyo.New(klaviyo.Config{API: api, Web: "https://www.klaviyo.example", ClientID: "client",
		ClientSecret: canarySecret, RedirectURL: "https://core.example/oauth/klaviyo/callback",
		HTTP: &http.Client{}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRefusalsAreTypedAndKeepNoBody(t *testing.T) {
	t.Parallel()
	const duplicate = `{"errors":[{"id":"x","status":409,"code":"duplicate_profile","title":"Conflict.",
		"detail":"canary","source":{"pointer":"/data/attributes"},"meta":{"duplicate_profile_id":"01HOTHER"}}]}`
	for name, test := range map[string]struct {
		status int
		header map[string]string
		body   string
		kind   fault.Kind
		want   klaviyo.Error
	}{
		"throttled": {429, map[string]string{"Retry-After": "7"},
			`{"errors":[{"code":"throttled","detail":"canary"}]}`, fault.Limited,
			klaviyo.Error{Status: 429, Code: "throttled", Wait: 7 * time.Second}},
		"duplicate": {409, nil, duplicate, fault.Conflict,
			klaviyo.Error{Status: 409, Code: "duplicate_profile", Pointer: "/data/attributes", Other: "01HOTHER"}},
		"bad phone": {400, nil, `{"errors":[{"code":"invalid","detail":"canary +819012345678",
			"source":{"pointer":"/data/attributes/phone_number"},"meta":[]}]}`, fault.Invalid,
			klaviyo.Error{Status: 400, Code: "invalid", Pointer: "/data/attributes/phone_number"}},
		"dead token": {401, map[string]string{"X-Klaviyo-Req-Id": "req-1"},
			`{"errors":[{"code":"authentication_failed"}]}`, fault.Unauthenticated,
			klaviyo.Error{Status: 401, Code: "authentication_failed", RequestID: "req-1"}},
		"missing":  {404, nil, `{"errors":[{"code":"not_found"}]}`, fault.NotFound, klaviyo.Error{Status: 404, Code: "not_found"}},
		"no scope": {403, nil, `{"errors":[{"code":"permission_denied"}]}`, fault.Forbidden, klaviyo.Error{Status: 403, Code: "permission_denied"}},
		"down":     {503, nil, `<html>canary</html>`, fault.Unavailable, klaviyo.Error{Status: 503}},
		"odd":      {418, map[string]string{"X-Klaviyo-Req-Id": "a canary <script>"}, `[]`, fault.Internal, klaviyo.Error{Status: 418}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newServer(t)
			s.status, s.body = test.status, test.body
			for k, v := range test.header {
				s.header[k] = v
			}
			_, wait, err := c.ImportProfile(t.Context(), canaryToken, lumo.ProfileWrite{ID: "P1"})
			var got *klaviyo.Error
			if !errors.As(err, &got) || !fault.Is(err, test.kind) {
				t.Fatalf("got %v want kind %s", err, test.kind)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Error(diff)
			}
			if wait != test.want.Wait {
				t.Errorf("got wait %v want %v", wait, test.want.Wait)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error says too much: %v", err)
			}
		})
	}
}

func TestFailedConnectionSaysNoAddress(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	s.Close()
	_, err := c.ProfileByEmail(t.Context(), canaryToken, "canary@shop.example")
	if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

func TestEventIsWrittenAsKlaviyoReadsIt(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	s.status = http.StatusAccepted
	s.header["RateLimit-Limit"], s.header["RateLimit-Remaining"], s.header["RateLimit-Reset"] =
		"350, 350;w=1, 3500;w=60", "0", "4"
	wait, err := c.CreateEvent(t.Context(), canaryToken, lumo.ProfileEvent{Profile: "P1",
		Metric: "Sent LINE Message", UniqueID: "chn_1:sent:7", OccurredAt: now(),
		Properties: map[string]any{"LINE Account": "Hana Tea"}})
	if err != nil || wait != 4*time.Second {
		t.Errorf("got %v, wait %v want 4s", err, wait)
	}
	for name, want := range map[string]string{"Revision": klaviyo.Revision, "Authorization": "Bearer canary-token",
		"Content-Type": "application/vnd.api+json"} {
		if got := s.got.Header.Get(name); got != want {
			t.Errorf("%s: got %q want %q", name, got, want)
		}
	}
	const want = `{"data":{"type":"event","attributes":{"properties":{"LINE Account":"Hana Tea"},
		"time":"2026-11-24T03:00:00Z","unique_id":"chn_1:sent:7",
		"metric":{"data":{"type":"metric","attributes":{"name":"Sent LINE Message"}}},
		"profile":{"data":{"type":"profile","id":"P1","attributes":{}}}}}}`
	if diff := cmp.Diff(decode(t, want), decode(t, s.sent)); diff != "" {
		t.Error(diff)
	}
}

func TestProfileIsWrittenWithMetaBesideAttributes(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	s.status, s.body = http.StatusOK, `{"data":{"type":"profile","id":"P1","attributes":{}}}`
	id, _, err := c.ImportProfile(t.Context(), canaryToken, lumo.ProfileWrite{ID: "P1",
		Set: map[string]any{"LINE Consent": "given"}, Unset: []string{"LINE User ID"}})
	if err != nil || id != "P1" {
		t.Fatalf("got %v %v", id, err)
	}
	const want = `{"data":{"type":"profile","id":"P1","attributes":{"properties":{"LINE Consent":"given"}},
		"meta":{"patch_properties":{"unset":["LINE User ID"]}}}}`
	if diff := cmp.Diff(decode(t, want), decode(t, s.sent)); diff != "" {
		t.Error(diff)
	}
}

func TestProfilesAreReadByIDAndFilter(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	s.body = `{"data":{"type":"profile","id":"P1","attributes":{"email":"a@b.example","properties":{"x":1},
		"updated":"2026-11-24T02:00:00.123456+00:00"}}}`
	p, err := c.Profile(t.Context(), canaryToken, "P1")
	if err != nil || p.Email != "a@b.example" || p.UpdatedAt.IsZero() || s.got.URL.Path != "/api/profiles/P1" {
		t.Errorf("got %+v %v", p, err)
	}
	if _, err := c.Profile(t.Context(), canaryToken, "../accounts"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a path as id: got %v", err)
	}
	s.body = `{"data":[{"type":"profile","id":"P2","attributes":{}}],"links":{"self":"x","next":null,"prev":null}}`
	p, err = c.ProfileByPhone(t.Context(), canaryToken, "+819012345678")
	if err != nil || p.ID != "P2" || s.got.URL.Query().Get("filter") != `equals(phone_number,"+819012345678")` {
		t.Errorf("got %+v %v %s", p, err, s.got.URL.Query().Get("filter"))
	}
	if _, err := c.ProfileByEmail(t.Context(), canaryToken, `a"),equals(id,"x`); !fault.Is(err, fault.Invalid) {
		t.Errorf("a filter inside a value: got %v", err)
	}
	s.body = `{"data":[]}`
	if _, err = c.ProfileByEmail(t.Context(), canaryToken, "a@b.example"); !fault.Is(err, fault.NotFound) {
		t.Errorf("nobody: got %v", err)
	}
}

func TestEventsAreReadNewestFirstPageByPage(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	s.header["RateLimit-Limit"], s.header["RateLimit-Remaining"] = "350, 350;w=1, 3500;w=60", "0"
	s.header["RateLimit-Reset"] = "7"
	s.body = `{"data":[{"type":"event","id":"e","attributes":{"datetime":"2026-11-24 02:00:00+00:00",
		"event_properties":{"$event_id":"order-7","Item":"Tea"}},"relationships":{"metric":{"data":{"type":"metric","id":"M"}}}}],
		"included":[{"type":"metric","id":"N","attributes":{"name":"Placed Order"}},
			{"type":"metric","id":"M","attributes":{"name":"Checkout Started"}}],
		"links":{"next":"https://elsewhere.example/api/events?page%5Bcursor%5D=bmV4dA"}}`
	got, err := c.EventPage(t.Context(), canaryToken, "P1", now().Add(-time.Hour), "", 5000)
	if err != nil {
		t.Fatal(err)
	}
	want := lumo.EventPage{Events: []lumo.ReadEvent{{Ref: "order-7", Metric: "Checkout Started", OccurredAt: now().Add(-time.Hour),
		Properties: map[string]any{"$event_id": "order-7", "Item": "Tea"}}}, Next: "bmV4dA", Wait: 7 * time.Second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	q := s.got.URL.Query()
	if q.Get("sort") != "-datetime" || q.Get("page[size]") != "1000" || q.Has("page[cursor]") ||
		q.Get("filter") != `equals(profile_id,"P1"),greater-or-equal(datetime,2026-11-24T02:00:00Z)` {
		t.Errorf("got %v", q)
	}
	s.body = `{"data":[],"links":{"next":null}}`
	got, err = c.EventPage(t.Context(), canaryToken, "P1", now(), got.Next, 200)
	if err != nil || got.Next != "" || s.got.URL.Query().Get("page[cursor]") != "bmV4dA" {
		t.Errorf("the second page: got %+v, %v of %v", got, err, s.got.URL.Query())
	}
	if _, err := c.EventPage(t.Context(), canaryToken, "../accounts", now(), "", 1); !fault.Is(err, fault.NotFound) {
		t.Errorf("a path as id: got %v", err)
	}
}

func TestOAuthUsesPKCEAndBasic(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	address, err := c.AuthorizeURL("state", "verifier-verifier-verifier-verifier-123", []string{"accounts:read", "events:write"})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Host != "www.klaviyo.example" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" ||
		q.Get("scope") != "accounts:read events:write" || q.Get("state") != "state" || q.Get("response_type") != "code" {
		t.Errorf("got %s", u)
	}
	s.header["Content-Type"] = "application/json"
	s.body = `{"access_token":"a","refresh_token":"r","expires_in":3600,"token_type":"bearer","scope":"accounts:read"}`
	tokens, err := c.Exchange(t.Context(), "code", "verifier")
	if err != nil || tokens.Access.Reveal() != "a" || tokens.Refresh.Reveal() != "r" ||
		!tokens.ExpiresAt.Equal(now().Add(time.Hour)) || len(tokens.Scopes) != 1 {
		t.Errorf("got %+v %v", tokens, err)
	}
	id, secret, _ := s.got.BasicAuth()
	if id != "client" || secret != canarySecret || strings.Contains(s.sent, canarySecret) ||
		!strings.Contains(s.sent, "code_verifier=verifier") {
		t.Errorf("got %s", s.sent)
	}
	if tokens, err = c.Refresh(t.Context(), "old"); err != nil || tokens.Access.Reveal() != "a" ||
		!strings.Contains(s.sent, "grant_type=refresh_token") {
		t.Errorf("refresh: got %v %s", err, s.sent)
	}
	if err := c.Revoke(t.Context(), "old"); err != nil || s.got.URL.Path != "/oauth/revoke" {
		t.Errorf("revoke: got %v", err)
	}
}

func TestEndedRefreshTokenIsTold(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]fault.Kind{
		`{"error":"invalid_grant","error_description":"canary"}`: fault.Unauthenticated,
		`{"error":"invalid_client"}`:                             fault.Internal,
	} {
		s, c := newServer(t)
		s.header["Content-Type"], s.body, s.status = "application/json", body, http.StatusBadRequest
		if want == fault.Internal {
			s.status = http.StatusUnauthorized
		}
		_, err := c.Refresh(t.Context(), "canary-refresh")
		if !fault.Is(err, want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v want %s", body, err, want)
		}
	}
}

func TestAccountNamesItself(t *testing.T) {
	t.Parallel()
	s, c := newServer(t)
	s.body = `{"data":[{"type":"account","id":"HnTeaX","attributes":{"public_api_key":"HnTeaX",
		"contact_information":{"organization_name":"Hana Tea"}}}]}`
	site, err := c.Account(t.Context(), canaryToken)
	if err != nil || site.ID != "HnTeaX" || site.Name != "Hana Tea" {
		t.Errorf("got %+v %v", site, err)
	}
}

func asError(err error, target **klaviyo.Error) bool { return errors.As(err, target) }

func decode(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func FuzzReadRate(f *testing.F) {
	f.Add("75, 75;w=1, 750;w=60", "74", "1")
	f.Add("", "", "")
	f.Add("1;w=99999999999999999999", "-1", "x")
	f.Fuzz(func(t *testing.T, limit, remaining, reset string) {
		h := http.Header{"Ratelimit-Limit": {limit}, "Ratelimit-Remaining": {remaining}, "Ratelimit-Reset": {reset}}
		r, ok := klaviyo.ReadRate(h)
		if !ok {
			return
		}
		if r.Reset < 0 || r.Reset > time.Hour || r.Remaining < 0 || len(r.Windows) == 0 {
			t.Errorf("got %+v", r)
		}
	})
}
