package linkage

import (
	"context"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// The steps of a link's history.
const (
	stepLinked   = "linked"
	stepRaised   = "raised"
	stepUnlinked = "unlinked"
	stepConflict = "conflict"
	stepResolved = "resolved"
	stepUndone   = "undone"
	stepMoved    = "moved"
)

// The methods by which a link comes to be.
const (
	MethodQR      = "qr"
	MethodForm    = "form"
	MethodImport  = "import"
	MethodAuto    = "automatic"
	MethodConsole = "console" // by a member
)

// standing is what is linked already where a new link is to be.
type standing struct {
	ofFriend  *lumo.Link // the friend's link, to whomever
	ofProfile *lumo.Link // the profile's link on this channel, to whomever
}

// same tells whether friend and profile are linked to each other.
func (s standing) same() bool {
	return s.ofFriend != nil && s.ofProfile != nil && s.ofFriend.ID == s.ofProfile.ID
}

// conflict tells whether a standing link says something else.
func (s standing) conflict() bool {
	return !s.same() && (s.ofFriend != nil || s.ofProfile != nil)
}

func (s *Service) standing(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	p lumo.ProfileID) (standing, error) {
	var found standing
	switch l, err := s.c.Links.ByFriend(ctx, m, f); {
	case err == nil:
		found.ofFriend = &l
	case !fault.Is(err, fault.NotFound):
		return standing{}, err
	}
	switch l, err := s.c.Links.ByProfile(ctx, m, c, p); {
	case err == nil:
		found.ofProfile = &l
	case !fault.Is(err, fault.NotFound):
		return standing{}, err
	}
	return found, nil
}

// link makes the link, makes a standing one surer, or keeps the conflict. A standing link
// that says something else stays, whatever level the new claim has.
func (s *Service) link(ctx context.Context, m lumo.MerchantID, c lumo.Channel, st State,
	f lumo.Friend, claimed Claimed) (Result, error) {
	there, err := s.standing(ctx, m, c.ID, f.ID, claimed.Profile)
	if err != nil {
		return Result{}, err
	}
	fresh := s.newLink(c, st, f.ID, claimed)
	switch {
	case there.conflict():
		if err := s.keepConflict(ctx, m, there, fresh, History{ActorKind: "customer"}); err != nil {
			return Result{}, err
		}
		return Result{Outcome: InReview}, s.end(ctx, m, st, PhaseConflict)
	case there.same():
		err = s.raise(ctx, m, *there.ofFriend, fresh)
	default:
		_, err = s.add(ctx, m, st, fresh, History{ActorKind: "customer"})
	}
	if err == nil {
		err = s.greet(ctx, m, st, f)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{Outcome: Linked}, s.end(ctx, m, st, PhaseLinked)
}

func (s *Service) newLink(c lumo.Channel, st State, f lumo.FriendID, claimed Claimed) NewLink {
	evidence := map[string]any{"claim": string(claimed.By), "state": st.ID.String()}
	if st.Code != (lumo.CodeID{}) {
		evidence["code"] = st.Code.String()
	}
	method := MethodQR
	if st.Claim == ClaimForm {
		method = MethodForm
	}
	return NewLink{Evidence: evidence, Email: claimed.Email, Phone: claimed.Phone, Link: lumo.Link{
		ID: lumo.LinkID(s.c.NewID()), Channel: c.ID, Friend: f, Account: c.KlaviyoAccount,
		Profile: claimed.Profile, Method: method, Assurance: claimed.Assurance, Version: 1,
		LinkedAt: s.c.Now()}}
}

// add stores a new link and tells everybody: Klaviyo first what led to it, then the link. It
// answers the step that the link begins with.
func (s *Service) add(ctx context.Context, m lumo.MerchantID, st State, l NewLink, by History) (id.ID, error) {
	if err := s.c.Links.AddLink(ctx, m, l); err != nil {
		return id.ID{}, err
	}
	by.ID, by.Link, by.Step, by.Data, by.Now = s.c.NewID(), l.ID, stepLinked, l.Evidence, s.c.Now()
	if err := s.c.Links.AddHistory(ctx, m, by); err != nil {
		return by.ID, err
	}
	if err := s.c.Links.Settled(ctx, m, l.Friend, l.Profile, l.LinkedAt); err != nil {
		return by.ID, err
	}
	if err := s.c.Outbox.LinkMade(ctx, l.Link, st.ID); err != nil {
		return by.ID, err
	}
	if st.Code != (lumo.CodeID{}) {
		if err := s.c.Codes.Count(ctx, m, st.Code, s.c.Now(), 0, 1); err != nil {
			return by.ID, err
		}
		s.c.Watcher.CodeChanged(ctx, m, l.Channel, st.Code)
	}
	s.c.Watcher.LinkChanged(ctx, m, l.Link, true)
	return by.ID, s.c.Recorder.Record(ctx, s.fact(m, l.Link, lumo.FactLinked))
}

func (s *Service) fact(m lumo.MerchantID, l lumo.Link, kind lumo.FactKind) lumo.Fact {
	return lumo.Fact{Merchant: m, Channel: l.Channel, Friend: l.Friend, Kind: kind, Source: l.Method,
		Ref: s.c.NewID().String(), OccurredAt: s.c.Now(),
		Data: map[string]any{"method": l.Method, "assurance": string(l.Assurance),
			"link": l.ID.String()}}
}

// raise makes a standing link surer; a lower claim of the same adds nothing.
func (s *Service) raise(ctx context.Context, m lumo.MerchantID, old lumo.Link, l NewLink) error {
	if level(l.Assurance) <= level(old.Assurance) {
		return nil
	}
	raised, err := s.c.Links.Raise(ctx, m, old.ID, l)
	if err != nil {
		return err
	}
	s.c.Watcher.LinkChanged(ctx, m, raised, true)
	return s.c.Links.AddHistory(ctx, m, History{ID: s.c.NewID(), Link: raised.ID, Step: stepRaised,
		ActorKind: "customer", Now: s.c.Now(), Data: map[string]any{
			"from": string(old.Assurance), "to": string(raised.Assurance), "state": l.Evidence["state"]}})
}

// keepConflict writes down what was claimed, by whom, and changes nothing.
func (s *Service) keepConflict(ctx context.Context, m lumo.MerchantID, there standing, l NewLink, by History) error {
	conflict := Conflict{ID: s.c.NewID(), Channel: l.Channel, Friend: l.Friend, Profile: l.Profile,
		Method: l.Method, Assurance: l.Assurance, Evidence: l.Evidence, CreatedAt: s.c.Now()}
	old := there.ofFriend
	conflict.Kind = TwoProfiles
	if old == nil {
		old, conflict.Kind = there.ofProfile, TwoFriends
		if l.Method == MethodAuto && l.Evidence["claim"] == string(ClaimPhone) {
			conflict.Kind = SharedPhone
		}
		conflict.OtherFriend = old.Friend
	}
	conflict.Standing = old.ID
	kept, err := s.c.Links.AddConflict(ctx, m, conflict)
	if err != nil || !kept {
		return err
	}
	s.c.Watcher.ReviewChanged(ctx, m, l.Channel)
	by.ID, by.Link, by.Step, by.Now = s.c.NewID(), old.ID, stepConflict, s.c.Now()
	by.Data = map[string]any{"kind": string(conflict.Kind), "assurance": string(l.Assurance), "method": l.Method}
	return s.c.Links.AddHistory(ctx, m, by)
}

// level orders the assurance levels.
func level(a lumo.Assurance) int {
	switch a {
	case lumo.Proven:
		return 3
	case lumo.Claimed:
		return 2
	case lumo.Matched:
		return 1
	}
	return 0
}
