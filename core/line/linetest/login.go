package linetest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lumo/core/vendortest"
	"lumo/shared/fault"
)

const (
	codeLife    = 10 * time.Minute
	requestLife = 30 * time.Minute
	// holdFollow is how long a follow event waits for a callback that a real browser makes.
	holdFollow = 1500 * time.Millisecond
)

// login is one sign-in: first a request that waits for consent, then a code.
type login struct {
	ID        string    `json:"id"`
	LoginID   string    `json:"login_channel_id"`
	Person    string    `json:"person"`
	Redirect  string    `json:"redirect_uri"`
	State     string    `json:"state"`
	Nonce     string    `json:"nonce"`
	Scopes    []string  `json:"scopes"`
	Challenge string    `json:"code_challenge"`
	Prompt    string    `json:"prompt"`
	BotPrompt string    `json:"bot_prompt"`
	At        time.Time `json:"at"`
	Code      string    `json:"code"`
	CodeAt    time.Time `json:"code_at"`
}

// LoginPage is what LINE's consent screen asks.
type LoginPage struct {
	Request   string   `json:"request"`
	Account   Account  `json:"account"`
	Channel   string   `json:"channel"` // messaging channel id
	Scopes    []string `json:"scopes"`
	AddFriend bool     `json:"add_friend_option"` // the person may add the account as a friend
	BotPrompt string   `json:"bot_prompt"`
	Consented bool     `json:"consented"` // the person agreed before: only the friend question is left
	Person    string   `json:"person"`
	// AddFriendDefault is whether the option is ticked when the screen opens.
	AddFriendDefault bool `json:"add_friend_default"`
}

// Choice is what a person does on the consent screen.
type Choice struct {
	Request      string `json:"request"`
	Deny         bool   `json:"deny"`
	AddFriend    bool   `json:"add_friend"`
	Order        string `json:"order"`         // callback_first or follow_first (default)
	OtherBrowser bool   `json:"other_browser"` // LINE returns in a browser without the cookies
}

// CallbackFirst lets the follow event come after the callback.
const CallbackFirst = "callback_first"

// begin checks the parameters of an authorize request and keeps it. Where a redirect
// address can be trusted, mistakes are told there: redirect is not empty then.
func (s *Server) begin(q url.Values, person string) (l *login, redirect string, err error) {
	const op = "linetest.authorize"
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byLogin(q.Get("client_id"))
	switch {
	case c == nil:
		return nil, "", fault.New(fault.Invalid, op, "client_id is not a LINE Login channel.")
	case !s.callback(c, q.Get("redirect_uri")):
		return nil, "", fault.New(fault.Invalid, op,
			"Invalid redirect_uri value. Check if it is registered in a LINE developers site.")
	case c.Developing:
		return nil, "", fault.New(fault.Forbidden, op,
			"This channel is now developing status. User need to have developer role.")
	}
	l = &login{ID: s.ulid(), LoginID: c.LoginID, Person: person, Redirect: q.Get("redirect_uri"),
		State: q.Get("state"), Nonce: q.Get("nonce"), Scopes: strings.Fields(q.Get("scope")),
		Challenge: q.Get("code_challenge"), Prompt: q.Get("prompt"), BotPrompt: q.Get("bot_prompt"),
		At: s.now()}
	if code, text := authorizeFault(q, l, c); code != "" {
		return nil, l.back(url.Values{"error": {code}, "error_description": {text}}), nil
	}
	for id, old := range s.db.Logins {
		if s.now().Sub(old.At) > requestLife {
			delete(s.db.Logins, id)
		}
	}
	s.db.Logins[l.ID] = l
	return l, "", nil
}

// authorizeFault is the error that goes back to the redirect address.
func authorizeFault(q url.Values, l *login, c *Channel) (code, text string) {
	scopes := []string{"profile", "openid"}
	if c.Email {
		scopes = append(scopes, "email")
	}
	raw, err := base64.RawURLEncoding.DecodeString(l.Challenge)
	switch {
	case q.Get("response_type") != "code":
		return "UNSUPPORTED_RESPONSE_TYPE", "response_type must be code"
	case l.State == "":
		return "INVALID_REQUEST", "state is required"
	case len(l.Scopes) == 0 || slices.ContainsFunc(l.Scopes, func(v string) bool {
		return !slices.Contains(scopes, v)
	}):
		return "INVALID_SCOPE", "scope is invalid"
	case slices.Contains(l.Scopes, "email") && !slices.Contains(l.Scopes, "openid"):
		return "INVALID_SCOPE", "email needs openid"
	case l.Challenge != "" &&
		(q.Get("code_challenge_method") != "S256" || err != nil || len(raw) != 32):
		return "INVALID_REQUEST", "code_challenge is invalid"
	case q.Get("response_mode") != "" && q.Get("response_mode") != "query":
		return "INVALID_REQUEST", "the simulator knows response_mode query only"
	case !slices.Contains([]string{"", "normal", "aggressive"}, l.BotPrompt):
		return "INVALID_REQUEST", "bot_prompt is invalid"
	}
	return "", ""
}

// callback tells whether a redirect address is registered; further query parameters are
// allowed. The lock is held.
func (s *Server) callback(c *Channel, redirect string) bool {
	u, _, ok := vendortest.Target(redirect, s.strict)
	if !ok {
		return false
	}
	if len(c.Callbacks) == 0 {
		return !s.strict && vendortest.Loopback(u)
	}
	return slices.ContainsFunc(c.Callbacks, func(registered string) bool {
		return redirect == registered || strings.HasPrefix(redirect, registered+"?")
	})
}

// back is the redirect address with more parameters.
func (l *login) back(more url.Values) string {
	if l.State != "" {
		more.Set("state", l.State)
	}
	separator := "?"
	if strings.Contains(l.Redirect, "?") {
		separator = "&"
	}
	return l.Redirect + separator + more.Encode()
}

// Login describes a sign-in that waits for consent.
func (s *Server) Login(request string) (LoginPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.db.Logins[request]
	if l == nil || s.now().Sub(l.At) > requestLife {
		return LoginPage{}, fault.New(
			fault.NotFound,
			"linetest.Login",
			"This sign-in has ended. Begin it anew.",
		)
	}
	return s.screen(l), nil
}

// screen is what the consent page shows. The lock is held.
func (s *Server) screen(l *login) LoginPage {
	c, p := s.byLogin(l.LoginID), s.person(l.Person)
	page := LoginPage{Request: l.ID, Account: c.account(), Channel: c.MessagingID, Scopes: l.Scopes,
		BotPrompt: l.BotPrompt, Person: l.Person}
	if l.BotPrompt != "" && !c.Unlinked && (p == nil || s.friendship(c, p).State != Friend) {
		page.AddFriend, page.AddFriendDefault = true, true
	}
	page.Consented = p != nil && l.Prompt != "consent" && s.granted(l)
	return page
}

// granted tells whether the person allowed all of the scopes before. The lock is held.
func (s *Server) granted(l *login) bool {
	have := s.db.Grants[l.LoginID+" "+l.Person]
	for _, scope := range l.Scopes {
		if !slices.Contains(have, scope) {
			return false
		}
	}
	return true
}

// decide ends a sign-in: it gives the address to return to, and the follow event that the
// add-friend option caused, not sent yet.
func (s *Server) decide(
	person string,
	choice Choice,
) (location string, follow func(time.Duration), err error) {
	const op = "linetest.Consent"
	s.mu.Lock()
	defer s.mu.Unlock()
	nothing := func(time.Duration) {}
	l := s.db.Logins[choice.Request]
	if l == nil || s.now().Sub(l.At) > requestLife {
		return "", nil, fault.New(fault.NotFound, op, "This sign-in has ended. Begin it anew.")
	}
	if l.Person == "" {
		l.Person = person
	}
	c, p := s.byLogin(l.LoginID), s.person(l.Person)
	if p == nil || p.Deleted || person != "" && l.Person != person {
		return "", nil, fault.New(fault.NotFound, op, "There is no such person.")
	}
	page := s.screen(l)
	delete(s.db.Logins, l.ID)
	if choice.Deny {
		return l.back(url.Values{"error": {"ACCESS_DENIED"},
			"error_description": {"The resource owner denied the request."}}), nothing, nil
	}
	follow = nothing
	changed := false
	if page.AddFriend && choice.AddFriend {
		if e := s.befriend(c, p); e != nil {
			changed = true
			follow = func(after time.Duration) { s.emitLater(c, after, e) }
		}
	}
	s.grant(l)
	l.Code, l.CodeAt = base64.RawURLEncoding.EncodeToString(s.bytes(15)), s.now()
	s.db.Logins["code "+l.Code] = l
	back := url.Values{"code": {l.Code}}
	if page.AddFriend {
		back.Set("friendship_status_changed", "false")
		if changed {
			back.Set("friendship_status_changed", "true")
		}
	}
	return l.back(back), follow, nil
}

// grant remembers what the person allowed. The lock is held.
func (s *Server) grant(l *login) {
	key := l.LoginID + " " + l.Person
	for _, scope := range l.Scopes {
		if !slices.Contains(s.db.Grants[key], scope) {
			s.db.Grants[key] = append(s.db.Grants[key], scope)
		}
	}
}

func (s *Server) emitLater(c *Channel, after time.Duration, e []byte) {
	s.mu.Lock()
	s.emit(c, after, e)
	s.mu.Unlock()
	s.hurry()
}

// sessionCookie holds who is signed in to LINE in a browser.
const sessionCookie = "line_session"

// signedIn is the person whose browser this is, or empty.
func (s *Server) signedIn(r *http.Request) string {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.person(c.Value) == nil {
		return ""
	}
	return c.Value
}
