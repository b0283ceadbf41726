package linetest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"lumo/core/line/linetest"
)

const verifier = "a-verifier-of-at-least-43-characters-as-asked"

// site is a web site and webhook receiver that notes what comes, in order.
type site struct {
	*httptest.Server
	mu   sync.Mutex // guards came
	came []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.came = append(s.came, r.Method+" "+r.URL.Path)
		http.SetCookie(
			w,
			&http.Cookie{Name: "__Host-lumo_link", Value: "x", Path: "/", Secure: true, MaxAge: 600},
		)
		_, _ = w.Write([]byte("thank you"))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) order() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.came, ", ")
}

func (l *line) authorizeURL(redirect string, change func(url.Values)) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type": {"code"},
		"client_id":     {linetest.DemoChannel.LoginID},
		"redirect_uri":  {redirect},
		"state":         {"s"},
		"scope":         {"profile openid"},
		"nonce":         {"n"},
		"bot_prompt":    {"aggressive"},
		"code_challenge": {
			base64.RawURLEncoding.EncodeToString(sum[:]),
		},
		"code_challenge_method": {"S256"},
	}
	if change != nil {
		change(q)
	}
	return l.url + "/line-access/oauth2/v2.1/authorize?" + q.Encode()
}

// allow opens the sign-in on a phone and agrees; it gives the page that LINE returned to.
func (l *line) allow(
	t *testing.T,
	redirect string,
	choice linetest.Choice,
) (linetest.Page, url.Values) {
	t.Helper()
	pages, err := l.Open(t.Context(), "yuki", l.authorizeURL(redirect, nil))
	if err != nil || pages[len(pages)-1].Login == nil {
		t.Fatalf("no consent screen: %v %+v", err, pages)
	}
	choice.Request = pages[len(pages)-1].Login.Request
	pages, err = l.Consent(t.Context(), "yuki", choice)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(pages[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	return pages[len(pages)-1], u.Query()
}

func (l *line) exchange(t *testing.T, code, redirect, verifier string) answer {
	t.Helper()
	return l.form(t, "/line-api/oauth2/v2.1/token", "grant_type", "authorization_code", "code", code,
		"redirect_uri", redirect, "client_id", linetest.DemoChannel.LoginID,
		"client_secret", linetest.DemoChannel.LoginSecret, "code_verifier", verifier)
}

func TestLoginGivesAnIDTokenOfTheSameUserID(t *testing.T) {
	t.Parallel()
	l, s := start(t, nil), newSite(t)
	redirect := s.URL + "/link/callback"
	_, q := l.allow(t, redirect, linetest.Choice{AddFriend: true})
	if q.Get("state") != "s" || q.Get("friendship_status_changed") != "true" {
		t.Errorf("came back with %v", q)
	}
	a := l.exchange(t, q.Get("code"), redirect, verifier)
	text, _ := a.body["id_token"].(string)
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) {
		return []byte(linetest.DemoChannel.LoginSecret), nil
	}, jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer("https://access.line.me"), jwt.WithTimeFunc(l.clock.Now))
	if a.status != 200 || err != nil || claims["sub"] != yuki() || claims["nonce"] != "n" ||
		claims["name"] != "Yuki S." {
		t.Fatalf("got %d %v %v", a.status, err, claims)
	}
	l.token, _ = a.body["access_token"].(string)
	if f := l.do(t, "GET", "/line-api/friendship/v1/status", ""); f.body["friendFlag"] != true {
		t.Errorf("friendship: got %d %s", f.status, f.text)
	}
	user := l.token
	d := linetest.DemoChannel
	tok := l.form(
		t,
		"/line-api/oauth2/v3/token",
		"grant_type",
		"client_credentials",
		"client_id",
		d.LoginID,
		"client_secret",
		d.LoginSecret,
	)
	l.token, _ = tok.body["access_token"].(string)
	if a := l.do(
		t,
		"POST",
		"/line-api/user/v1/deauthorize",
		`{"userAccessToken":"`+user+`"}`,
	); a.status != 204 {
		t.Errorf("deauthorize: got %d %s", a.status, a.text)
	}
	l.token = user
	if f := l.do(t, "GET", "/line-api/friendship/v1/status", ""); f.status != 401 {
		t.Errorf("after deauthorizing: got %d want 401", f.status)
	}
}

func TestCodeIsTakenOnceEvenWithAWrongVerifier(t *testing.T) {
	t.Parallel()
	l, s := start(t, nil), newSite(t)
	redirect := s.URL + "/link/callback"
	_, q := l.allow(t, redirect, linetest.Choice{})
	for _, v := range []string{strings.Repeat("x", 43), verifier} {
		if a := l.exchange(
			t,
			q.Get("code"),
			redirect,
			v,
		); a.status != 400 ||
			a.body["error"] != "invalid_grant" {
			t.Errorf("verifier %q: got %d %s", v[:4], a.status, a.text)
		}
	}
	_, q = l.allow(t, redirect+"?other=1", linetest.Choice{})
	if a := l.exchange(t, q.Get("code"), redirect, verifier); a.status != 400 {
		t.Errorf("another redirect address: got %d want 400", a.status)
	}
	l.clock.Advance(time.Second)
	_, q = l.allow(t, redirect+"?third=1", linetest.Choice{})
	l.clock.Advance(11 * time.Minute)
	if a := l.exchange(t, q.Get("code"), redirect+"?third=1", verifier); a.status != 400 {
		t.Errorf("after 11 minutes: got %d want 400", a.status)
	}
}

func TestFollowEventComesBeforeOrAfterTheCallback(t *testing.T) {
	t.Parallel()
	for order, want := range map[string]string{
		"":                     "POST /hooks/line, GET /link/callback",
		linetest.CallbackFirst: "GET /link/callback, POST /hooks/line",
	} {
		l, s := start(t, nil), newSite(t)
		l.Change(linetest.DemoChannel.MessagingID, func(c *linetest.Channel) {
			c.Endpoint, c.UseWebhook = s.URL+"/hooks/line", true
		})
		l.allow(t, s.URL+"/link/callback", linetest.Choice{AddFriend: true, Order: order})
		if got := s.order(); got != want {
			t.Errorf("order %q: got %s", order, got)
		}
	}
}

func TestSignInErrorsGoBackOrStay(t *testing.T) {
	t.Parallel()
	l, s := start(t, nil), newSite(t)
	for name, c := range map[string]struct {
		change func(url.Values)
		want   string // error that goes back, empty = LINE's own error page
	}{
		"unknown client":   {func(q url.Values) { q.Set("client_id", "1") }, ""},
		"foreign redirect": {func(q url.Values) { q.Set("redirect_uri", "https://evil.example/") }, ""},
		"no state":         {func(q url.Values) { q.Del("state") }, "INVALID_REQUEST"},
		"scope":            {func(q url.Values) { q.Set("scope", "profile admin") }, "INVALID_SCOPE"},
		"plain challenge":  {func(q url.Values) { q.Set("code_challenge_method", "plain") }, "INVALID_REQUEST"},
		"token response":   {func(q url.Values) { q.Set("response_type", "token") }, "UNSUPPORTED_RESPONSE_TYPE"},
		"no screen":        {func(q url.Values) { q.Set("prompt", "none") }, "INTERACTION_REQUIRED"},
	} {
		pages, err := l.Open(t.Context(), "yuki", l.authorizeURL(s.URL+"/cb", c.change))
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(pages[len(pages)-1].URL)
		if got := u.Query().Get("error"); got != c.want || c.want == "" && pages[0].Status != 400 {
			t.Errorf("%s: got %q at %d %s, want %q", name, got, pages[0].Status, u.Path, c.want)
		}
	}
}

func TestAPersonWhoAgreedBeforeIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	l, s := start(t, nil), newSite(t)
	l.allow(t, s.URL+"/cb", linetest.Choice{AddFriend: true})
	pages, err := l.Open(t.Context(), "yuki", l.authorizeURL(s.URL+"/cb", nil))
	if err != nil || len(pages) != 2 || !strings.Contains(pages[1].URL, "code=") {
		t.Errorf("got %+v, %v", pages, err)
	}
	if _, q := l.denied(t, s.URL+"/cb"); q.Get("error") != "ACCESS_DENIED" {
		t.Errorf("cancelled: came back with %v", q)
	}
}

func (l *line) denied(t *testing.T, redirect string) (linetest.Page, url.Values) {
	t.Helper()
	pages, err := l.Open(t.Context(), "mio", l.authorizeURL(redirect, nil))
	if err != nil {
		t.Fatal(err)
	}
	pages, err = l.Consent(
		t.Context(),
		"mio",
		linetest.Choice{Request: pages[0].Login.Request, Deny: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(pages[0].URL)
	return pages[0], u.Query()
}

func TestTheConsentScreenWorksAsAPlainForm(t *testing.T) {
	t.Parallel()
	l, s := start(t, nil), newSite(t)
	if _, err := l.Open(t.Context(), "yuki", l.authorizeURL(s.URL+"/cb", nil)); err != nil {
		t.Fatal(err)
	}
	pages, err := l.SubmitForm(t.Context(), "yuki", linetest.Submission{Button: "approve"})
	if err != nil || len(pages) != 1 || !strings.Contains(pages[0].Text, "Add Hana Tea as a friend?") {
		t.Fatalf("no question about the friend: %v %+v", err, pages)
	}
	pages, err = l.SubmitForm(t.Context(), "yuki", linetest.Submission{Button: "true"})
	if err != nil || !strings.Contains(pages[len(pages)-1].URL, "friendship_status_changed=true") {
		t.Fatalf("got %v %+v", err, pages)
	}
	if got := l.FriendshipOf("yuki", "").State; got != linetest.Friend {
		t.Errorf("friendship got %s", got)
	}
}
