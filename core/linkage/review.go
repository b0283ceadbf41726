package linkage

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// ConflictKind is what contradicts what.
type ConflictKind string

// The kinds of conflicts.
const (
	TwoProfiles ConflictKind = "two_profiles" // two customers for one friend
	TwoFriends  ConflictKind = "two_friends"  // two friends for one customer
	SharedPhone ConflictKind = "shared_phone" // two friends with the phone of one customer
)

// Decision is how a conflict ended.
type Decision string

// The decisions. LeaveUnlinked also means that no automatic match asks again; Unlink ends the
// standing link only.
const (
	Undecided     Decision = ""
	UseFirst      Decision = "use_first"
	UseSecond     Decision = "use_second"
	LeaveUnlinked Decision = "leave_unlinked"
	UnlinkOld     Decision = "unlink"
	DecisionGone  Decision = "gone" // it settled itself
)

// Conflict is a claim that a standing link, or another claim, contradicts. It has two sides:
//
//	two_profiles   Friend with the standing link's profile, or OtherProfile | Friend with Profile
//	two_friends    OtherFriend with Profile (the standing link) | Friend with Profile
//	shared_phone   OtherFriend with Profile                     | Friend with Profile
type Conflict struct {
	ID          id.ID
	Channel     lumo.ChannelID
	Kind        ConflictKind
	Friend      lumo.FriendID
	OtherFriend lumo.FriendID // zero for two_profiles
	Profile     lumo.ProfileID
	// OtherProfile is the first side's of two_profiles where no link stands.
	OtherProfile lumo.ProfileID
	Standing     lumo.LinkID // zero = none stood
	Method       string
	Assurance    lumo.Assurance
	Evidence     map[string]any
	CreatedAt    time.Time
	DeferredAt   time.Time // "later"; zero = never
	Decision     Decision
	Resolution   Resolution
	DecidedAt    time.Time
	DecidedBy    lumo.MemberID
}

// Resolution is what a decision changed: enough to take it back.
type Resolution struct {
	Ended []string `json:"ended,omitempty"` // links, by their outside ids
	Made  string   `json:"made,omitempty"`
	Run   string   `json:"run,omitempty"` // that decided it by a rule, imp_..
}

// ConflictStore keeps conflicts.
type ConflictStore interface {
	// AddConflict keeps a conflict once while it is open; false = it was known. What a person
	// left unlinked is not asked again by a match alone.
	AddConflict(ctx context.Context, m lumo.MerchantID, c Conflict) (bool, error)
	// Conflicts are the open ones of a kind, or of all, those put off last.
	Conflicts(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, q ReviewQuery) (
		list []Conflict, total int64, err error)
	// Conflict reads one and locks it.
	Conflict(ctx context.Context, m lumo.MerchantID, v id.ID) (Conflict, error)
	// Decide stores a decision, or with Undecided opens the conflict again.
	Decide(ctx context.Context, m lumo.MerchantID, c Conflict, now time.Time) error
	Defer(ctx context.Context, m lumo.MerchantID, v id.ID, now time.Time) error
	// Settled closes open conflicts whose claim came true by another way.
	Settled(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, p lumo.ProfileID, now time.Time) error
}

// side is one of the two answers of a conflict.
type side struct {
	friend  lumo.FriendID
	profile lumo.ProfileID
	old     *lumo.Link // the link that stood between them, whether or not it still does
	stands  bool
}

// sides reads both answers as they are now.
func (s *Service) sides(ctx context.Context, m lumo.MerchantID, c Conflict) (first, second side, err error) {
	second = side{friend: c.Friend, profile: c.Profile}
	first = side{friend: c.OtherFriend, profile: c.Profile}
	if c.Kind == TwoProfiles {
		first.friend = c.Friend
		if c.OtherProfile != "" {
			first.profile = c.OtherProfile
		}
	}
	if c.Standing == (lumo.LinkID{}) {
		return first, second, nil
	}
	old, stands, err := s.c.Links.Link(ctx, m, c.Standing)
	if err != nil {
		return first, second, err
	}
	first.old, first.stands, first.profile = &old, stands, old.Profile
	return first, second, nil
}

// ReviewQuery asks for a page of what needs review.
type ReviewQuery struct {
	Kind  ConflictKind // empty = all
	Limit int
	// At and After are the place of the last one of the page before; zero = the first page.
	At    time.Time
	After id.ID
}

// Place is when a conflict came, or was put off: their order.
func (c Conflict) Place() time.Time {
	if c.DeferredAt.IsZero() {
		return c.CreatedAt
	}
	return c.DeferredAt
}

// ReviewList are the open conflicts of a channel, first come first, those put off last.
func (s *Service) ReviewList(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, q ReviewQuery) (
	list []ReviewItem, total int64, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		list = nil
		found, n, err := s.c.Links.Conflicts(ctx, m, c, q)
		total = n
		for _, conflict := range found {
			if err != nil {
				break
			}
			var item ReviewItem
			item, err = s.reviewItem(ctx, m, conflict)
			list = append(list, item)
		}
		return err
	})
	return list, total, fault.Wrap("linkage.ReviewList", err)
}

// Later puts a conflict behind the others.
func (s *Service) Later(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v id.ID) error {
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.undecided(ctx, m, c, v); err != nil {
			return err
		}
		s.c.Watcher.ReviewChanged(ctx, m, c)
		return s.c.Links.Defer(ctx, m, v, s.c.Now())
	})
	return fault.Wrap("linkage.Later", err)
}

// conflictOf reads a conflict of a channel and locks it.
func (s *Service) conflictOf(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v id.ID) (
	Conflict, error) {
	conflict, err := s.c.Links.Conflict(ctx, m, v)
	if err == nil && conflict.Channel != c {
		err = fault.New(fault.NotFound, "linkage.conflictOf", "This item does not exist.")
	}
	return conflict, err
}

// undecided reads a conflict that waits for a decision.
func (s *Service) undecided(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v id.ID) (Conflict, error) {
	conflict, err := s.conflictOf(ctx, m, c, v)
	if err == nil && conflict.Decision != Undecided {
		err = fault.New(fault.Conflict, "linkage.undecided", "Somebody decided this already.")
	}
	return conflict, err
}

// Decide ends a conflict as a member says.
func (s *Service) Decide(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v id.ID,
	d Decision, by lumo.MemberID) error {
	return s.conclude(ctx, m, c, v, d, by, "")
}

// conclude ends a conflict; of names the run that does it by a rule, if one does.
func (s *Service) conclude(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v id.ID, d Decision,
	by lumo.MemberID, of string) error {
	const op = "linkage.Decide"
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		conflict, err := s.undecided(ctx, m, c, v)
		if err != nil {
			return err
		}
		first, second, err := s.sides(ctx, m, conflict)
		if err != nil {
			return err
		}
		conflict.Decision, conflict.DecidedBy, conflict.Resolution.Run = d, by, of
		switch d {
		case UseFirst:
			err = s.use(ctx, m, &conflict, first)
		case UseSecond:
			err = s.use(ctx, m, &conflict, second)
		case LeaveUnlinked, UnlinkOld:
			err = s.endAll(ctx, m, &conflict, first, second)
		default:
			err = fault.New(fault.Invalid, op, "Choose one of the two, or neither.")
		}
		if err != nil {
			return err
		}
		return s.decided(ctx, m, conflict)
	})
	return fault.Wrap(op, meanwhile(err))
}

// use lets one side stand: what contradicts it ends first.
func (s *Service) use(ctx context.Context, m lumo.MerchantID, c *Conflict, chosen side) error {
	there, err := s.standing(ctx, m, c.Channel, chosen.friend, chosen.profile)
	if err != nil || there.same() {
		return err
	}
	for _, l := range []*lumo.Link{there.ofFriend, there.ofProfile} {
		if l == nil {
			continue
		}
		if err := s.endFor(ctx, m, c, *l); err != nil {
			return err
		}
	}
	if chosen.old != nil {
		made, err := s.restore(ctx, m, chosen.old.ID)
		c.Resolution.Made = made.ID.String()
		return err
	}
	of, err := s.c.Channels.Get(ctx, m, c.Channel)
	if err != nil {
		return err
	}
	fresh := NewLink{Evidence: map[string]any{"conflict": c.ID.With(id.Event)}, Link: lumo.Link{
		ID: lumo.LinkID(s.c.NewID()), Channel: c.Channel, Friend: chosen.friend, Account: of.KlaviyoAccount,
		Profile: chosen.profile, Method: c.Method, Assurance: c.Assurance, Version: 1, LinkedAt: s.c.Now()}}
	for _, key := range []string{"claim", "code", "state", "run"} {
		if v := c.Evidence[key]; v != nil {
			fresh.Evidence[key] = v
		}
	}
	c.Resolution.Made = fresh.ID.String()
	if _, err := s.add(ctx, m, stateOf(c.Evidence), fresh, byMember(c.DecidedBy)); err != nil {
		return err
	}
	_, err = s.c.Tokens.TellAt(ctx, m, chosen.friend, time.Time{})
	return err
}

// stateOf is the scan that a claim came from, as its evidence names it.
func stateOf(evidence map[string]any) (st State) {
	if text, ok := evidence["state"].(string); ok {
		st.ID, _ = id.Parse(text) // none where it came from no scan
	}
	if text, ok := evidence["code"].(string); ok {
		code, _ := id.ParseWith(id.QRCode, text)
		st.Code = lumo.CodeID(code)
	}
	return st
}

// endAll leaves nobody of the conflict linked.
func (s *Service) endAll(ctx context.Context, m lumo.MerchantID, c *Conflict, both ...side) error {
	for _, one := range both {
		there, err := s.standing(ctx, m, c.Channel, one.friend, one.profile)
		if err != nil {
			return err
		}
		if there.same() {
			if err := s.endFor(ctx, m, c, *there.ofFriend); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) endFor(ctx context.Context, m lumo.MerchantID, c *Conflict, l lumo.Link) error {
	h := byMember(c.DecidedBy)
	h.Data = map[string]any{"conflict": c.ID.With(id.Event)}
	c.Resolution.Ended = append(c.Resolution.Ended, l.ID.String())
	_, err := s.unlink(ctx, m, l, h, undoSpan)
	return err
}

// decided writes a decision down, in the history of the link that it is about.
func (s *Service) decided(ctx context.Context, m lumo.MerchantID, c Conflict) error {
	if err := s.c.Links.Decide(ctx, m, c, s.c.Now()); err != nil {
		return err
	}
	about := c.Standing
	if made, err := id.ParseWith(id.Link, c.Resolution.Made); err == nil {
		about = lumo.LinkID(made)
	}
	data := map[string]any{"conflict": c.ID.With(id.Event), "decision": string(c.Decision)}
	if about != (lumo.LinkID{}) {
		h := byMember(c.DecidedBy)
		h.ID, h.Link, h.Step, h.Data, h.Now = s.c.NewID(), about, stepResolved, data, s.c.Now()
		if err := s.c.Links.AddHistory(ctx, m, h); err != nil {
			return err
		}
	}
	s.c.Watcher.ReviewChanged(ctx, m, c.Channel)
	return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(c.DecidedBy),
		Action: "link.review", TargetKind: "conflict", Target: c.ID.With(id.Event), Data: data})
}

// UndoDecision takes a decision back: links are as they were, the conflict is open again.
func (s *Service) UndoDecision(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v id.ID,
	by lumo.MemberID) error {
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return s.undoDecision(ctx, m, c, v, by)
	})
	return fault.Wrap("linkage.UndoDecision", meanwhile(err))
}

func (s *Service) undoDecision(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v id.ID,
	by lumo.MemberID) error {
	const op = "linkage.undoDecision"
	conflict, err := s.conflictOf(ctx, m, c, v)
	if err == nil && (conflict.Decision == Undecided || conflict.Decision == DecisionGone) {
		err = fault.New(fault.Conflict, op, "Nothing was decided here.")
	}
	if err != nil {
		return err
	}
	about := conflict.Standing
	h := byMember(by)
	h.Data = map[string]any{"conflict": v.With(id.Event)}
	if made, err := id.ParseWith(id.Link, conflict.Resolution.Made); err == nil {
		about = lumo.LinkID(made)
		if err := s.endIfStanding(ctx, m, about, h); err != nil {
			return err
		}
	}
	for _, text := range conflict.Resolution.Ended {
		ended, err := id.ParseWith(id.Link, text)
		if err != nil {
			return fault.As(fault.Internal, op, err)
		}
		if _, err := s.restore(ctx, m, lumo.LinkID(ended)); err != nil {
			return err
		}
	}
	conflict.Decision, conflict.Resolution, conflict.DecidedBy = Undecided, Resolution{}, lumo.MemberID{}
	if err := s.c.Links.Decide(ctx, m, conflict, s.c.Now()); err != nil {
		return err
	}
	s.c.Watcher.ReviewChanged(ctx, m, c)
	if about == (lumo.LinkID{}) {
		return nil
	}
	return s.noteUndo(ctx, m, about, v, by)
}
