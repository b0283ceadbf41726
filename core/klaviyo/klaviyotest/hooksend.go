package klaviyotest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"lumo/shared/fault"
)

// skew is how far the clock in the header of system webhooks was off when it was seen live;
// it is input of the signature only.
const skew = -5 * time.Hour

// Hook is a system webhook as its maker knows it.
type Hook struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	URL     string   `json:"url"`
	Secret  string   `json:"secret"`
	Enabled bool     `json:"enabled"`
	Topics  []string `json:"topics"`
}

// Hooks lists an account's system webhooks.
func (s *Server) Hooks(account string) []Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Hook{}
	if t := s.site(account); t != nil {
		for _, h := range t.Hooks {
			out = append(out, Hook{h.ID, h.Name, h.URL, h.Secret, h.Enabled, h.Topics})
		}
	}
	return out
}

// SignHook is the signature of a system webhook: lower-case hexadecimal HMAC-SHA256 of the
// body followed by the timestamp header.
func SignHook(secret string, body []byte, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return hex.EncodeToString(mac.Sum(nil))
}

// SendHook sends one event to a system webhook now; Klaviyo itself waits minutes and sends
// batches. It gives the status of the answer.
func (s *Server) SendHook(
	ctx context.Context,
	account, id, topic string,
	payload json.RawMessage,
) (int, error) {
	const op = "klaviyotest.SendHook"
	s.mu.Lock()
	var h *hook
	if t := s.site(account); t != nil {
		h = t.hook(id)
	}
	if h == nil || !h.Enabled {
		s.mu.Unlock()
		return 0, fault.New(fault.NotFound, op, "There is no such webhook, or it is off.")
	}
	address, secret, owner := h.URL, h.Secret, s.site(account).Account.ID
	s.mu.Unlock()
	if _, ok := s.local(address); !ok {
		return 0, fault.New(fault.Invalid, op, "The endpoint is not https.")
	}
	if len(payload) == 0 {
		payload = json.RawMessage("{}")
	}
	body := raw(object{
		"meta": object{"timestamp": moment(s.now()), "klaviyo_webhook_id": id,
			"klaviyo_account_id": owner, "version": 2},
		"data": []any{
			object{"topic": topic, "external_id": s.uuid(), "payload": object{"data": payload}},
		},
	})
	timestamp := strconv.FormatInt(s.now().Add(skew).Unix(), 10)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, fault.New(fault.Invalid, op, "The endpoint is not an address.")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Klaviyo-Webhook-Id", id)
	req.Header.Set("Klaviyo-Timestamp", timestamp)
	req.Header.Set("Klaviyo-Signature", SignHook(secret, body, timestamp))
	res, err := s.client.Do(req)
	if err != nil {
		return 0, fault.New(fault.Unavailable, op, "The endpoint cannot be reached.")
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	return res.StatusCode, nil
}
