// Package core is the edge's way to the core: enrolment, requests, records, and the stream
// that brings the configuration.
//
// Every call carries the edge's own key and has a time limit; what the core does not answer
// in time counts as "away", and the caller spools under the same id. Nothing that a customer
// sent decides where a call goes. While the core is away nobody waits for it in vain: after
// a few silent calls only one a second is tried.
package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	maxAnswer    = 1 << 20
	recordsLimit = 20 * time.Second
	enrolLimit   = 15 * time.Second
	idleConns    = 128
	idleTime     = 90 * time.Second
)

// Identity is what enrolment gives an edge; the key is a secret.
type Identity struct {
	Edge       string `json:"edge"`
	Key        string `json:"key"`
	SealingKey []byte `json:"sealing_key"` // X25519, 32 bytes
	ModuleKey  []byte `json:"module_key"`  // Ed25519, empty = only the embedded modules
}

// Config is what a client needs; Fresh, Modules and Meter may be nil.
type Config struct {
	URL      string // of the core, no slash at its end
	Identity Identity
	Now      func() time.Time
	Fresh    func() uint64           // counts the requests that the edge answers
	Modules  func(edgeapi.ModuleSet) // hears of each set that the stream brings
	Meter    *Meter
}

// Client calls one core. It is safe for concurrent use.
type Client struct {
	c       Config
	http    *http.Client
	silence silence
	asking  atomic.Int64 // calls of people and vendors who wait now
	revoked atomic.Bool
}

// ErrRevoked says that the core does not know this edge any more.
var ErrRevoked = errors.New("the core does not know this edge any more")

// Revoked tells that the core refused this edge's key, and no stream has worked since.
func (c *Client) Revoked() bool { return c.revoked.Load() }

// New makes a client.
func New(c Config) *Client { return &Client{c: c, http: newHTTP()} }

func newHTTP() *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: idleConns, IdleConnTimeout: idleTime,
		ForceAttemptHTTP2:  true,
		DisableCompression: true}
	return &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request,
			[]*http.Request) error {
			return http.ErrUseLastResponse
		}}
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Enrol trades a one-time code for an identity.
func Enrol(ctx context.Context, url, code, name string) (Identity, error) {
	const op = "core.Enrol"
	ctx, cancel := context.WithTimeout(ctx, enrolLimit)
	defer cancel()
	body, err := json.Marshal(map[string]string{"code": code, "name": name})
	if err != nil {
		return Identity{}, fault.Wrap(op, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/edge/v1/enrol",
		bytes.NewReader(body))
	if err != nil {
		return Identity{}, fault.Wrap(op, err)
	}
	req.Header.Set("Content-Type", "application/json")
	client := newHTTP()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return Identity{}, fault.As(fault.Unavailable, op, err)
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusInternalServerError {
		return Identity{}, fault.As(fault.Unavailable, op, errors.New(res.Status))
	}
	if res.StatusCode != http.StatusOK {
		return Identity{}, fault.New(fault.Unauthenticated, op,
			"The core did not take the code (status %d). Make a new one with lumo-core admin create-edge-code.", res.StatusCode)
	}
	var i Identity
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&i); err != nil ||
		i.Key == "" {
		return Identity{}, fault.New(fault.Invalid, op,
			"LUMO_EDGE_CORE_URL does not answer as a core does.")
	}
	return i, nil
}

// Known asks whether the core knows this edge, ErrRevoked = it does not, and for the core's time.
func (c *Client) Known(ctx context.Context) (there time.Time, err error) {
	const op = "core.Known"
	req, err := c.request(ctx, http.MethodGet, "/edge/v1/modules/"+strings.Repeat("0", 64), nil)
	if err != nil {
		return there, fault.Wrap(op, err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return there, fault.As(fault.Unavailable, op, err)
	}
	defer res.Body.Close()
	there, err = http.ParseTime(res.Header.Get("Date"))
	switch {
	case res.StatusCode >= http.StatusInternalServerError:
		return there, fault.As(fault.Unavailable, op, errors.New(res.Status))
	case res.StatusCode == http.StatusUnauthorized && res.Header.Get("WWW-Authenticate") != "":
		return there, errors.Join(ErrRevoked, err)
	case res.StatusCode != http.StatusNotFound || err != nil: // no module has that hash
		return there, fault.New(fault.Invalid, op, "LUMO_EDGE_CORE_URL does not answer as a core does.")
	}
	return there, nil
}

// Question is a request that only the core can answer.
type Question struct {
	ID      id.ID
	Request edgeapi.SpooledRequest
	Limit   time.Duration
	// Page says that a person waits for a page of the core's: it is asked in any case, and
	// every page that it gives is an answer.
	Page bool
}

// Answer is what the core says to a request; it is passed through.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Ask passes one request on and waits for its answer. An answer of 5xx, or none in time, is
// fault.Unavailable: the core is away.
func (c *Client) Ask(ctx context.Context, q Question) (Answer, error) {
	const op = "core.Ask"
	if !q.Page && !c.silence.mayAsk(c.c.Now()) {
		c.c.Meter.asked("skipped", 0)
		return Answer{}, fault.New(fault.Unavailable, op, "the core is away")
	}
	c.asking.Add(1)
	defer c.asking.Add(-1)
	began := c.c.Now()
	answer, err := c.ask(ctx, q)
	outcome := "answered"
	if err != nil {
		outcome = "away"
	}
	c.c.Meter.asked(outcome, c.c.Now().Sub(began))
	return answer, fault.As(fault.Unavailable, op, err)
}

func (c *Client) ask(ctx context.Context, q Question) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, q.Limit)
	defer cancel()
	req, err := c.request(ctx, http.MethodPost, "/edge/v1/requests", q.Request.Body)
	if err != nil {
		return Answer{}, err
	}
	setHeaders(req.Header, q)
	res, err := c.http.Do(req)
	if err != nil {
		c.silence.heardNothing(c.c.Now())
		return Answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		c.silence.heardNothing(c.c.Now())
		return Answer{}, err
	}
	c.silence.heard()
	if res.StatusCode == http.StatusUnauthorized && res.Header.Get("WWW-Authenticate") != "" {
		c.revoked.Store(true)
		return Answer{}, ErrRevoked
	}
	page := q.Page && strings.HasPrefix(res.Header.Get("Content-Type"), "text/html")
	if res.StatusCode >= http.StatusInternalServerError && !page ||
		res.Header.Get("WWW-Authenticate") != "" {
		return Answer{}, errors.New("the core answered " + res.Status)
	}
	return Answer{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

func setHeaders(h http.Header, q Question) {
	h.Set("User-Agent", "") // the sender's or none, never the library's
	for name, value := range q.Request.Headers {
		h.Set(name, value)
	}
	h.Set(edgeapi.HeaderEventID, q.ID.String())
	h.Set(edgeapi.HeaderReceivedAt, strconv.FormatInt(q.Request.ReceivedAt, 10))
	h.Set(edgeapi.HeaderAuth, q.Request.Auth)
	h.Set(edgeapi.HeaderConfig, strconv.FormatUint(q.Request.Config, 10))
	h.Set(edgeapi.HeaderMethod, q.Request.Method)
	h.Set(edgeapi.HeaderTarget, q.Request.Target)
	if q.Request.KeySHA256 != "" {
		h.Set(edgeapi.HeaderKeySHA256, q.Request.KeySHA256)
	}
}

func (c *Client) request(ctx context.Context, method, path string, body []byte) (*http.Request,
	error) {
	req, err := http.NewRequestWithContext(ctx, method, c.c.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.c.Identity.Key)
	return req, nil
}
