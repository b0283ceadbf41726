package klaviyo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const mediaType = "application/vnd.api+json"

// request is one call of the API.
type request struct {
	op     string
	method string
	path   string
	query  url.Values
	body   any   // nil = none
	answer any   // where to decode a success, nil = nowhere
	most   int64 // bytes of an answer, 0 = maxAnswer
}

// do sends a request with an account's access token. wait is how long the next request of
// this kind should wait, as Klaviyo's limits say.
func (c *Client) do(ctx context.Context, token lumo.Secret, r request) (
	wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := c.newRequest(ctx, token, r)
	if err != nil {
		return 0, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, unanswered(ctx, r.op, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, cmp.Or(r.most, maxAnswer)))
	if err != nil {
		return 0, unanswered(ctx, r.op, err)
	}
	if res.StatusCode/100 != 2 {
		return retryAfter(res.Header.Get("Retry-After")), refusal(r.op, res.StatusCode, res.Header, body)
	}
	wait = pause(res.Header)
	if r.answer == nil {
		return wait, nil
	}
	if err := json.Unmarshal(body, r.answer); err != nil {
		return wait, fault.As(fault.Unavailable, r.op, errors.New("the answer is not what the API promises"))
	}
	return wait, nil
}

func (c *Client) newRequest(ctx context.Context, token lumo.Secret, r request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			return nil, fault.As(fault.Invalid, r.op, errors.New("the request cannot be written as JSON"))
		}
		body = bytes.NewReader(encoded)
	}
	target := c.api + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, fault.As(fault.Internal, r.op, errors.New("the address of the API is not a URL"))
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.Header.Set("Revision", Revision)
	req.Header.Set("Accept", mediaType)
	if r.body != nil {
		req.Header.Set("Content-Type", mediaType)
	}
	return req, nil
}
