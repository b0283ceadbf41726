package flow

import (
	"context"
	"log/slog"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// How often an account's flows are looked at, and how much of Klaviyo's patience that takes.
const (
	keptCalls   = 13 * 24 * time.Hour // of which each day is whole: calls go after 14 days
	watchEvery  = 5 * time.Minute
	watchLease  = 2 * time.Minute
	watchIdle   = 2 * time.Second
	measureEach = 5  // calls of each flow and round
	hooksEach   = 10 // live flows whose webhooks are looked at in a round
)

// KlaviyoFlow is a flow as it stands in Klaviyo.
type KlaviyoFlow = lumo.KlaviyoFlow

// Klaviyo is what the Flow doctor asks Klaviyo.
type Klaviyo interface {
	Profiles
	// EventPage is a part of a profile's events, newest first; after is where the page before ended.
	EventPage(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID, since time.Time, after string,
		limit int) (lumo.EventPage, error)
	Flows(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) ([]lumo.KlaviyoFlow, error)
	// FlowWebhooks are the webhook actions of a flow.
	FlowWebhooks(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, flow string) ([]lumo.FlowWebhook, error)
}

// Rounds hands out accounts whose flows are due for a look; it needs a transaction without a
// merchant.
type Rounds interface {
	Claim(ctx context.Context, owner string, now time.Time, lease time.Duration) (Round, bool, error)
	Done(ctx context.Context, r Round, next time.Time) error
}

// Round is one account's turn.
type Round struct {
	Merchant lumo.MerchantID
	Channel  lumo.ChannelID
	Due      time.Time
	Fence    int64
}

// Systems runs units of work over the global tables.
type Systems interface {
	InSystem(ctx context.Context, fn func(context.Context) error) error
}

// Watch looks after flows in the background: names and states, times of events, sums of days.
type Watch struct {
	Flows   *Service
	Systems Systems
	Rounds  Rounds
	Owner   string
	Log     *slog.Logger
}

// Run looks after accounts until ctx ends. Any number of processes may run it; a lease gives
// each account to one at a time.
func (w *Watch) Run(ctx context.Context) error {
	return lumo.Turns(ctx, w.RunOnce, watchIdle, nil, func(err error) {
		w.Log.WarnContext(ctx, "flows not looked at", "error", err)
	})
}

// RunOnce looks after one account that is due; false means that none was.
func (w *Watch) RunOnce(ctx context.Context) (did bool, err error) {
	var r Round
	err = w.Systems.InSystem(ctx, func(ctx context.Context) error {
		r, did, err = w.Rounds.Claim(ctx, w.Owner, w.Flows.Now(), watchLease)
		return err
	})
	if err != nil || !did {
		return false, fault.Wrap("flow.RunOnce", err)
	}
	limited, cancel := context.WithTimeout(ctx, watchLease)
	defer cancel()
	looked := w.Flows.look(limited, r.Merchant, r.Channel)
	err = w.Systems.InSystem(ctx, func(ctx context.Context) error {
		return w.Rounds.Done(ctx, r, w.Flows.Now().Add(watchEvery))
	})
	if err == nil {
		err = looked
	}
	return true, fault.Wrap("flow.RunOnce", err)
}

// look does what is due for one account. Klaviyo's silence does not keep the sums from being
// written.
func (s *Service) look(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	err := s.Tenants.InTenant(ctx, m, func(ctx context.Context) error { return s.Board.SumDays(ctx, m, c, s.sumFrom(c)) })
	if err != nil {
		return err
	}
	channel, err := s.Channels.Get(ctx, m, c)
	if err != nil || channel.KlaviyoAccount == (lumo.AccountID{}) {
		return err
	}
	if err := s.readFlows(ctx, channel); err != nil {
		return err
	}
	return s.measure(ctx, channel)
}

// sumFrom is since when days are summed anew: mostly yesterday, and all that is kept whole at the
// first look of a day, for what waited long, or came while nobody looked.
func (s *Service) sumFrom(c lumo.ChannelID) time.Time {
	today := s.Now().UTC().Truncate(24 * time.Hour)
	if before, _ := s.summed.Swap(c, today); before == today {
		return s.Now().AddDate(0, 0, -1)
	}
	return s.Now().Add(-keptCalls)
}

func (s *Service) readFlows(ctx context.Context, c lumo.Channel) error {
	all, err := s.Klaviyo.Flows(ctx, c.Merchant, c.KlaviyoAccount)
	if err != nil {
		return err
	}
	if err := s.withWebhooks(ctx, c, all); err != nil {
		return err
	}
	return s.Tenants.InTenant(ctx, c.Merchant, func(ctx context.Context) error {
		return s.Board.Seen(ctx, c.Merchant, c.ID, all, s.Now())
	})
}

// withWebhooks gives live flows that call us the status of their webhook where that is not live: a
// flow in draft and one whose webhook is in draft send as little. What Klaviyo does not tell now
// stays as the flow is.
func (s *Service) withWebhooks(ctx context.Context, c lumo.Channel, all []KlaviyoFlow) error {
	address, err := s.Address(ctx, c.Merchant, c.ID)
	if err != nil {
		return err
	}
	calling := map[string]bool{}
	err = s.Tenants.InTenant(ctx, c.Merchant, func(ctx context.Context) error {
		flows, err := s.Board.Flows(ctx, c.Merchant, c.ID, s.Now())
		for _, f := range flows {
			calling[f.ID] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	looks := 0
	for i := range all {
		f := &all[i]
		if looks == hooksEach || f.Status != "live" || !calling[f.ID] {
			continue
		}
		looks++
		hooks, unread := s.Klaviyo.FlowWebhooks(ctx, c.Merchant, c.KlaviyoAccount, f.ID)
		if unread != nil {
			break
		}
		for _, h := range hooks {
			if h.URL == address && h.Status != "live" {
				f.Status = "draft"
			}
		}
	}
	return nil
}

// measure learns of a few calls when their event happened, which shows what Klaviyo's own
// share of the way is.
func (s *Service) measure(ctx context.Context, c lumo.Channel) error {
	var calls []Request
	err := s.Tenants.InTenant(ctx, c.Merchant, func(ctx context.Context) (err error) {
		calls, err = s.Board.Unmeasured(ctx, c.Merchant, c.ID, s.Now().Add(-24*time.Hour), measureEach)
		return err
	})
	for _, r := range calls {
		if err != nil {
			return err
		}
		err = s.measureCall(ctx, c, r)
	}
	return err
}

func (s *Service) measureCall(ctx context.Context, c lumo.Channel, r Request) error {
	e, _, _, err := s.findEvent(ctx, c.KlaviyoAccount, r)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return s.Tenants.InTenant(ctx, c.Merchant, func(ctx context.Context) error {
		return s.Board.Measure(ctx, c.Merchant, r.ID, e)
	})
}
