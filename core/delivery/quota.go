package delivery

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Quota is the month's messages of an account: LINE's own figure, and what the senders know
// that LINE's figure does not hold yet.
type Quota struct {
	Unlimited bool
	Limit     int64
	Base      int64 // used, as LINE said last
	Since     int64 // accepted after that
	Held      int64 // on its way
	Flows     int64 // flow sends accepted this month
	LINE      int64 // LINE's figure as it is
	ReadAt    time.Time
	BlockedAt time.Time // the limit was reached; zero = it is not
}

// Used is the best that is known: LINE's figure and what was accepted after it.
func (q Quota) Used() int64 { return q.Base + q.Since }

// Reserve is what is kept for the month's flow sends to come.
func (q Quota) Reserve(r Rules) int64 {
	return max(0, q.Limit*int64(r.ReservePercent)/100-q.Flows)
}

// LeftFor is how many messages of a kind may still leave.
func (q Quota) LeftFor(kind string, r Rules) int64 {
	if q.Unlimited {
		return 1 << 40
	}
	left := q.Limit - q.Used() - q.Held
	if kind == KindBroadcast {
		left -= q.Reserve(r)
	}
	return max(0, left)
}

// Forecast is what will be used by the month's end at the pace so far; 0 in its first day.
func (q Quota) Forecast(now time.Time, zone *time.Location) int64 {
	local := now.In(zone)
	begin := time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, zone)
	end := begin.AddDate(0, 1, 0)
	passed := local.Sub(begin)
	if passed < 24*time.Hour {
		return 0
	}
	return int64(float64(q.Used()) * float64(end.Sub(begin)) / float64(passed))
}

// RouteDay is what LINE accepted of one route on one day of the merchant.
type RouteDay struct {
	Day   time.Time
	Route string
	N     int64
}

// Outside is how many messages of LINE's figure Lumo did not send; false while LINE was never
// asked. Messages to people who blocked the account are not charged and LINE counts with some
// delay, so that it is the least it can be.
func (q QuotaState) Outside() (int64, bool) {
	return max(0, q.Quota.LINE-(q.Sent-q.Quota.Since)), !q.Quota.ReadAt.IsZero()
}

// LimitWaiting is what waits for messages of the month.
type LimitWaiting struct {
	Flow      int64 // everything but broadcasts
	Broadcast int64
}

// QuotaState is what the quota page shows.
type QuotaState struct {
	Quota    Quota
	Reserve  int64
	Forecast int64
	Sent     int64 // by Lumo this month
	Days     []RouteDay
	Rules    Rules
	Waiting  LimitWaiting
	RenewsAt time.Time // LINE's next month
}

// QuotaStore reads the month, and notes that it is used up. It runs in the transaction of its
// context.
type QuotaStore interface {
	Month(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) (Situation, []RouteDay, error)
	// WaitingForLimit counts what waits for messages of the month; broadcasts tells that no
	// message is left for those.
	WaitingForLimit(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, broadcasts bool) (LimitWaiting, error)
	// NoteLimit notes that something waits because the month is used up, for broadcasts alone
	// or for everything; false = it was noted, or nothing waits.
	NoteLimit(ctx context.Context, l Lease, everything bool) (bool, error)
	// ForgetLimit notes that there are messages again.
	ForgetLimit(ctx context.Context, l Lease) error
	// HurryLimit makes what waits for messages of the month due now.
	HurryLimit(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) error
}

// lineMonth is where LINE's months begin and end.
var lineMonth = time.FixedZone("UTC+9", 9*60*60)

// renewal is when LINE's next month begins.
func renewal(now time.Time) time.Time {
	local := now.In(lineMonth)
	return time.Date(local.Year(), local.Month()+1, 1, 0, 0, 0, 0, lineMonth)
}

// UsedUp tells whether what waits needs messages that the month does not have: of its kind
// alone, or of any.
func (q QuotaState) UsedUp() bool {
	return q.Waiting.Flow > 0 || !q.Quota.Unlimited && q.Quota.LeftFor(KindFlow, q.Rules) == 0
}

// Quota reads the month's messages of an account.
func (s *Service) Quota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (state QuotaState, err error) {
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		at, days, err := s.Store.Month(ctx, m, c, s.Now())
		if err != nil {
			return err
		}
		state = QuotaState{Quota: at.Quota, Reserve: at.Quota.Reserve(at.Rules), Days: days, Rules: at.Rules,
			Forecast: at.Quota.Forecast(s.Now(), at.Zone), RenewsAt: renewal(s.Now())}
		for _, d := range days {
			if d.Route != KindReply {
				state.Sent += d.N
			}
		}
		state.Waiting, err = s.Store.WaitingForLimit(ctx, m, c, at.Quota.LeftFor(KindBroadcast, at.Rules) == 0)
		return err
	})
	return state, fault.Wrap("delivery.Quota", err)
}

// CheckQuota asks LINE for the month's messages at once, and has what waits for them tried: a
// person says that there are more now.
func (s *Service) CheckQuota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	const op = "delivery.CheckQuota"
	state, err := s.Quota(ctx, m, c)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if s.Now().Sub(state.Quota.ReadAt) > quotaByHand {
		if err := s.Quotas.ReadQuota(ctx, m, c); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return fault.Wrap(op, s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		s.Units.AfterCommit(ctx, func() { s.bell.ringAll(c) })
		s.Watcher.SendingChanged(ctx, m, c)
		return s.Store.HurryLimit(ctx, m, c, s.Now())
	}))
}

// noteLimit keeps since when something waits for messages of the month, and tells open pages.
func (t *taking) noteLimit(ctx context.Context) error {
	q, rules := t.situation.Quota, t.situation.Rules
	noted := !q.BlockedAt.IsZero()
	if (q.LeftFor(KindBroadcast, rules) == 0) == noted { // also where there is no limit any more
		return nil
	}
	s, l := t.sender.service, t.sender.lease
	if noted {
		s.Watcher.SendingChanged(ctx, l.Merchant, l.Channel)
		return s.Store.ForgetLimit(ctx, l)
	}
	fresh, err := s.Store.NoteLimit(ctx, l, q.LeftFor(KindFlow, rules) == 0)
	if fresh {
		s.Watcher.SendingChanged(ctx, l.Merchant, l.Channel)
	}
	return err
}
