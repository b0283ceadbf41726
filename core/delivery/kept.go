package delivery

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Kept is a delivery that our own fault keeps from being sent.
type Kept struct {
	Delivery
	FriendName string
	KeptAt     time.Time
}

// KeptStore takes up what ended, or stands aside, without having been sent. Each method
// answers fault.Conflict when the delivery is not in the state it is for.
type KeptStore interface {
	// Kept lists what our own fault keeps from being sent, newest first.
	Kept(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, limit int) ([]Kept, error)
	// Replay has a kept delivery tried again.
	Replay(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID) (lumo.ChannelID, error)
	// CheckNow asks LINE at once about an unknown delivery, or its chunk, with the same key.
	CheckNow(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID) (lumo.ChannelID, error)
	// SendAgain begins another round of an unconfirmed delivery, with the same bytes.
	SendAgain(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID) (lumo.ChannelID, error)
}

// Kept lists what is kept aside on an account.
func (s *Service) Kept(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (all []Kept, err error) {
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		all, err = s.Store.Kept(ctx, m, c, 200)
		return err
	})
	return all, fault.Wrap("delivery.Kept", err)
}

// Replay has what was kept aside tried again.
func (s *Service) Replay(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID, by Actor) error {
	return fault.Wrap("delivery.Replay", s.takeUp(ctx, m, d, by, "delivery.replay", s.Store.Replay))
}

// CheckNow asks LINE again at once what became of a delivery. It cannot arrive twice.
func (s *Service) CheckNow(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID, by Actor) error {
	return fault.Wrap("delivery.CheckNow", s.takeUp(ctx, m, d, by, "delivery.check", s.Store.CheckNow))
}

// SendAgain sends what LINE never confirmed. It may arrive twice, and a person said so.
func (s *Service) SendAgain(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID, by Actor) error {
	return fault.Wrap("delivery.SendAgain", s.takeUp(ctx, m, d, by, "delivery.send_again", s.Store.SendAgain))
}

func (s *Service) takeUp(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID, by Actor, action string,
	up func(context.Context, lumo.MerchantID, lumo.DeliveryID) (lumo.ChannelID, error)) error {
	return s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		c, err := up(ctx, m, d)
		if err != nil {
			return err
		}
		s.Units.AfterCommit(ctx, func() { s.bell.ringAll(c) })
		s.Watcher.SendingChanged(ctx, m, c)
		return s.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by.Member), Action: action,
			TargetKind: "delivery", Target: d.String(), Address: by.Address})
	})
}
