package main

import (
	"bytes"
	"flag"
	"net/url"
	"strings"
	"testing"

	"lumo/plugins/internal/guest"
	"lumo/plugins/internal/guest/guesttest"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/token"
)

var _ = flag.Bool("update", false, "write the golden files")

func TestVerdictsAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	guesttest.Golden(t, "qr", handle)
}

// verdictOf lets the module judge a scan on a phone.
func verdictOf(t *testing.T, code, query string) edgeapi.Verdict {
	t.Helper()
	event := edgeapitest.EventID()
	r := edgeapi.Request{
		Method:    edgeapi.GET,
		Path:      []byte("/q/" + code),
		Query:     []byte(query),
		Host:      []byte("edge.example"),
		EventID:   event[:],
		UserAgent: []byte(edgeapitest.Phone),
	}
	var v edgeapi.Verdict
	if err := v.Parse(guest.Decide(guesttest.NewHost(nil, nil), r.Append(nil), handle)); err != nil {
		t.Fatal(err)
	}
	return v
}

func header(v edgeapi.Verdict, name string) string {
	for _, line := range v.Headers {
		if value, ok := bytes.CutPrefix(line, []byte(name+": ")); ok {
			return string(value)
		}
	}
	return ""
}

// login gives LINE Login's parameters and the state inside.
func login(t *testing.T, v edgeapi.Verdict) (url.Values, token.State) {
	t.Helper()
	u, err := url.Parse(header(v, "Location"))
	if err != nil || u.Host != "access.line.me" {
		t.Fatalf("the verdict leads to %q", header(v, "Location"))
	}
	h, sealed, err := token.ParseStateHeader(u.Query().Get("state"))
	if err != nil || h.Channel != edgeapitest.Channel || h.Key != 1 {
		t.Fatalf("state header %+v, %v", h, err)
	}
	state, err := token.OpenState(h, edgeapitest.StateKey(), sealed)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query(), state
}

func TestTheStateCarriesWhatTheURLSaid(t *testing.T) {
	t.Parallel()
	const code = edgeapitest.AnyCode
	for name, c := range map[string]struct {
		query string
		claim token.Claim
		value string
	}{
		"a profile":                {"k=01HPROFILE", token.ClaimProfile, "01HPROFILE"},
		"among others' parameters": {"utm_source=x&_kx=y&k=01HPROFILE&z", token.ClaimProfile, "01HPROFILE"},
		"the surest":               {"e=a@b.example&t=%2B819012345678&k=P", token.ClaimProfile, "P"},
		"an email, encoded":        {"e=Taro%2Btea%40Example.com%20", token.ClaimEmail, "taro+tea@example.com"},
		"an email, not encoded":    {"e=taro+tea@example.com", token.ClaimEmail, "taro+tea@example.com"},
		"no email":                 {"e=taro", token.ClaimNone, ""},
		"a phone":                  {"t=%2B819012345678", token.ClaimPhone, "+819012345678"},
		"a phone, plus as it is":   {"t=+819012345678", token.ClaimPhone, "+819012345678"},
		"a phone, plus lost":       {"t=%20819012345678", token.ClaimPhone, "+819012345678"},
		"a phone as people write":  {"t=%2B81%2090-1234-5678", token.ClaimPhone, "+819012345678"},
		"a local phone":            {"t=09012345678", token.ClaimNone, ""},
		"a phone with letters":     {"t=%2B8190abc5678", token.ClaimNone, ""},
		"a template not filled in": {"k={{ person.KlaviyoID }}", token.ClaimNone, ""},
		"nothing filled in":        {"k=&e=&t=", token.ClaimNone, ""},
		"too long":                 {"k=" + strings.Repeat("a", 256), token.ClaimNone, ""},
		"unlink":                   {"u=1&k=P", token.ClaimUnlink, ""},
		"not unlink":               {"u=0&k=P", token.ClaimProfile, "P"},
		"half an escape":           {"k=P%4", token.ClaimProfile, "P%4"},
	} {
		_, got := login(t, verdictOf(t, code, c.query))
		if got.Claim != c.claim || got.Value != c.value {
			t.Errorf("%s: got %d %q want %d %q", name, got.Claim, got.Value, c.claim, c.value)
		}
		if got.Code != code || got.ID != edgeapitest.EventID() ||
			int64(got.Issued) != edgeapitest.NowMS/1000 {
			t.Errorf("%s: got code %q, id %s, issued %d", name, got.Code, got.ID, got.Issued)
		}
	}
}

func TestACodeTakesOnlyItsClaims(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"e=taro@example.com", "t=%2B819012345678"} {
		if _, got := login(t, verdictOf(t, edgeapitest.Code, query)); got.Claim != token.ClaimNone ||
			got.Value != "" {
			t.Errorf("%s: got %d %q", query, got.Claim, got.Value)
		}
	}
}

func TestLINELoginIsAskedForTheEmailWhereTheAccountWantsIt(t *testing.T) {
	t.Parallel()
	event := edgeapitest.EventID()
	r := edgeapi.Request{Method: edgeapi.GET, Path: []byte("/q/" + edgeapitest.Code), Host: []byte("edge.example"),
		EventID: event[:]}
	for ask, want := range map[bool]string{true: "profile openid email", false: "profile openid"} {
		var location string
		guest.Decide(guesttest.NewHost(nil, nil), r.Append(nil), func(c *guest.Call) {
			location = loginURL(c, edgeapi.ChannelEntry{LoginChannel: "2001", AskEmail: ask},
				edgeapi.Ref(edgeapi.KeyState, 1, edgeapitest.Channel), token.State{ID: event})
		})
		u, err := url.Parse(location)
		if err != nil || u.Query().Get("scope") != want {
			t.Errorf("got scope %q %v want %q", u.Query().Get("scope"), err, want)
		}
	}
}

func TestLINELoginGetsWhatItNeeds(t *testing.T) {
	t.Parallel()
	v := verdictOf(t, edgeapitest.Code, "k=P")
	got, state := login(t, v)
	verifier := token.Verifier(edgeapitest.StateKey(), state.ID)
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "2001", "scope": "profile openid", "bot_prompt": "aggressive",
		"redirect_uri": "https://edge.example/link/callback", "code_challenge_method": "S256",
		"code_challenge": token.Challenge(verifier), "nonce": token.Nonce(edgeapitest.StateKey(), state.ID),
	} {
		if got.Get(name) != want {
			t.Errorf("%s: got %q want %q", name, got.Get(name), want)
		}
	}
	if all := string(v.Append(nil)); strings.Contains(all, verifier) {
		t.Error("the verifier entered the module")
	}
}

// People write numbers as they are used to, and forms hand them on so.
func TestAFormsValueIsTheEmailOrThePhoneInAnyNotation(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"email=Taro%40Example.com":                  "taro@example.com",
		"email=Taro%40Example.com&phone=%2B8190":    "taro@example.com",
		"phone=%2B819012345678":                     "+819012345678",
		"phone=%2B81+90-1234-5678":                  "+819012345678",
		"phone=%2B81%20(0)90%201234%205678":         "+8109012345678",
		"phone=090-1234-5678":                       "09012345678",
		"phone=090+1234+5678":                       "09012345678",
		"phone=%EF%BC%90%EF%BC%99%EF%BC%9012345678": "09012345678",
		"phone=(415)%20555-0100":                    "4155550100",
		"email=taro&phone=090-1234-5678":            "09012345678",
		"email=&phone=":                             "",
		"phone=call+me":                             "",
		"phone=12":                                  "",
		"phone=0901234567890123456789":              "",
		"phone={{ person.phone_number }}":           "",
	} {
		if got := formValue([]byte(body)); got != want {
			t.Errorf("%s: got %q want %q", body, got, want)
		}
	}
}

func TestNothingPersonalLeavesAScan(t *testing.T) {
	t.Parallel()
	v := verdictOf(t, edgeapitest.AnyCode, "e=canary%40example.com")
	if all := string(v.Append(nil)); strings.Contains(all, "canary") {
		t.Errorf("the verdict holds the email: %q", all)
	}
}

func FuzzHandle(f *testing.F) {
	for _, c := range edgeapitest.Cases() {
		if c.Module == "qr" {
			f.Add(c.Request.Append(nil), c.Body)
		}
	}
	f.Fuzz(func(t *testing.T, request, body []byte) {
		guesttest.Robust(t, request, body, handle)
	})
}
