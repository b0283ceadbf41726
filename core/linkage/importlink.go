package linkage

import (
	"context"
	"strconv"

	"lumo/core/lumo"
	"lumo/core/run"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// linker links what a check found. Each step looks again at what stands by then: the check
// may be hours old.
type linker struct{ *Importer }

// Prepare asks nobody: all that is needed is in the check.
func (s linker) Prepare(_ context.Context, r run.Run) (func(context.Context) (run.Step, error), error) {
	v, err := id.ParseWith(id.Import, r.Params[paramCheck])
	if err != nil {
		return nil, fault.As(fault.Internal, "linkage.Prepare", err)
	}
	return func(ctx context.Context) (run.Step, error) { return s.step(ctx, r, lumo.RunID(v)) }, nil
}

func (s linker) step(ctx context.Context, r run.Run, check lumo.RunID) (run.Step, error) {
	after, _ := strconv.ParseInt(r.Cursor, 10, 64)
	step := run.Step{Cursor: r.Cursor, Counts: map[string]int64{}}
	of, err := s.c.Runs.Run(ctx, r.Merchant, r.Channel, check)
	if err != nil {
		return step, err
	}
	if r.Total == nil {
		total := of.Counts[string(WillLink)] + of.Counts[string(ForReview)]
		step.Total = &total
	}
	items, err := s.c.Items.Items(ctx, r.Merchant, check, []ItemResult{WillLink, ForReview}, after, stepItems)
	if err != nil {
		return step, err
	}
	if step.Ended = len(items) < stepItems; step.Ended && of.Kind == RunAutoCheck {
		if err := s.c.Auto.SetLookedBy(ctx, r.Merchant, check, s.c.Links.c.Now()); err != nil {
			return step, err
		}
	}
	if len(items) == 0 {
		return step, nil
	}
	channel, err := s.account(ctx, r.Merchant, r.Channel)
	if err != nil {
		return step, err
	}
	if err := s.meet(ctx, r, of, items); err != nil {
		return step, err
	}
	method := MethodImport
	if of.Kind == RunAutoCheck {
		method = MethodAuto
	}
	b := batch{channel: channel, items: items, method: method, run: r.ID, check: check,
		by: History{ActorKind: "member", Actor: r.StartedBy}}
	if err := s.link(ctx, r.Merchant, &b); err != nil {
		return step, err
	}
	for _, i := range b.items {
		step.Counts[string(i.Result)]++
	}
	step.Done, step.Cursor = int64(len(items)), strconv.FormatInt(items[len(items)-1].N, 10)
	if method == MethodAuto {
		if err := s.looked(ctx, r.Merchant, b.items); err != nil {
			return step, err
		}
	}
	return step, s.c.Items.AddItems(ctx, r.Merchant, r.ID, b.items)
}

// meet finds or makes the friends of LINE ids that nobody was known by. LINE knew them when
// the check began.
func (s linker) meet(ctx context.Context, r, check run.Run, items []Item) error {
	for n := range items {
		i := &items[n]
		if i.Friend != (lumo.FriendID{}) || !i.User.Valid() {
			continue
		}
		friend, err := s.c.Links.c.Friends.UpsertFriend(ctx, r.Merchant, r.Channel, lumo.Contact{User: i.User,
			Source: MethodImport, Seen: &lumo.FollowSeen{Status: lumo.Following, At: check.StartedAt}})
		if fault.Is(err, fault.NotFound) { // erased meanwhile
			i.Result = Unreachable
			continue
		}
		if err != nil {
			return err
		}
		i.Friend, i.User = friend.ID, ""
	}
	return nil
}

// batch is what is linked in one transaction.
type batch struct {
	channel lumo.Channel
	items   []Item // results and links are filled in
	method  string
	run     lumo.RunID // zero = of no run
	check   lumo.RunID
	by      History
	// other is the friend who wants the same customer; nil = as the check found.
	other func(i Item) lumo.FriendID
}

func (b *batch) evidence(i Item) map[string]any {
	evidence := map[string]any{}
	if b.run != (lumo.RunID{}) {
		evidence["run"] = b.run.String()
	}
	if i.Claim != "" && i.Claim != ClaimNone {
		evidence["claim"] = string(i.Claim)
	}
	return evidence
}

// link links what is clear and keeps conflicts of what is not. Nothing that stands changes.
func (s *Importer) link(ctx context.Context, m lumo.MerchantID, b *batch) error {
	f, err := s.foundFor(ctx, m, b.channel.ID, b.items)
	if err != nil {
		return err
	}
	var fresh []NewLink
	var places []int
	for n := range b.items {
		i := &b.items[n]
		if i.Friend == (lumo.FriendID{}) {
			continue
		}
		wanted := i.Result
		link := s.newMatch(b, *i)
		switch i.Result = f.judge(*i); {
		case i.Result == ForReview:
			if there := f.standing(*i); !pending(there, fresh) {
				err = s.keep(ctx, m, b, there, link)
			} else {
				err = s.keepOpen(ctx, m, b, *i, link)
			}
		case i.Result == WillLink && wanted == ForReview:
			i.Result = ForReview
			err = s.keepOpen(ctx, m, b, *i, link)
		case i.Result == WillLink:
			fresh, places = append(fresh, link), append(places, n)
			f.byFriend[i.Friend], f.byProfile[i.Profile] = link.Link, link.Link
		}
		if err != nil {
			return err
		}
	}
	return s.add(ctx, m, b, fresh, places)
}

// pending tells whether what contradicts is itself only about to be stored.
func pending(there standing, fresh []NewLink) bool {
	for _, l := range fresh {
		if there.ofFriend != nil && there.ofFriend.ID == l.ID || there.ofProfile != nil && there.ofProfile.ID == l.ID {
			return true
		}
	}
	return false
}

func (s *Importer) newMatch(b *batch, i Item) NewLink {
	return NewLink{Evidence: b.evidence(i), Link: lumo.Link{ID: lumo.LinkID(s.c.Links.c.NewID()), Channel: b.channel.ID,
		Friend: i.Friend, Account: b.channel.KlaviyoAccount, Profile: i.Profile, Method: b.method,
		Assurance: lumo.Matched, Version: 1, LinkedAt: s.c.Links.c.Now()}}
}

// keep keeps the conflict with a link that stands.
func (s *Importer) keep(ctx context.Context, m lumo.MerchantID, b *batch, there standing, l NewLink) error {
	return s.c.Links.keepConflict(ctx, m, there, l, b.by)
}

// keepOpen keeps a conflict between two matches, neither of which stands. The first of two
// has nobody before it: the second one tells of both.
func (s *Importer) keepOpen(ctx context.Context, m lumo.MerchantID, b *batch, i Item, l NewLink) error {
	c := Conflict{ID: s.c.Links.c.NewID(), Channel: l.Channel, Kind: TwoProfiles, Friend: l.Friend, Profile: l.Profile,
		OtherProfile: i.Other, Method: l.Method, Assurance: l.Assurance, Evidence: l.Evidence,
		CreatedAt: s.c.Links.c.Now()}
	if i.Other == "" {
		other, err := s.otherFriend(ctx, m, b, i)
		if err != nil || other == (lumo.FriendID{}) {
			return err
		}
		c.OtherFriend, c.Kind = other, TwoFriends
		if i.Claim == ClaimPhone {
			c.Kind = SharedPhone
		}
	}
	kept, err := s.c.Links.c.Links.AddConflict(ctx, m, c)
	if err == nil && kept {
		s.c.Links.c.Watcher.ReviewChanged(ctx, m, l.Channel)
	}
	return err
}

// otherFriend is the friend before this one who wants the same customer.
func (s *Importer) otherFriend(ctx context.Context, m lumo.MerchantID, b *batch, i Item) (lumo.FriendID, error) {
	if b.other != nil {
		return b.other(i), nil
	}
	if i.Twin == nil {
		return lumo.FriendID{}, nil
	}
	twins, err := s.c.Items.Twins(ctx, m, b.check, [][]byte{i.Twin})
	for _, t := range twins {
		if t.N < i.N && t.Profile == i.Profile && t.Friend != i.Friend && t.Friend != (lumo.FriendID{}) {
			return t.Friend, nil
		}
	}
	return lumo.FriendID{}, err
}

// add stores new links with their histories, and tells everybody. Who was faster elsewhere is
// looked at once more.
func (s *Importer) add(ctx context.Context, m lumo.MerchantID, b *batch, fresh []NewLink, places []int) error {
	if len(fresh) == 0 {
		return nil
	}
	added, err := s.c.Many.AddLinks(ctx, m, fresh)
	if err != nil {
		return err
	}
	var links []lumo.Link
	for n, l := range fresh {
		i := &b.items[places[n]]
		if added[n] {
			i.Result, i.Link, i.Version = ItemLinked, l.ID, l.Version
			links = append(links, l.Link)
			continue
		}
		there, err := s.c.Links.standing(ctx, m, l.Channel, l.Friend, l.Profile)
		if err != nil {
			return err
		}
		if i.Result = Already; !there.same() {
			i.Result, err = ForReview, s.keep(ctx, m, b, there, l)
		}
		if err != nil {
			return err
		}
	}
	return s.tell(ctx, m, b, links)
}

// tell writes the history of new links and tells Klaviyo, timelines and open pages.
func (s *Importer) tell(ctx context.Context, m lumo.MerchantID, b *batch, links []lumo.Link) error {
	const shown = 20 // open pages read a list again; they need not hear of each
	histories, friends, facts := make([]History, len(links)), make([]lumo.FriendID, len(links)), make([]lumo.Fact, len(links))
	for n, l := range links {
		h := b.by
		h.ID, h.Link, h.Step, h.Now = s.c.Links.c.NewID(), l.ID, stepLinked, s.c.Links.c.Now()
		if b.run != (lumo.RunID{}) {
			h.Data = map[string]any{"run": b.run.String()}
		}
		histories[n], friends[n], facts[n] = h, l.Friend, s.c.Links.fact(m, l, lumo.FactLinked)
		if n < shown {
			s.c.Links.c.Watcher.LinkChanged(ctx, m, l, true)
		}
	}
	if err := s.c.Many.AddHistories(ctx, m, histories); err != nil {
		return err
	}
	if err := s.c.Many.SettledAll(ctx, m, links, s.c.Links.c.Now()); err != nil {
		return err
	}
	if err := s.c.Outbox.LinksMade(ctx, m, friends); err != nil {
		return err
	}
	return s.c.Facts.RecordAll(ctx, m, facts)
}

// undoer takes an import back.
type undoer struct{ *Importer }

// Prepare asks nobody.
func (s undoer) Prepare(_ context.Context, r run.Run) (func(context.Context) (run.Step, error), error) {
	v, err := id.ParseWith(id.Import, r.Params[paramImport])
	if err != nil {
		return nil, fault.As(fault.Internal, "linkage.Prepare", err)
	}
	return func(ctx context.Context) (run.Step, error) { return s.step(ctx, r, lumo.RunID(v)) }, nil
}

func (s undoer) step(ctx context.Context, r run.Run, made lumo.RunID) (run.Step, error) {
	after, _ := strconv.ParseInt(r.Cursor, 10, 64)
	step := run.Step{Cursor: r.Cursor, Counts: map[string]int64{}}
	if r.Total == nil {
		of, err := s.c.Runs.Run(ctx, r.Merchant, r.Channel, made)
		if err != nil {
			return step, err
		}
		total := of.Counts[string(ItemLinked)]
		step.Total = &total
	}
	items, err := s.c.Items.Made(ctx, r.Merchant, made, after, stepItems)
	if err != nil {
		return step, err
	}
	for n := range items {
		i := &items[n]
		if i.Result, err = s.takeBack(ctx, r, *i); err != nil {
			return step, err
		}
		i.Link, step.Cursor = lumo.LinkID{}, strconv.FormatInt(i.N, 10)
		step.Counts[string(i.Result)]++
	}
	step.Done = int64(len(items))
	if err := s.c.Items.AddItems(ctx, r.Merchant, r.ID, items); err != nil {
		return step, err
	}
	if step.Ended = len(items) < stepItems; step.Ended {
		err = s.c.Items.SetUndone(ctx, r.Merchant, r.Channel, made, s.c.Links.c.Now())
		s.c.Links.c.Watcher.ReviewChanged(ctx, r.Merchant, r.Channel)
	}
	return step, err
}

// takeBack ends a link that is as the import made it.
func (s undoer) takeBack(ctx context.Context, r run.Run, i Item) (ItemResult, error) {
	l, stands, err := s.c.Links.c.Links.Link(ctx, r.Merchant, i.Link)
	if fault.Is(err, fault.NotFound) { // its person was erased
		return ItemKept, nil
	}
	if err != nil || !stands || l.Version != i.Version {
		return ItemKept, err
	}
	h := byMember(r.StartedBy)
	h.Data = map[string]any{"run": r.Params[paramImport]}
	_, err = s.c.Links.unlinkKeeping(ctx, r.Merchant, l, h, undoSpan, r.Params[paramProperty])
	return ItemUndone, err
}
