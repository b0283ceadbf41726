// Package core is the edge's way to the core: enrolment, requests, events, and the stream
// that brings the configuration.
//
// Every call carries the edge's own key and has a time limit; what the core does not answer
// in time counts as "away", and the caller spools. Nothing that a customer sent decides
// where a call goes.
package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	maxAnswer   = 1 << 20
	eventsLimit = 20 * time.Second
	enrolLimit  = 15 * time.Second
)

// Identity is what enrolment gives an edge; the key is a secret.
type Identity struct {
	Edge       string `json:"edge"`
	Key        string `json:"key"`
	SealingKey []byte `json:"sealing_key"`
	ModuleKey  []byte `json:"module_key"`
}

// Client calls one core.
type Client struct {
	url      string
	identity Identity
	http     *http.Client
}

// New makes a client; url has no slash at its end.
func New(url string, identity Identity) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true}
	return &Client{url: url, identity: identity, http: &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Enrol trades a one-time code for an identity.
func Enrol(ctx context.Context, url, code, name string) (Identity, error) {
	const op = "core.Enrol"
	ctx, cancel := context.WithTimeout(ctx, enrolLimit)
	defer cancel()
	body, err := json.Marshal(map[string]string{"code": code, "name": name})
	if err != nil {
		return Identity{}, fault.Wrap(op, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/edge/v1/enrol", bytes.NewReader(body))
	if err != nil {
		return Identity{}, fault.Wrap(op, err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := New(url, Identity{}).http.Do(req)
	if err != nil {
		return Identity{}, fault.As(fault.Unavailable, op, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return Identity{}, fault.New(fault.Unauthenticated, op,
			"The core did not take the code (status %d). Make a new one with lumo-core admin create-edge-code.", res.StatusCode)
	}
	var identity Identity
	err = json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&identity)
	return identity, fault.As(fault.Unavailable, op, err)
}

// Answer is what the core says to a request; it is passed through.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Ask passes one request on and waits for its answer at most limit. An answer of 5xx, or
// none, is fault.Unavailable: the core is away.
func (c *Client) Ask(ctx context.Context, event id.ID, r edgeapi.SpooledRequest, limit time.Duration) (Answer, error) {
	const op = "core.Ask"
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := c.request(ctx, http.MethodPost, "/edge/v1/requests", r.Body)
	if err != nil {
		return Answer{}, fault.Wrap(op, err)
	}
	for name, value := range r.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set(edgeapi.HeaderEventID, event.String())
	req.Header.Set(edgeapi.HeaderReceivedAt, strconv.FormatInt(r.ReceivedAt, 10))
	req.Header.Set(edgeapi.HeaderAuth, r.Auth)
	req.Header.Set(edgeapi.HeaderConfig, strconv.FormatUint(r.Config, 10))
	req.Header.Set(edgeapi.HeaderMethod, r.Method)
	req.Header.Set(edgeapi.HeaderTarget, r.Target)
	if r.KeySHA256 != "" {
		req.Header.Set(edgeapi.HeaderKeySHA256, r.KeySHA256)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return Answer{}, fault.As(fault.Unavailable, op, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return Answer{}, fault.As(fault.Unavailable, op, err)
	}
	if res.StatusCode >= http.StatusInternalServerError || res.Header.Get("WWW-Authenticate") != "" {
		return Answer{}, fault.As(fault.Unavailable, op, errors.New(res.Status))
	}
	return Answer{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// Taken is what the core says to a batch.
type Taken struct {
	Offset   int      `json:"offset"` // records from the start of the batch that it has
	Rejected []string `json:"rejected"`
}

// Send hands a batch of records over.
func (c *Client) Send(ctx context.Context, records []byte) (Taken, error) {
	const op = "core.Send"
	ctx, cancel := context.WithTimeout(ctx, eventsLimit)
	defer cancel()
	req, err := c.request(ctx, http.MethodPost, "/edge/v1/events", records)
	if err != nil {
		return Taken{}, fault.Wrap(op, err)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	res, err := c.http.Do(req)
	if err != nil {
		return Taken{}, fault.As(fault.Unavailable, op, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return Taken{}, fault.As(fault.Unavailable, op, errors.New(res.Status))
	}
	var taken Taken
	err = json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&taken)
	return taken, fault.As(fault.Unavailable, op, err)
}

func (c *Client) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.identity.Key)
	return req, nil
}
