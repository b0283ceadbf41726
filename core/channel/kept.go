package channel

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const keptShown = 200

// KeptRequest is a request of LINE that could not be worked off, as people see it.
type KeptRequest struct {
	ID         lumo.RequestID
	Problem    string // unread, partly_read, other_account, failed
	ReceivedAt time.Time
}

// Kept lists what LINE sent and nobody could work off, newest first.
func (s *Service) Kept(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (all []KeptRequest, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		all, err = s.c.Requests.Kept(ctx, m, c, keptShown)
		return err
	})
	return all, fault.Wrap("channel.Kept", err)
}

// Replay has kept requests worked off once more: one, or with the zero id all. Each event
// counts once, whatever of the request was applied before.
func (s *Service) Replay(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, one lumo.RequestID) (
	n int64, err error) {
	const op = "channel.Replay"
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if n, err = s.c.Requests.Wake(ctx, m, c, one); err != nil {
			return err
		}
		if n == 0 && one != (lumo.RequestID{}) {
			return fault.New(fault.Conflict, op, "This is not kept aside any more. Load the page again.")
		}
		if err := s.c.Work.Hurry(ctx, m, c, s.c.Now()); err != nil {
			return err
		}
		return s.c.Auditor.Audit(ctx, by.entry("channel.replay", c, map[string]any{"requests": n}))
	})
	return n, fault.Wrap(op, err)
}
