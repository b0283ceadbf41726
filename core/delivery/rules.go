package delivery

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Rules are what a merchant set for an account's sending.
type Rules struct {
	TooLate        time.Duration // older messages are dropped: after outages, at the limit, after a stop
	ReservePercent int           // of the month's messages, kept for flow sends
	Quiet          QuietHours
	Cap            Cap
	// A broadcast to more people than this needs a second person, or the number typed; they
	// are kept here for the broadcasts to come. ApprovalOver below 0 = off.
	ApprovalOver    int64
	TypedNumberOver int64
}

// LeastTooLate and mostTooLate bound what a merchant may choose.
const (
	LeastTooLate = 10 * time.Minute
	mostTooLate  = 72 * time.Hour
)

// Late is what the sentence about a message that is too old says: how old it was, and what
// the limit is, in hours and tenths of them.
func Late(age, limit time.Duration) map[string]any {
	tenths := func(d time.Duration) float64 { return float64((d+tenth-1)/tenth) / 10 }
	return map[string]any{"hours": tenths(age), "limit": tenths(limit)}
}

const tenth = time.Hour / 10

// DefaultRules hold for an account whose merchant set none.
func DefaultRules() Rules {
	return Rules{TooLate: 6 * time.Hour, ReservePercent: 10, ApprovalOver: -1, TypedNumberOver: 1000,
		Quiet: QuietHours{Days: everyDay, Flows: QuietWait, Broadcasts: QuietWait}}
}

// QuietAction is what becomes of a message in quiet hours.
type QuietAction string

// The actions.
const (
	QuietWait QuietAction = "wait"
	QuietSkip QuietAction = "skip"
	QuietSend QuietAction = "send"
)

const everyDay = 127

// QuietHours are when nothing is sent. From and Until are minutes of the merchant's day; a
// span that ends before it begins ends on the next day.
type QuietHours struct {
	On          bool
	From, Until int
	Days        int // bit 0 = Monday: the days on which a span begins
	Flows       QuietAction
	Broadcasts  QuietAction
}

// Action is what becomes of a kind of message.
func (q QuietHours) Action(kind string) QuietAction {
	switch {
	case !q.On || kind == KindTest || kind == KindReply || kind == KindWelcome:
		return QuietSend // somebody waits for it
	case kind == KindBroadcast:
		return q.Broadcasts
	}
	return q.Flows
}

// Ends tells when the span around a time ends; zero = there is none. The times are on the wall
// of zone, so that a night with a clock change ends when people expect it.
func (q QuietHours) Ends(now time.Time, zone *time.Location) time.Time {
	if !q.On || q.From == q.Until {
		return time.Time{}
	}
	local := now.In(zone)
	for back := range 2 { // a span of yesterday may last until today
		day := local.AddDate(0, 0, -back)
		if q.Days&(1<<((int(day.Weekday())+6)%7)) == 0 {
			continue
		}
		begin, end := onWall(day, q.From, zone), onWall(day, q.Until, zone)
		if q.Until < q.From {
			end = onWall(day.AddDate(0, 0, 1), q.Until, zone)
		}
		if !now.Before(begin) && now.Before(end) {
			return end
		}
	}
	return time.Time{}
}

func onWall(day time.Time, minute int, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), minute/60, minute%60, 0, 0, zone)
}

// Cap is how many messages one person gets in a number of days; 0 messages = no limit.
type Cap struct {
	Messages int
	Days     int
	Flows    bool // flow sends are limited too
}

// Limits tells whether a kind of message is limited.
func (c Cap) Limits(kind string) bool {
	return c.Messages > 0 && (kind == KindBroadcast || kind == KindFlow && c.Flows)
}

// Data is what the sentence about somebody who had enough says.
func (c Cap) Data() map[string]any { return map[string]any{"n": c.Messages, "d": c.Days} }

// Had is how many messages some people got within the days of an account's limit for flow
// messages, in the caller's transaction. A limit of 0 messages is none, and nothing is counted.
func (s *Service) Had(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, friends []lumo.FriendID) (
	limit Cap, had map[lumo.FriendID]int, err error) {
	const op = "delivery.Had"
	_, rules, err := s.Settings.Sending(ctx, m, c)
	if err != nil || !rules.Cap.Limits(KindFlow) {
		return Cap{}, nil, fault.Wrap(op, err)
	}
	had, err = s.Store.Sent(ctx, m, friends, s.Now().AddDate(0, 0, -rules.Cap.Days))
	return rules.Cap, had, fault.Wrap(op, err)
}

// Affected says what rules would have done to the messages of a past time.
type Affected struct {
	Messages int64 // accepted
	Quiet    int64 // of them in what would be quiet hours
	Capped   int64 // of them over what would be the limit
}

// Check refuses rules that make no sense, field by field.
func (r Rules) Check() error {
	fields := map[string]string{}
	inside := func(field string, ok bool, sentence string) {
		if !ok {
			fields[field] = sentence
		}
	}
	inside("too_late_seconds", r.TooLate >= LeastTooLate && r.TooLate <= mostTooLate, "Choose 10 minutes to 72 hours.")
	inside("reserve_percent", r.ReservePercent >= 0 && r.ReservePercent <= 90, "Choose 0 to 90 percent.")
	q := r.Quiet
	inside("quiet.from", !q.On || q.From >= 0 && q.From < 24*60, "Choose a time of the day.")
	inside("quiet.until", !q.On || q.Until >= 0 && q.Until < 24*60 && q.Until != q.From, "Choose another time than the beginning.")
	inside("quiet.days", !q.On || q.Days > 0 && q.Days <= everyDay, "Choose at least one day.")
	c := r.Cap
	inside("cap.messages", c.Messages >= 0 && c.Messages <= 1000, "Choose 1 to 1,000 messages.")
	inside("cap.days", c.Messages == 0 || c.Days >= 1 && c.Days <= 90, "Choose 1 to 90 days.")
	inside("typed_number_over", r.TypedNumberOver >= 0, "Choose a number of people.")
	if len(fields) == 0 {
		return nil
	}
	refused := fault.New(fault.Invalid, "delivery.Rules", "Some rules cannot be used.")
	refused.Fields = fields
	return refused
}

// SetRules changes an account's rules.
func (s *Service) SetRules(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, r Rules) error {
	const op = "delivery.SetRules"
	if err := r.Check(); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		_, old, err := s.Settings.Sending(ctx, m, c)
		if err == nil {
			err = s.Settings.SetRules(ctx, m, c, r, s.Now())
		}
		if err == nil && old.Quiet != r.Quiet {
			err = s.Settings.EndQuiet(ctx, m, c, s.Now())
		}
		if err == nil && old.TooLate != r.TooLate {
			err = s.Settings.Prolong(ctx, m, c, r.TooLate-old.TooLate)
		}
		if err != nil {
			return err
		}
		s.Watcher.SendingChanged(ctx, m, c)
		s.Units.AfterCommit(ctx, func() { s.bell.ringAll(c) })
		return s.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by.Member),
			Action: "sending.rules", TargetKind: "channel", Target: c.String(), Address: by.Address})
	}))
}

// TooLate is how old a flow message of an account may become, in the caller's transaction.
func (s *Service) TooLate(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (time.Duration, error) {
	_, rules, err := s.Settings.Sending(ctx, m, c)
	return rules.TooLate, fault.Wrap("delivery.TooLate", err)
}

// Affected tells what rules would have done to the last month's messages.
func (s *Service) Affected(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r Rules) (a Affected, err error) {
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		a, err = s.Settings.Affected(ctx, m, c, r, s.Now().AddDate(0, -1, 0))
		return err
	})
	return a, fault.Wrap("delivery.Affected", err)
}
