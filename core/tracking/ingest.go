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

// follow draws the consequences: facts about friends, counters of codes, refused hooks.
func (s *Service) follow(ctx context.Context, m lumo.MerchantID, events []Event) error {
	facts, err := s.facts(ctx, m, events)
	if err != nil {
		return err
	}
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
		}
	}
	seen, err := s.c.Store.Scanned(ctx, m, scans)
	if err != nil {
		return err
	}
	for _, scan := range seen {
		facts = append(facts, scanFact(m, scan))
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

// refusedTick is the counter of refused hooks, which are nobody's fact.
const refusedTick lumo.FactKind = "refused"

// facts are what counted clicks and opens say about friends.
func (s *Service) facts(ctx context.Context, m lumo.MerchantID, events []Event) ([]lumo.Fact, error) {
	targets, err := s.targets(ctx, m, events)
	if err != nil {
		return nil, err
	}
	var out []lumo.Fact
	for _, e := range events {
		if !e.Counted || e.Delivery.Friend == (lumo.FriendID{}) {
			continue
		}
		f := lumo.Fact{Merchant: m, Channel: e.Channel, Friend: e.Delivery.Friend, Source: "edge",
			OccurredAt: e.At, Data: deliveryData(e.Delivery)}
		if e.Event.Type == event.Open {
			f.Kind, f.Ref = lumo.FactOpened, id.ID(e.Delivery.ID).String()
			f.Data["inferred"] = e.Inferred
		} else {
			f.Kind, f.Ref = lumo.FactClicked, e.ID.String()
			f.Data["link"], f.Data["first"] = e.Event.Link, e.First
			f.Data["url"] = targets[linkOf(e)]
		}
		out = append(out, f)
	}
	return out, nil
}

// targets reads where the counted clicks went.
func (s *Service) targets(ctx context.Context, m lumo.MerchantID, events []Event) (
	map[Link]string, error) {
	var links []Link
	for _, e := range events {
		if e.Event.Type == event.Click && e.Counted {
			links = append(links, linkOf(e))
		}
	}
	if len(links) == 0 {
		return nil, nil
	}
	return s.c.Store.Targets(ctx, m, links)
}

func linkOf(e Event) Link { return Link{e.Channel, e.Event.Link} }

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
