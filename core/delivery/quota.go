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

// QuotaState is what the quota page shows.
type QuotaState struct {
	Quota    Quota
	Reserve  int64
	Forecast int64
	Sent     int64 // by Lumo this month
	Days     []RouteDay
	Rules    Rules
}

// QuotaStore reads the month. It runs in the transaction of its context.
type QuotaStore interface {
	Month(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) (Situation, []RouteDay, error)
}

// Quota reads the month's messages of an account.
func (s *Service) Quota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (state QuotaState, err error) {
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		at, days, err := s.Store.Month(ctx, m, c, s.Now())
		if err != nil {
			return err
		}
		state = QuotaState{Quota: at.Quota, Reserve: at.Quota.Reserve(at.Rules), Days: days, Rules: at.Rules,
			Forecast: at.Quota.Forecast(s.Now(), at.Zone)}
		for _, d := range days {
			if d.Route != KindReply {
				state.Sent += d.N
			}
		}
		return nil
	})
	return state, fault.Wrap("delivery.Quota", err)
}
