// Package retention forgets what is old enough, once a day, for all merchants.
//
// Each rule names a kind of rows and how long they are kept. Rows go in small batches, each
// in a transaction of its own, so that nobody waits; a run that is broken off is taken up by
// whichever process looks next, and a second run the same day finds nothing to do. The audit
// log, identity links and numbers are kept for ever and are named by no rule.
package retention

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Kind names rows of one kind.
type Kind string

// What is forgotten.
const (
	HookBodies   Kind = "hook_bodies"   // LINE's and other vendors' requests as they came
	Refused      Kind = "refused"       // requests that nobody could vouch for
	FlowRefused  Kind = "flow_refused"  // bodies of flow calls with a wrong key
	FlowCalls    Kind = "flow_calls"    // rows of the Flow doctor; counters stay
	FlowKeys     Kind = "flow_keys"     // what makes a flow's second call a duplicate
	HookEvents   Kind = "hook_events"   // ids of LINE's events, against duplicates
	Answers      Kind = "answers"       // of requests with an Idempotency-Key
	Approvals    Kind = "approvals"     // begun connections to Klaviyo
	EdgeEvents   Kind = "edge_events"   // those in no month of their own
	Timeline     Kind = "timeline"      // of friends
	Hours        Kind = "hours"         // counters of hours; those of days stay
	Sessions     Kind = "sessions"      // of all members
	SignInTries  Kind = "sign_in_tries" // counted against guessing
	EdgeCodes    Kind = "edge_codes"    // with which edges enrol
	ImportItems  Kind = "import_items"  // what came of each customer of an import
	EdgeLeavings Kind = "edge_leavings" // what edges brought and nobody could take
	EdgeMinutes  Kind = "edge_minutes"  // of operators' charts
	EdgeLog      Kind = "edge_log"      // what became of edges; what operators did is kept
)

const (
	day         = 24 * time.Hour
	eventMonths = 13
	monthsAhead = 2
	batch       = 1000
	lease       = 30 * time.Minute
	look        = 10 * time.Minute
	runName     = "retention"
)

// Rule says how long rows of a kind are kept: after they came, or after the time until which
// they count.
type Rule struct {
	Kind   Kind
	Keep   time.Duration
	Months int
	Global bool // belongs to no merchant
}

// Rules are all of them.
func Rules() []Rule {
	return []Rule{
		{Kind: HookBodies, Keep: 30 * day},
		{Kind: Refused, Keep: day},
		{Kind: FlowRefused, Keep: day},
		{Kind: FlowCalls, Keep: 14 * day},
		{Kind: FlowKeys}, // each has its own end: 35 days, or 25 hours without an event
		{Kind: HookEvents, Keep: 30 * day},
		{Kind: Answers, Keep: day},
		{Kind: Approvals, Keep: day},
		{Kind: EdgeEvents, Months: eventMonths},
		{Kind: Timeline, Months: eventMonths},
		{Kind: ImportItems, Keep: 31 * day}, // an import can be undone for 30 days
		{Kind: Hours, Keep: 3 * day},
		{Kind: Sessions, Global: true},
		{Kind: SignInTries, Global: true},
		{Kind: EdgeCodes, Keep: 30 * day, Global: true},
		{Kind: EdgeLeavings, Keep: 30 * day, Global: true},
		{Kind: EdgeMinutes, Keep: day, Global: true},
		{Kind: EdgeLog, Months: eventMonths, Global: true},
	}
}

// before is the time up to which rows go.
func (r Rule) before(now time.Time) time.Time {
	return now.Add(-r.Keep).AddDate(0, -r.Months, 0)
}

// Store forgets. Drop runs in a transaction of the merchant for rules that are not global;
// everything else in one without.
type Store interface {
	// Claim gives the run of a day to one process until the lease ends or the run is done.
	Claim(ctx context.Context, name string, now time.Time, lease time.Duration) (bool, error)
	Done(ctx context.Context, name string, now time.Time) error
	Merchants(ctx context.Context) ([]lumo.MerchantID, error)
	// Months has the months of edges' events there ahead of time, and drops old ones whole.
	Months(ctx context.Context, now time.Time, ahead, kept int) error
	// Drop forgets at most limit rows and tells how many.
	Drop(ctx context.Context, k Kind, before time.Time, limit int) (int, error)
}

// Units runs units of work.
type Units interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
	InSystem(ctx context.Context, fn func(context.Context) error) error
}

// Config is what the service needs; all fields are required.
type Config struct {
	Units Units
	Store Store
	Now   func() time.Time
	Log   *slog.Logger
}

// Service is the daily run.
type Service struct{ c Config }

// New makes the service.
func New(c Config) *Service { return &Service{c} }

// Run does the day's run whenever none did it yet, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if _, err := s.Daily(ctx); err != nil && ctx.Err() == nil {
			s.c.Log.ErrorContext(ctx, "the daily run failed", "op", "retention.Daily",
				"kind", string(fault.KindOf(err)), "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Daily does the run of today, unless it is done or another process does it.
func (s *Service) Daily(ctx context.Context) (did bool, err error) {
	const op = "retention.Daily"
	now := s.c.Now()
	err = s.c.Units.InSystem(ctx, func(ctx context.Context) error {
		did, err = s.c.Store.Claim(ctx, runName, now, lease)
		return err
	})
	if err != nil || !did {
		return false, fault.Wrap(op, err)
	}
	if err := errors.Join(s.global(ctx, now), s.merchants(ctx, now)); err != nil {
		return true, fault.Wrap(op, err)
	}
	return true, fault.Wrap(op, s.c.Units.InSystem(ctx, func(ctx context.Context) error {
		return s.c.Store.Done(ctx, runName, now)
	}))
}

func (s *Service) global(ctx context.Context, now time.Time) error {
	err := s.c.Units.InSystem(ctx, func(ctx context.Context) error {
		return s.c.Store.Months(ctx, now, monthsAhead, eventMonths)
	})
	for _, r := range Rules() {
		if r.Global {
			err = errors.Join(err, s.apply(ctx, r, now, s.c.Units.InSystem))
		}
	}
	return err
}

// merchants applies the rules to each merchant. One that fails does not keep the others.
func (s *Service) merchants(ctx context.Context, now time.Time) error {
	var all []lumo.MerchantID
	err := s.c.Units.InSystem(ctx, func(ctx context.Context) (err error) {
		all, err = s.c.Store.Merchants(ctx)
		return err
	})
	for _, m := range all {
		in := func(ctx context.Context, fn func(context.Context) error) error {
			return s.c.Units.InTenant(ctx, m, fn)
		}
		for _, r := range Rules() {
			if !r.Global {
				err = errors.Join(err, s.apply(ctx, r, now, in))
			}
		}
	}
	return err
}

// apply drops batches until one is not full.
func (s *Service) apply(ctx context.Context, r Rule, now time.Time,
	in func(context.Context, func(context.Context) error) error) error {
	for {
		dropped := 0
		err := in(ctx, func(ctx context.Context) (err error) {
			dropped, err = s.c.Store.Drop(ctx, r.Kind, r.before(now), batch)
			return err
		})
		if err != nil || dropped < batch {
			return err
		}
	}
}
