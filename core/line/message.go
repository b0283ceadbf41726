package line

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/core/tracking"
	"lumo/shared/fault"
)

const (
	validatePath = "/v2/bot/message/validate/push"
	replyPath    = "/v2/bot/message/reply"
	insightPath  = "/v2/bot/insight/message/event/aggregation"
)

// raw sends one request with a channel's token, once more with a fresh one after a 401. The
// answer's body is read to its end, at most 1 MB.
func (c *Client) raw(ctx context.Context, keys lumo.Keys, method, path string, body []byte) (*http.Response, []byte, error) {
	const op = "line.raw"
	for retried := false; ; retried = true {
		token, err := c.Token(ctx, keys)
		if err != nil {
			return nil, nil, fault.Wrap(op, err)
		}
		req, err := http.NewRequestWithContext(ctx, method, c.api+path, bytes.NewReader(body))
		if err != nil {
			return nil, nil, fault.Wrap(op, err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		if body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		res, err := c.http.Do(req)
		if err != nil {
			return nil, nil, fault.As(fault.Unavailable, op, transport(err))
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return nil, nil, fault.As(fault.Unavailable, op, transport(err))
		}
		if res.StatusCode == http.StatusUnauthorized && !retried {
			c.Forget(keys, token)
			continue
		}
		return res, text, nil
	}
}

// Validate has LINE look at messages, a JSON array, without sending them.
func (c *Client) Validate(ctx context.Context, keys lumo.Keys, messages string) ([]message.Refusal, error) {
	const op = "line.Validate"
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, text, err := c.raw(ctx, keys, http.MethodPost, validatePath, []byte(`{"messages":`+messages+`}`))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	switch res.StatusCode {
	case http.StatusOK:
		return nil, nil
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return refusals(text), nil
	}
	return nil, refusal(op, res)
}

// refusals reads what LINE found. It is shown to the merchant who wrote the messages, and
// stored nowhere.
func refusals(text []byte) []message.Refusal {
	var said struct {
		Message string `json:"message"`
		Details []struct {
			Message  string `json:"message"`
			Property string `json:"property"`
		} `json:"details"`
	}
	if json.Unmarshal(text, &said) != nil || len(said.Details) == 0 {
		return []message.Refusal{{Message: said.Message[:min(len(said.Message), 300)]}}
	}
	var out []message.Refusal
	for _, d := range said.Details {
		out = append(out, message.Refusal{Property: d.Property, Message: d.Message})
	}
	return out
}

// Reply sends the exact body of a reply. Any answer of LINE's is a verdict, an error means
// that none came.
func (c *Client) Reply(ctx context.Context, keys lumo.Keys, body []byte) (message.ReplyVerdict, error) {
	res, text, err := c.raw(ctx, keys, http.MethodPost, replyPath, body)
	if err != nil {
		return message.ReplyVerdict{}, fault.Wrap("line.Reply", err)
	}
	v := message.ReplyVerdict{Status: res.StatusCode, RequestID: shorten(res.Header.Get(requestHeader))}
	if v.Status/100 == 4 {
		v.Refused = refusalOf(text).Data(v.Status)
	}
	return v, nil
}

// Figures reads LINE's own sums of what was sent under a unit between two days of UTC+9, at
// most 30 apart. The SDK reads hidden values as 0, so it is not used.
func (c *Client) Figures(ctx context.Context, keys lumo.Keys, unit string, from, to time.Time) (tracking.LineFigures, error) {
	const op = "line.Figures"
	query := url.Values{"customAggregationUnit": {unit}, "from": {from.Format("20060102")}, "to": {to.Format("20060102")}}
	res, text, err := c.raw(ctx, keys, http.MethodGet, insightPath+"?"+query.Encode(), nil)
	if err != nil {
		return tracking.LineFigures{}, fault.Wrap(op, err)
	}
	if res.StatusCode != http.StatusOK {
		return tracking.LineFigures{}, refusal(op, res)
	}
	var said struct {
		Overview struct {
			Opened  *int64 `json:"uniqueImpression"`
			Clicked *int64 `json:"uniqueClick"`
		} `json:"overview"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return tracking.LineFigures{}, fault.As(fault.Unavailable, op, err)
	}
	return tracking.LineFigures{Opened: said.Overview.Opened, Clicked: said.Overview.Clicked}, nil
}
