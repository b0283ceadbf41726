package channel

import (
	"context"
	"slices"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// rings are the colours that tell a merchant's LINE accounts apart, by name.
var rings = [...]string{"teal", "blue", "amber", "violet", "pink", "olive"}

// RingOf is the colour of an account that nobody chose one for: neighbours differ.
func RingOf(number uint32) string { return rings[(number+uint32(len(rings))-1)%uint32(len(rings))] }

// SetRing chooses the colour that an account has on every screen.
func (s *Service) SetRing(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, ring string) error {
	const op = "channel.SetRing"
	if !slices.Contains(rings[:], ring) {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: map[string]string{"ring": "There is no such colour."}}
	}
	return fault.Wrap(op, s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if err := s.c.Channels.SetRing(ctx, m, c, ring, s.c.Now()); err != nil {
			return err
		}
		s.c.Watcher.ChannelChanged(ctx, m, c)
		return s.c.Auditor.Audit(ctx, by.entry("channel.ring", c, map[string]any{"ring": ring}))
	}))
}

// readVerified asks LINE whether it verified the account, and stores the answer; without
// one the old stays.
func (s *Service) readVerified(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, keys lumo.Keys) {
	yes, err := s.c.Accounts.Verified(ctx, keys)
	update := StateUpdate{Verified: "no", Now: s.c.Now()}
	if yes {
		update.Verified = "yes"
	}
	if err == nil {
		err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
			return s.c.Channels.SetState(ctx, m, c, update)
		})
	}
	if err != nil && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "not known whether an account is verified", "error", err, "merchant", m.String())
	}
}
