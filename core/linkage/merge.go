package linkage

import (
	"context"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// SystemEvent is one notice of Klaviyo's system webhook, as far as Lumo uses it: profiles
// that it names, in any role.
type SystemEvent struct {
	ID       string
	Topic    string
	Profiles []lumo.ProfileID
}

// TopicMerged is Klaviyo's notice that a profile was merged into another.
const TopicMerged = "event:klaviyo.merged_profile"

// SystemHooks reads and proves Klaviyo's system webhooks.
type SystemHooks interface {
	// Genuine tells whether Klaviyo signed a request of an account.
	Genuine(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, r lumo.EdgeRequest) (bool, error)
	// Read reads a body; one that is not Klaviyo's form is fault.Invalid.
	Read(body []byte) ([]SystemEvent, error)
}

// The answers to Klaviyo: it repeats on 5xx only.
const (
	hookTaken   = 200
	hookForeign = 401
	hookBad     = 400
)

// HandleEdge takes one request of Klaviyo's system webhook. It is only a hint: where a
// profile is now, Klaviyo itself is asked, so that no notice can move a link by its word.
func (s *Service) HandleEdge(ctx context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	const op = "linkage.HandleEdge"
	account := lumo.AccountID(r.Subject)
	if r.Auth != lumo.AuthVerified {
		genuine, err := s.c.Hooks.Genuine(ctx, r.Merchant, account, r)
		if err != nil {
			return lumo.EdgeAnswer{}, fault.Wrap(op, err)
		}
		if !genuine {
			return lumo.EdgeAnswer{Status: hookForeign}, nil
		}
	}
	events, err := s.c.Hooks.Read(r.Body)
	if err != nil {
		return lumo.EdgeAnswer{Status: hookBad}, nil
	}
	asked := map[lumo.ProfileID]bool{}
	for _, e := range events {
		for _, p := range e.Profiles {
			if e.Topic != TopicMerged || asked[p] {
				continue
			}
			asked[p] = true
			if _, err := s.Recheck(ctx, r.Merchant, account, p); err != nil && !fault.Is(err, fault.NotFound) {
				return lumo.EdgeAnswer{}, fault.Wrap(op, err)
			}
		}
	}
	return lumo.EdgeAnswer{Status: hookTaken}, nil
}

// Recheck asks Klaviyo where a linked profile is now, and moves its links along. It answers
// the profile's id of today; fault.NotFound when Klaviyo has nobody like it any more. A
// profile that nobody is linked to is not asked about.
func (s *Service) Recheck(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID) (
	lumo.ProfileID, error) {
	const op = "linkage.Recheck"
	var links []lumo.Link
	var email, phone string
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		links, err = s.c.Links.OfProfile(ctx, m, p)
		if err == nil && len(links) > 0 {
			email, phone, err = s.c.Links.Contact(ctx, m, links[0].ID)
		}
		return err
	})
	if err != nil || len(links) == 0 {
		return p, fault.Wrap(op, err)
	}
	now, err := s.c.Profiles.Profile(ctx, m, a, p)
	if fault.Is(err, fault.NotFound) {
		now, err = s.findAgain(ctx, m, a, email, phone)
	}
	if err != nil || now.ID == p {
		return p, fault.Wrap(op, err)
	}
	return now.ID, fault.Wrap(op, s.ProfileMoved(ctx, m, p, now.ID))
}

// findAgain looks for a customer by what the link was made with.
func (s *Service) findAgain(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, email, phone string) (
	lumo.Profile, error) {
	if email != "" {
		p, err := s.c.Profiles.ProfileByEmail(ctx, m, a, email)
		if !fault.Is(err, fault.NotFound) {
			return p, err
		}
	}
	if phone != "" {
		return s.c.Profiles.ProfileByPhone(ctx, m, a, phone)
	}
	return lumo.Profile{}, fault.New(fault.NotFound, "linkage.findAgain", "the customer does not exist")
}

// ProfileMoved moves the links of a profile to the one that Klaviyo merged it into. Where
// that one has a friend of its own, two friends are left for one customer: people decide. Where
// nobody was linked to the first, what was written about it may have changed the other's
// properties: those are written anew.
func (s *Service) ProfileMoved(ctx context.Context, m lumo.MerchantID, from, to lumo.ProfileID) error {
	const op = "linkage.ProfileMoved"
	if from == to || !plainProfile(string(to)) {
		return nil
	}
	err := s.inTenant(ctx, m, func(ctx context.Context) error {
		links, err := s.c.Links.OfProfile(ctx, m, from)
		for _, l := range links {
			if err == nil {
				err = s.move(ctx, m, l, to)
			}
		}
		if err != nil || len(links) > 0 {
			return err
		}
		links, err = s.c.Links.OfProfile(ctx, m, to)
		for _, l := range links {
			if err == nil {
				err = s.c.Outbox.ProfileChanged(ctx, m, l.Friend)
			}
		}
		return err
	})
	return fault.Wrap(op, err)
}

func (s *Service) move(ctx context.Context, m lumo.MerchantID, l lumo.Link, to lumo.ProfileID) error {
	other, err := s.c.Links.ByProfile(ctx, m, l.Channel, to)
	if err == nil {
		return s.collide(ctx, m, l, other)
	}
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	return s.moveTo(ctx, m, l, to)
}

// moveTo gives a link the profile that nobody else of its channel is linked to.
func (s *Service) moveTo(ctx context.Context, m lumo.MerchantID, l lumo.Link, to lumo.ProfileID) error {
	moved, err := s.c.Links.Move(ctx, m, l.ID, to, s.c.Now())
	if err != nil {
		return err
	}
	data := map[string]any{"from": string(l.Profile), "to": string(to)}
	err = s.c.Links.AddHistory(ctx, m, History{ID: s.c.NewID(), Link: l.ID, Step: stepMoved,
		ActorKind: "system", Data: data, Now: s.c.Now()})
	if err != nil {
		return err
	}
	if err := s.c.Outbox.ProfileMoved(ctx, moved, l.Profile); err != nil {
		return err
	}
	if err := s.c.Links.Settled(ctx, m, l.Friend, to, s.c.Now()); err != nil {
		return err
	}
	s.c.Watcher.LinkChanged(ctx, m, moved, true)
	return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "system", Action: "link.move",
		TargetKind: "link", Target: l.ID.String(), Data: data})
}

// collide leaves one link to a customer who had two: gone is of the profile that was merged,
// other of the one that it is now. The surer one stands, that of the profile that is still there
// where they are equally sure, and people are asked which friend it is.
func (s *Service) collide(ctx context.Context, m lumo.MerchantID, gone, other lumo.Link) error {
	stays, ends := other, gone
	if level(gone.Assurance) > level(other.Assurance) {
		stays, ends = gone, other
	}
	conflict := Conflict{ID: s.c.NewID(), Channel: gone.Channel, Kind: TwoFriends, Friend: ends.Friend,
		OtherFriend: stays.Friend, Profile: other.Profile, Standing: stays.ID, Method: ends.Method,
		Assurance: ends.Assurance, Evidence: map[string]any{"merged": string(gone.Profile)}, CreatedAt: s.c.Now()}
	if _, err := s.c.Links.AddConflict(ctx, m, conflict); err != nil {
		return err
	}
	s.c.Watcher.ReviewChanged(ctx, m, gone.Channel)
	h := History{ActorKind: "system", Data: map[string]any{
		"merged": string(other.Profile), "conflict": conflict.ID.With(id.Event)}}
	if stays.ID == gone.ID {
		if _, err := s.unlink(ctx, m, ends, h, undoSpan); err != nil {
			return err
		}
		return s.moveTo(ctx, m, gone, other.Profile)
	}
	// The id of the merged profile leads to the one that stays: to take the properties away
	// there would take those of who is linked. They are written anew, whatever the merge left.
	_, err := s.endLink(ctx, m, ends, h, undoSpan, func(ctx context.Context) error {
		return s.c.Outbox.ProfileGone(ctx, ends)
	})
	if err != nil {
		return err
	}
	return s.c.Outbox.ProfileChanged(ctx, m, stays.Friend)
}
