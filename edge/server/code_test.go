package server_test

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/event"
	"lumo/shared/token"
)

// stateOf opens the state of a login address.
func stateOf(t *testing.T, location string) token.State {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	header, sealed, err := token.ParseStateHeader(u.Query().Get("state"))
	if err != nil {
		t.Fatal(err)
	}
	state, err := token.OpenState(header, edgeapitest.StateKey(), sealed)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestCodeLeadsPhonesToLINELogin(t *testing.T) {
	t.Parallel()
	for origin, login := range map[string]string{"https://access.line.me": "",
		"http://127.0.0.1:8090/line-access": "http://127.0.0.1:8090/line-access"} {
		e := start(t, setup{lineLogin: login})
		got := e.get("/q/"+edgeapitest.Code+"?k=01HPROFILE&_kx=secret", "User-Agent", phone,
			"Accept-Language", "ja")
		if got.status != 302 || !strings.HasPrefix(got.location(),
			origin+"/oauth2/v2.1/authorize?") {
			t.Fatalf("got %d %q", got.status, got.location())
		}
		q := parse(t, got.location()).Query()
		if q.Get("redirect_uri") != "https://go.example/link/callback" ||
			q.Get("bot_prompt") != "aggressive" || q.Get("scope") != "profile openid" {
			t.Errorf("got %v", q)
		}
		e.handOver()
		events, state := e.core.Events(), stateOf(t, got.location())
		if len(events) != 1 || events[0].Type != event.Scan || events[0].ID != state.ID ||
			state.Value != "01HPROFILE" {
			t.Errorf("got %+v and %+v", events, state)
		}
		cookie := got.header.Get("Set-Cookie")
		if want := edgeapi.LinkCookie + "=" + base64.RawURLEncoding.EncodeToString(state.ID[:]); !strings.HasPrefix(cookie, want+";") ||
			!strings.Contains(strings.ToLower(cookie), "; secure") || !strings.Contains(cookie,
			"HttpOnly") {
			t.Errorf("got cookie %q", cookie)
		}
		if got.header.Get("Referrer-Policy") != "no-referrer" ||
			got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %v", got.header)
		}
	}
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestPagesSpeakTheVisitorsLanguage(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	expired := "/link/callback?code=1&state=" + edgeapitest.State(700)
	for _, c := range []struct{ path, language, lang, text string }{
		{"/q/" + edgeapitest.Code, "en-GB,ja;q=0.5", "en", "Scan with your phone"},
		{"/q/" + edgeapitest.Code, "ja", "ja", "スマートフォンのカメラで読み取ってください。"},
		{"/q/" + edgeapitest.Code, "fr, zh-TW", "zh-TW", "請用手機相機掃描。"},
		{"/q/" + edgeapitest.Code, "th", "th", "สแกนด้วยกล้องโทรศัพท์ของคุณ"},
		{"/q/" + edgeapitest.Code, "", "ja", "スマートフォン"}, // the shop's
		{"/q/" + edgeapitest.Paused, "en", "en",
			"This link no longer works. Open the newest email from Hana Tea and try again."},
		{"/q/aaaaaaaaaaaaaaaa", "en", "en", "This page does not exist."},
		{"/q/aaaaaaaaaaaaaaaa", "ja", "ja", "ページが見つかりません。"},
		{"/nowhere", "zh", "zh-TW", "找不到此頁面。"},
		{expired, "en", "en", "This link no longer works."},
		{"/link/callback?code=1&state=forged", "en", "en", "Open the newest email and try again."},
	} {
		got := e.get(c.path, "User-Agent", desktop, "Accept-Language", c.language)
		if !strings.Contains(got.body, c.text) || !strings.Contains(got.body,
			`<html lang="`+c.lang+`">`) {
			t.Errorf("%s in %q: got %d %s", c.path, c.language, got.status, got.body)
		}
		if h := got.header; h.Get("Cache-Control") != "no-store" ||
			h.Get("Referrer-Policy") != "no-referrer" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") ||
			strings.Contains(got.body, "<script") {
			t.Errorf("%s: got %v", c.path, h)
		}
	}
	for path, known := range map[string]bool{"/q/" + edgeapitest.Code: true, "/q/" + edgeapitest.Paused: true, "/nowhere": false} {
		got := e.get(path, "User-Agent", desktop)
		origin := strings.Contains(got.header.Get("Content-Security-Policy"), "img-src data: https://profile.line-scdn.net;")
		if strings.Contains(got.body, `class="violet"`) != known || strings.Contains(got.body, `src="`+edgetest.Picture+`"`) != known ||
			origin != known {
			t.Errorf("%s: got %v %s", path, got.header, got.body)
		}
	}
	if got := e.get("/q/"+edgeapitest.Paused, "Accept-Language", "en"); !strings.Contains(got.body,
		`href="https://shop.example/"`) || got.status != 404 {
		t.Errorf("no way to the shop: %d %s", got.status, got.body)
	}
	e.handOver()
	if events := e.core.Events(); len(events) != 0 {
		t.Errorf("a desktop page or a refusal counted: %+v", events)
	}
}

func TestCodeImageIsDrawnAndCounted(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	got := e.get("/q/" + edgeapitest.Code + ".png?k=01HPROFILE")
	picture, err := png.Decode(bytes.NewReader([]byte(got.body)))
	if err != nil || got.header.Get("Content-Type") != "image/png" ||
		!strings.Contains(got.header.Get("Cache-Control"), "public") {
		t.Fatalf("got %d %v: %v", got.status, got.header, err)
	}
	if size := picture.Bounds().Dx(); size < 200 || size != picture.Bounds().Dy() {
		t.Errorf("got %v", picture.Bounds())
	}
	if r, _, _, _ := picture.At(1, 1).RGBA(); r == 0 {
		t.Error("no white around it")
	}
	e.handOver()
	if len(e.core.Events()) != 0 {
		t.Error("an image in an email counted as a scan")
	}
}

func TestReturnFromLoginIsTheCoresAndNeverLater(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	page := edgetest.Answer{Status: 200, Body: "<p>Linked.",
		Header: map[string]string{"Content-Type": "text/html; charset=utf-8",
			"Referrer-Policy": "no-referrer"}}
	e.core.Answering(func(edgetest.Asked) edgetest.Answer { return page })
	state := stateOf(t, e.get("/q/"+edgeapitest.Code, "User-Agent", phone).location())
	sealed, err := token.SealState(token.StateHeader{Channel: edgeapitest.Channel, Key: 1},
		[32]byte(edgeapitest.StateKey()), state)
	if err != nil {
		t.Fatal(err)
	}
	target := "/link/callback?code=c&state=" + sealed
	got := e.get(target, "User-Agent", phone, "Cookie", edgeapi.LinkCookie+"=abc; other=x",
		"Accept-Language", "ja")
	if got.status != 200 || got.body != page.Body ||
		got.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("got %d %s %v", got.status, got.body, got.header)
	}
	asked := e.core.Asked()
	if len(asked) != 1 || asked[0].Target != target ||
		asked[0].Header.Get(edgeapi.HeaderLinkCookie) != "abc" ||
		asked[0].Header.Get("Cookie") != "" || asked[0].Header.Get("Accept-Language") != "ja" {
		t.Errorf("got %+v", asked)
	}
	page.Status = 503 // LINE does not answer: the core's page says so better than ours
	if got := e.get(target, "User-Agent", phone); got.status != 503 || got.body != page.Body {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if got := e.get(target, "User-Agent", edgeapitest.Crawler); got.status != 204 ||
		len(e.core.Asked()) != 2 {
		t.Errorf("a crawler came back: got %d", got.status)
	}
	e.core.Stop()
	if got := e.get(target, "User-Agent", phone); got.status != 503 || !strings.Contains(got.body,
		"ただいま") {
		t.Errorf("the core is away: got %d %s", got.status, got.body)
	}
	if got := e.do(http.MethodPost, "/link/confirm", "value=1", "Origin",
		"https://go.example"); got.status != 503 {
		t.Errorf("confirm, the core is away: got %d", got.status)
	}
	if got := e.spool.Stats().Requests; got != 0 {
		t.Errorf("%d requests were spooled", got)
	}
}

func TestConfirmIsPassedOnFromOurOwnPagesOnly(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	for origin, want := range map[string]int{"https://go.example": 200, "null": 200,
		"https://evil.example": 400} {
		if got := e.do(http.MethodPost, "/link/confirm", "value=1", "Origin", origin,
			"Content-Type", "application/x-www-form-urlencoded"); got.status != want {
			t.Errorf("from %s: got %d want %d", origin, got.status, want)
		}
	}
	if asked := e.core.Asked(); len(asked) != 2 || string(asked[0].Body) != "value=1" ||
		asked[0].Method != "POST" {
		t.Errorf("got %+v", asked)
	}
}

func TestFormClaimsAreCountedByAddress(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	claim := func() answer {
		return e.do(http.MethodPost, "/f/"+edgetest.Form+"/claim", "email=yuki%40shop.example",
			"Origin", "https://shop.example")
	}
	first := claim()
	if first.status != 200 ||
		first.header.Get("Access-Control-Allow-Origin") != "https://shop.example" ||
		strings.Contains(first.body, "yuki") {
		t.Fatalf("got %d %s %v", first.status, first.body, first.header)
	}
	for range 9 {
		if got := claim(); got.status != 200 {
			t.Fatalf("got %d", got.status)
		}
	}
	if got := claim(); got.status != 429 || got.header.Get("Retry-After") == "" ||
		got.problem(t).Kind != "limited" {
		t.Errorf("the eleventh: got %d", got.status)
	}
	if got := e.do(http.MethodPost, "/f/"+edgetest.Form+"/claim", strings.Repeat("x",
		9000)); got.status != 413 {
		t.Errorf("a large form: got %d", got.status)
	}
	if got := e.get("/f/" + edgetest.Form + ".js"); got.status != 200 ||
		!strings.HasPrefix(got.header.Get("Content-Type"), "text/javascript") {
		t.Errorf("the script: got %d", got.status)
	}
}
