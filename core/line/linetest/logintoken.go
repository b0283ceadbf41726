package linetest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	issuer      = "https://access.line.me"
	accessLife  = 30 * 24 * time.Hour
	refreshLife = 90 * 24 * time.Hour
	idTokenLife = time.Hour
)

// userToken is an access token that a person gave a login channel, with its refresh token.
type userToken struct {
	LoginID string    `json:"login_channel_id"`
	Person  string    `json:"person"`
	Scopes  []string  `json:"scopes"`
	Refresh string    `json:"refresh"`
	Until   time.Time `json:"until"`
	Ends    time.Time `json:"ends"` // of the refresh token; using it does not move this
}

// exchange is POST /oauth2/v2.1/token: code or refresh token to access token.
func (s *Server) exchange(c *call) answer {
	f := c.form()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.Get("grant_type") {
	case "authorization_code":
		return s.exchangeCode(f.Get)
	case "refresh_token":
		return s.refresh(f.Get)
	case "client_credentials":
		return refuseOAuth(http.StatusNotFound, "not_found",
			"Cannot find channel key that satisfies the conditions")
	}
	return refuseOAuth(http.StatusBadRequest, "unsupported_grant_type", "unsupported grant_type")
}

// exchangeCode takes a code once, even when it is refused. The lock is held.
func (s *Server) exchangeCode(get func(string) string) answer {
	key := "code " + get("code")
	l := s.db.Logins[key]
	delete(s.db.Logins, key)
	login, valid := s.credentials(get("client_id"), get("client_secret"))
	switch {
	case !valid || !login:
		return refuseOAuth(http.StatusBadRequest, "invalid_client", "client_secret is not valid")
	case l == nil || l.LoginID != get("client_id") || s.now().Sub(l.CodeAt) > codeLife:
		return refuseOAuth(http.StatusBadRequest, "invalid_grant", "invalid authorization code")
	case l.Redirect != get("redirect_uri"):
		return refuseOAuth(http.StatusBadRequest, "invalid_grant", "redirect_uri does not match")
	case !verifierFits(l.Challenge, get("code_verifier")):
		return refuseOAuth(http.StatusBadRequest, "invalid_grant", "invalid code_verifier")
	}
	return s.grantTokens(l)
}

// verifierFits checks PKCE, S256 only.
func verifierFits(challenge, verifier string) bool {
	if challenge == "" {
		return verifier == ""
	}
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(challenge),
		[]byte(base64.RawURLEncoding.EncodeToString(sum[:]))) == 1
}

// grantTokens makes the answer of a good exchange. The lock is held.
func (s *Server) grantTokens(l *login) answer {
	access := base64.RawURLEncoding.EncodeToString(s.bytes(48))
	t := &userToken{LoginID: l.LoginID, Person: l.Person, Scopes: l.Scopes,
		Refresh: base64.RawURLEncoding.EncodeToString(s.bytes(15)),
		Until:   s.now().Add(accessLife), Ends: s.now().Add(refreshLife)}
	s.db.Tokens[access] = t
	body := t.answer(access)
	if slices.Contains(l.Scopes, "openid") {
		id, err := s.idToken(l)
		if err != nil {
			return refuseOAuth(http.StatusInternalServerError, "server_error", "")
		}
		body["id_token"] = id
	}
	return ok(body)
}

// answer is the token answer; its scope never lists email.
func (t *userToken) answer(access string) map[string]any {
	scopes := slices.DeleteFunc(slices.Clone(t.Scopes), func(v string) bool { return v == "email" })
	return map[string]any{"access_token": access, "expires_in": int(accessLife.Seconds()),
		"refresh_token": t.Refresh, "scope": strings.Join(scopes, " "), "token_type": "Bearer"}
}

// idToken is signed with HS256 and the login channel's secret, as for all web logins.
func (s *Server) idToken(l *login) (string, error) {
	c, p := s.byLogin(l.LoginID), s.person(l.Person)
	now := s.now()
	claims := jwt.MapClaims{"iss": issuer, "sub": UserID(c.loginProvider(), p.ID), "aud": c.LoginID,
		"exp": now.Add(idTokenLife).Unix(), "iat": now.Unix(), "amr": []string{"linesso"}}
	if l.Nonce != "" {
		claims["nonce"] = l.Nonce
	}
	if slices.Contains(l.Scopes, "profile") {
		claims["name"] = p.Name
		if p.PictureURL != "" {
			claims["picture"] = p.PictureURL
		}
	}
	if slices.Contains(l.Scopes, "email") && p.Email != "" {
		claims["email"] = p.Email
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(c.LoginSecret))
}

func (s *Server) refresh(get func(string) string) answer {
	if login, valid := s.credentials(get("client_id"), get("client_secret")); !valid || !login {
		return refuseOAuth(http.StatusBadRequest, "invalid_client", "client_secret is not valid")
	}
	for old, t := range s.db.Tokens {
		if t.Refresh == get("refresh_token") && t.LoginID == get("client_id") && s.now().Before(t.Ends) {
			delete(s.db.Tokens, old)
			t.Until = s.now().Add(accessLife)
			access := base64.RawURLEncoding.EncodeToString(s.bytes(48))
			s.db.Tokens[access] = t
			return ok(t.answer(access))
		}
	}
	return refuseOAuth(http.StatusBadRequest, "invalid_grant", "invalid refresh token")
}

// revoke is POST /oauth2/v2.1/revoke.
func (s *Server) revoke(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.db.Tokens, c.form().Get("access_token"))
	return ok(nil)
}

// verifyAccess is GET /oauth2/v2.1/verify.
func (s *Server) verifyAccess(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Tokens[c.URL.Query().Get("access_token")]
	if t == nil || !s.now().Before(t.Until) {
		return refuseOAuth(http.StatusBadRequest, "invalid_request", "access token expired")
	}
	return ok(map[string]any{"scope": strings.Join(t.Scopes, " "), "client_id": t.LoginID,
		"expires_in": int(t.Until.Sub(s.now()).Seconds())})
}

// verifyID is POST /oauth2/v2.1/verify: LINE reads an ID token for the caller.
func (s *Server) verifyID(c *call) answer {
	f := c.form()
	bad := func(text string) answer {
		return refuseOAuth(http.StatusBadRequest, "invalid_request", text)
	}
	s.mu.Lock()
	own := s.byLogin(f.Get("client_id"))
	s.mu.Unlock()
	if own == nil {
		return bad("Invalid IdToken Audience.")
	}
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithoutClaimsValidation()).
		ParseWithClaims(f.Get("id_token"), claims, func(*jwt.Token) (any, error) {
			return []byte(own.LoginSecret), nil
		})
	exp, _ := claims.GetExpirationTime()
	aud, _ := claims.GetAudience()
	switch {
	case err != nil:
		return bad("Invalid IdToken.")
	case claims["iss"] != issuer:
		return bad("Invalid IdToken Issuer.")
	case exp == nil || !s.now().Before(exp.Time):
		return bad("IdToken expired.")
	case !slices.Contains(aud, own.LoginID):
		return bad("Invalid IdToken Audience.")
	case f.Has("nonce") && claims["nonce"] != f.Get("nonce"):
		return bad("Invalid IdToken Nonce.")
	case f.Has("user_id") && claims["sub"] != f.Get("user_id"):
		return bad("Invalid IdToken Subject Identifier.")
	}
	return ok(claims)
}

// user finds the person, channel and token of a user's access token. The lock is held.
func (s *Server) user(r *http.Request) (*Channel, *Person, *userToken) {
	t := s.db.Tokens[bearer(r)]
	if t == nil || !s.now().Before(t.Until) {
		return nil, nil, nil
	}
	c, p := s.byLogin(t.LoginID), s.person(t.Person)
	if c == nil || p == nil || p.Deleted {
		return nil, nil, nil
	}
	return c, p, t
}

func expired() answer { return refuse(http.StatusUnauthorized, "The access token expired") }

// ownProfile is GET /v2/profile.
func (s *Server) ownProfile(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	channel, p, t := s.user(c.Request)
	if t == nil {
		return expired()
	}
	if !slices.Contains(t.Scopes, "profile") {
		return refuse(
			http.StatusForbidden,
			"This LIFF channel or LINE Login channel does not have the required scope",
		)
	}
	return ok(p.profile(UserID(channel.loginProvider(), p.ID), false))
}

// userInfo is GET /oauth2/v2.1/userinfo.
func (s *Server) userInfo(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	channel, p, t := s.user(c.Request)
	if t == nil {
		return expired()
	}
	body := map[string]string{"sub": UserID(channel.loginProvider(), p.ID)}
	if slices.Contains(t.Scopes, "profile") {
		body["name"] = p.Name
	}
	return ok(body)
}

// friendFlag is GET /friendship/v1/status.
func (s *Server) friendFlag(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	channel, p, t := s.user(c.Request)
	switch {
	case t == nil:
		return expired()
	case !slices.Contains(t.Scopes, "profile"):
		return refuse(http.StatusForbidden, "not authorized scope")
	case channel.Unlinked:
		return refuse(http.StatusBadRequest, "there is no login bot linked to this channel")
	}
	return ok(map[string]bool{"friendFlag": s.friendship(channel, p).State == Friend})
}

// Allows tells whether a person lets a login channel know who they are, as they once agreed.
func (s *Server) Allows(person, channel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, agreed := s.db.Grants[channel+" "+person]
	return agreed
}

// deauthorize is POST /user/v1/deauthorize, with a token of the login channel itself.
func (s *Server) deauthorize(c *call) answer {
	if a, fine := s.authenticate(c); !fine {
		return a
	}
	var body struct {
		Token string `json:"userAccessToken"`
	}
	if json.Unmarshal(c.body, &body) != nil || body.Token == "" {
		return refuse(http.StatusBadRequest, "userAccessToken is required")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Tokens[body.Token]
	if t == nil || t.LoginID != c.channel {
		return refuse(http.StatusBadRequest, "invalid userAccessToken")
	}
	for text, other := range s.db.Tokens {
		if other.LoginID == t.LoginID && other.Person == t.Person {
			delete(s.db.Tokens, text)
		}
	}
	delete(s.db.Grants, t.LoginID+" "+t.Person)
	return answer{status: http.StatusNoContent}
}
