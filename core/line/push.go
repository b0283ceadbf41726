package line

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"lumo/core/delivery"
	"lumo/core/lumo"
)

const (
	pushPath      = "/v2/bot/message/push"
	retryHeader   = "X-Line-Retry-Key"
	requestHeader = "X-Line-Request-Id"
	acceptedByKey = "X-Line-Accepted-Request-Id"
	usedUpText    = "monthly limit"
	maxRefusal    = 16 << 10
)

// Push sends exact bytes under a retry key. The SDK's client is not used here: it would
// decode and encode the messages again and could change them.
func (c *Client) Push(ctx context.Context, keys lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	for retried := false; ; retried = true {
		token, err := c.Token(ctx, keys)
		if err != nil {
			return delivery.Result{Verdict: delivery.TokenFailed, Status: StatusOf(err)}
		}
		result := c.push(ctx, token, key, body)
		if result.Status == http.StatusUnauthorized && !retried {
			c.Forget(keys, token) // LINE refused it, so nothing was accepted under the key
			continue
		}
		return result
	}
}

func (c *Client) push(ctx context.Context, token string, key uuid.UUID, body []byte) delivery.Result {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.api+pushPath, bytes.NewReader(body))
	if err != nil {
		return delivery.Result{Verdict: delivery.TokenFailed}
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(retryHeader, key.String())
	res, err := c.http.Do(req)
	if err != nil {
		return delivery.Result{Verdict: delivery.Unanswered}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
	result := delivery.Result{Status: res.StatusCode, RequestID: shorten(res.Header.Get(requestHeader))}
	switch {
	case res.StatusCode/100 == 2: // the status is the proof, whatever became of the rest
		result.Verdict = delivery.TakenByLINE
	case res.StatusCode == http.StatusConflict:
		result.Verdict = delivery.TakenByLINE
		result.RequestID = shorten(res.Header.Get(acceptedByKey))
	case res.StatusCode >= http.StatusInternalServerError || err != nil:
		result.Verdict = delivery.Unanswered
	case res.StatusCode == http.StatusTooManyRequests:
		result.Verdict = slowOrUsedUp(text)
	default:
		result.Verdict = delivery.Refused
	}
	return result
}

// slowOrUsedUp tells the two causes of 429 apart; LINE says them by text alone.
func slowOrUsedUp(text []byte) delivery.Verdict {
	var refusal struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &refusal) == nil && strings.Contains(refusal.Message, usedUpText) {
		return delivery.UsedUp
	}
	return delivery.SlowDown
}

func shorten(text string) string { return text[:min(len(text), 64)] }
