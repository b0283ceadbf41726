// Package line speaks LINE's APIs for the capabilities: channel tokens, account, profile,
// webhook settings, LINE Login, and sending.
//
// What always holds: a call has a deadline; no error carries a body, an id or a secret,
// only status and request id; a LINE user id is checked before it becomes part of a path;
// the SDK's client is made for one call and never shared, because its context is a field.
package line

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/line/line-bot-sdk-go/v8/linebot/messaging_api"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// DefaultAPI is LINE's own address, used where the settings name no other.
const DefaultAPI = "https://api.line.me"

const (
	callTimeout = 10 * time.Second
	maxAnswer   = 1 << 20
)

// Config is what a client needs; an empty address means LINE's own.
type Config struct {
	API  string       // LUMO_LINE_API_URL
	HTTP *http.Client // nil = one with timeouts and limits
	// Dial makes the connections that messages go over; nil = any address may be called.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Sent hears of each try of a message; status 0 = no answer. May be nil.
	Sent func(status int, took time.Duration)
	Now  func() time.Time
}

// Client calls LINE on behalf of any number of channels. It is safe for concurrent use.
type Client struct {
	api    string
	http   *http.Client
	now    func() time.Time
	tokens *tokens
	sender *sender
}

// New makes a client.
func New(c Config) (*Client, error) {
	if c.Now == nil {
		return nil, fault.New(fault.Internal, "line.New", "a clock is missing")
	}
	if c.HTTP == nil {
		c.HTTP = defaultHTTP()
	}
	client := &Client{
		api:  strings.TrimRight(cmp.Or(c.API, DefaultAPI), "/"),
		http: limitAnswers(c.HTTP),
		now:  c.Now,
	}
	client.tokens = newTokens(client.issue, c.Now)
	var err error
	client.sender, err = newSender(client.api, c.Dial, c.Sent)
	return client, err
}

// defaultHTTP keeps enough idle connections for a busy sender and follows no redirect:
// LINE's APIs have none, so one would lead a secret astray.
func defaultHTTP() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	t.ResponseHeaderTimeout = callTimeout
	return &http.Client{
		Transport: t,
		Timeout:   callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// call runs one SDK call for a channel, once more with a fresh token after a 401.
func (c *Client) call(
	ctx context.Context, op string, keys lumo.Keys,
	do func(*messaging_api.MessagingApiAPI) (*http.Response, error),
) error {
	for retried := false; ; retried = true {
		token, err := c.Token(ctx, keys)
		if err != nil {
			return fault.Wrap(op, err)
		}
		api, err := messaging_api.NewMessagingApiAPI(token,
			messaging_api.WithHTTPClient(c.http), messaging_api.WithEndpoint(c.api))
		if err != nil {
			return fault.Wrap(op, err)
		}
		res, err := do(api.WithContext(ctx))
		if res != nil && res.StatusCode == http.StatusUnauthorized && !retried {
			c.Forget(keys, token)
			continue
		}
		return failure(op, res, err)
	}
}

// limitAnswers copies a client so that no answer is read beyond a size.
func limitAnswers(h *http.Client) *http.Client {
	limited := *h
	next := h.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	limited.Transport = limiter{next}
	return &limited
}

type limiter struct{ next http.RoundTripper }

func (l limiter) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(req)
	if err == nil {
		res.Body = limitedBody{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

type limitedBody struct {
	io.Reader
	io.Closer
}
