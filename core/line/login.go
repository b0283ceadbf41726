package line

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	idTokenIssuer = "https://access.line.me" // whatever address the API has
	idTokenLeeway = 30 * time.Second
)

// Exchange turns the code of LINE Login's callback into a verified person. LINE takes a
// code once, even when the exchange fails.
func (c *Client) Exchange(ctx context.Context, keys lumo.Keys, code linkage.AuthorizationCode) (
	linkage.Login, error) {
	const op = "line.Exchange"
	config := oauth2.Config{ClientID: keys.ID, ClientSecret: keys.Secret, RedirectURL: code.RedirectURI,
		Endpoint: oauth2.Endpoint{TokenURL: c.api + "/oauth2/v2.1/token",
			AuthStyle: oauth2.AuthStyleInParams}}
	token, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, c.http),
		code.Code, oauth2.VerifierOption(code.Verifier))
	if err != nil {
		return linkage.Login{}, exchangeFailure(op, err)
	}
	idToken, _ := token.Extra("id_token").(string)
	claims, err := VerifyIDToken(idToken, keys, code.Nonce, c.now)
	if err != nil {
		return linkage.Login{}, err
	}
	return linkage.Login{User: lumo.LineUserID(claims.Subject), Name: plain(claims.Name),
		PictureURL: plain(claims.Picture), Email: claims.Email, Token: lumo.Secret(token.AccessToken)}, nil
}

// exchangeFailure drops the library's error text: it holds LINE's body.
func exchangeFailure(op string, err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		if refused.Response.StatusCode/100 == 2 {
			return fault.As(fault.Unavailable, op, errors.New("LINE's answer cannot be read"))
		}
		return refusal(op, refused.Response)
	}
	return fault.As(fault.Unavailable, op, transport(err))
}

// IDClaims is what Lumo reads of an ID token.
type IDClaims struct {
	jwt.RegisteredClaims
	Nonce   string `json:"nonce"`
	Name    string `json:"name"`
	Picture string `json:"picture"`
	Email   string `json:"email"` // only where LINE granted the permission
}

// VerifyIDToken checks an ID token of web login: HS256 under the login channel's secret and
// nothing else, whatever its header says; issuer, audience, expiry, nonce, form of the subject.
func VerifyIDToken(text string, keys lumo.Keys, nonce string, now func() time.Time) (
	IDClaims, error) {
	const op = "line.VerifyIDToken"
	var claims IDClaims
	_, err := jwt.ParseWithClaims(text, &claims,
		func(*jwt.Token) (any, error) { return []byte(keys.Secret), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer(idTokenIssuer),
		jwt.WithAudience(keys.ID), jwt.WithExpirationRequired(), jwt.WithLeeway(idTokenLeeway),
		jwt.WithTimeFunc(now))
	switch {
	case err != nil || keys.ID == "" || keys.Secret == "":
		return IDClaims{}, fault.New(fault.Invalid, op, "The ID token is not valid.")
	case nonce == "" || subtle.ConstantTimeCompare([]byte(claims.Nonce), []byte(nonce)) != 1:
		return IDClaims{}, fault.New(fault.Invalid, op, "The ID token is for another sign-in.")
	case !lumo.LineUserID(claims.Subject).Valid():
		return IDClaims{}, fault.New(fault.Invalid, op, "The ID token names no LINE user.")
	}
	return claims, nil
}

// Friendship tells whether the signed-in person is a friend of the account that belongs to
// the login channel; false also when the person blocked it.
func (c *Client) Friendship(ctx context.Context, token lumo.Secret) (bool, error) {
	const op = "line.Friendship"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.api+"/friendship/v1/status", nil)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	var answer struct {
		Friend *bool `json:"friendFlag"`
	}
	if err := c.do(op, req, &answer); err != nil {
		return false, err
	}
	if answer.Friend == nil {
		return false, fault.As(fault.Unavailable, op, errors.New("LINE's answer cannot be read"))
	}
	return *answer.Friend, nil
}

// Deauthorize takes back what a person allowed the login channel; LINE asks for it when
// somebody unlinks.
func (c *Client) Deauthorize(ctx context.Context, login lumo.Keys, user lumo.Secret) error {
	const op = "line.Deauthorize"
	channelToken, err := c.Token(ctx, login)
	if err != nil {
		return fault.Wrap(op, err)
	}
	body, err := json.Marshal(map[string]string{"userAccessToken": user.Reveal()})
	if err != nil {
		return fault.Wrap(op, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.api+"/user/v1/deauthorize",
		bytes.NewReader(body))
	if err != nil {
		return fault.Wrap(op, err)
	}
	req.Header.Set("Authorization", "Bearer "+channelToken)
	req.Header.Set("Content-Type", "application/json")
	return c.do(op, req, nil)
}

// do sends a request and decodes a 2xx answer into out, where out is not nil.
func (c *Client) do(op string, req *http.Request, out any) error {
	res, err := c.http.Do(req)
	if err != nil {
		return fault.As(fault.Unavailable, op, transport(err))
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return refusal(op, res)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fault.As(fault.Unavailable, op, errors.New("LINE's answer cannot be read"))
	}
	return nil
}
