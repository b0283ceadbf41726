package tracking

import (
	"context"
	"maps"
	"slices"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Row is a fact in a friend's timeline.
type Row struct {
	ID     id.ID
	Fact   lumo.Fact
	Outbox id.ID // zero = Klaviyo is not told
}

// Tick is one step of a counter.
type Tick struct {
	Channel lumo.ChannelID
	Kind    lumo.FactKind
	At      time.Time
}

// counters are the facts that Home counts. Scans are counted as they come in from edges,
// whether or not anybody knows who scanned.
func counted(k lumo.FactKind) bool {
	switch k {
	case lumo.FactSent, lumo.FactNotSent, lumo.FactFailed, lumo.FactClicked, lumo.FactOpened,
		lumo.FactLinked, lumo.FactFollowed, lumo.FactBlocked:
		return true
	}
	return false
}

// Record takes a fact into the friend's timeline, the counters and, where the friend is
// linked, the outbox to Klaviyo. It runs inside the transaction of what it tells of.
func (s *Service) Record(ctx context.Context, f lumo.Fact) error {
	return s.RecordAll(ctx, f.Merchant, []lumo.Fact{f})
}

// RecordAll is Record for many facts of one merchant.
func (s *Service) RecordAll(ctx context.Context, m lumo.MerchantID, facts []lumo.Fact) error {
	const op = "tracking.RecordAll"
	facts, err := s.named(ctx, m, facts)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.record(ctx, m, facts))
}

// record takes facts that say already what they are about.
func (s *Service) record(ctx context.Context, m lumo.MerchantID, facts []lumo.Fact) error {
	const op = "tracking.record"
	if len(facts) == 0 {
		return nil
	}
	items, err := s.c.Outbox.AddEvents(ctx, m, facts)
	if err != nil {
		return fault.Wrap(op, err)
	}
	rows := make([]Row, len(facts))
	for i, f := range facts {
		rows[i] = Row{ID: s.rowID(f), Fact: f, Outbox: items[i]}
	}
	fresh, err := s.c.Store.AddFacts(ctx, m, rows, s.c.Now())
	if err != nil {
		return fault.Wrap(op, err)
	}
	var ticks []Tick
	for i, f := range facts {
		if fresh[i] && counted(f.Kind) {
			ticks = append(ticks, Tick{f.Channel, f.Kind, f.OccurredAt})
		}
	}
	if err := s.c.Store.Count(ctx, m, ticks); err != nil {
		return fault.Wrap(op, err)
	}
	s.c.Tenants.AfterCommit(ctx, func() { s.pulse.facts(m, rows) })
	return nil
}

// named adds what facts are about, as it is now: the name of the saved message, and the flow
// whose call a delivery answers. The timeline and Klaviyo show what it was then.
func (s *Service) named(ctx context.Context, m lumo.MerchantID, facts []lumo.Fact) ([]lumo.Fact, error) {
	facts, err := with(facts, "message_name", "message", id.Message, anyFact,
		func(list []id.ID) (map[id.ID]string, error) { return s.c.Store.MessageNames(ctx, m, list) })
	if err != nil {
		return nil, err
	}
	return with(facts, "flow", "delivery", id.Delivery, perhapsOfFlow,
		func(list []id.ID) (map[id.ID]string, error) { return s.c.Store.Flows(ctx, m, list) })
}

func anyFact(lumo.Fact) bool { return true }

// perhapsOfFlow tells whether a fact may be about a delivery that answers a flow's call: where
// the kind of the delivery stands beside it, that says so.
func perhapsOfFlow(f lumo.Fact) bool {
	kind, known := f.Data["kind"].(string)
	return !known || kind == "flow"
}

// with gives the facts that name a thing under key, but nothing under field yet, what find
// knows of it.
func with(facts []lumo.Fact, field, key string, prefix id.Prefix, asks func(lumo.Fact) bool,
	find func([]id.ID) (map[id.ID]string, error)) ([]lumo.Fact, error) {
	things := make([]id.ID, len(facts))
	wanted := map[id.ID]bool{}
	for i, f := range facts {
		text, _ := f.Data[key].(string)
		if v, err := id.ParseWith(prefix, text); err == nil && f.Data[field] == nil && asks(f) {
			things[i], wanted[v] = v, true
		}
	}
	if len(wanted) == 0 {
		return facts, nil
	}
	found, err := find(slices.Collect(maps.Keys(wanted)))
	if err != nil || len(found) == 0 {
		return facts, err
	}
	out := slices.Clone(facts)
	for i, v := range things {
		if value := found[v]; value != "" {
			out[i].Data = maps.Clone(out[i].Data)
			out[i].Data[field] = value
		}
	}
	return out, nil
}

// rowID is the edge's own id for what an edge saw, so that a scan or click that is told
// twice stands once in the timeline.
func (s *Service) rowID(f lumo.Fact) id.ID {
	if f.Kind == lumo.FactScanned || f.Kind == lumo.FactClicked {
		if v, err := id.Parse(f.Ref); err == nil {
			return v
		}
	}
	return s.c.NewID()
}

// Touch has the channel's numbers sent to open pages again, after something changed that is
// no fact: a delivery that waits for LINE's word.
func (s *Service) Touch(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) {
	s.c.Tenants.AfterCommit(ctx, func() { s.pulse.touch(m, c) })
}
