package linetest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"lumo/core/vendortest"
)

const (
	hookTimeout = 2 * time.Second
	hookAgent   = "LineBotWebhook/2.0"
)

// hook is a webhook that waits to be sent.
type hook struct {
	ID      string            `json:"id"`
	Channel string            `json:"channel"`
	Events  []json.RawMessage `json:"events"`
	Due     time.Time         `json:"due"`
	Tries   int               `json:"tries"`
	Swap    bool              `json:"swap"` // goes after the next one
}

// HookTry is one webhook as it was sent, or why it was not.
type HookTry struct {
	Seq       int64           `json:"seq"`
	ID        string          `json:"id"`
	At        time.Time       `json:"at"`
	Channel   string          `json:"channel"`
	URL       string          `json:"url"`
	Try       int             `json:"try"`
	Status    int             `json:"status"`
	Reason    string          `json:"reason"` // OK, ERROR_STATUS_CODE, REQUEST_TIMEOUT, ..
	Detail    string          `json:"detail,omitempty"`
	TookMS    int64           `json:"took_ms"`
	PlainHTTP bool            `json:"plain_http"` // a real LINE would refuse the address
	Body      json.RawMessage `json:"body"`
}

// Reasons why a webhook counts as delivered or not, as LINE's test call names them.
const (
	ReasonOK       = "OK"
	ReasonConnect  = "COULD_NOT_CONNECT"
	ReasonTimeout  = "REQUEST_TIMEOUT"
	ReasonStatus   = "ERROR_STATUS_CODE"
	ReasonOther    = "UNCLASSIFIED"
	ReasonOff      = "WEBHOOK_OFF" // ours: "Use webhook" is off or no URL is set
	redeliveries   = 3
	redeliverAfter = time.Minute // how often and when LINE tries again is not disclosed
)

// emit queues events of one channel. The lock is held; the caller hurries afterwards.
func (s *Server) emit(c *Channel, after time.Duration, events ...json.RawMessage) {
	h := &hook{ID: s.ulid(), Channel: c.MessagingID, Events: events, Due: s.now().Add(after)}
	if f, on := s.faults.Take("line.webhook", vendortest.Late); on {
		h.Due = h.Due.Add(f.Delay())
	}
	if _, on := s.faults.Take("line.webhook", vendortest.Reorder); on {
		h.Swap = true
	}
	s.db.Queue = append(s.db.Queue, h)
	if _, on := s.faults.Take("line.webhook", vendortest.Duplicate); on {
		again := *h
		again.ID, again.Swap = s.ulid(), false
		s.db.Queue = append(s.db.Queue, &again)
	}
}

// Emit sends any event of an account, also of a type that LINE does not have yet. Fields
// that all events share are the caller's affair.
func (s *Server) Emit(channel string, events ...json.RawMessage) bool {
	s.mu.Lock()
	c := s.only(channel)
	if c != nil {
		s.emit(c, 0, events...)
	}
	s.mu.Unlock()
	s.hurry()
	return c != nil
}

// Deliver sends all webhooks that are due, each channel's in order, and returns when all
// were tried.
func (s *Server) Deliver(ctx context.Context) {
	s.round.Lock()
	defer s.round.Unlock()
	var group sync.WaitGroup
	for _, hooks := range s.due() {
		group.Go(func() {
			for _, h := range hooks {
				s.deliver(ctx, h)
			}
		})
	}
	group.Wait()
}

// due takes what is due out of the queue, in the order to send.
func (s *Server) due() map[string][]*hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	out := map[string][]*hook{}
	s.db.Queue = slices.DeleteFunc(s.db.Queue, func(h *hook) bool {
		if h.Due.After(now) {
			return false
		}
		out[h.Channel] = append(out[h.Channel], h)
		return true
	})
	for channel, hooks := range out {
		for i := 0; i < len(hooks)-1; i++ {
			if hooks[i].Swap {
				hooks[i].Swap = false
				hooks[i], hooks[i+1] = hooks[i+1], hooks[i]
				i++
			}
		}
		if last := hooks[len(hooks)-1]; last.Swap { // waits for one to go before it
			s.db.Queue = append(s.db.Queue, last)
			out[channel] = hooks[:len(hooks)-1]
		}
	}
	return out
}

// deliver sends one webhook and queues it again when LINE would.
func (s *Server) deliver(ctx context.Context, h *hook) {
	s.mu.Lock()
	c := s.find(h.Channel)
	if c == nil {
		s.mu.Unlock()
		return
	}
	own := *c
	s.mu.Unlock()
	if h.Tries > 0 {
		for i, e := range h.Events {
			h.Events[i] = bytes.Replace(e, []byte(`"isRedelivery":false`), []byte(`"isRedelivery":true`), 1)
		}
	}
	h.Tries++
	try := HookTry{ID: h.ID, Try: h.Tries, Reason: ReasonOff}
	if own.UseWebhook && own.Endpoint != "" {
		s.given(h.Events)
		try = s.post(ctx, &own, own.Endpoint, h.Events)
		try.ID, try.Try = h.ID, h.Tries
	}
	try.Channel, try.URL = own.MessagingID, own.Endpoint
	s.keepTry(try)
	failed := try.Reason != ReasonOK && try.Reason != ReasonOff
	if failed && own.Redelivery && h.Tries <= redeliveries {
		s.mu.Lock()
		h.Due = s.now().Add(redeliverAfter << (2 * (h.Tries - 1)))
		s.db.Queue = append(s.db.Queue, h)
		s.mu.Unlock()
	}
}

func (s *Server) keepTry(try HookTry) {
	s.mu.Lock()
	s.db.HookSeq++
	try.Seq = s.db.HookSeq
	s.db.Hooks = trim(append(s.db.Hooks, try), s.keep)
	s.mu.Unlock()
	s.changed("webhook", try.ID)
}

// HookLog is every webhook that was sent or could not be, oldest first.
func (s *Server) HookLog() []HookTry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.db.Hooks)
}

// Sign is the signature that LINE puts on a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// payload is the body of a webhook. It is put together by hand, because encoding/json would
// write the events anew.
func payload(destination string, events []json.RawMessage) []byte {
	out := []byte(`{"destination":"` + destination + `","events":[`)
	for i, e := range events {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, "]}"...)
}

// post sends events to an address the way LINE does and tells how it went.
func (s *Server) post(
	ctx context.Context,
	own *Channel,
	address string,
	events []json.RawMessage,
) HookTry {
	body := payload(own.BotUserID, events)
	try := HookTry{At: s.now(), Body: body, Reason: ReasonOther}
	_, plain, allowed := vendortest.Target(address, s.strict)
	if !allowed {
		try.Detail = "the address is not https"
		return try
	}
	try.PlainHTTP = plain
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		try.Detail = "the address is not a URL"
		return try
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", hookAgent)
	req.Header["x-line-signature"] = []string{
		Sign(own.MessagingSecret, body),
	} // lower case, as LINE sends it
	begun := time.Now()
	res, err := s.client.Do(req)
	try.TookMS = time.Since(begun).Milliseconds()
	if err != nil {
		try.Reason, try.Detail = ReasonConnect, "no connection"
		if vendortest.Timeout(err) {
			try.Reason, try.Detail = ReasonTimeout, "no answer within 2 seconds"
		}
		return try
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	try.Status, try.Reason, try.Detail = res.StatusCode, ReasonOK, itoa(res.StatusCode)
	if res.StatusCode/100 != 2 {
		try.Reason, try.Detail = ReasonStatus, itoa(res.StatusCode)+" "+http.StatusText(res.StatusCode)
	}
	return try
}

// setEndpoint is PUT /v2/bot/channel/webhook/endpoint. LINE takes up to a minute to use the
// new address; here it is used at once.
func (s *Server) setEndpoint(c *call) answer {
	var body struct {
		Endpoint string `json:"endpoint"`
	}
	if a, fine := c.json(&body); !fine {
		return a
	}
	_, _, allowed := vendortest.Target(body.Endpoint, s.strict)
	if !allowed || len(body.Endpoint) > 500 {
		return refuse(http.StatusBadRequest, "Invalid webhook endpoint URL")
	}
	s.mu.Lock()
	s.here(c).Endpoint = body.Endpoint
	s.mu.Unlock()
	s.changed("channel", c.channel)
	return ok(nil)
}

// getEndpoint is GET /v2/bot/channel/webhook/endpoint.
func (s *Server) getEndpoint(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.here(c)
	if own.Endpoint == "" {
		return refuse(http.StatusNotFound, "Webhook endpoint not found")
	}
	return ok(map[string]any{"endpoint": own.Endpoint, "active": own.UseWebhook})
}

// testEndpoint is POST /v2/bot/channel/webhook/test. It works also while "Use webhook" is off.
func (s *Server) testEndpoint(c *call) answer {
	var body struct {
		Endpoint string `json:"endpoint"`
	}
	if len(bytes.TrimSpace(c.body)) > 0 {
		if a, fine := c.json(&body); !fine {
			return a
		}
	}
	s.mu.Lock()
	own := *s.here(c)
	s.mu.Unlock()
	address := body.Endpoint
	if address == "" {
		address = own.Endpoint
	}
	if address == "" {
		return refuse(http.StatusNotFound, "Webhook endpoint not found")
	}
	if _, _, allowed := vendortest.Target(address, s.strict); !allowed {
		return refuse(http.StatusBadRequest, "Invalid webhook endpoint URL")
	}
	try := s.post(c.Context(), &own, address, nil)
	try.ID, try.Channel, try.URL = strings.ToUpper(s.ulid()), own.MessagingID, address
	s.keepTry(try)
	return ok(map[string]any{"success": try.Reason == ReasonOK, "timestamp": isoTime(try.At),
		"statusCode": try.Status, "reason": try.Reason, "detail": try.Detail})
}

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
