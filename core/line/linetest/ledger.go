package linetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// keyLife is how long LINE knows a retry key.
const keyLife = 24 * time.Hour

// acceptedKey is a retry key that was accepted. Keys are kept per channel; LINE does not say.
type acceptedKey struct {
	Request string        `json:"request"`
	At      time.Time     `json:"at"`
	Sent    []sentMessage `json:"sent"`
}

// acceptedBefore finds a key's first request. The lock is held.
func (s *Server) acceptedBefore(c *Channel, key string) *acceptedKey {
	if key == "" {
		return nil
	}
	first := s.db.Keys[c.MessagingID+" "+strings.ToLower(key)]
	if first == nil || s.now().Sub(first.At) >= keyLife {
		return nil
	}
	return first
}

// keepKey remembers an accepted key. The lock is held.
func (s *Server) keepKey(c *Channel, key, request string, sent []sentMessage) {
	if key == "" {
		return
	}
	if len(s.db.Keys)%1024 == 1023 {
		for old, k := range s.db.Keys {
			if s.now().Sub(k.At) >= keyLife {
				delete(s.db.Keys, old)
			}
		}
	}
	s.db.Keys[c.MessagingID+" "+strings.ToLower(key)] = &acceptedKey{request, s.now(), sent}
}

// repeated is the answer to a key that was accepted before; for push it holds the ids of
// the messages once more.
func repeated(first *acceptedKey, api string) answer {
	body := map[string]any{"message": textRetryKey}
	if api == "line.push" {
		body["sentMessages"] = first.Sent
	}
	return answer{status: http.StatusConflict, body: body,
		header: map[string]string{"X-Line-Accepted-Request-Id": first.Request}}
}

// note records a request that came to nothing.
func (s *Server) note(c *call, api, result string, status int) {
	s.mu.Lock()
	s.record(c, api, result, status)
	s.mu.Unlock()
	s.changed("sent", c.id)
}

// record adds a row to the ledger. The row may be changed while the lock is held.
func (s *Server) record(c *call, api, result string, status int) *Sent {
	var body struct {
		To json.RawMessage `json:"to"`
	}
	_ = json.Unmarshal(c.body, &body) // a body that cannot be read has no recipients
	var one string
	many := []string{}
	if json.Unmarshal(body.To, &one) == nil && one != "" {
		many = []string{one}
	} else if json.Unmarshal(body.To, &many) != nil {
		many = []string{}
	}
	raw := json.RawMessage(c.body)
	if !json.Valid(c.body) {
		raw, _ = json.Marshal(string(c.body)) // a string
	}
	sum := sha256.Sum256(c.body)
	s.db.SentSeq++
	s.db.Sent = append(s.db.Sent, Sent{Seq: s.db.SentSeq, At: s.now(), Channel: c.channel,
		API: strings.TrimPrefix(api, "line."), RequestID: c.id,
		RetryKey: c.Header.Get("X-Line-Retry-Key"), To: many, Body: raw,
		BodyHash: hex.EncodeToString(sum[:]), Status: status, Result: result,
		Delivered: []string{}})
	s.db.Sent = trim(s.db.Sent, s.keep)
	return &s.db.Sent[len(s.db.Sent)-1]
}

// trim keeps the newest rows of a log. It waits until there is a quarter too many, so that
// a busy log is not moved with every row.
func trim[T any](rows []T, keep int) []T {
	if keep > 0 && len(rows) > keep+keep/4 {
		return slices.Delete(rows, 0, len(rows)-keep)
	}
	return rows
}

// Ledger is everything LINE accepted, oldest first.
func (s *Server) Ledger() []Sent {
	var out []Sent
	for _, row := range s.Attempts() {
		if row.Result == Accepted {
			out = append(out, row)
		}
	}
	return out
}

// Attempts is every sending request that arrived, oldest first.
func (s *Server) Attempts() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.db.Sent)
}

// ForgetSent empties the ledger.
func (s *Server) ForgetSent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db.Sent = nil
}
