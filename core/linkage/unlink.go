package linkage

import (
	"context"
	"slices"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Unlink ends a friend's link because a member wants it, and answers the step that undoes it.
func (s *Service) Unlink(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	by lumo.MemberID) (step id.ID, err error) {
	const op = "linkage.Unlink"
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		l, err := s.c.Links.ByFriend(ctx, m, f)
		if err == nil && l.Channel != c {
			err = fault.New(fault.NotFound, op, "This friend is not linked.")
		}
		if err != nil {
			return err
		}
		if step, err = s.unlink(ctx, m, l, byMember(by), undoSpan); err != nil {
			return err
		}
		return s.audit(ctx, by, "link.unlink", l.ID, nil)
	})
	return step, fault.Wrap(op, err)
}

// UnlinkByWord ends the link of a friend who wrote one of the account's words for it. It runs
// inside the transaction of the message; what was written is compared and forgotten.
func (s *Service) UnlinkByWord(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	f lumo.FriendID, text string) error {
	const op = "linkage.UnlinkByWord"
	if text = strings.TrimSpace(text); text == "" || len(text) > maxWord*4 {
		return nil
	}
	settings, err := s.c.Settings.Settings(ctx, m, c)
	if err != nil || !slices.ContainsFunc(settings.UnlinkWords, func(w string) bool {
		return strings.EqualFold(w, text)
	}) {
		return fault.Wrap(op, err)
	}
	l, err := s.c.Links.ByFriend(ctx, m, f)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil {
		_, err = s.unlink(ctx, m, l, History{ActorKind: "customer", Data: map[string]any{"by": "word"}}, 0)
	}
	return fault.Wrap(op, err)
}

func byMember(by lumo.MemberID) History { return History{ActorKind: "member", Actor: by} }

// unlink ends a link with its history; the fact stands in the friend's timeline. LINE is told
// after a while, unless the friend is linked again by then.
func (s *Service) unlink(ctx context.Context, m lumo.MerchantID, l lumo.Link, h History,
	tellAfter time.Duration) (step id.ID, err error) {
	return s.unlinkKeeping(ctx, m, l, h, tellAfter, "")
}

// unlinkKeeping is unlink of a link that was read from a property, which stays in Klaviyo.
func (s *Service) unlinkKeeping(ctx context.Context, m lumo.MerchantID, l lumo.Link, h History,
	tellAfter time.Duration, kept string) (step id.ID, err error) {
	return s.endLink(ctx, m, l, h, tellAfter, func(ctx context.Context) error {
		friend, err := s.c.Friends.Friend(ctx, m, l.Friend)
		if err != nil {
			return err
		}
		c, err := s.c.Channels.Get(ctx, m, l.Channel)
		if err != nil {
			return err
		}
		return s.c.Outbox.LinkEnded(ctx, friend, c, l, kept)
	})
}

// endLink ends a link; tell says so to Klaviyo.
func (s *Service) endLink(ctx context.Context, m lumo.MerchantID, l lumo.Link, h History, tellAfter time.Duration,
	tell func(context.Context) error) (step id.ID, err error) {
	if err := s.c.Links.EndLink(ctx, m, l.ID, s.c.Now()); err != nil {
		return step, err
	}
	if err := tell(ctx); err != nil {
		return step, err
	}
	h.ID, h.Link, h.Step, h.Now = s.c.NewID(), l.ID, stepUnlinked, s.c.Now()
	if err := s.c.Links.AddHistory(ctx, m, h); err != nil {
		return step, err
	}
	if err := s.tellLINE(ctx, m, l.Channel, l.Friend, tellAfter); err != nil {
		return step, err
	}
	s.c.Watcher.LinkChanged(ctx, m, l, false)
	fact := s.fact(m, l, lumo.FactUnlinked)
	fact.Source = h.ActorKind
	return h.ID, s.c.Recorder.Record(ctx, fact)
}

// restore lets a link that ended stand again. Klaviyo gets the properties back; it is told of
// no new link, since none was made.
func (s *Service) restore(ctx context.Context, m lumo.MerchantID, l lumo.LinkID) (lumo.Link, error) {
	link, err := s.c.Links.Restore(ctx, m, l, s.c.Now())
	if err != nil {
		return link, err
	}
	if _, err := s.c.Tokens.TellAt(ctx, m, link.Friend, time.Time{}); err != nil {
		return link, err
	}
	if err := s.c.Outbox.ProfileChanged(ctx, m, link.Friend); err != nil {
		return link, err
	}
	s.c.Watcher.LinkChanged(ctx, m, link, true)
	fact := s.fact(m, link, lumo.FactLinked)
	fact.Source, fact.Data["restored"] = "console", true
	return link, s.c.Recorder.Record(ctx, fact)
}

func (s *Service) audit(ctx context.Context, by lumo.MemberID, action string, l lumo.LinkID,
	data map[string]any) error {
	return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by),
		Action: action, TargetKind: "link", Target: l.String(), Data: data})
}
