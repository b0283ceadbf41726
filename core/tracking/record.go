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
	if len(facts) == 0 {
		return nil
	}
	facts, err := s.named(ctx, m, facts)
	if err != nil {
		return fault.Wrap(op, err)
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

// named adds the name of the saved message that a fact is about, as it is now: the timeline
// and Klaviyo show what it was called then.
func (s *Service) named(ctx context.Context, m lumo.MerchantID, facts []lumo.Fact) ([]lumo.Fact, error) {
	var messages []lumo.MessageID
	for _, f := range facts {
		text, _ := f.Data["message"].(string)
		if v, err := id.ParseWith(id.Message, text); err == nil {
			messages = append(messages, lumo.MessageID(v))
		}
	}
	if len(messages) == 0 {
		return facts, nil
	}
	names, err := s.c.Store.MessageNames(ctx, m, messages)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(facts)
	for i, f := range out {
		text, _ := f.Data["message"].(string)
		if name, ok := names[text]; ok {
			out[i].Data = maps.Clone(f.Data)
			out[i].Data["message_name"] = name
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
