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

// Kept lists what LINE sent and nobody could work off, newest first: what stands aside, or what
// somebody dismissed.
func (s *Service) Kept(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, dismissed bool) (all []KeptRequest, err error) {
	state := RequestKept
	if dismissed {
		state = RequestDismissed
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		all, err = s.c.Requests.Kept(ctx, m, c, state, keptShown)
		return err
	})
	return all, fault.Wrap("channel.Kept", err)
}

// Dismiss says of kept requests that nothing needs to be done about them: of one, or with the
// zero id of all. They ask for nobody's attention any more, and can be brought back as long as
// bodies are kept.
func (s *Service) Dismiss(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, one lumo.RequestID) (
	int64, error) {
	n, err := s.move(ctx, m, c, by, "channel.dismiss", one, RequestKept, RequestDismissed)
	return n, fault.Wrap("channel.Dismiss", err)
}

// BringBack undoes Dismiss.
func (s *Service) BringBack(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, one lumo.RequestID) (
	int64, error) {
	n, err := s.move(ctx, m, c, by, "channel.bring_back", one, RequestDismissed, RequestKept)
	return n, fault.Wrap("channel.BringBack", err)
}

func (s *Service) move(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, action string, one lumo.RequestID,
	from, to RequestState) (n int64, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if n, err = s.c.Requests.Move(ctx, m, c, one, from, to); err != nil {
			return err
		}
		if n == 0 && one != (lumo.RequestID{}) {
			return fault.New(fault.Conflict, "channel.move", "This changed meanwhile. Load the page again.")
		}
		return s.c.Auditor.Audit(ctx, by.entry(action, c, map[string]any{"requests": n}))
	})
	return n, err
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
