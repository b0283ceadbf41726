package linkage

import (
	"context"
	"slices"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/core/run"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Automatic is by what friends are linked by themselves on one LINE account.
type Automatic struct {
	Email    bool
	Phone    bool
	AskEmail bool // LINE Login asks for the email; the login channel must be allowed to
}

// kinds are those that are on.
func (a Automatic) kinds() (on []ClaimKind) {
	if a.Email {
		on = append(on, ClaimEmail)
	}
	if a.Phone {
		on = append(on, ClaimPhone)
	}
	return on
}

// OwnValue is a friend's own email or phone, normalised.
type OwnValue struct {
	Friend lumo.FriendID
	Kind   ClaimKind
	Value  string
	Other  lumo.FriendID // another friend of the channel with the same; zero = none
}

// LookedUp is what came of a friend's own email or phone.
type LookedUp struct {
	Friend lumo.FriendID
	Kind   ClaimKind
	Result ItemResult
}

// AutoStore keeps what is chosen, and reads friends' own emails and phones; it runs inside a
// transaction of the merchant.
type AutoStore interface {
	Automatic(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (Automatic, error)
	SetAutomatic(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, a Automatic, now time.Time) error
	// CountOwners is how many friends have an own value of these kinds.
	CountOwners(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kinds []ClaimKind) (int64, error)
	// OwnValues are those of the next friends after one.
	OwnValues(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kinds []ClaimKind, after lumo.FriendID,
		friends int) ([]OwnValue, error)
	// DueValues are those that Klaviyo was not asked about.
	DueValues(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kinds []ClaimKind, limit int) ([]OwnValue, error)
	SetLooked(ctx context.Context, m lumo.MerchantID, looked []LookedUp, now time.Time) error
	// SetLookedBy notes for all friends of a check that Klaviyo was asked.
	SetLookedBy(ctx context.Context, m lumo.MerchantID, check lumo.RunID, now time.Time) error
}

// Automatic reads what is chosen.
func (s *Importer) Automatic(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (a Automatic, err error) {
	err = s.inTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.c.Links.c.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		a, err = s.c.Auto.Automatic(ctx, m, c)
		return err
	})
	return a, fault.Wrap("linkage.Automatic", err)
}

// CheckAutomatic has friends' own emails or phones looked up at Klaviyo. It changes nothing.
func (s *Importer) CheckAutomatic(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by lumo.MemberID,
	email, phone bool) (run.Run, error) {
	const op = "linkage.CheckAutomatic"
	if !email && !phone {
		return run.Run{}, &fault.Error{Kind: fault.Invalid, Op: op,
			Fields: map[string]string{"email": "Choose email, phone, or both."}}
	}
	if _, err := s.account(ctx, m, c); err != nil {
		return run.Run{}, fault.Wrap(op, err)
	}
	params := map[string]string{}
	for name, on := range map[string]bool{paramEmail: email, paramPhone: phone} {
		if on {
			params[name] = "yes"
		}
	}
	r, err := s.c.Runs.Start(ctx, m, c, RunAutoCheck, params, by)
	return r, fault.Wrap(op, err)
}

// TurnOn links whom a check found, and from now on whoever fits, by the same kinds.
func (s *Importer) TurnOn(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, check lumo.RunID,
	by lumo.MemberID) (r run.Run, err error) {
	const op = "linkage.TurnOn"
	err = s.inTenant(ctx, m, func(ctx context.Context) error {
		of, err := s.c.Runs.Run(ctx, m, c, check)
		if err != nil {
			return err
		}
		if of.Kind != RunAutoCheck {
			return fault.New(fault.NotFound, op, "This check does not exist.")
		}
		if r, err = s.Link(ctx, m, c, check, by); err != nil {
			return err
		}
		return s.change(ctx, m, c, by, func(a *Automatic) {
			a.Email, a.Phone = a.Email || checks(of, paramEmail), a.Phone || checks(of, paramPhone)
		})
	})
	if err != nil {
		return r, fault.Wrap(op, err)
	}
	s.c.Links.waitForEdges(ctx)
	return r, nil
}

func checks(r run.Run, kind string) bool { return r.Params[kind] == "yes" }

// Checks tells by what an automatic check looks friends up.
func Checks(r run.Run) (email, phone bool) { return checks(r, paramEmail), checks(r, paramPhone) }

// SegmentOf tells which segment and property a check or an import reads.
func SegmentOf(r run.Run) (s Segment, property string) {
	return Segment{ID: r.Params[paramSegment], Name: r.Params[paramName]}, r.Params[paramProperty]
}

// SetAutomatic turns kinds off, and says whether LINE Login asks for the email. A kind is
// turned on by TurnOn alone, after a check.
func (s *Importer) SetAutomatic(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by lumo.MemberID,
	v Automatic) (a Automatic, err error) {
	const op = "linkage.SetAutomatic"
	err = s.inTenant(ctx, m, func(ctx context.Context) error {
		now, err := s.c.Auto.Automatic(ctx, m, c)
		if err != nil {
			return err
		}
		if v.Email && !now.Email || v.Phone && !now.Phone {
			return fault.New(fault.Conflict, op, "Check first. Then turn it on.")
		}
		a = v
		return s.change(ctx, m, c, by, func(a *Automatic) { *a = v })
	})
	if err != nil {
		return a, fault.Wrap(op, err)
	}
	s.c.Links.waitForEdges(ctx)
	return a, nil
}

func (s *Importer) change(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by lumo.MemberID,
	change func(*Automatic)) error {
	of, err := s.c.Links.c.Channels.Get(ctx, m, c)
	if err != nil {
		return err
	}
	a, err := s.c.Auto.Automatic(ctx, m, c)
	if err != nil {
		return err
	}
	change(&a)
	if err := s.c.Auto.SetAutomatic(ctx, m, c, a, s.c.Links.c.Now()); err != nil {
		return err
	}
	if err := s.c.Links.c.Fleet.Changed(ctx, m, edgeapi.TableChannel, edgeapi.ChannelKey(of.Number)); err != nil {
		return err
	}
	return s.c.Links.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by),
		Action: "linking.automatic", TargetKind: "channel", Target: c.String(),
		Data: map[string]any{"email": a.Email, "phone": a.Phone, "ask_email": a.AskEmail}})
}

// autoChecker looks friends' own emails and phones up and says what linking would do.
type autoChecker struct{ *Importer }

// Prepare asks Klaviyo about the next friends.
func (s autoChecker) Prepare(ctx context.Context, r run.Run) (func(context.Context) (run.Step, error), error) {
	email, phone := Checks(r)
	kinds := Automatic{Email: email, Phone: phone}.kinds()
	of, err := s.account(ctx, r.Merchant, r.Channel)
	if err != nil {
		return nil, err
	}
	after, _ := id.Parse(r.Cursor)
	var values []OwnValue
	total := r.Total
	err = s.inTenant(ctx, r.Merchant, func(ctx context.Context) (err error) {
		if total == nil {
			n, err := s.c.Auto.CountOwners(ctx, r.Merchant, r.Channel, kinds)
			if err != nil {
				return err
			}
			total = &n
		}
		values, err = s.c.Auto.OwnValues(ctx, r.Merchant, r.Channel, kinds, lumo.FriendID(after), memberPage)
		return err
	})
	if err != nil {
		return nil, err
	}
	at, wait, err := s.find(ctx, r.Merchant, of.KlaviyoAccount, values)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (run.Step, error) {
		owners := byFriend(values, at)
		step := run.Step{Cursor: r.Cursor, Total: total, Counts: map[string]int64{}, Wait: wait,
			Ended: len(owners) < memberPage}
		items := make([]Item, len(owners))
		f, err := s.foundFor(ctx, r.Merchant, r.Channel, itemsOf(owners))
		for n, o := range owners {
			items[n] = o.item(f)
			step.Cursor = id.ID(o.friend).String()
		}
		if err != nil {
			return step, err
		}
		return step, s.settle(ctx, r, items, &step)
	}, nil
}

// find looks values up at Klaviyo: the customer who has exactly this, by kind and value.
func (s *Importer) find(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, values []OwnValue) (
	at map[string]lumo.ProfileID, wait time.Duration, err error) {
	at = map[string]lumo.ProfileID{}
	for kind, field := range map[ClaimKind]string{ClaimEmail: FieldEmail, ClaimPhone: FieldPhone} {
		var asked []string
		for _, v := range values {
			if v.Kind == kind && !slices.Contains(asked, v.Value) {
				asked = append(asked, v.Value)
			}
		}
		if len(asked) == 0 {
			continue
		}
		found, pause, err := s.c.Segments.FindProfiles(ctx, m, a, field, asked)
		if err != nil {
			return nil, 0, err
		}
		wait = max(wait, pause)
		for _, p := range found {
			value := strings.ToLower(strings.TrimSpace(p.Email))
			if kind == ClaimPhone {
				value = p.Phone
			}
			at[string(kind)+value] = p.ID
		}
	}
	return at, wait, nil
}

// owner is a friend with the customers whom their own values mean.
type owner struct {
	friend lumo.FriendID
	kinds  []ClaimKind
	means  []lumo.ProfileID // different ones, one or two
	claims []ClaimKind      // of those
	other  lumo.FriendID    // who has the same value
}

// byFriend joins values that are of one friend and stand together.
func byFriend(values []OwnValue, at map[string]lumo.ProfileID) (owners []owner) {
	for _, v := range values {
		if n := len(owners); n == 0 || owners[n-1].friend != v.Friend {
			owners = append(owners, owner{friend: v.Friend})
		}
		o := &owners[len(owners)-1]
		o.kinds = append(o.kinds, v.Kind)
		p := at[string(v.Kind)+v.Value]
		if p == "" {
			continue
		}
		if v.Other != (lumo.FriendID{}) {
			o.other = v.Other
		}
		if !slices.Contains(o.means, p) {
			o.means, o.claims = append(o.means, p), append(o.claims, v.Kind)
		}
	}
	return owners
}

// itemsOf are items for all that owners may mean, to read what stands for them.
func itemsOf(owners []owner) (all []Item) {
	for _, o := range owners {
		for _, p := range o.means {
			all = append(all, Item{Friend: o.friend, Profile: p})
		}
	}
	return all
}

// item says what an owner's values mean together. Two customers for one friend are for a
// person to decide.
func (o owner) item(f found) Item {
	i := Item{Friend: o.friend}
	if len(o.means) == 0 {
		i.Result = NoCustomer
		return i
	}
	i.Profile, i.Claim = o.means[0], o.claims[0]
	i.Result = f.judge(i)
	if len(o.means) > 1 {
		second := Item{Friend: o.friend, Profile: o.means[1], Claim: o.claims[1], Other: o.means[0], Result: ForReview}
		if f.judge(second) == Already { // the other one contradicts the link
			second.Profile, second.Other, second.Claim = second.Other, second.Profile, o.claims[0]
		}
		i = second
	}
	i.Twin = []byte(i.Profile)
	return i
}

// looked notes what came of items' values.
func (s *Importer) looked(ctx context.Context, m lumo.MerchantID, items []Item) error {
	var all []LookedUp
	for _, i := range items {
		for _, kind := range []ClaimKind{ClaimEmail, ClaimPhone} {
			all = append(all, LookedUp{Friend: i.Friend, Kind: kind, Result: i.Result})
		}
	}
	return s.c.Auto.SetLooked(ctx, m, all, s.c.Links.c.Now())
}

// LookUp links friends whose own email or phone became known, where that is on. A value is
// looked up once; "Check again" looks all of them up anew.
func (s *Importer) LookUp(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	const op = "linkage.LookUp"
	var due []OwnValue
	err := s.inTenant(ctx, m, func(ctx context.Context) error {
		a, err := s.c.Auto.Automatic(ctx, m, c)
		if kinds := a.kinds(); err == nil && len(kinds) > 0 {
			due, err = s.c.Auto.DueValues(ctx, m, c, kinds, memberPage)
		}
		return err
	})
	if err != nil || len(due) == 0 {
		return fault.Wrap(op, err)
	}
	of, err := s.account(ctx, m, c)
	if fault.Is(err, fault.Conflict) {
		return nil // they wait for Klaviyo
	}
	if err != nil {
		return fault.Wrap(op, err)
	}
	at, _, err := s.find(ctx, m, of.KlaviyoAccount, due)
	if err != nil {
		return fault.Wrap(op, err)
	}
	err = s.inTenant(ctx, m, func(ctx context.Context) error { return s.match(ctx, m, of, byFriend(due, at)) })
	if err == nil && len(due) == memberPage {
		err = s.c.Links.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
			return s.c.Links.c.Upkeep.Hurry(ctx, m, c, s.c.Links.c.Now())
		})
	}
	return fault.Wrap(op, err)
}

// match links what is clear among owners and notes for all that they were looked up.
func (s *Importer) match(ctx context.Context, m lumo.MerchantID, of lumo.Channel, owners []owner) error {
	f, err := s.foundFor(ctx, m, of.ID, itemsOf(owners))
	if err != nil {
		return err
	}
	b := batch{channel: of, method: MethodAuto, by: History{ActorKind: "system"}}
	place := map[lumo.FriendID]int{}
	others := map[lumo.FriendID]lumo.FriendID{}
	var all []LookedUp
	for n, o := range owners {
		i := o.item(f)
		if i.Result == WillLink && o.other != (lumo.FriendID{}) {
			i.Result = ForReview // exact, but not unique
		}
		place[o.friend], others[o.friend] = n, o.other
		if i.Result == WillLink || i.Result == ForReview {
			b.items = append(b.items, i)
		}
		for _, kind := range o.kinds {
			all = append(all, LookedUp{Friend: o.friend, Kind: kind, Result: i.Result})
		}
	}
	b.other = func(i Item) lumo.FriendID {
		other := others[i.Friend]
		if n, too := place[other]; too && n > place[i.Friend] {
			return lumo.FriendID{} // the later of the two tells of both
		}
		return other
	}
	if err := s.link(ctx, m, &b); err != nil {
		return err
	}
	results := map[lumo.FriendID]ItemResult{}
	for _, i := range b.items {
		results[i.Friend] = i.Result
	}
	for n, l := range all {
		if r, ok := results[l.Friend]; ok {
			all[n].Result = r
		}
	}
	return s.c.Auto.SetLooked(ctx, m, all, s.c.Links.c.Now())
}
