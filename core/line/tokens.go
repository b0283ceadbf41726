package line

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/line/line-bot-sdk-go/v8/linebot/channel_access_token"
	"golang.org/x/sync/singleflight"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// A stateless token lives 15 minutes; it is used for 12, so that none ends on the way.
const (
	tokenLife   = 12 * time.Minute
	tokenMargin = 3 * time.Minute
)

// Token is a channel access token for the keys, from memory where it is fresh.
// Keys that LINE does not accept are fault.Unauthenticated.
func (c *Client) Token(ctx context.Context, keys lumo.Keys) (string, error) {
	return c.tokens.get(ctx, keys)
}

// Forget drops a token that LINE refused.
func (c *Client) Forget(keys lumo.Keys, token string) { c.tokens.forget(keys, token) }

// CheckKeys asks LINE for a new token, whatever is in memory: the proof that the keys are right.
func (c *Client) CheckKeys(ctx context.Context, keys lumo.Keys) error {
	_, _, err := c.issue(ctx, keys)
	return fault.Wrap("line.CheckKeys", err)
}

// issue gets a stateless token: nothing long-lived is stored, nothing needs revoking.
func (c *Client) issue(ctx context.Context, keys lumo.Keys) (string, time.Duration, error) {
	const op = "line.issue"
	api, err := channel_access_token.NewChannelAccessTokenAPI(
		channel_access_token.WithHTTPClient(c.http), channel_access_token.WithEndpoint(c.api))
	if err != nil {
		return "", 0, fault.Wrap(op, err)
	}
	res, token, err := api.WithContext(ctx).
		IssueStatelessChannelTokenByClientSecretWithHttpInfo(keys.ID, keys.Secret)
	if res != nil && res.StatusCode == http.StatusBadRequest {
		return "", 0, fault.As(fault.Unauthenticated, op, refusal(op, res))
	}
	if err := failure(op, res, err); err != nil {
		return "", 0, err
	}
	if token.AccessToken == "" {
		return "", 0, fault.New(fault.Unavailable, op, "")
	}
	return token.AccessToken, time.Duration(token.ExpiresIn) * time.Second, nil
}

// tokens remembers one token per pair of keys; concurrent callers share one request.
type tokens struct {
	issue func(context.Context, lumo.Keys) (string, time.Duration, error)
	now   func() time.Time
	group singleflight.Group

	mu    sync.Mutex // guards known
	known map[lumo.Keys]knownToken
}

type knownToken struct {
	text  string
	until time.Time
}

func newTokens(
	issue func(context.Context, lumo.Keys) (string, time.Duration, error), now func() time.Time,
) *tokens {
	return &tokens{issue: issue, now: now, known: map[lumo.Keys]knownToken{}}
}

func (t *tokens) get(ctx context.Context, keys lumo.Keys) (string, error) {
	if text, ok := t.fresh(keys); ok {
		return text, nil
	}
	// The request outlives the caller that happened to start it: others wait for it too.
	shared := context.WithoutCancel(ctx)
	done := t.group.DoChan(keys.ID+"\x00"+keys.Secret, func() (any, error) {
		if text, ok := t.fresh(keys); ok {
			return text, nil
		}
		limited, cancel := context.WithTimeout(shared, callTimeout)
		defer cancel()
		text, life, err := t.issue(limited, keys)
		if err != nil {
			return "", err
		}
		t.keep(keys, text, min(tokenLife, life-tokenMargin))
		return text, nil
	})
	select {
	case <-ctx.Done():
		return "", fault.As(fault.Unavailable, "line.Token", ctx.Err())
	case r := <-done:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(string), nil
	}
}

func (t *tokens) fresh(keys lumo.Keys) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.known[keys]
	return k.text, ok && t.now().Before(k.until)
}

// keep also sweeps what has ended, so that the map is as large as the channels in use.
func (t *tokens) keep(keys lumo.Keys, text string, life time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for k, v := range t.known {
		if !now.Before(v.until) {
			delete(t.known, k)
		}
	}
	t.known[keys] = knownToken{text: text, until: now.Add(life)}
}

func (t *tokens) forget(keys lumo.Keys, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known[keys].text == text {
		delete(t.known, keys)
	}
}
