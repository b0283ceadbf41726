package klaviyo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"lumo/core/connection"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// defaultLife is taken when Klaviyo does not say how long a token lives.
const defaultLife = time.Hour

// AuthorizeURL is Klaviyo's page on which a member approves the scopes. Without an app at
// Klaviyo there is none: fault.Unavailable.
func (c *Client) AuthorizeURL(state, verifier string, scopes []string) (string, error) {
	if c.oauth.ClientID == "" || c.oauth.ClientSecret == "" {
		return "", fault.New(fault.Unavailable, "klaviyo.AuthorizeURL",
			"This Lumo has no Klaviyo app yet. Set LUMO_KLAVIYO_CLIENT_ID and LUMO_KLAVIYO_CLIENT_SECRET.")
	}
	conf := c.oauth
	conf.Scopes = scopes
	return conf.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)), nil
}

// Exchange turns the code that came back into tokens.
func (c *Client) Exchange(ctx context.Context, code, verifier string) (connection.Tokens, error) {
	const op = "klaviyo.Exchange"
	ctx, cancel := c.oauthContext(ctx)
	defer cancel()
	t, err := c.oauth.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return connection.Tokens{}, c.oauthError(ctx, op, err)
	}
	return c.tokens(op, t)
}

// Refresh gets a new pair. A refresh token that Klaviyo no longer takes (90 days unused,
// uninstalled, revoked) is fault.Unauthenticated.
func (c *Client) Refresh(ctx context.Context, refresh lumo.Secret) (connection.Tokens, error) {
	const op = "klaviyo.Refresh"
	ctx, cancel := c.oauthContext(ctx)
	defer cancel()
	old := &oauth2.Token{RefreshToken: refresh.Reveal()} // no access token: it must be renewed
	t, err := c.oauth.TokenSource(ctx, old).Token()
	if err != nil {
		return connection.Tokens{}, c.oauthError(ctx, op, err)
	}
	return c.tokens(op, t)
}

// Revoke ends a refresh token, and with it Klaviyo's side of the connection.
func (c *Client) Revoke(ctx context.Context, refresh lumo.Secret) error {
	const op = "klaviyo.Revoke"
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	form := url.Values{"token": {refresh.Reveal()}, "token_type_hint": {"refresh_token"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.api+"/oauth/revoke",
		strings.NewReader(form.Encode()))
	if err != nil {
		return fault.As(fault.Internal, op, errors.New("the address of the API is not a URL"))
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(c.oauth.ClientID), url.QueryEscape(c.oauth.ClientSecret))
	res, err := c.http.Do(req)
	if err != nil {
		return unanswered(ctx, op, err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return refusal(op, res.StatusCode, res.Header, nil)
	}
	return nil
}

func (c *Client) oauthContext(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	return context.WithValue(ctx, oauth2.HTTPClient, c.http), cancel
}

// tokens takes a token answer over. Expiry is counted from our own clock.
func (c *Client) tokens(op string, t *oauth2.Token) (connection.Tokens, error) {
	if t.AccessToken == "" || t.RefreshToken == "" {
		return connection.Tokens{}, fault.As(fault.Unavailable, op, errors.New("the answer lacks a token"))
	}
	life := time.Duration(t.ExpiresIn) * time.Second
	if life <= 0 {
		life = defaultLife
	}
	scope, _ := t.Extra("scope").(string)
	return connection.Tokens{Access: lumo.Secret(t.AccessToken),
		Refresh: lumo.Secret(t.RefreshToken), ExpiresAt: c.now().Add(life),
		Scopes: strings.Fields(scope)}, nil
}

// oauthError keeps status and code; the library's own text holds the body.
func (c *Client) oauthError(ctx context.Context, op string, err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return unanswered(ctx, op, err)
	}
	e := &Error{Code: plain(refused.ErrorCode, 40)}
	if refused.Response != nil {
		e.Status = refused.Response.StatusCode
		e.RequestID = plain(refused.Response.Header.Get("X-Klaviyo-Req-Id"), 64)
		e.Wait = retryAfter(refused.Response.Header.Get("Retry-After"))
	}
	if e.Code == "invalid_grant" {
		return fault.As(fault.Unauthenticated, op, e)
	}
	return fault.As(oauthKind(e.Status), op, e)
}

// oauthKind differs from kindOf in one thing: a refused client id or secret is our own
// trouble, not a reason to ask the merchant for approval again.
func oauthKind(status int) fault.Kind {
	kind := kindOf(status)
	if kind == fault.Unauthenticated {
		return fault.Internal
	}
	return kind
}
