package flow

import (
	"context"
	"errors"
	"slices"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// errRepeated says that calls stand in the database already: an edge asked again because our
// answer did not reach it. Everything of this time is undone.
var errRepeated = errors.New("the call was taken already")

// store decides and keeps calls of one account in one transaction, each step for all of them
// together. With errRepeated it says which calls stand there already.
func (s *Service) store(ctx context.Context, calls []*call) (repeated map[lumo.RequestID]bool, err error) {
	m, account := calls[0].in.Merchant, lumo.ChannelID(calls[0].in.Subject)
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		repeated = map[lumo.RequestID]bool{}
		keys, err := s.Keys.List(ctx, m, account, s.Now())
		if err != nil {
			return err
		}
		from, err := s.sourcesOf(ctx, m, account, calls)
		if err != nil {
			return err
		}
		for _, c := range calls {
			c.taken = c.request()
			if err := s.decide(ctx, c, keys, from); err != nil {
				return err
			}
		}
		planned, err := s.plan(ctx, m, calls, repeated)
		if err == nil {
			err = s.keep(ctx, m, calls, repeated)
		}
		if err == nil {
			err = s.await(ctx, m, account, requests(calls)...)
		}
		if err == nil {
			s.Planner.Begin(ctx, planned)
		}
		return err
	})
	return repeated, err
}

// sources are what a decision looks things up in.
type sources struct {
	Recipients
	Messages
}

// sourcesOf are sources that know the people and messages of many calls already.
func (s *Service) sourcesOf(ctx context.Context, m lumo.MerchantID, account lumo.ChannelID, calls []*call) (sources, error) {
	var profiles []lumo.ProfileID
	for _, c := range calls {
		if c.bad == nil && c.body.ProfileID != "" {
			profiles = append(profiles, lumo.ProfileID(clip(c.body.ProfileID, 64)))
		}
	}
	friends, err := s.Recipients.ByProfiles(ctx, m, account, profiles)
	return sources{linked{s.Recipients, friends}, remembered{s.Messages, map[lumo.MessageID]message.Message{}}}, err
}

// linked knows whom profiles are linked to.
type linked struct {
	Recipients
	friends map[lumo.ProfileID]lumo.Friend
}

func (l linked) ByProfile(_ context.Context, _ lumo.MerchantID, c lumo.ChannelID, p lumo.ProfileID) (
	lumo.Link, lumo.Friend, error) {
	f, ok := l.friends[p]
	if !ok {
		return lumo.Link{}, f, fault.New(fault.NotFound, "flow.ByProfile", "")
	}
	return lumo.Link{Channel: c, Friend: f.ID, Profile: p}, f, nil
}

// remembered asks for each message once.
type remembered struct {
	Messages
	found map[lumo.MessageID]message.Message
}

func (r remembered) Get(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (message.Message, error) {
	if found, ok := r.found[v]; ok {
		return found, nil
	}
	found, err := r.Messages.Get(ctx, m, c, v)
	if err == nil {
		r.found[v] = found
	}
	return found, err
}

// plan claims the idempotency keys of calls that ask for a message and plans the messages, or
// finds that they were sent.
func (s *Service) plan(ctx context.Context, m lumo.MerchantID, calls []*call, repeated map[lumo.RequestID]bool) (
	[]delivery.Delivery, error) {
	var asking []*call
	for _, c := range calls {
		if c.taken.Outcome == "" {
			asking = append(asking, c)
		}
	}
	asking, err := s.claim(ctx, m, asking, repeated)
	if err == nil {
		asking, err = s.within(ctx, m, asking)
	}
	if err != nil || len(asking) == 0 {
		return nil, err
	}
	plans := make([]delivery.Plan, len(asking))
	for i, c := range asking {
		if err := s.want(ctx, &c.taken, c.content); err != nil {
			return nil, err
		}
		r := c.taken
		plans[i] = delivery.Plan{Merchant: m, Channel: r.Channel, Kind: delivery.KindFlow, Logical: id.ID(r.ID), Friend: c.friend.ID,
			Profile: r.Profile, Content: c.content, ReceivedAt: r.ReceivedAt,
			WaitsUntil: r.WantedUntil}
	}
	planned, err := s.Planner.PlanEach(ctx, plans)
	if err != nil {
		return nil, err
	}
	for i, c := range asking {
		c.taken.Delivery, c.taken.Outcome = planned[i].ID, Accepted
	}
	return planned, nil
}

// within answers those calls whose people may have one more message; the others are skipped. What
// is still on its way to somebody does not count yet: the sender looks again.
func (s *Service) within(ctx context.Context, m lumo.MerchantID, asking []*call) ([]*call, error) {
	if len(asking) == 0 {
		return nil, nil
	}
	friends := make([]lumo.FriendID, len(asking))
	for i, c := range asking {
		friends[i] = c.friend.ID
	}
	limit, had, err := s.Planner.Had(ctx, m, asking[0].taken.Channel, friends)
	if err != nil || limit.Messages == 0 {
		return asking, err
	}
	return slices.DeleteFunc(asking, func(c *call) bool {
		if had[c.friend.ID] < limit.Messages {
			had[c.friend.ID]++
			return false
		}
		c.taken = c.taken.skip(edgeapi.Cap, limit.Data())
		return true
	}), nil
}

// claim answers those calls that are the first of theirs; the others end as duplicates.
func (s *Service) claim(ctx context.Context, m lumo.MerchantID, asking []*call, repeated map[lumo.RequestID]bool) (
	first []*call, err error) {
	holders := map[[32]byte]Holder{} // within these calls
	var claims []Claim
	for _, c := range asking {
		r := c.taken
		key := c.idempotency()
		if _, ok := holders[key]; !ok {
			holders[key] = Holder{r.ID, r.ReceivedAt}
			claims = append(claims, Claim{key, r.ID, s.kept(r)})
		}
	}
	if len(claims) == 0 {
		return nil, nil
	}
	taken, err := s.Store.Claim(ctx, m, claims, s.Now())
	if err != nil {
		return nil, err
	}
	for _, c := range asking {
		key := c.idempotency()
		holder := holders[key]
		before, ok := taken[key]
		if ok {
			holder = before
		}
		switch {
		case ok && holder.Request == c.taken.ID:
			repeated[c.taken.ID] = true
		case holder.Request == c.taken.ID:
			first = append(first, c)
		case c.friend.Tester && s.Now().Sub(holder.Since) > testerPause:
			if err := s.Store.Replace(ctx, m, key, c.taken.ID, s.kept(c.taken)); err != nil {
				return nil, err
			}
			taken[key] = Holder{c.taken.ID, c.taken.ReceivedAt}
			first = append(first, c)
		default:
			c.taken.DuplicateOf = holder.Request
			c.taken = c.taken.skip(edgeapi.Duplicate, map[string]any{"at": holder.Since.UTC().Format(time.RFC3339)})
		}
	}
	return first, nil
}

// kept is until when a call's idempotency key holds.
func (s *Service) kept(r Request) time.Time {
	if r.EventRef != "" {
		return s.Now().Add(keptWithEvent)
	}
	return s.Now().Add(keptWithout)
}

// requests are calls as they were decided.
func requests(calls []*call) []Request {
	all := make([]Request, len(calls))
	for i, c := range calls {
		all[i] = c.taken
	}
	return all
}

// keep stores the calls with their outcomes.
func (s *Service) keep(ctx context.Context, m lumo.MerchantID, calls []*call, repeated map[lumo.RequestID]bool) error {
	if len(repeated) > 0 { // they have no outcome of this time
		return errRepeated
	}
	all := requests(calls)
	added, err := s.Store.Add(ctx, m, all, s.Now())
	if err != nil {
		return err
	}
	for _, r := range all {
		if !added[r.ID] {
			repeated[r.ID] = true
		}
	}
	if len(repeated) > 0 {
		return errRepeated
	}
	for _, r := range all {
		if r.DuplicateOf != (lumo.RequestID{}) {
			if err := s.Store.Repeated(ctx, m, r.DuplicateOf); err != nil {
				return err
			}
		}
		if r.Outcome == Skipped && r.Reason != edgeapi.Duplicate.Code() { // of a duplicate, the first one counts
			err := s.Recorder.Record(ctx, lumo.Fact{Merchant: m, Channel: r.Channel, Friend: r.Friend,
				Kind: lumo.FactNotSent, Source: "flow", Ref: id.ID(r.ID).String(), OccurredAt: r.ReceivedAt, Data: notSent(r)})
			if err != nil {
				return err
			}
		}
		s.Watcher.RequestChanged(ctx, m, r.Channel, r.ID)
	}
	return nil
}
