package linkage

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// MadeByMember is what came of a member's wish to link a friend to a customer.
type MadeByMember struct {
	Step     id.ID // that undoes it; zero = nothing was linked
	InReview bool  // a link that says something else stands
}

// LinkByMember links a friend to a customer because a member says so. A link that says
// something else stays, and the two go to review. The customer is looked up first: a wrong id
// links nobody.
func (s *Service) LinkByMember(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	p lumo.ProfileID, by lumo.MemberID) (made MadeByMember, err error) {
	const op = "linkage.LinkByMember"
	of, err := s.c.Channels.Get(ctx, m, c)
	if err == nil && of.KlaviyoAccount == (lumo.AccountID{}) {
		err = fault.New(fault.Conflict, op, "Connect Klaviyo first.")
	}
	if err != nil {
		return made, fault.Wrap(op, err)
	}
	customer, err := s.customerOf(ctx, m, of.KlaviyoAccount, p)
	if err != nil {
		return made, fault.Wrap(op, err)
	}
	err = s.inTenant(ctx, m, func(ctx context.Context) error {
		made = MadeByMember{}
		friend, err := s.c.Friends.Friend(ctx, m, f)
		if err == nil && friend.Channel != c {
			err = fault.New(fault.NotFound, op, "This friend does not exist.")
		}
		if err != nil {
			return err
		}
		made, err = s.linkByMember(ctx, m, of, friend, customer, by)
		return err
	})
	return made, fault.Wrap(op, err)
}

// customerOf reads a customer who has to be there.
func (s *Service) customerOf(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID) (
	lumo.ProfileID, error) {
	const op = "linkage.customerOf"
	if !plainProfile(string(p)) {
		return "", fault.New(fault.Invalid, op, "This is not a Klaviyo profile ID.")
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := s.c.Profiles.Profile(ctx, m, a, p)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, op, "Klaviyo has no such customer.")
	}
	return found.ID, err // of whom it was merged into, if it was
}

func (s *Service) linkByMember(ctx context.Context, m lumo.MerchantID, c lumo.Channel, f lumo.Friend,
	p lumo.ProfileID, by lumo.MemberID) (made MadeByMember, err error) {
	there, err := s.standing(ctx, m, c.ID, f.ID, p)
	if err != nil || there.same() {
		return made, err
	}
	fresh := NewLink{Evidence: map[string]any{}, Link: lumo.Link{ID: lumo.LinkID(s.c.NewID()), Channel: c.ID,
		Friend: f.ID, Account: c.KlaviyoAccount, Profile: p, Method: MethodConsole, Assurance: lumo.Claimed,
		Version: 1, LinkedAt: s.c.Now()}}
	if there.conflict() {
		made.InReview = true
		return made, s.keepConflict(ctx, m, there, fresh, byMember(by))
	}
	if made.Step, err = s.add(ctx, m, State{}, fresh, byMember(by)); err != nil {
		return made, err
	}
	if _, err := s.c.Tokens.TellAt(ctx, m, f.ID, time.Time{}); err != nil {
		return made, err
	}
	return made, s.audit(ctx, by, "link.make", fresh.ID, nil)
}
