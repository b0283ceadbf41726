package klaviyotest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
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
		subtle.ConstantTimeCompare(
			[]byte(c.Challenge),
			[]byte(base64.RawURLEncoding.EncodeToString(sum[:])),
		) != 1 {
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
	s.db.Access[text] = &access{
		App:     g.App,
		Account: g.Account,
		Scopes:  g.Scopes,
		Until:   s.now().Add(accessLife),
	}
	return answer{status: 200, body: object{
		"access_token":  text,
		"refresh_token": refresh,
		"expires_in": int(
			accessLife.Seconds(),
		),
		"token_type": "Bearer",
		"scope":      strings.Join(g.Scopes, " "),
	}}
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
