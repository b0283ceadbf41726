package line

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lumo/core/delivery"
	"lumo/core/lumo"
)

const (
	pushPath      = "/v2/bot/message/push"
	multicastPath = "/v2/bot/message/multicast"
	retryHeader   = "X-Line-Retry-Key"
	requestHeader = "X-Line-Request-Id"
	acceptedByKey = "X-Line-Accepted-Request-Id"
	usedUpText    = "monthly limit"
	maxRefusal    = 16 << 10
)

// Push sends exact bytes under a retry key. The SDK's client is not used here: it would
// decode and encode the messages again and could change them.
func (c *Client) Push(ctx context.Context, keys lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	return c.send(ctx, pushPath, keys, key, body)
}

// Multicast sends exact bytes to many under a retry key.
func (c *Client) Multicast(ctx context.Context, keys lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	return c.send(ctx, multicastPath, keys, key, body)
}

func (c *Client) send(ctx context.Context, path string, keys lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	for retried := false; ; retried = true {
		token, err := c.Token(ctx, keys)
		if err != nil {
			return delivery.Result{Verdict: delivery.AccountFails, Status: StatusOf(err)}
		}
		result := c.post(ctx, path, token, key, body)
		if result.Status == http.StatusUnauthorized && !retried {
			c.Forget(keys, token) // LINE refused it, so nothing was accepted under the key
			continue
		}
		return result
	}
}

func (c *Client) post(ctx context.Context, path, token string, key uuid.UUID, body []byte) delivery.Result {
	result, err := c.sender.post(ctx, path, token, key, body)
	if err != nil {
		return delivery.Result{Verdict: delivery.Unanswered}
	}
	return result
}

// judged says what an answer proves; earlier is the request that LINE took under the same key,
// unread that its text did not come to its end.
func judged(r delivery.Result, earlier string, text []byte, unread error) delivery.Result {
	switch {
	case r.Status/100 == 2: // the status is the proof, whatever became of the rest
		r.Verdict = delivery.TakenByLINE
	case r.Status == http.StatusConflict:
		r.Verdict, r.RequestID = delivery.TakenByLINE, shorten(earlier)
	case r.Status >= http.StatusInternalServerError || unread != nil:
		r.Verdict = delivery.Unanswered
	case r.Status == http.StatusTooManyRequests:
		r.Verdict = slowOrUsedUp(text)
	case r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden:
		r.Verdict = delivery.AccountFails
	default:
		r.Verdict, r.Bad, r.Refusal = delivery.Refused, badRecipient(text), refusalOf(text)
	}
	return r
}

// refusalOf reads why LINE refused a message: in its own words, with what it names, and for the
// usual causes also as a kind. Words may repeat what we sent: whose it was stays out of them.
func refusalOf(text []byte) delivery.Refusal {
	var said struct {
		Message string `json:"message"`
		Details []struct {
			Message  string `json:"message"`
			Property string `json:"property"`
		} `json:"details"`
	}
	if json.Unmarshal(text, &said) != nil {
		return delivery.Refusal{}
	}
	words := said.Message
	for _, d := range said.Details[:min(len(said.Details), 3)] {
		words += "; " + strings.TrimSpace(d.Message+" "+d.Property)
	}
	words = strings.TrimRight(words, ". ")
	r := delivery.Refusal{Words: cut(lineID.ReplaceAllString(plain(words), "U…$1"), 300)}
	switch {
	case said.Message == "Failed to send messages", strings.HasPrefix(said.Message, "The property, 'to'"),
		strings.HasPrefix(said.Message, "The property, to["):
		r.Kind = delivery.UnknownPerson
	case len(said.Details) > 0, strings.HasPrefix(said.Message, "A message (messages["):
		r.Kind = delivery.BadMessage
	}
	return r
}

var lineID = regexp.MustCompile(`\b[UCR][0-9a-f]{28}([0-9a-f]{4})\b`)

// cut keeps the beginning of a text, whole characters of it.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// badRecipient is one more than the place of the id that LINE names as the reason why it
// refused a multicast; 0 = it names none.
func badRecipient(text []byte) int {
	var refusal struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &refusal) != nil {
		return 0
	}
	_, after, _ := strings.Cut(refusal.Message, "to[")
	digits, _, closed := strings.Cut(after, "]")
	n, err := strconv.Atoi(digits)
	if !closed || err != nil || n < 0 || n >= 500 {
		return 0
	}
	return n + 1
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
