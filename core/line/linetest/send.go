package linetest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// outside is how long somebody who is no friend can be reached after writing.
const outside = 7 * 24 * time.Hour

// request is the body of a sending request; each kind uses its part.
type request struct {
	To       json.RawMessage   `json:"to"`
	Token    *string           `json:"replyToken"`
	Messages []json.RawMessage `json:"messages"`
	Silent   bool              `json:"notificationDisabled"`
	Units    []string          `json:"customAggregationUnits"` // the SDK sends null
}

// sentMessage is how LINE names a message it took.
type sentMessage struct {
	ID    string `json:"id"`
	Quote string `json:"quoteToken,omitempty"`
}

// sending tells whether an API name is one that the ledger notes.
func sending(api string) bool {
	switch api {
	case "line.push", "line.reply", "line.multicast", "line.broadcast":
		return true
	}
	return false
}

// push is POST /v2/bot/message/push.
func (s *Server) push(c *call) answer {
	return s.send(c, "line.push", true, func(own *Channel, r *request) ([]*Person, *answer) {
		var to string
		if json.Unmarshal(r.To, &to) != nil || !recipientForm(to) {
			a := refuse(http.StatusBadRequest,
				"The property, 'to', in the request body is invalid (line: -, column: -)")
			return nil, &a
		}
		p := s.byUser(own.Provider, to)
		if p == nil {
			a := refuse(http.StatusBadRequest, textFailed)
			return nil, &a
		}
		return []*Person{p}, nil
	})
}

// multicast is POST /v2/bot/message/multicast. One malformed id refuses the whole request;
// a well-formed unknown one is taken and reaches nobody (LINE documents both ways).
func (s *Server) multicast(c *call) answer {
	return s.send(c, "line.multicast", true, func(own *Channel, r *request) ([]*Person, *answer) {
		var to []string
		if json.Unmarshal(r.To, &to) != nil || len(to) == 0 || len(to) > 500 {
			a := refuse(http.StatusBadRequest, "The request body has 1 error(s)",
				detail{"Size must be between 1 and 500", "to"})
			return nil, &a
		}
		var people []*Person
		for i, id := range to {
			if !userIDForm(id) {
				a := refuse(http.StatusBadRequest, "The property, to["+itoa(i)+
					"], in the request body is invalid (line: -, column: -)")
				return nil, &a
			}
			if p := s.byUser(own.Provider, id); p != nil {
				people = append(people, p)
			}
		}
		return people, nil
	})
}

// broadcast is POST /v2/bot/message/broadcast.
func (s *Server) broadcast(c *call) answer {
	return s.send(c, "line.broadcast", true, func(own *Channel, _ *request) ([]*Person, *answer) {
		var people []*Person
		for _, p := range s.db.Crowd {
			if s.friendship(own, p).State == Friend {
				people = append(people, p)
			}
		}
		return people, nil
	})
}

// reply is POST /v2/bot/message/reply.
func (s *Server) reply(c *call) answer {
	return s.send(c, "line.reply", false, func(own *Channel, r *request) ([]*Person, *answer) {
		t := s.takeReply(own, r.Token)
		if t == nil {
			a := refuse(http.StatusBadRequest, "Invalid reply token")
			return nil, &a
		}
		p := s.person(t.Person)
		if p == nil {
			return nil, nil
		}
		return []*Person{p}, nil
	})
}

// validate is POST /v2/bot/message/validate/*: it looks at the messages only.
func (s *Server) validate(c *call) answer {
	var r request
	if a, fine := c.json(&r); !fine {
		return a
	}
	if _, a := s.examine(r.Messages); a != nil {
		return *a
	}
	return ok(nil)
}

// recipientForm is what push takes: a user, a group or a room.
func recipientForm(text string) bool {
	return len(text) == 33 && strings.ContainsRune("UCR", rune(text[0])) &&
		strings.Trim(text[1:], "0123456789abcdef") == ""
}

// send is what all sending requests share. audience runs with the lock held.
func (s *Server) send(c *call, api string, keys bool,
	audience func(*Channel, *request) ([]*Person, *answer)) answer {
	a, reached := s.accept(c, api, keys, audience)
	s.changed("sent", c.id)
	for _, person := range reached {
		s.changed("chat", person)
	}
	return a
}

// accept decides and records; it answers also whose phones got something.
func (s *Server) accept(c *call, api string, keys bool,
	audience func(*Channel, *request) ([]*Person, *answer)) (answer, []string) {
	key := c.Header.Get("X-Line-Retry-Key") // the SDK sends it empty when there is none
	if key != "" && (!keys || uuidForm(key) != nil) {
		s.note(c, api, Rejected, http.StatusBadRequest)
		return refuse(
			http.StatusBadRequest,
			"The value for the 'X-Line-Retry-Key' header is invalid",
		), nil
	}
	var r request
	if a, fine := c.json(&r); !fine {
		s.note(c, api, Rejected, a.status)
		return a, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.here(c)
	if first := s.acceptedBefore(own, key); first != nil {
		s.record(c, api, Repeated, http.StatusConflict).Accepted = first.Request
		return repeated(first, api), nil
	}
	notes, fault := s.examine(r.Messages)
	if fault == nil {
		fault = unitsFault(r.Units)
	}
	var people []*Person
	if fault == nil {
		people, fault = audience(own, &r)
	}
	if fault != nil {
		s.record(c, api, Rejected, fault.status)
		return *fault, nil
	}
	return s.hand(c, own, api, key, &r, people, notes)
}

// hand delivers to those who can be reached, unless the month's limit forbids it. The lock
// is held.
func (s *Server) hand(c *call, own *Channel, api, key string, r *request, people []*Person,
	notes []string) (answer, []string) {
	var reached []*Person
	for _, p := range people {
		if s.reachable(own, p) {
			reached = append(reached, p)
		}
	}
	if api != "line.reply" {
		used := s.db.Used[s.month(own)]
		if own.Quota != nil && used+max(int64(len(reached)), 1) > *own.Quota {
			s.record(c, api, OverQuota, http.StatusTooManyRequests)
			return refuse(http.StatusTooManyRequests, textQuota), nil
		}
		s.db.Used[s.month(own)] = used + int64(len(reached))
	}
	row := s.record(c, api, Accepted, http.StatusOK)
	row.Notes = notes
	sent := s.name(r.Messages)
	unit := s.unit(own, r.Units)
	s.tally(own, strings.TrimPrefix(api, "line."), len(people))
	var ids []string
	for _, p := range reached {
		row.Delivered = append(row.Delivered, UserID(own.Provider, p.ID))
		ids = append(ids, p.ID)
		s.show(own, p, r, sent, c.id, unit)
	}
	s.keepKey(own, key, c.id, sent)
	if api == "line.push" || api == "line.reply" {
		return ok(map[string]any{"sentMessages": sent}), ids
	}
	return ok(nil), ids
}

// reachable tells whether a message shows up on the person's phone. The lock is held.
func (s *Server) reachable(c *Channel, p *Person) bool {
	f := s.friendship(c, p)
	wrote := f.State == None && !f.WroteAt.IsZero() && s.now().Sub(f.WroteAt) < outside
	return !p.Deleted && (f.State == Friend || wrote)
}

// name gives each message its id, and a quote token to those that can be quoted.
func (s *Server) name(messages []json.RawMessage) []sentMessage {
	var out []sentMessage
	for _, raw := range messages {
		s.db.Numbers++
		m := sentMessage{ID: itoa(int(540_000_000_000_000_000 + s.db.Numbers))}
		var kind struct {
			Type string `json:"type"`
		}
		_ = json.Unmarshal(raw, &kind) // examined before
		switch kind.Type {
		case "text", "textV2", "sticker", "image", "video", "template":
			m.Quote = "q" + strings.ReplaceAll(s.requestID(), "-", "")
		}
		out = append(out, m)
	}
	return out
}

// show puts the messages into the chat. The lock is held.
func (s *Server) show(c *Channel, p *Person, r *request, sent []sentMessage, request, unit string) {
	for i, raw := range r.Messages {
		s.db.Chats[p.ID] = append(s.db.Chats[p.ID], &Message{ID: sent[i].ID, At: s.now(),
			Channel: c.MessagingID, Account: c.account(), From: "account",
			Message: append(json.RawMessage{}, raw...), Silent: r.Silent, Request: request,
			Seq: i + 1, Unit: unit})
	}
	s.db.Chats[p.ID] = trim(s.db.Chats[p.ID], s.keep)
}

func uuidForm(text string) error {
	if len(text) != 36 {
		return uuid.Validate("")
	}
	return uuid.Validate(text)
}

// unitForm tells whether a text can be the name of a statistics unit.
func unitForm(text string) bool {
	return len(text) >= 1 && len(text) <= 30 && strings.Trim(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// unitsFault checks the names of statistics units.
func unitsFault(units []string) *answer {
	if len(units) > 1 {
		a := refuse(http.StatusBadRequest, "The request body has 1 error(s)",
			detail{"Size must be between 0 and 1", "customAggregationUnits"})
		return &a
	}
	for _, unit := range units {
		if !unitForm(unit) {
			a := refuse(http.StatusBadRequest, "The request body has 1 error(s)",
				detail{"Invalid custom aggregation unit", "customAggregationUnits[0]"})
			return &a
		}
	}
	return nil
}
