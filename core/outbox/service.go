package outbox

import (
	"context"
	"slices"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// leadSpan is how old a scan or follow may be that a link is said to come from.
const leadSpan = 24 * time.Hour

// leadSlack allows for the clocks of an edge and of LINE not being the same.
const leadSlack = time.Minute

// AddEvent stores the Klaviyo event of a fact, and answers its id. It answers the zero id
// when the friend is not linked or Klaviyo has no metric for it. It runs inside the
// transaction of what it tells of.
func (s *Service) AddEvent(ctx context.Context, f lumo.Fact) (id.ID, error) {
	ids, err := s.AddEvents(ctx, f.Merchant, []lumo.Fact{f})
	if err != nil {
		return id.ID{}, err
	}
	return ids[0], nil
}

// AddEvents is AddEvent for many facts of one merchant.
func (s *Service) AddEvents(ctx context.Context, m lumo.MerchantID, facts []lumo.Fact) (
	[]id.ID, error) {
	const op = "outbox.AddEvents"
	out := make([]id.ID, len(facts))
	friends := told(facts)
	if len(friends) == 0 {
		return out, nil
	}
	targets, err := s.c.Store.Targets(ctx, m, friends)
	if err != nil || len(targets) == 0 {
		return out, fault.Wrap(op, err)
	}
	items, places := s.items(facts, targets)
	ids, err := s.c.Store.Add(ctx, m, items, s.c.Now())
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	for i, place := range places {
		out[place] = ids[i]
	}
	s.ring(ctx, items)
	return out, nil
}

// bundleSize is how many events become items together.
const bundleSize = 500

// AddEdgeEvents has an account told of counted clicks and opens of friends who are linked to it.
// It runs inside the transaction that stores them.
func (s *Service) AddEdgeEvents(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, events []id.ID) error {
	var bundles []Bundle
	for some := range slices.Chunk(events, bundleSize) {
		bundles = append(bundles, Bundle{ID: s.c.NewID(), Account: a, Events: some})
	}
	if err := s.c.Store.Bundle(ctx, m, bundles, s.c.Now()); err != nil {
		return fault.Wrap("outbox.AddEdgeEvents", err)
	}
	s.ring(ctx, []NewItem{{Account: a}})
	return nil
}

// told are the friends of the facts that Klaviyo has a metric for, each once.
func told(facts []lumo.Fact) []lumo.FriendID {
	seen := map[lumo.FriendID]bool{{}: true} // nobody
	var friends []lumo.FriendID
	for _, f := range facts {
		if metricOf(f) != "" && !seen[f.Friend] {
			seen[f.Friend] = true
			friends = append(friends, f.Friend)
		}
	}
	return friends
}

// items makes an item for each fact about a linked friend; places say which fact it was.
func (s *Service) items(facts []lumo.Fact, targets map[lumo.FriendID]Target) (
	items []NewItem, places []int) {
	for i, f := range facts {
		t, linked := targets[f.Friend]
		if metric := metricOf(f); linked && metric != "" {
			item := eventItem(t, f, metric)
			item.ID = s.c.NewID()
			items, places = append(items, item), append(places, i)
		}
	}
	return items, places
}

// metricOf is the metric of a fact, empty where Klaviyo is told nothing. A link that was only
// given back is no new one: a welcome flow must not start again.
func metricOf(f lumo.Fact) string {
	if restored, _ := f.Data["restored"].(bool); restored {
		return ""
	}
	return Metrics()[f.Kind]
}

// ProfileMoved sends what waits, or was refused for it, to the profile that a link has now.
// It runs inside the transaction of the move.
func (s *Service) ProfileMoved(ctx context.Context, l lumo.Link, from lumo.ProfileID) error {
	const op = "outbox.ProfileMoved"
	m := s.c.Store.Tenant(ctx)
	if err := s.c.Store.Hold(ctx, m, []lumo.FriendID{l.Friend}); err != nil {
		return fault.Wrap(op, err)
	}
	if err := s.c.Store.Moved(ctx, m, l.Friend, from, l.Profile, s.c.Now()); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.ProfileChanged(ctx, m, l.Friend))
}

// ProfileGone drops what waits to be written about the properties of a profile that was merged
// into another friend's: it would be written there. It runs inside the transaction of the merge.
func (s *Service) ProfileGone(ctx context.Context, l lumo.Link) error {
	const op = "outbox.ProfileGone"
	m := s.c.Store.Tenant(ctx)
	if err := s.c.Store.Hold(ctx, m, []lumo.FriendID{l.Friend}); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.c.Store.DropProfile(ctx, m, l.Friend, l.Profile))
}

// ProfileChanged writes a friend's LINE properties to Klaviyo when they are linked.
func (s *Service) ProfileChanged(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) error {
	const op = "outbox.ProfileChanged"
	targets, err := s.targets(ctx, m, []lumo.FriendID{f})
	if err != nil {
		return fault.Wrap(op, err)
	}
	if t, linked := targets[f]; linked {
		err = s.put(ctx, m, profileItem(t, true, s.c.Now()))
	}
	return fault.Wrap(op, err)
}

// targets are friends whose properties are about to be written. They are held first: two who write
// of one friend at once would each see but their own change, and the older could be written last.
func (s *Service) targets(ctx context.Context, m lumo.MerchantID, friends []lumo.FriendID) (map[lumo.FriendID]Target, error) {
	if err := s.c.Store.Hold(ctx, m, friends); err != nil {
		return nil, err
	}
	return s.c.Store.Targets(ctx, m, friends)
}

// LinkMade tells Klaviyo of a new link: the properties, the scan and the follow that led to
// it (state is the login state's id, zero when there was none), and the link itself.
func (s *Service) LinkMade(ctx context.Context, l lumo.Link, state id.ID) error {
	const op = "outbox.LinkMade"
	m := s.c.Store.Tenant(ctx)
	if err := s.ProfileChanged(ctx, m, l.Friend); err != nil {
		return fault.Wrap(op, err)
	}
	if err := s.lead(ctx, m, l, state); err != nil {
		return fault.Wrap(op, err)
	}
	_, err := s.AddEvent(ctx, lumo.Fact{Merchant: m, Channel: l.Channel, Friend: l.Friend,
		Kind: lumo.FactLinked, OccurredAt: l.LinkedAt})
	return fault.Wrap(op, err)
}

// lead writes what happened before the link and led to it.
func (s *Service) lead(ctx context.Context, m lumo.MerchantID, l lumo.Link, state id.ID) error {
	now := s.c.Now()
	if state.IsZero() || state.Time().Before(now.Add(-leadSpan)) {
		return nil
	}
	leads, err := s.c.Store.Leads(ctx, m, l.Friend, state, state.Time().Add(-leadSlack), now)
	if err != nil || len(leads) == 0 {
		return err
	}
	facts := make([]lumo.Fact, len(leads))
	rows := make([]id.ID, len(leads))
	for i, lead := range leads {
		facts[i], rows[i] = lead.Fact, lead.Row
	}
	items, err := s.AddEvents(ctx, m, facts)
	if err != nil {
		return err
	}
	return s.c.Store.Told(ctx, m, rows, items)
}

// LinksMade writes the properties of friends who were linked many at once; their links are
// told as facts.
func (s *Service) LinksMade(ctx context.Context, m lumo.MerchantID, friends []lumo.FriendID) error {
	const op = "outbox.LinksMade"
	targets, err := s.targets(ctx, m, friends)
	if err != nil || len(targets) == 0 {
		return fault.Wrap(op, err)
	}
	var items []NewItem
	for _, f := range friends {
		if t, linked := targets[f]; linked {
			item := profileItem(t, true, s.c.Now())
			item.ID = s.c.NewID()
			items = append(items, item)
		}
	}
	if err := s.c.Store.PutAll(ctx, m, items, s.c.Now()); err != nil {
		return fault.Wrap(op, err)
	}
	s.ring(ctx, items)
	return nil
}

// LinkEnded removes a friend's LINE properties from the profile they were linked to. kept is a
// property that was there before the link and stays; empty = none.
func (s *Service) LinkEnded(ctx context.Context, f lumo.Friend, c lumo.Channel, l lumo.Link, kept string) error {
	const op = "outbox.LinkEnded"
	m := s.c.Store.Tenant(ctx)
	if err := s.c.Store.Hold(ctx, m, []lumo.FriendID{f.ID}); err != nil {
		return fault.Wrap(op, err)
	}
	item := profileItem(Target{Friend: f, Channel: c, Link: l}, false, s.c.Now())
	item.Payload.Unset = slices.DeleteFunc(item.Payload.Unset, func(name string) bool { return name == kept })
	return fault.Wrap(op, s.put(ctx, m, item))
}

// Erased takes the LINE properties of an erased person from the customer they were linked to;
// what stays there says that there is no consent any more, and why.
func (s *Service) Erased(ctx context.Context, c lumo.Channel, l lumo.Link) error {
	item := erasedItem(c, l, s.c.Now())
	return fault.Wrap("outbox.Erased", s.put(ctx, s.c.Store.Tenant(ctx), item))
}

func (s *Service) put(ctx context.Context, m lumo.MerchantID, item NewItem) error {
	item.ID = s.c.NewID()
	if err := s.c.Store.Put(ctx, m, item, s.c.Now()); err != nil {
		return err
	}
	s.ring(ctx, []NewItem{item})
	return nil
}

// ring wakes whoever writes to the accounts, in this process; others poll.
func (s *Service) ring(ctx context.Context, items []NewItem) {
	s.c.Tenants.AfterCommit(ctx, func() {
		for _, item := range items {
			s.bell.ring(item.Account)
		}
	})
}
