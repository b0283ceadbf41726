package delivery

import (
	"context"
	"iter"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// planBatch is how many recipients one transaction plans.
const planBatch = 5000

// Logical is a message to many: what it says stands once, not in each delivery.
type Logical struct {
	Merchant   lumo.MerchantID
	Channel    lumo.ChannelID
	Kind       string
	ID         id.ID
	Content    lumo.Content
	Shared     bool // nothing in it differs from person to person
	ReceivedAt time.Time
	TooLateAt  time.Time // zero = never
}

// Recipient is one person of a message to many.
type Recipient struct {
	Friend  lumo.FriendID
	Profile lumo.ProfileID // empty = not linked
}

// PlanAll plans a message to many, batch by batch, each in a transaction of its own. Begun
// again after it was cut off it plans whom it had not reached: nobody is planned twice.
// Sending begins with the first batch. It answers how many it planned now.
func (s *Service) PlanAll(ctx context.Context, l Logical, recipients iter.Seq2[Recipient, error]) (planned int64, err error) {
	const op = "delivery.PlanAll"
	err = s.Units.InTenant(ctx, l.Merchant, func(ctx context.Context) error {
		return s.Store.AddLogical(ctx, l, s.Now())
	})
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	batch := make([]Recipient, 0, planBatch)
	flush := func() error {
		n, err := s.planBatch(ctx, l, batch)
		planned, batch = planned+n, batch[:0]
		return err
	}
	for r, err := range recipients {
		if err != nil {
			return planned, fault.Wrap(op, err)
		}
		if batch = append(batch, r); len(batch) < planBatch {
			continue
		}
		if err := flush(); err != nil {
			return planned, fault.Wrap(op, err)
		}
	}
	if err := flush(); err != nil {
		return planned, fault.Wrap(op, err)
	}
	return planned, fault.Wrap(op, s.Units.InTenant(ctx, l.Merchant, func(ctx context.Context) error {
		return s.Store.Complete(ctx, l)
	}))
}

func (s *Service) planBatch(ctx context.Context, l Logical, to []Recipient) (n int64, err error) {
	if len(to) == 0 {
		return 0, nil
	}
	ids := make([]lumo.DeliveryID, len(to))
	for i := range ids {
		ids[i] = lumo.DeliveryID(s.NewID())
	}
	err = s.Units.InTenant(ctx, l.Merchant, func(ctx context.Context) error {
		n, err = s.Store.AddAll(ctx, l, ids, to, s.Now())
		s.Units.AfterCommit(ctx, func() { s.bell.ring(l.Channel, l.Kind) })
		return err
	})
	return n, err
}
