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
	"slices"
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

// hookEvent waits to be told to a system webhook.
type hookEvent struct {
	Hook    string          `json:"hook"`
	Topic   string          `json:"topic"`
	ID      string          `json:"id"` // external_id: the same in each attempt
	Payload json.RawMessage `json:"payload"`
	Due     time.Time       `json:"due"`
	Tries   int             `json:"tries"`
}

// HookTry is one request to a system webhook.
type HookTry struct {
	At     time.Time       `json:"at"`
	Hook   string          `json:"hook"`
	URL    string          `json:"url"`
	Topics []string        `json:"topics"`
	Try    int             `json:"try"`
	Status int             `json:"status"` // 0 = no answer
	Body   json.RawMessage `json:"body"`
}

const (
	hookBatch = 1000
	// hookTries and the waits between them are not known of Klaviyo.
	hookTries = 4
	hookWait  = time.Minute
)

// queueHooks lets the webhooks of a topic hear of something. The lock is held.
func (s *Server) queueHooks(t *site, topic, id string, payload any) {
	for _, h := range t.Hooks {
		if h.Enabled && slices.Contains(h.Topics, topic) {
			t.HookQueue = append(t.HookQueue, &hookEvent{Hook: h.ID, Topic: topic, ID: id, Payload: raw(payload),
				Due: s.now().Add(time.Duration(t.Account.WebhookDelaySeconds) * time.Second)})
		}
	}
}

// deliverHooks sends what is due, in batches per webhook, and tells how many it sent.
func (s *Server) deliverHooks(ctx context.Context) int {
	type batch struct {
		site   *site
		hook   hook
		owner  string
		events []*hookEvent
	}
	var due []batch
	s.mu.Lock()
	for _, id := range s.db.Order {
		t := s.db.Sites[id]
		for _, h := range t.Hooks {
			b := batch{site: t, hook: *h, owner: id}
			t.HookQueue = slices.DeleteFunc(t.HookQueue, func(e *hookEvent) bool {
				if e.Hook != h.ID || e.Due.After(s.now()) || len(b.events) == hookBatch {
					return false
				}
				b.events = append(b.events, e)
				return true
			})
			if len(b.events) > 0 {
				due = append(due, b)
			}
		}
	}
	s.mu.Unlock()
	for _, b := range due {
		status, _ := s.postHook(ctx, b.hook, b.owner, b.events) // no answer is status 0
		s.mu.Lock()
		for _, e := range b.events {
			if e.Tries++; status/100 != 2 && e.Tries < hookTries {
				e.Due = s.now().Add(hookWait << (2 * (e.Tries - 1)))
				b.site.HookQueue = append(b.site.HookQueue, e)
			}
		}
		s.mu.Unlock()
		s.changed("klaviyo_webhook", b.hook.ID)
	}
	return len(due)
}

// HookLog is what was sent to system webhooks, oldest first.
func (s *Server) HookLog(account string) []HookTry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.site(account); t != nil {
		return slices.Clone(t.HookLog)
	}
	return nil
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
	t := s.site(account)
	if t != nil {
		h = t.hook(id)
	}
	if h == nil || !h.Enabled {
		s.mu.Unlock()
		return 0, fault.New(fault.NotFound, op, "There is no such webhook, or it is off.")
	}
	kept, owner := *h, t.Account.ID
	s.mu.Unlock()
	if len(payload) == 0 {
		payload = json.RawMessage("{}")
	}
	return s.postHook(ctx, kept, owner, []*hookEvent{{Topic: topic, ID: s.uuid(), Payload: payload}})
}

// postHook makes one request, signed as Klaviyo does.
func (s *Server) postHook(ctx context.Context, h hook, owner string, events []*hookEvent) (int, error) {
	const op = "klaviyotest.SendHook"
	if _, ok := s.local(h.URL); !ok {
		return 0, fault.New(fault.Invalid, op, "The endpoint is not https.")
	}
	data, topics := []any{}, []string{}
	for _, e := range events {
		data = append(data, object{"topic": e.Topic, "external_id": e.ID,
			"payload": object{"data": e.Payload}})
		if !slices.Contains(topics, e.Topic) {
			topics = append(topics, e.Topic)
		}
	}
	body := raw(object{
		"meta": object{"timestamp": moment(s.now()), "klaviyo_webhook_id": h.ID,
			"klaviyo_account_id": owner, "version": 2},
		"data": data,
	})
	timestamp := strconv.FormatInt(s.now().Add(skew).Unix(), 10)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return 0, fault.New(fault.Invalid, op, "The endpoint is not an address.")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Klaviyo-Webhook-Id", h.ID)
	req.Header.Set("Klaviyo-Timestamp", timestamp)
	req.Header.Set("Klaviyo-Signature", SignHook(h.Secret, body, timestamp))
	try := HookTry{At: s.now(), Hook: h.ID, URL: h.URL, Topics: topics, Try: events[0].Tries + 1, Body: body}
	res, err := s.client.Do(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
		_ = res.Body.Close()
		try.Status = res.StatusCode
	}
	s.mu.Lock()
	if t := s.db.Sites[owner]; t != nil {
		t.HookLog = trim(append(t.HookLog, try), s.keep)
	}
	s.mu.Unlock()
	if err != nil {
		return 0, fault.New(fault.Unavailable, op, "The endpoint cannot be reached.")
	}
	return try.Status, nil
}
