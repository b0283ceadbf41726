package linkage

import (
	"context"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Unlink ends a friend's link because a member wants it.
func (s *Service) Unlink(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	by lumo.MemberID) error {
	const op = "linkage.Unlink"
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		l, err := s.c.Links.ByFriend(ctx, m, f)
		if err == nil && l.Channel != c {
			err = fault.New(fault.NotFound, op, "This friend is not linked.")
		}
		if err != nil {
			return err
		}
		return s.unlink(ctx, m, l, History{ActorKind: "member", Actor: by})
	})
	return fault.Wrap(op, err)
}

// unlink ends a link with its history; the fact stands in the friend's timeline.
func (s *Service) unlink(ctx context.Context, m lumo.MerchantID, l lumo.Link, h History) error {
	if err := s.c.Links.EndLink(ctx, m, l.ID, s.c.Now()); err != nil {
		return err
	}
	friend, err := s.c.Friends.Friend(ctx, m, l.Friend)
	if err != nil {
		return err
	}
	c, err := s.c.Channels.Get(ctx, m, l.Channel)
	if err != nil {
		return err
	}
	if err := s.c.Outbox.LinkEnded(ctx, friend, c, l); err != nil {
		return err
	}
	h.ID, h.Link, h.Step, h.Now = s.c.NewID(), l.ID, stepUnlinked, s.c.Now()
	if err := s.c.Links.AddHistory(ctx, m, h); err != nil {
		return err
	}
	s.c.Watcher.LinkChanged(ctx, m, l, false)
	fact := s.fact(m, l, lumo.FactUnlinked)
	fact.Source = h.ActorKind
	return s.c.Recorder.Record(ctx, fact)
}
