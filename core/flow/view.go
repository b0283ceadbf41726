package flow

import (
	"context"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Row is a call as the Flow doctor lists it.
type Row struct {
	Request
	FlowName    string // empty until Klaviyo was asked
	FriendName  string
	MessageName string
	State       delivery.State // of its delivery; empty = none
	Stale       bool           // sending for so long that its outcome is unknown
	Why         string         // the delivery's reason
	WhyData     map[string]any
	First       delivery.State // of a duplicate: where the first call's message stands; empty = not known
	FirstSentAt time.Time      // when LINE took that
	EventAt     time.Time      // when the event happened; zero = not known
	EventName   string         // what it was
	StoredAt    time.Time      // when the call was
	PlannedAt   time.Time
	FirstTryAt  time.Time
	AcceptedAt  time.Time
	OpenedAt    time.Time
	ClickedAt   time.Time
	RecordedAt  time.Time     // in Klaviyo
	LINERequest string        // LINE's own id of the request
	Usual       time.Duration // of one call: from the event to the call, as calls of its flow mostly take
	UsualOf     int           // calls that this is of
	Sent        []byte        // the body that LINE took, byte for byte; empty = none, or not kept any more
}

// Filter chooses calls, newest first.
type Filter struct {
	State  string // as people read it: a word of UX 2.2, or refused; empty = all
	Reason string
	FlowID string
	Friend lumo.FriendID  // zero = all
	After  lumo.RequestID // zero = from the start
	Limit  int
}

// Views reads what the console shows, in the transaction of its context.
type Views interface {
	Rows(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f Filter) ([]Row, error)
	// Count is how many calls a filter chooses in all.
	Count(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f Filter) (int64, error)
	Row(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RequestID) (Row, error)
}

// Rows lists calls, and tells how many the filter chooses in all.
func (s *Service) Rows(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f Filter) (rows []Row, total int64, err error) {
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if rows, err = s.Views.Rows(ctx, m, c, f); err != nil {
			return err
		}
		total, err = s.Views.Count(ctx, m, c, f)
		return err
	})
	return rows, total, fault.Wrap("flow.Rows", err)
}

// Row reads one call with its steps.
func (s *Service) Row(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RequestID) (row Row, err error) {
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		row, err = s.Views.Row(ctx, m, c, r)
		return err
	})
	return row, fault.Wrap("flow.Row", err)
}

// Late is how long after its event the call came, where that is longer than Klaviyo takes an event
// for: such calls are the few that came at all.
func (r Row) Late() (late time.Duration, is bool) {
	late = r.ReceivedAt.Sub(r.EventAt)
	return late, !r.EventAt.IsZero() && late > LateAfter
}

// Word is the state that people see. One that was on its way when its sender ended is asked about.
func (r Row) Word() string {
	if r.State == delivery.Sending && r.Stale {
		return delivery.Unknown.Word()
	}
	return r.State.Word()
}
