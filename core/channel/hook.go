package channel

import (
	"context"
	"errors"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/webhooksig"
)

// signatureHeader is where LINE puts the signature of the raw body.
const signatureHeader = "X-Line-Signature"

// What LINE is answered: the status alone counts.
const (
	statusTaken      = 200
	statusUnreadable = 400
	statusUnsigned   = 401
)

// Refused requests wait for a new channel secret, but not many and not for long.
const (
	refusedMax  = 100
	refusedLife = 24 * time.Hour
	bodyLife    = 30 * 24 * time.Hour // of all others
)

// What a kept request says about itself.
const (
	problemUnread  = "unread"        // not LINE's format
	problemPart    = "partly_read"   // some events could not be read, the others count
	problemAccount = "other_account" // for another LINE account
	problemFailed  = "failed"        // tried too often
)

// HandleEdge takes one request of LINE's webhook from an edge. The core is the final
// authority on its signature. LINE gets the status alone.
func (s *Service) HandleEdge(ctx context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	const op = "channel.HandleEdge"
	req := Request{Merchant: r.Merchant, Channel: lumo.ChannelID(r.Subject), ID: r.ID, Auth: r.Auth,
		Body: r.Body, Signature: r.Header[signatureHeader], ReceivedAt: r.ReceivedAt, Now: s.c.Now()}
	genuine, err := s.genuine(ctx, req)
	if err != nil {
		return lumo.EdgeAnswer{}, fault.Wrap(op, err)
	}
	if !genuine {
		return answer(statusUnsigned), s.keepRefused(ctx, req)
	}
	state, err := s.take(ctx, req)
	if err != nil {
		return lumo.EdgeAnswer{}, fault.Wrap(op, err)
	}
	if state == RequestKept {
		return answer(statusUnreadable), nil
	}
	return answer(statusTaken), nil
}

// genuine tells whether LINE sent a request. What the edge verified stands: it held a secret
// that was valid when the request came in, which need not be the one stored now. What it
// refused was answered 401 already and is only kept, to be tried with a new secret.
func (s *Service) genuine(ctx context.Context, req Request) (bool, error) {
	switch req.Auth {
	case lumo.AuthVerified:
		return true, nil
	case lumo.AuthRefused:
		return false, nil
	}
	keys, err := s.Keys(ctx, req.Merchant, req.Channel)
	return err == nil && webhooksig.VerifyLINE(keys.Messaging.Secret, req.Body, req.Signature), err
}

func answer(status int) lumo.EdgeAnswer { return lumo.EdgeAnswer{Status: status} }

// take stores a request and applies its events in one transaction. Where that fails for a
// reason of our own, the request alone is stored and worked off event by event later.
func (s *Service) take(ctx context.Context, req Request) (RequestState, error) {
	batch, err := s.c.Read(req.Body)
	if err != nil {
		req.State, req.Problem = RequestKept, problemUnread
		return s.keep(ctx, req)
	}
	err = s.c.Tenants.InTenant(ctx, req.Merchant, func(ctx context.Context) error {
		done, err := s.judge(ctx, req, batch)
		if err != nil {
			return err
		}
		if _, err := s.c.Requests.Keep(ctx, done); err != nil || done.Problem == problemAccount {
			return err
		}
		return s.applyAll(ctx, req, batch)
	})
	if err == nil {
		return RequestDone, nil
	}
	if fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
		return "", err // the edge keeps it and comes back
	}
	s.c.Log.ErrorContext(ctx, "webhook waits for another try", "error", err,
		"merchant", req.Merchant.String(), "request", req.ID.String())
	req.State = RequestWaiting
	return s.keep(ctx, req)
}

// judge says how a request that was read ends. Events of another account are kept aside:
// their people are not this channel's friends.
func (s *Service) judge(ctx context.Context, req Request, b Batch) (Request, error) {
	bot, err := s.c.Channels.BotUser(ctx, req.Merchant, req.Channel)
	req.State, req.Problem = RequestDone, ""
	switch {
	case b.Destination != "" && b.Destination != bot:
		req.State, req.Problem = RequestKept, problemAccount
	case b.Bad > 0:
		req.State, req.Problem = RequestKept, problemPart
	}
	return req, err
}

// keep stores a request without applying it.
func (s *Service) keep(ctx context.Context, req Request) (state RequestState, err error) {
	err = s.c.Tenants.InTenant(ctx, req.Merchant, func(ctx context.Context) error {
		if state, err = s.c.Requests.Keep(ctx, req); err != nil || state != RequestWaiting {
			return err
		}
		return s.c.Work.Hurry(ctx, req.Merchant, req.Channel, s.c.Now().Add(retryAfter))
	})
	return state, err
}

func (s *Service) keepRefused(ctx context.Context, req Request) error {
	req.State = RequestRefused
	err := s.c.Tenants.InTenant(ctx, req.Merchant, func(ctx context.Context) error {
		if _, err := s.c.Requests.Keep(ctx, req); err != nil {
			return err
		}
		return s.c.Requests.DropRefused(ctx, req.Merchant, req.Channel, refusedMax,
			s.c.Now().Add(-refusedLife))
	})
	return fault.Wrap("channel.keepRefused", err)
}

// applyAll applies each event of a batch once.
func (s *Service) applyAll(ctx context.Context, req Request, b Batch) error {
	if err := s.c.Channels.Seen(ctx, req.Merchant, req.Channel, s.c.Now()); err != nil {
		return err
	}
	for _, e := range b.Events {
		if err := s.apply(ctx, req, e); err != nil {
			return err
		}
	}
	return nil
}

// apply takes one event once, whatever request brings it.
func (s *Service) apply(ctx context.Context, req Request, e Event) error {
	fresh, err := s.c.Requests.Take(ctx, req.Merchant, req.Channel, req.ID, e, s.c.Now())
	if err != nil || !fresh || e.User == "" {
		return err
	}
	switch e.Type {
	case typeFollow:
		err = s.followed(ctx, req, e)
	case typeUnfollow:
		err = s.blocked(ctx, req, e)
	case typeMessage:
		err = s.said(ctx, req, e)
	} // other types are known by name in line_event, nothing to do
	if errors.Is(err, errErased) {
		return nil // nothing is kept of an erased person
	}
	return err
}

func (s *Service) followed(ctx context.Context, req Request, e Event) error {
	row, err := s.meet(ctx, req.Merchant, req.Channel, lumo.Contact{User: e.User, Source: "webhook",
		Seen: &lumo.FollowSeen{Status: lumo.Following, At: e.At, Event: e.ID,
			Unblocked: e.Unblocked}})
	if err != nil {
		return err
	}
	data := map[string]any{"unblocked": true}
	if !e.Unblocked { // who comes back is no new friend of a QR code
		if data, err = s.c.Joiner.Followed(ctx, req.Merchant, row.ID, e.At); err != nil {
			return err
		}
	}
	s.askName(ctx, req.Merchant, req.Channel, row)
	if err := s.record(ctx, req, e, row, lumo.FactFollowed, data); err != nil {
		return err
	}
	return s.react(ctx, req, e, row)
}

func (s *Service) blocked(ctx context.Context, req Request, e Event) error {
	row, err := s.meet(ctx, req.Merchant, req.Channel, lumo.Contact{User: e.User, Source: "webhook",
		Seen: &lumo.FollowSeen{Status: lumo.Blocked, At: e.At, Event: e.ID}})
	if err != nil {
		return err
	}
	return s.record(ctx, req, e, row, lumo.FactBlocked, nil)
}

// said notes that a person wrote, and of what kind; what was written is not stored.
func (s *Service) said(ctx context.Context, req Request, e Event) error {
	row, err := s.meet(ctx, req.Merchant, req.Channel, lumo.Contact{User: e.User, Source: "webhook"})
	if err != nil {
		return err
	}
	if err := s.record(ctx, req, e, row, lumo.FactSaid, map[string]any{"type": e.Said}); err != nil {
		return err
	}
	if e.Text == "" {
		return nil
	}
	return s.react(ctx, req, e, row)
}

// react has an event answered, if a rule says so.
func (s *Service) react(ctx context.Context, req Request, e Event, r FriendRow) error {
	if s.c.Replier == nil || e.Reply == "" {
		return nil
	}
	return s.c.Replier.React(ctx, lumo.Reaction{Merchant: req.Merchant, Channel: req.Channel, Friend: r.ID, Event: e.ID,
		Followed: e.Type == typeFollow, Text: e.Text, Token: e.Reply, At: req.ReceivedAt})
}

func (s *Service) record(ctx context.Context, req Request, e Event, r FriendRow,
	kind lumo.FactKind, data map[string]any) error {
	return s.c.Recorder.Record(ctx, lumo.Fact{Merchant: req.Merchant, Channel: req.Channel,
		Friend: r.ID, Kind: kind, Source: "webhook", Ref: e.ID, OccurredAt: e.At, Data: data})
}
