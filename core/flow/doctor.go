package flow

import (
	"cmp"
	"context"
	"slices"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// LateAfter is how old an event may be when Klaviyo takes it in: older ones start no flow (FAQ).
const LateAfter = 6 * time.Hour

const (
	ignoreFor   = 7 * 24 * time.Hour
	shownAtOnce = 3
)

// Flow is what the Flow doctor says of one flow.
type Flow struct {
	ID         string // Klaviyo's
	Name       string // empty until Klaviyo was asked
	Status     string // live, manual, draft, gone; empty until Klaviyo was asked
	SeenAt     time.Time
	Hours      [24]int64 // calls, the oldest hour first
	Calls      int64     // of the last 24 hours, as are the following
	Sent       int64
	NotSent    int64 // left out on purpose; a second copy of a call is none
	Failed     int64 // refused by us or by LINE
	TopReason  string
	LastCallAt time.Time
	Usual      float64       // calls a day, over the days of the last two weeks that had any
	ActiveDays int           // how many those are
	Delay      time.Duration // median from event to call
	Measured   int           // calls that the median is of
	LateCalls  int64         // whose event was older than Klaviyo allows
	Unlinked   int64         // of the last 7 days
	Week       int64         // calls of the last 7 days
	KeyLast4   string        // end of the key that its newest call carried
}

// Refusals are a day's calls that were let in by no key.
type Refusals struct {
	Calls int64
	Last4 string
	At    time.Time
}

// Setup is how far an account's first flow has come, from what was seen.
type Setup struct {
	Copied bool // a member had the key shown, or a call carried it
	Called bool // a call came with a key that is right
	Live   bool // a flow that calls is live in Klaviyo
	Sent   bool // LINE took the message of a call
}

// Diagnosis is the whole Flow doctor of an account.
type Diagnosis struct {
	Flows    []Flow
	Findings []Finding // at most three, worst first
	Refused  Refusals
	Linked   bool // somebody is linked
	Setup    Setup
	Delay    time.Duration
	Measured int
}

// Board reads and keeps what the Flow doctor needs beside the calls, in the transaction of
// its context.
type Board interface {
	Flows(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) ([]Flow, error)
	Refusals(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, since time.Time) (Refusals, error)
	Quota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (Quota, error)
	AnyLink(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (bool, error)
	// Setup tells all but Live.
	Setup(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (Setup, error)
	Paused(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) ([]Finding, error)
	Pause(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, code, subject string, until time.Time) error
	Seen(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, all []KlaviyoFlow, now time.Time) error
	// SumDays writes the sums of the merchant's days from a time on anew.
	SumDays(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, from time.Time) error
	// Days are sums of days before one, the newest first; of one flow, or of all.
	Days(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, flow string, before time.Time, limit int) ([]Day, error)
	// Unmeasured are calls whose event's time is not known yet, newest first, a few of each flow.
	Unmeasured(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, since time.Time, each int) ([]Request, error)
	// Measure notes what a call's event was and when it happened; zero = Klaviyo does not know it.
	Measure(ctx context.Context, m lumo.MerchantID, r lumo.RequestID, e lumo.ReadEvent) error
}

// Quota is how many messages LINE allows this month.
type Quota struct {
	Limit  int64 // 0 = none
	Used   int64
	ReadAt time.Time
}

// Day is what became of a day's calls.
type Day struct {
	Day     time.Time
	Calls   int64
	Sent    int64
	NotSent int64
	Failed  int64 // refused by us or by LINE
}

// Days are the sums of days whose calls are kept no more.
func (s *Service) Days(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, flow string, before time.Time, limit int) (
	days []Day, err error) {
	if old := s.Now().Add(-keptCalls); before.IsZero() || old.Before(before) {
		before = old
	}
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		days, err = s.Board.Days(ctx, m, c, flow, before, limit)
		return err
	})
	return days, fault.Wrap("flow.Days", err)
}

// Diagnose looks at all flows of an account.
func (s *Service) Diagnose(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (d Diagnosis, err error) {
	var quota Quota
	var paused []Finding
	now := s.Now()
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err = s.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		if d.Flows, err = s.Board.Flows(ctx, m, c, now); err != nil {
			return err
		}
		if d.Refused, err = s.Board.Refusals(ctx, m, c, now.Add(-24*time.Hour)); err != nil {
			return err
		}
		if d.Linked, err = s.Board.AnyLink(ctx, m, c); err != nil {
			return err
		}
		if d.Setup, err = s.Board.Setup(ctx, m, c); err != nil {
			return err
		}
		if quota, err = s.Board.Quota(ctx, m, c); err != nil {
			return err
		}
		paused, err = s.Board.Paused(ctx, m, c, now)
		return err
	})
	if err != nil {
		return d, fault.Wrap("flow.Diagnose", err)
	}
	d.Setup.Live = slices.ContainsFunc(d.Flows, func(f Flow) bool { return f.Status == "live" })
	d.Findings = worst(findings(now, d, quota), paused)
	d.Delay, d.Measured = overall(d.Flows)
	return d, nil
}

// Ignore keeps a finding quiet for a week.
func (s *Service) Ignore(ctx context.Context, by Actor, m lumo.MerchantID, c lumo.ChannelID, code, subject string) error {
	return fault.Wrap("flow.Ignore", s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		if err := s.Board.Pause(ctx, m, c, code, subject, s.Now().Add(ignoreFor)); err != nil {
			return err
		}
		return s.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by.Member), Address: by.Address,
			Action: "flow_finding.ignore", TargetKind: "channel", Target: c.String(),
			Data: map[string]any{"code": code, "flow": subject}})
	}))
}

// overall is the median of the flows' medians, weighted by how much each is of.
func overall(flows []Flow) (time.Duration, int) {
	measured := slices.DeleteFunc(slices.Clone(flows), func(f Flow) bool { return f.Measured == 0 })
	slices.SortFunc(measured, func(a, b Flow) int { return cmp.Compare(a.Delay, b.Delay) })
	all := 0
	for _, f := range measured {
		all += f.Measured
	}
	passed := 0
	for _, f := range measured {
		if passed += f.Measured; 2*passed >= all {
			return f.Delay, all
		}
	}
	return 0, 0
}
