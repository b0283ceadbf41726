package delivery

import (
	"context"
	"sync"

	"lumo/core/lumo"
)

// senders are those at work in this process, by their LINE account.
type senders struct {
	mu  sync.Mutex // guards all
	all map[lumo.ChannelID]*channelSender
}

func (s *senders) of(c lumo.ChannelID) *channelSender {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[c]
}

func (s *senders) join(c *channelSender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[c.lease.Channel] = c
}

// leave takes a sender away, unless another one of the account came meanwhile.
func (s *senders) leave(c *channelSender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[c.lease.Channel] == c {
		delete(s.all, c.lease.Channel)
	}
}

// Begin has deliveries that PlanEach planned leave when the caller's transaction stands. Where
// this process sends for their account they are committed to their bytes in that very
// transaction: a flow send then waits for one commit instead of two, and for no batch before
// it. Whatever keeps it from that leaves them planned, and the account's sender is rung for.
// Call it last: it locks the account's row of the month.
func (s *Service) Begin(ctx context.Context, all []Delivery) {
	if len(all) == 0 {
		return
	}
	first := all[0]
	c := s.senders.of(first.Channel)
	if c == nil || c.singles.rest() > 0 || c.room() < len(all) {
		s.Units.AfterCommit(ctx, func() { s.bell.ring(first.Channel, first.Kind) })
		return
	}
	b := &taking{sender: c, due: Due{Now: s.Now(), Limit: len(all)}}
	if err := s.Units.Attempt(ctx, func(ctx context.Context) error { return b.begin(ctx, all) }); err != nil {
		s.complain(ctx, "delivery.Begin", err)
		s.Units.AfterCommit(ctx, func() { s.bell.ring(first.Channel, first.Kind) })
		return
	}
	s.Units.AfterCommit(ctx, func() { c.launch(context.Background(), b) })
}

// begin is run for deliveries that were planned in the same transaction.
func (t *taking) begin(ctx context.Context, all []Delivery) (err error) {
	s, l := t.sender.service, t.sender.lease
	if t.situation, err = s.Store.Look(ctx, l); err != nil {
		return err
	}
	if t.situation.Hold.InForce() || t.situation.Stop.Holds(all[0].Kind) {
		return nil // they wait, as all others do
	}
	due := make([]Delivery, len(all))
	for i, d := range all {
		if d.Kind == KindFlow { // as the store has it
			d.TooLateAt = d.ReceivedAt.Add(t.situation.Rules.TooLate)
		}
		due[i] = d
	}
	return t.prepare(ctx, due, nil)
}
