package linetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"lumo/shared/fault"
)

// replyToken lets the account answer one event.
type replyToken struct {
	Channel string    `json:"channel"`
	Person  string    `json:"person"`
	At      time.Time `json:"at"`
	Used    bool      `json:"used"`
	// Given is when a webhook last carried the token.
	Given time.Time `json:"given,omitzero"`
}

// event is a webhook event in the order of LINE's own.
type event struct {
	Type     string         `json:"type"`
	Message  any            `json:"message,omitempty"`
	Postback any            `json:"postback,omitempty"`
	Follow   any            `json:"follow,omitempty"`
	ID       string         `json:"webhookEventId"`
	Delivery map[string]any `json:"deliveryContext"`
	At       int64          `json:"timestamp"`
	Source   map[string]any `json:"source"`
	Reply    string         `json:"replyToken,omitempty"`
	Mode     string         `json:"mode"`
}

// happen makes an event of a person on an account. The lock is held.
func (s *Server) happen(c *Channel, p *Person, e event, reply bool) json.RawMessage {
	e.ID, e.At, e.Mode = strings.ToUpper(s.ulid()), s.now().UnixMilli(), "active"
	e.Delivery = map[string]any{"isRedelivery": false}
	e.Source = map[string]any{"type": "user", "userId": UserID(c.Provider, p.ID)}
	if reply {
		e.Reply = strings.ReplaceAll(s.requestID(), "-", "")
		s.db.Replies[e.Reply] = &replyToken{Channel: c.MessagingID, Person: p.ID, At: s.now()}
	}
	var raw bytes.Buffer
	encoder := json.NewEncoder(&raw)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(e) // our own types
	return bytes.TrimSpace(raw.Bytes())
}

// replyLife is how long after its event a token may be used at all.
const replyLife = 20 * time.Minute

// given notes that events are on their way: their reply tokens last a minute from now.
func (s *Server) given(events []json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, raw := range events {
		var e struct {
			Reply string `json:"replyToken"`
		}
		if json.Unmarshal(raw, &e) != nil {
			continue
		}
		if t := s.db.Replies[e.Reply]; t != nil {
			t.Given = s.now()
		}
	}
}

// takeReply uses a reply token up: once, within a minute of the webhook that brought it,
// also when that came again. The lock is held.
func (s *Server) takeReply(c *Channel, token *string) *replyToken {
	if token == nil {
		return nil
	}
	t := s.db.Replies[*token]
	if t == nil || t.Used || t.Channel != c.MessagingID || s.now().Sub(t.At) > replyLife {
		return nil
	}
	if since := s.now().Sub(t.At); since > time.Minute && s.now().Sub(t.Given) > time.Minute {
		return nil
	}
	t.Used = true
	return t
}

// act runs an action of a person on an account under the lock, then sends what it caused.
func (s *Server) act(op, person, channel string, do func(*Channel, *Person) error) error {
	s.mu.Lock()
	c, p := s.only(channel), s.person(person)
	var err error
	switch {
	case p == nil:
		err = fault.New(fault.NotFound, op, "There is no such person.")
	case c == nil:
		err = fault.New(fault.NotFound, op, "There is no such LINE account.")
	default:
		err = do(c, p)
	}
	s.mu.Unlock()
	s.hurry()
	if err == nil {
		s.changed("person", person)
	}
	return err
}

// Follow makes a person a friend of an account; LINE tells the account. Someone who is a
// friend already stays one, and nobody is told. An empty channel is the first account.
func (s *Server) Follow(person, channel string) error {
	return s.act("linetest.Follow", person, channel, func(c *Channel, p *Person) error {
		if e := s.befriend(c, p); e != nil {
			s.emit(c, 0, e)
		}
		return nil
	})
}

// befriend changes the state and gives the event, nil when nothing changed. The lock is held.
func (s *Server) befriend(c *Channel, p *Person) json.RawMessage {
	f := s.friendship(c, p)
	if f.State == Friend {
		return nil
	}
	unblocked := f.State == Blocked
	f.State, f.Since = Friend, s.now()
	return s.happen(
		c,
		p,
		event{Type: "follow", Follow: map[string]any{"isUnblocked": unblocked}},
		true,
	)
}

// Block ends a friendship; LINE tells the account with an unfollow event.
func (s *Server) Block(person, channel string) error {
	return s.act("linetest.Block", person, channel, func(c *Channel, p *Person) error {
		f := s.friendship(c, p)
		if f.State != Friend {
			return fault.New(fault.Conflict, "linetest.Block", "Only a friend can block the account.")
		}
		f.State, f.Since, f.WasBlocked, f.WroteAt = Blocked, s.now(), true, time.Time{}
		s.emit(c, 0, s.happen(c, p, event{Type: "unfollow"}, false))
		return nil
	})
}

// Unblock makes a blocked account a friend again.
func (s *Server) Unblock(person, channel string) error {
	return s.act("linetest.Unblock", person, channel, func(c *Channel, p *Person) error {
		if s.friendship(c, p).State != Blocked {
			return fault.New(fault.Conflict, "linetest.Unblock", "The account is not blocked.")
		}
		s.emit(c, 0, s.befriend(c, p))
		return nil
	})
}

// Say writes a text to an account. Blocked accounts cannot be written to.
func (s *Server) Say(person, channel, text string) error {
	return s.act("linetest.Say", person, channel, func(c *Channel, p *Person) error {
		f := s.friendship(c, p)
		if f.State == Blocked {
			return fault.New(fault.Conflict, "linetest.Say", "Unblock the account before writing to it.")
		}
		f.WroteAt = s.now()
		s.db.Numbers++
		id := itoa(int(540_000_000_000_000_000 + s.db.Numbers))
		message := map[string]any{"type": "text", "id": id, "text": text,
			"quoteToken": "q" + strings.ReplaceAll(s.requestID(), "-", "")}
		shown, _ := json.Marshal(map[string]string{"type": "text", "text": text}) // strings
		s.db.Chats[p.ID] = append(s.db.Chats[p.ID], &Message{ID: id, At: s.now(),
			Channel: c.MessagingID, Account: c.account(), From: "person", Message: shown})
		s.emit(c, 0, s.happen(c, p, event{Type: "message", Message: message}, true))
		return nil
	})
}

// Postback taps something that sends data to the account.
func (s *Server) Postback(person, channel, data string) error {
	return s.act("linetest.Postback", person, channel, func(c *Channel, p *Person) error {
		s.emit(c, 0, s.happen(c, p, event{Type: "postback",
			Postback: map[string]any{"data": data}}, true))
		return nil
	})
}

// Switch turns a phone off or on, or deletes the person's LINE account.
func (s *Server) Switch(person string, edit func(*Person)) error {
	return s.act("linetest.Switch", person, "", func(_ *Channel, p *Person) error {
		edit(p)
		return nil
	})
}

// Chat is what a person's phone shows, oldest first. A channel narrows it to one account.
func (s *Server) Chat(person, channel string) ([]Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.person(person) == nil {
		return nil, fault.New(fault.NotFound, "linetest.Chat", "There is no such person.")
	}
	out := []Message{}
	for _, m := range s.db.Chats[person] {
		if channel == "" || m.Channel == channel {
			out = append(out, *m)
		}
	}
	return out, nil
}

// ClearChat empties a phone's chats; the ledger keeps what was sent.
func (s *Server) ClearChat(person string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.db.Chats, person)
}

// RemovePerson takes a person out of the simulation.
func (s *Server) RemovePerson(person string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(person)
	if i < 0 {
		return fault.New(fault.NotFound, "linetest.RemovePerson", "There is no such person.")
	}
	s.db.Crowd = slices.Delete(s.db.Crowd, i, i+1)
	s.crowd = crowd{}
	delete(s.db.Chats, person)
	delete(s.db.Jars, person)
	for _, friends := range s.db.Friends {
		delete(friends, person)
	}
	return nil
}

// String names a friendship in logs of tests.
func (f Friendship) String() string { return fmt.Sprintf("%s since %s", f.State, f.Since) }
