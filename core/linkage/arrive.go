package linkage

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// arrive meets the person who signed in: the friend's row, the scan, and then the link, or
// the question whether to link.
func (s *Service) arrive(ctx context.Context, v visit, st State, login Login, seen *lumo.FollowSeen,
	sameBrowser bool) (Result, error) {
	direct := sameBrowser && st.Claim == ClaimProfile
	var claimed Claimed
	if direct {
		var err error
		claimed, err = s.resolve(ctx, v.merchant, v.channel, st)
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
			direct, st.Claim = false, ClaimNone // nobody is meant; the person is a friend all the same
		} else if err != nil {
			return Result{}, err
		}
	}
	var result Result
	err := s.inTenant(ctx, v.merchant, func(ctx context.Context) error {
		st := st // the work may be run again
		friend, err := s.meet(ctx, v, &st, login, seen)
		if err != nil {
			return err
		}
		result, err = s.decide(ctx, v, st, friend, claimed, direct, login.Token)
		result.IsFriend = friend.FollowStatus == lumo.Following
		return err
	})
	return result, err
}

// meet stores who came, the scan that brought them, and joins the follow event if it was
// faster than the way back.
func (s *Service) meet(ctx context.Context, v visit, st *State, login Login, seen *lumo.FollowSeen) (
	lumo.Friend, error) {
	friend, err := s.c.Friends.UpsertFriend(ctx, v.merchant, v.channel.ID, lumo.Contact{
		User: login.User, Name: login.Name, PictureURL: login.PictureURL, Email: login.Email,
		Code: st.Code, Seen: seen, Source: "qr"})
	if err != nil {
		return lumo.Friend{}, err
	}
	st.Friend = friend.ID
	if err := s.c.States.Update(ctx, v.merchant, *st); err != nil {
		return lumo.Friend{}, err
	}
	if st.Code == (lumo.CodeID{}) || st.Claim == ClaimUnlink {
		return friend, nil
	}
	code, err := s.c.Codes.Code(ctx, v.merchant, st.Code)
	if err != nil {
		return lumo.Friend{}, err
	}
	err = s.c.Recorder.Record(ctx, lumo.Fact{Merchant: v.merchant, Channel: v.channel.ID,
		Friend: friend.ID, Kind: lumo.FactScanned, Source: "qr", Ref: st.ID.String(),
		OccurredAt: st.ID.Time(), Data: map[string]any{"code": code.Name}})
	if err != nil {
		return lumo.Friend{}, err
	}
	return friend, s.joinEarlier(ctx, v, *st)
}

// joinEarlier counts a new friend for the code when the follow event was here first.
func (s *Service) joinEarlier(ctx context.Context, v visit, st State) error {
	since := st.ID.Time().Add(-clockSlack)
	followed, err := s.c.States.FollowedSince(ctx, v.merchant, st.Friend, since)
	if err != nil || !followed {
		return err
	}
	joined, err := joinStates(ctx, s.c.States, s.c.Codes, v.merchant, st.Friend, since, s.c.Now())
	if err == nil && joined.Code != (lumo.CodeID{}) {
		s.c.Watcher.CodeChanged(ctx, v.merchant, v.channel.ID, joined.Code)
	}
	return err
}

// joinStates is the join of a login and a follow event, in whichever order they come.
func joinStates(ctx context.Context, states StateStore, codes CodeStore, m lumo.MerchantID,
	f lumo.FriendID, since, now time.Time) (State, error) {
	st, joined, err := states.Join(ctx, m, f, since, now)
	if err != nil || !joined || st.Code == (lumo.CodeID{}) {
		return State{}, err
	}
	return st, codes.Count(ctx, m, st.Code, now, 1, 0)
}

// decide links at once, asks, or has nothing to do.
func (s *Service) decide(ctx context.Context, v visit, st State, friend lumo.Friend, claimed Claimed,
	direct bool, user lumo.Secret) (Result, error) {
	switch {
	case st.Claim == ClaimUnlink:
		return s.askUnlink(ctx, v, st, user)
	case st.Claim == ClaimNone, v.channel.KlaviyoAccount == (lumo.AccountID{}):
		if err := s.greet(ctx, v.merchant, st, friend); err != nil {
			return Result{}, err
		}
		return Result{Outcome: Added}, s.end(ctx, v.merchant, st, PhaseTaken)
	}
	err := s.c.Tokens.KeepToken(ctx, v.merchant, friend.Channel, friend.ID, user, s.c.Now().Add(tokenLife))
	if err != nil {
		return Result{}, err
	}
	if !direct {
		return s.ask(ctx, v, st, AskLink)
	}
	standing, err := s.standing(ctx, v.merchant, v.channel.ID, friend.ID, claimed.Profile)
	if err != nil {
		return Result{}, err
	}
	if standing.conflict() {
		return s.ask(ctx, v, st, AskLink) // a person confirms before a conflict is kept
	}
	return s.link(ctx, v.merchant, v.channel, st, friend, claimed)
}

// ask shows the page that links or unlinks on a click, and only on a click.
func (s *Service) ask(ctx context.Context, v visit, st State, page Outcome) (Result, error) {
	value, hash := newConfirm(v.channel.Number, st.ID)
	st.ConfirmHash, st.Phase = hash, PhaseAsking
	return Result{Outcome: page, Confirm: value}, s.c.States.Update(ctx, v.merchant, st)
}

// askUnlink asks only whom there is something to ask. The person's token waits for the
// answer: taking back what they allowed needs it.
func (s *Service) askUnlink(ctx context.Context, v visit, st State, user lumo.Secret) (Result, error) {
	_, err := s.c.Links.ByFriend(ctx, v.merchant, st.Friend)
	if fault.Is(err, fault.NotFound) {
		return Result{Outcome: Unlinked}, s.end(ctx, v.merchant, st, PhaseTaken)
	}
	if err != nil {
		return Result{}, err
	}
	st.Value = user.Reveal()
	return s.ask(ctx, v, st, AskUnlink)
}

// end closes a state.
func (s *Service) end(ctx context.Context, m lumo.MerchantID, st State, phase Phase) error {
	st.Phase, st.EndedAt, st.Value, st.ConfirmHash = phase, s.c.Now(), "", nil
	return s.c.States.Update(ctx, m, st)
}

// greet does what the code of a state promised for whom it brought.
func (s *Service) greet(ctx context.Context, m lumo.MerchantID, st State, f lumo.Friend) error {
	return greetBy(ctx, s.c.Codes, s.c.Greeter, m, st, f)
}

func greetBy(ctx context.Context, codes CodeStore, greeter Greeter, m lumo.MerchantID, st State,
	f lumo.Friend) error {
	if st.Code == (lumo.CodeID{}) {
		return nil
	}
	code, err := codes.Code(ctx, m, st.Code)
	if err != nil || len(code.Tags) == 0 && !code.Says() && !code.Own {
		return err
	}
	return greeter.Greet(ctx, m, f, code)
}
