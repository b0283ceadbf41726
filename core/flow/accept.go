package flow

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"net/textproto"
	"strings"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/webhooksig"
)

const (
	profileLimit = 700 * time.Millisecond
	// usedEvery is how exactly a key's last use is known: calls do not wait for each other to
	// write it down.
	usedEvery = time.Minute
)

// HandleEdge takes one call. Whatever it answers, the call stands in the database.
func (s *Service) HandleEdge(ctx context.Context, in lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	c := &call{in: in}
	if c.body, c.bad = ParseBody(in.Body); c.bad == nil && c.body.VarsBroken {
		s.fillFromProfile(ctx, c.request(), &c.body)
	}
	r, err := s.take(ctx, c)
	if err != nil {
		return lumo.EdgeAnswer{}, fault.Wrap("flow.HandleEdge", err)
	}
	return answer(r), nil
}

// request is the call before anything is known of it.
func (c *call) request() Request {
	return Request{ID: c.in.ID, Merchant: c.in.Merchant, Channel: lumo.ChannelID(c.in.Subject), ReceivedAt: c.in.ReceivedAt,
		Auth: c.in.Auth, FlowID: clip(header(c.in, "X-Klaviyo-Flow-Id"), 64), Data: map[string]any{}, Body: c.in.Body}
}

// notSent is what the timeline, or where no friend was found the figures alone, says of a call that
// led to no message.
func notSent(r Request) map[string]any {
	data := maps.Clone(r.Data)
	data["reason"], data["request"] = r.Reason, r.ID.String()
	if r.FlowID != "" {
		data["flow"] = r.FlowID
	}
	if r.Message != (lumo.MessageID{}) {
		data["message"] = r.Message.String()
	}
	if r.Friend == (lumo.FriendID{}) && r.Profile != "" {
		data["profile"] = string(r.Profile)
	}
	return data
}

func (s *Service) first(ctx context.Context, r Request) (found Request, err error) {
	err = s.Tenants.InTenant(ctx, r.Merchant, func(ctx context.Context) error {
		found, err = s.Store.Outcome(ctx, r.Merchant, r.ID)
		return err
	})
	return found, err
}

// decide judges a call by looking alone: key, body, message, recipient. A call without an
// outcome after that asks for a message.
func (s *Service) decide(ctx context.Context, c *call, keys []Key, from sources) error {
	r := &c.taken
	ok, err := s.checkKey(ctx, r, c.in, keys)
	if err != nil || !ok {
		return err
	}
	if c.bad != nil {
		*r = r.refuse(edgeapi.BadBody, map[string]any{"line": fault.FieldsOf(c.bad)["line"]})
		return nil
	}
	b := c.body
	r.Step, r.Profile, r.EventRef = clip(b.Step, 64), lumo.ProfileID(clip(b.ProfileID, 64)), clip(b.EventID, 255)
	var done bool
	if c.content, done, err = s.content(ctx, from, r, b); err != nil || done {
		return err
	}
	if c.friend, done, err = s.recipient(ctx, from, r, b); err != nil || done {
		return err
	}
	return s.inTime(ctx, r)
}

// inTime skips a call that is too old. Nearly all are seconds old, which no merchant's limit
// forbids: for them it is not read.
func (s *Service) inTime(ctx context.Context, r *Request) error {
	age := s.Now().Sub(r.ReceivedAt)
	if age <= delivery.LeastTooLate {
		return nil
	}
	limit, err := s.Planner.TooLate(ctx, r.Merchant, r.Channel)
	if err == nil && age > limit {
		*r = r.skip(edgeapi.TooLate, delivery.Late(age, limit))
	}
	return err
}

// checkKey finds the key that counted when the edge took the call.
func (s *Service) checkKey(ctx context.Context, r *Request, in lumo.EdgeRequest, keys []Key) (bool, error) {
	presented := header(in, HeaderName)
	hash := webhooksig.HashFlowKey(presented)
	if in.Auth == lumo.AuthProvisional {
		hash = [32]byte{}
		copy(hash[:], in.KeySHA256)
	} else if presented == "" {
		*r = r.refuse(edgeapi.NoKey, nil)
		return false, nil
	} else {
		r.KeyLast4 = presented[max(0, len(presented)-4):]
	}
	for i, k := range keys {
		if k.Hash == hash && k.Valid(in.ReceivedAt) {
			r.KeyNumber, r.KeyLast4 = int(k.Number), k.Last4
			if in.ReceivedAt.Sub(k.LastUsedAt) < usedEvery {
				return true, nil
			}
			keys[i].LastUsedAt = in.ReceivedAt
			return true, s.Keys.Used(ctx, r.Merchant, k.ID, in.ReceivedAt)
		}
	}
	*r = r.refuse(edgeapi.WrongKey, map[string]any{"last4": r.KeyLast4})
	return false, nil
}

// content finds what shall be said. done = the call ended here.
func (s *Service) content(ctx context.Context, from sources, r *Request, b Body) (lumo.Content, bool, error) {
	c := lumo.Content{Vars: b.Vars}
	if b.Message == "" {
		if !b.HasText {
			*r = r.refuse(edgeapi.UnknownMessage, nil)
			return c, true, nil
		}
		c.Text = b.Text
		if over := message.Length(b.Text) - message.MaxTextLength; over > 0 {
			*r = r.refuse(edgeapi.OverLimit, map[string]any{"over": over})
			return c, true, nil
		}
		return c, false, nil
	}
	v, err := id.ParseWith(id.Message, strings.ToLower(b.Message))
	if err != nil {
		*r = r.refuse(edgeapi.UnknownMessage, nil)
		return c, true, nil
	}
	m, err := from.Get(ctx, r.Merchant, r.Channel, lumo.MessageID(v))
	if fault.Is(err, fault.NotFound) || err == nil && (m.Archived || m.Version == 0) {
		*r = r.refuse(edgeapi.UnknownMessage, nil)
		return c, true, nil
	}
	r.Message, c.Message, c.Version = m.ID, m.ID, m.Version
	return c, false, err
}

// recipient finds the friend who is meant (DESIGN section 4.2). done = there is none.
func (s *Service) recipient(ctx context.Context, from sources, r *Request, b Body) (lumo.Friend, bool, error) {
	none := lumo.Friend{}
	if isGroup(b.LineUserID) {
		*r = r.refuse(edgeapi.GroupID, nil)
		return none, true, nil
	}
	if b.ProfileID == "" && b.LineUserID == "" {
		*r = r.skip(edgeapi.EmptyRecipient, nil)
		return none, true, nil
	}
	friend, found, err := s.byProfile(ctx, from, r, b)
	if err != nil {
		return none, false, err
	}
	if !found {
		if friend, found, err = s.byLineUser(ctx, r, b); err != nil || r.Outcome == Refused {
			return none, true, err
		}
	}
	if !found {
		*r = r.skip(edgeapi.Unlinked, nil)
		return none, true, nil
	}
	r.Friend = friend.ID
	switch friend.FollowStatus {
	case lumo.Blocked:
		*r = r.skip(edgeapi.Blocked, friend.BlockedSince())
		return none, true, nil
	case lumo.NotFriend:
		*r = r.skip(edgeapi.NotFriend, nil)
		return none, true, nil
	}
	return friend, false, nil
}

func (s *Service) byProfile(ctx context.Context, from sources, r *Request, b Body) (lumo.Friend, bool, error) {
	if b.ProfileID == "" {
		return lumo.Friend{}, false, nil
	}
	_, friend, err := from.ByProfile(ctx, r.Merchant, r.Channel, r.Profile)
	if fault.Is(err, fault.NotFound) {
		return lumo.Friend{}, false, nil
	}
	if err == nil && b.LineUserID != "" && lumo.LineUserID(b.LineUserID) != friend.Line {
		r.Data["warning"] = "other_line_id" // the profile's link wins
	}
	return friend, err == nil, err
}

// byLineUser counts only for a linked friend; an id that only another account of the
// merchant knows is a mistake in the flow, which the answer says.
func (s *Service) byLineUser(ctx context.Context, r *Request, b Body) (lumo.Friend, bool, error) {
	user := lumo.LineUserID(b.LineUserID)
	if !user.Valid() {
		return lumo.Friend{}, false, nil
	}
	friends, err := s.Recipients.ByLineUser(ctx, r.Merchant, user)
	if err != nil {
		return lumo.Friend{}, false, err
	}
	other := lumo.ChannelID{}
	for _, f := range friends {
		if f.Channel != r.Channel {
			other = f.Channel
			continue
		}
		link, err := s.Recipients.ByFriend(ctx, r.Merchant, f.ID)
		if fault.Is(err, fault.NotFound) {
			return f, false, nil
		}
		if err == nil && r.Profile == "" {
			r.Profile = link.Profile
		}
		return f, err == nil, err
	}
	if other != (lumo.ChannelID{}) {
		data := map[string]any{}
		if c, err := s.Channels.Get(ctx, r.Merchant, other); err == nil {
			data["name"] = c.Name
		}
		*r = r.refuse(edgeapi.OtherAccount, data)
	}
	return lumo.Friend{}, false, nil
}

// isGroup tells LINE's ids of groups and rooms.
func isGroup(line string) bool {
	return len(line) == 33 && (line[0] == 'C' || line[0] == 'R') && lumo.LineUserID("U"+line[1:]).Valid()
}

// idempotency is what makes two calls the same message (DESIGN section 4.2). Never the
// body: Klaviyo renders it anew for each try. Nor the profile that a LINE id is linked to: between
// two tries that may become another.
func (c *call) idempotency() [32]byte {
	r, recipient := c.taken, clip(c.body.ProfileID, 64)
	if recipient == "" {
		recipient = string(c.friend.Line)
	}
	m, account := id.ID(r.Merchant).String(), id.ID(r.Channel).String()
	return sha256.Sum256([]byte(strings.Join([]string{m, account, r.FlowID, r.Step, recipient, r.EventRef}, "\x00")))
}

func (r Request) skip(reason edgeapi.Reason, data map[string]any) Request {
	return r.end(Skipped, reason, data)
}

func (r Request) refuse(reason edgeapi.Reason, data map[string]any) Request {
	return r.end(Refused, reason, data)
}

func (r Request) end(o Outcome, reason edgeapi.Reason, data map[string]any) Request {
	r.Outcome, r.Reason = o, reason.Code()
	for name, value := range data {
		r.Data[name] = value
	}
	return r
}

// fillFromProfile replaces values that could not be read by those of the profile, if
// Klaviyo gives them in time; else the variables' fallbacks stand.
func (s *Service) fillFromProfile(ctx context.Context, r Request, b *Body) {
	ctx, cancel := context.WithTimeout(ctx, profileLimit)
	defer cancel()
	channel, err := s.Channels.Get(ctx, r.Merchant, r.Channel)
	if err != nil || channel.KlaviyoAccount == (lumo.AccountID{}) || b.ProfileID == "" {
		return
	}
	p, err := s.Klaviyo.Profile(ctx, r.Merchant, channel.KlaviyoAccount, lumo.ProfileID(b.ProfileID))
	if err != nil {
		return
	}
	b.Vars = map[string]string{"first_name": p.FirstName, "last_name": p.LastName, "email": p.Email, "phone_number": p.Phone}
}

// answer is the row of DESIGN section 3.4.
func answer(r Request) lumo.EdgeAnswer {
	switch r.Outcome {
	case Accepted:
		return body(200, "application/json", map[string]any{"status": "accepted", "request": r.ID.String()})
	case Skipped:
		return body(200, "application/json", map[string]any{"status": "skipped", "reason": r.Reason, "request": r.ID.String()})
	}
	status, title := 400, "Bad Request"
	if r.Reason == edgeapi.NoKey.Code() || r.Reason == edgeapi.WrongKey.Code() {
		status, title = 401, "Unauthorized"
	}
	problem := map[string]any{"type": "about:blank", "title": title, "status": status, "reason": r.Reason, "request": r.ID.String()}
	if line, ok := r.Data["line"]; ok {
		problem["line"] = line
	}
	return body(status, "application/problem+json", problem)
}

func body(status int, kind string, value any) lumo.EdgeAnswer {
	text, err := json.Marshal(value)
	if err != nil {
		text = []byte("{}")
	}
	return lumo.EdgeAnswer{Status: status, Header: map[string]string{"Content-Type": kind}, Body: text}
}

func header(in lumo.EdgeRequest, name string) string {
	if v, ok := in.Header[textproto.CanonicalMIMEHeaderKey(name)]; ok {
		return v
	}
	return in.Header[name]
}

func clip(text string, most int) string {
	for len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "")
}
