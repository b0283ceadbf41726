package klaviyotest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lumo/core/vendortest"
	"lumo/shared/fault"
)

const (
	accessLife  = time.Hour
	codeLife    = 5 * time.Minute
	refreshIdle = 90 * 24 * time.Hour
	privateKey  = "key" // the app name of callers with a private key
)

// code is an authorization code that waits to be exchanged.
type code struct {
	App       string    `json:"app"`
	Account   string    `json:"account"`
	Redirect  string    `json:"redirect"`
	Scopes    []string  `json:"scopes"`
	Challenge string    `json:"challenge"`
	At        time.Time `json:"at"`
}

// grant is what a refresh token stands for.
type grant struct {
	App     string    `json:"app"`
	Account string    `json:"account"`
	Scopes  []string  `json:"scopes"`
	Used    time.Time `json:"used"`
}

// access is what an access token stands for.
type access struct {
	App     string    `json:"app"`
	Account string    `json:"account"`
	Scopes  []string  `json:"scopes"`
	Until   time.Time `json:"until"`
}

// authenticate finds out who calls.
func (s *Server) authenticate(c *call) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind, secret, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	switch kind {
	case "Klaviyo-API-Key":
		for id, t := range s.db.Sites {
			if t.Account.PrivateKey != "" && secret == t.Account.PrivateKey {
				c.account, c.app = id, privateKey
				return answer{}, true
			}
		}
	case "Bearer":
		a := s.db.Access[secret]
		if a == nil || !s.now().Before(a.Until) {
			return s.refuse(problem{401, "authentication_failed", "Incorrect authentication credentials.",
				"Incorrect authentication credentials.", "/data/", nil}), false
		}
		c.account, c.app, c.scopes = a.Account, a.App, a.Scopes
		return answer{}, true
	}
	return s.refuse(problem{401, "not_authenticated", "Authentication credentials were not provided.",
		"Missing or invalid private key.", "/data/", nil}), false
}

// Web is www.klaviyo.com: the page on which a member approves an app. Tokens are not given
// out there; Klaviyo blocks that since March 2025.
func (s *Server) Web() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
		s.consentPage(w, r.URL.Query())
	})
	mux.HandleFunc("POST /oauth/authorize", s.consentForm)
	blocked := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "This host gives no tokens. Use a.klaviyo.com.", http.StatusForbidden)
	}
	mux.HandleFunc("/oauth/token", blocked)
	mux.HandleFunc("/oauth/revoke", blocked)
	return mux
}

// Asked is what an app asks for on the consent page.
type Asked struct {
	App      string    `json:"app"`
	Scopes   []string  `json:"scopes"`
	Accounts []Account `json:"-"`
	redirect string
	state    string
}

// asked checks the parameters of an authorize request; all are required.
func (s *Server) asked(q url.Values) (Asked, error) {
	const op = "klaviyotest.authorize"
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.db.Apps[q.Get("client_id")]
	raw, err := base64.RawURLEncoding.DecodeString(q.Get("code_challenge"))
	scopes := strings.Fields(q.Get("scope"))
	bad := func(text string) (Asked, error) { return Asked{}, fault.New(fault.Invalid, op, "%s", text) }
	switch {
	case app == nil:
		return bad("The client_id is not known.")
	case !s.redirect(app, q.Get("redirect_uri")):
		return bad("The redirect_uri is not one of the app's.")
	case q.Get("response_type") != "code":
		return bad("response_type must be code.")
	case q.Get("state") == "":
		return bad("state is required.")
	case q.Get("code_challenge_method") != "S256" || err != nil || len(raw) != 32:
		return bad("A code_challenge with the method S256 is required.")
	case len(scopes) == 0 || slices.ContainsFunc(scopes, func(v string) bool { return !strings.Contains(v, ":") }):
		return bad("The scope is not valid.")
	}
	out := Asked{App: app.Name, Scopes: scopes, redirect: q.Get("redirect_uri"), state: q.Get("state")}
	for _, id := range s.db.Order {
		out.Accounts = append(out.Accounts, s.db.Sites[id].Account)
	}
	return out, nil
}

func (s *Server) redirect(app *App, address string) bool {
	u, _, ok := vendortest.Target(address, s.strict)
	if !ok {
		return false
	}
	if len(app.Redirects) == 0 {
		return !s.strict && vendortest.Loopback(u)
	}
	return slices.Contains(app.Redirects, address)
}

// Decide answers the consent page without a browser: it gives the address that the browser
// goes back to. An empty account is the first one.
func (s *Server) Decide(authorizeURL, account string, approve bool) (string, error) {
	u, err := url.Parse(authorizeURL)
	if err != nil {
		return "", fault.New(fault.Invalid, "klaviyotest.Decide", "This is not an address.")
	}
	return s.decide(u.Query(), account, approve)
}

func (s *Server) decide(q url.Values, account string, approve bool) (string, error) {
	asked, err := s.asked(q)
	if err != nil {
		return "", err
	}
	back := url.Values{"state": {asked.state}}
	if !approve {
		back.Set("error", "access_denied")
		back.Set("error_description", "The resource owner denied the request.")
	} else {
		s.mu.Lock()
		t := s.site(account)
		if t == nil {
			s.mu.Unlock()
			return "", fault.New(fault.NotFound, "klaviyotest.Decide", "There is no such account.")
		}
		text := base64.RawURLEncoding.EncodeToString(s.bytes(24))
		s.db.Codes[text] = &code{App: q.Get("client_id"), Account: t.Account.ID, Redirect: asked.redirect,
			Scopes: asked.Scopes, Challenge: q.Get("code_challenge"), At: s.now()}
		s.mu.Unlock()
		back.Set("code", text)
	}
	separator := "?"
	if strings.Contains(asked.redirect, "?") {
		separator = "&"
	}
	return asked.redirect + separator + back.Encode(), nil
}

func (s *Server) consentForm(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		http.Error(w, "The form cannot be read.", http.StatusBadRequest)
		return
	}
	q, err := url.ParseQuery(r.PostForm.Get("query"))
	if err != nil {
		http.Error(w, "The form cannot be read.", http.StatusBadRequest)
		return
	}
	location, err := s.decide(q, r.PostForm.Get("account"), r.PostForm.Get("decision") == "approve")
	if err != nil {
		s.consentPage(w, q)
		return
	}
	http.Redirect(w, r, location, http.StatusFound)
}

func (s *Server) consentPage(w http.ResponseWriter, q url.Values) {
	asked, err := s.asked(q)
	status := http.StatusOK
	if err != nil {
		status = http.StatusBadRequest
	}
	t, parseErr := template.New("consent").Parse(consentHTML)
	if parseErr != nil {
		http.Error(w, parseErr.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = t.Execute(w, map[string]any{"Asked": asked, "Problem": fault.MessageOf(err), "Query": q.Encode()})
}

const consentHTML = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Klaviyo (simulated)</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#fff;color:#1d1e20}
main{max-width:30rem;margin:0 auto;padding:1.5rem} h1{font-size:1.3rem}
.sim{background:#5b3c00;color:#fff;text-align:center;font-size:.75rem;padding:.2rem}
button{min-height:44px;padding:0 1.5rem;margin:1rem .5rem 0 0;border-radius:6px;border:1px solid #bbb;
background:#fff;color:#1d1e20;font:inherit} button.main{background:#1d1e20;color:#fff}
select{font:inherit;min-height:44px} code{font-size:.9em}
</style></head><body><div class="sim">Simulated Klaviyo</div><main>
{{if .Problem}}<h1>This app cannot be connected</h1><p>{{.Problem}}</p>{{else}}
<h1>{{.Asked.App}} wants to connect to your Klaviyo account</h1>
<form method="post" action="authorize" id="consent">
<input type="hidden" name="query" value="{{.Query}}">
<p><label>Account <select name="account">{{range .Asked.Accounts}}<option value="{{.ID}}">{{.Name}} ({{.ID}})</option>
{{end}}</select></label></p>
<p>It will be able to use:</p><ul>{{range .Asked.Scopes}}<li><code>{{.}}</code></li>{{end}}</ul>
<button class="main" type="submit" name="decision" value="approve">Approve</button>
<button type="submit" name="decision" value="deny">Deny</button>
</form>{{end}}</main></body></html>`

// tokens is POST /oauth/token.
func (s *Server) tokens(w http.ResponseWriter, r *http.Request) {
	form, a, fine := s.appClient(r)
	if fine {
		s.mu.Lock()
		switch form.Get("grant_type") {
		case "authorization_code":
			a = s.exchange(form)
		case "refresh_token":
			a = s.refresh(form)
		default:
			a = oauthError(400, "invalid_grant_type")
		}
		s.mu.Unlock()
	}
	s.write(w, nil, a)
}

func oauthError(status int, code string) answer {
	return answer{status: status, body: object{"error": code}}
}

// appClient checks the app's Basic header; its parts are form-encoded as OAuth 2 says.
func (s *Server) appClient(r *http.Request) (url.Values, answer, bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		return nil, oauthError(400, "invalid_request"), false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, oauthError(400, "invalid_request"), false
	}
	id, secret, _ := r.BasicAuth()
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.db.Apps[id]
	if err1 != nil || err2 != nil || app == nil || secret == "" || secret != app.ClientSecret {
		return nil, oauthError(401, "invalid_client"), false
	}
	form.Set("client_id", id)
	return form, answer{}, true
}

// exchange takes a code once. The lock is held.
func (s *Server) exchange(form url.Values) answer {
	c := s.db.Codes[form.Get("code")]
	delete(s.db.Codes, form.Get("code"))
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	if c == nil || c.App != form.Get("client_id") || c.Redirect != form.Get("redirect_uri") ||
		s.now().Sub(c.At) > codeLife || len(form.Get("code_verifier")) < 43 ||
		subtle.ConstantTimeCompare([]byte(c.Challenge), []byte(base64.RawURLEncoding.EncodeToString(sum[:]))) != 1 {
		return oauthError(400, "invalid_grant")
	}
	for refresh, g := range s.db.Grants { // one install per account
		if g.App == c.App && g.Account == c.Account {
			delete(s.db.Grants, refresh)
		}
	}
	refresh := base64.RawURLEncoding.EncodeToString(s.bytes(32))
	s.db.Grants[refresh] = &grant{App: c.App, Account: c.Account, Scopes: c.Scopes, Used: s.now()}
	return s.give(refresh)
}

// refresh gives a new access token; the old one lives on until it ends, as seen live.
func (s *Server) refresh(form url.Values) answer {
	old := form.Get("refresh_token")
	g := s.db.Grants[old]
	if g == nil || g.App != form.Get("client_id") || s.now().Sub(g.Used) > refreshIdle {
		return oauthError(400, "invalid_grant")
	}
	g.Used = s.now()
	if s.db.Apps[g.App].Rotate {
		delete(s.db.Grants, old)
		old = base64.RawURLEncoding.EncodeToString(s.bytes(32))
		s.db.Grants[old] = g
	}
	return s.give(old)
}

// give makes an access token. The lock is held.
func (s *Server) give(refresh string) answer {
	g := s.db.Grants[refresh]
	for text, a := range s.db.Access {
		if !s.now().Before(a.Until) {
			delete(s.db.Access, text)
		}
	}
	text := base64.RawURLEncoding.EncodeToString(s.bytes(48))
	s.db.Access[text] = &access{App: g.App, Account: g.Account, Scopes: g.Scopes, Until: s.now().Add(accessLife)}
	return answer{status: 200, body: object{"access_token": text, "refresh_token": refresh,
		"expires_in": int(accessLife.Seconds()), "token_type": "Bearer", "scope": strings.Join(g.Scopes, " ")}}
}

// revoke is POST /oauth/revoke: it ends the connection, access tokens included.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	form, a, fine := s.appClient(r)
	if fine {
		s.mu.Lock()
		if g := s.db.Grants[form.Get("token")]; g != nil && g.App == form.Get("client_id") {
			s.uninstall(g.App, g.Account)
		}
		s.mu.Unlock()
		a = answer{status: 200}
	}
	s.write(w, nil, a)
}

// uninstall ends all tokens of an app for an account. The lock is held.
func (s *Server) uninstall(app, account string) {
	for text, g := range s.db.Grants {
		if g.App == app && g.Account == account {
			delete(s.db.Grants, text)
		}
	}
	for text, a := range s.db.Access {
		if a.App == app && a.Account == account {
			delete(s.db.Access, text)
		}
	}
}

// Uninstall removes an app from an account, as a member does in Klaviyo.
func (s *Server) Uninstall(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.site(account); t != nil {
		for app := range s.db.Apps {
			s.uninstall(app, t.Account.ID)
		}
	}
}

// Installed tells whether an app is connected to the account, and with which scopes.
func (s *Server) Installed(account string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.site(account)
	for _, g := range s.db.Grants {
		if t != nil && g.Account == t.Account.ID {
			return slices.Clone(g.Scopes)
		}
	}
	return nil
}
