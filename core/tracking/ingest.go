package tracking

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Scan is a scan by a friend who is known by now.
type Scan struct {
	Event  Event
	Friend lumo.FriendID
	Code   string // name of the code
}

// Ingest takes edges' events, each once whatever arrives how often. Rejected events can
// never be taken: their number was never given out or is of a merchant out of the edge's
// scope, or the store refuses them as they are. An error means that none may be forgotten: all
// may come again.
func (s *Service) Ingest(ctx context.Context, scope lumo.Scope, events []lumo.EdgeEvent) (
	rejected []id.ID, err error) {
	const op = "tracking.Ingest"
	groups := map[part][]Event{}
	for _, e := range events {
		o, ok, err := s.owner(ctx, e.Event.Number)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		if !ok || !scope.Has(o.merchant) {
			rejected = append(rejected, e.ID)
			continue
		}
		ev := Event{EdgeEvent: e, Channel: o.channel, At: e.ID.Time()}
		p := part{o.merchant, ev.Subject() % parts}
		groups[p] = append(groups[p], ev)
	}
	bad, err := s.ingestParts(ctx, groups)
	return append(rejected, bad...), fault.Wrap(op, err)
}

// parts is into how many a merchant's events are divided. Whether an event counts depends on
// others of its delivery alone, and those have the same subject, so that parts are counted side
// by side.
const parts = 4

type part struct {
	merchant lumo.MerchantID
	number   uint64
}

// ingestParts takes groups side by side and answers what cannot be taken.
func (s *Service) ingestParts(ctx context.Context, groups map[part][]Event) ([]id.ID, error) {
	var mu sync.Mutex // guards rejected
	var rejected []id.ID
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parts)
	for p, events := range groups {
		group.Go(func() error {
			bad, err := s.ingestOrSplit(ctx, p, events)
			mu.Lock()
			defer mu.Unlock()
			rejected = append(rejected, bad...)
			return err
		})
	}
	err := group.Wait()
	return rejected, err
}

// ingestOrSplit takes a group, or where it is refused each event alone, so that one bad
// event costs nobody else's.
func (s *Service) ingestOrSplit(ctx context.Context, p part, group []Event) (
	[]id.ID, error) {
	err := s.ingest(ctx, p, group)
	if err == nil || fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
		return nil, err
	}
	if len(group) == 1 {
		s.c.Log.ErrorContext(ctx, "an edge event cannot be stored", "merchant", p.merchant.String(),
			"event", group[0].ID.String(), "error", err)
		return []id.ID{group[0].ID}, nil
	}
	var rejected []id.ID
	for _, e := range group {
		bad, err := s.ingestOrSplit(ctx, p, []Event{e})
		if err != nil {
			return nil, err
		}
		rejected = append(rejected, bad...)
	}
	return rejected, nil
}

// ingest stores a group and all that follows from it in one transaction.
func (s *Service) ingest(ctx context.Context, p part, group []Event) error {
	m := p.merchant
	return s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if err := s.c.Store.Lock(ctx, m, p.number); err != nil {
			return err
		}
		fresh, err := s.fresh(ctx, m, group)
		if err != nil || len(fresh) == 0 {
			return err
		}
		judged, err := s.judge(ctx, m, fresh)
		if err != nil {
			return err
		}
		if err := s.c.Store.AddEvents(ctx, m, judged, s.c.Now()); err != nil {
			return err
		}
		return s.follow(ctx, m, judged)
	})
}

// fresh drops what is stored already and what the group itself brings twice, and puts the
// rest in order of time.
func (s *Service) fresh(ctx context.Context, m lumo.MerchantID, group []Event) ([]Event, error) {
	ids := make([]id.ID, len(group))
	for i, e := range group {
		ids[i] = e.ID
	}
	known, err := s.c.Store.Known(ctx, m, ids)
	if err != nil {
		return nil, err
	}
	var out []Event
	for _, e := range group {
		if !known[e.ID] {
			known[e.ID] = true
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b Event) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return out, nil
}

// judge finds what each event belongs to and whether it counts.
func (s *Service) judge(ctx context.Context, m lumo.MerchantID, events []Event) ([]Event, error) {
	var numbers []uint64
	for _, e := range events {
		if tracked(e) {
			numbers = append(numbers, e.Subject())
		}
	}
	deliveries, err := s.c.Store.Deliveries(ctx, m, numbers)
	if err != nil {
		return nil, err
	}
	var ids []lumo.DeliveryID
	for i, e := range events {
		d := deliveries[e.Subject()]
		if tracked(e) && d.Channel == e.Channel { // a token is of one channel
			events[i].Delivery = d
			ids = append(ids, d.ID)
		}
	}
	before, err := s.c.Store.Counted(ctx, m, ids)
	if err != nil {
		return nil, err
	}
	return newTally(before).judge(events), nil
}

// tracked tells that the subject is a delivery's number.
func tracked(e Event) bool {
	return (e.Event.Type == event.Click || e.Event.Type == event.Open) && !e.Shared()
}

// follow draws the consequences: what friends did, counters of codes, refused hooks.
func (s *Service) follow(ctx context.Context, m lumo.MerchantID, events []Event) error {
	var scans, forms, refused []Event
	var ticks []Tick
	for _, e := range events {
		switch {
		case e.Event.Type == event.Scan && e.Counted:
			scans = append(scans, e)
			ticks = append(ticks, Tick{e.Channel, lumo.FactScanned, e.At})
		case e.Event.Type == event.Form && e.Event.Class == event.Person:
			forms = append(forms, e)
		case e.Event.Type == event.RefusedHook:
			refused = append(refused, e)
			ticks = append(ticks, Tick{e.Channel, refusedTick, e.At})
		case factOf(e) != "":
			ticks = append(ticks, Tick{e.Channel, factOf(e), e.At})
		}
	}
	if err := s.tap(ctx, m, events); err != nil {
		return err
	}
	seen, err := s.c.Store.Scanned(ctx, m, scans)
	if err != nil {
		return err
	}
	facts := make([]lumo.Fact, len(seen))
	for i, scan := range seen {
		facts[i] = scanFact(m, scan)
	}
	if err := s.record(ctx, m, facts); err != nil {
		return err
	}
	// friends before codes, as linkage does: nobody then waits in a circle
	if err := s.c.Store.CountScans(ctx, m, scans); err != nil {
		return err
	}
	if err := s.c.Store.CountForms(ctx, m, forms); err != nil {
		return err
	}
	if err := s.c.Store.Count(ctx, m, ticks); err != nil {
		return err
	}
	return s.refuse(ctx, m, refused)
}

// factOf is what a counted click or open says about a friend, empty where it says nothing.
func factOf(e Event) lumo.FactKind {
	switch {
	case !e.Counted || e.Delivery.Friend == (lumo.FriendID{}):
		return ""
	case e.Event.Type == event.Open:
		return lumo.FactOpened
	case e.Event.Type == event.Click:
		return lumo.FactClicked
	}
	return ""
}

// tap notes what friends did with their messages: when they clicked last, and which events
// Klaviyo is to be told of. Their timelines show the events themselves.
func (s *Service) tap(ctx context.Context, m lumo.MerchantID, events []Event) error {
	taps := slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return factOf(e) == "" })
	if len(taps) == 0 {
		return nil
	}
	if err := s.c.Store.Clicked(ctx, m, taps); err != nil {
		return err
	}
	told := map[lumo.AccountID][]id.ID{}
	for _, e := range taps {
		if a := e.Delivery.Account; a != (lumo.AccountID{}) {
			told[a] = append(told[a], e.ID)
		}
	}
	for a, ids := range told {
		if err := s.c.Outbox.AddEdgeEvents(ctx, m, a, ids); err != nil {
			return err
		}
	}
	s.c.Tenants.AfterCommit(ctx, func() { s.pulse.taps(m, taps) })
	return nil
}

// refusedTick is the counter of refused hooks, which are nobody's fact.
const refusedTick lumo.FactKind = "refused"

func scanFact(m lumo.MerchantID, scan Scan) lumo.Fact {
	return lumo.Fact{Merchant: m, Channel: scan.Event.Channel, Friend: scan.Friend,
		Kind: lumo.FactScanned, Source: "qr", Ref: scan.Event.ID.String(),
		OccurredAt: scan.Event.At, Data: map[string]any{"code": scan.Code}}
}

// refuse passes refused hooks on. A bad LINE signature says nothing about flows.
func (s *Service) refuse(ctx context.Context, m lumo.MerchantID, events []Event) error {
	for _, e := range events {
		reason := edgeapi.Reason(e.Event.Reason)
		if reason == edgeapi.BadSignature {
			continue
		}
		err := s.c.Refusals.RecordRefused(ctx, lumo.RefusedHook{Merchant: m, Channel: e.Channel,
			ID: lumo.RequestID(e.ID), KeyNumber: uint32(e.Event.Subject), Reason: reason.Code(),
			At: e.At})
		if err != nil {
			return err
		}
	}
	return nil
}
