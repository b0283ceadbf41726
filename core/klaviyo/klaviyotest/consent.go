package klaviyotest

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lumo/core/vendortest"
	"lumo/shared/fault"
)

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
	bad := func(text string) (Asked, error) {
		return Asked{}, fault.New(fault.Invalid, op, "%s", text)
	}
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
	case len(scopes) == 0 || slices.ContainsFunc(scopes, func(v string) bool {
		return !strings.Contains(v, ":")
	}):
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
	_ = t.Execute(
		w,
		map[string]any{"Asked": asked, "Problem": fault.MessageOf(err), "Query": q.Encode()},
	)
}

const consentHTML = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Klaviyo (simulated)</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#fff;color:#1d1e20}
main{max-width:30rem;margin:0 auto;padding:1.5rem} h1{font-size:1.3rem}
.sim{background:#5b3c00;color:#fff;text-align:center;font-size:.75rem;padding:.2rem}
button{min-height:44px;padding:0 1.5rem;margin:1rem .5rem 0 0;border-radius:6px;
border:1px solid #bbb;background:#fff;color:#1d1e20;font:inherit} button.main{background:#1d1e20;color:#fff}
select{font:inherit;min-height:44px} code{font-size:.9em}
</style></head><body><div class="sim">Simulated Klaviyo</div><main>
{{if .Problem}}<h1>This app cannot be connected</h1><p>{{.Problem}}</p>{{else}}
<h1>{{.Asked.App}} wants to connect to your Klaviyo account</h1>
<form method="post" action="authorize" id="consent">
<input type="hidden" name="query" value="{{.Query}}">
<p><label>Account <select name="account">{{range .Asked.Accounts}}
<option value="{{.ID}}">{{.Name}} ({{.ID}})</option>{{end}}</select></label></p>
<p>It will be able to use:</p><ul>{{range .Asked.Scopes}}<li><code>{{.}}</code></li>{{end}}</ul>
<button class="main" type="submit" name="decision" value="approve">Approve</button>
<button type="submit" name="decision" value="deny">Deny</button>
</form>{{end}}</main></body></html>`
