package linetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A stateless channel access token lives 15 minutes and cannot be revoked.
const (
	statelessLife  = 15 * time.Minute
	shortLivedLife = 30 * 24 * time.Hour
)

type channelClaims struct {
	Channel string `json:"c"`
	Login   bool   `json:"l,omitempty"`
	Until   int64  `json:"e"`
}

// mint makes a channel access token that proves itself, as LINE's stateless ones do.
func (s *Server) mint(channel string, login bool, life time.Duration) string {
	claims, _ := json.Marshal(channelClaims{channel, login, s.now().Add(life).Unix()}) // our own type
	payload := base64.RawURLEncoding.EncodeToString(claims)
	return payload + "." + base64.RawURLEncoding.EncodeToString(s.seal(payload))
}

func (s *Server) seal(payload string) []byte {
	mac := hmac.New(sha256.New, s.db.Secret)
	mac.Write([]byte(payload))
	return mac.Sum(nil)
}

// inspect gives a channel token's claims while it is valid.
func (s *Server) inspect(token string) (channelClaims, bool) {
	payload, tag, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(tag)
	if err != nil || !hmac.Equal(raw, s.seal(payload)) {
		return channelClaims{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return channelClaims{}, false
	}
	var c channelClaims
	if json.Unmarshal(text, &c) != nil || s.now().Unix() >= c.Until {
		return channelClaims{}, false
	}
	return c, true
}

// authenticate sets the call's channel from its token.
func (s *Server) authenticate(c *call) (answer, bool) {
	token := bearer(c.Request)
	if token == "" {
		return refuse(http.StatusUnauthorized,
			textAuth+"invalid authorization header. Confirm that the header is in the right form."), false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	claims, valid := s.inspect(token)
	if known := s.find(claims.Channel); !valid || known == nil {
		return refuse(http.StatusUnauthorized, textToken), false
	}
	c.channel, c.login = claims.Channel, claims.Login
	return answer{}, true
}

// form reads a form body.
func (c *call) form() url.Values {
	values, err := url.ParseQuery(string(c.body))
	if err != nil {
		return url.Values{}
	}
	return values
}

// credentials finds the channel of an id and secret. The lock is held.
func (s *Server) credentials(id, secret string) (login, valid bool) {
	c := s.find(id)
	if c == nil || secret == "" {
		return false, false
	}
	switch id {
	case c.MessagingID:
		return false, secret == c.MessagingSecret
	case c.LoginID:
		return true, secret == c.LoginSecret
	}
	return false, false
}

// stateless is POST /oauth2/v3/token.
func (s *Server) stateless(c *call) answer {
	return s.issue(c, statelessLife, true)
}

// shortLived is POST /v2/oauth/accessToken.
func (s *Server) shortLived(c *call) answer {
	return s.issue(c, shortLivedLife, false)
}

func (s *Server) issue(c *call, life time.Duration, v3 bool) answer {
	f := c.form()
	if f.Get("grant_type") != "client_credentials" {
		return refuseOAuth(http.StatusBadRequest, "unsupported_grant_type", "unsupported grant_type")
	}
	if f.Get("client_assertion") != "" {
		return refuseOAuth(http.StatusNotFound, "not_found",
			"Cannot find channel key that satisfies the conditions")
	}
	s.mu.Lock()
	login, valid := s.credentials(f.Get("client_id"), f.Get("client_secret"))
	token := s.mint(f.Get("client_id"), login, life)
	s.mu.Unlock()
	if !valid && v3 {
		return refuseOAuth(http.StatusBadRequest, "invalid_request", "Invalid 'client_credentials'.")
	}
	if !valid {
		return refuseOAuth(http.StatusBadRequest, "invalid_client", "invalid client_id or client_secret")
	}
	return ok(map[string]any{"token_type": "Bearer", "access_token": token,
		"expires_in": int(life.Seconds())})
}
