package delivery

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// away is a database that takes nothing until a time.
type away struct {
	Units
	until    time.Time
	why      fault.Kind
	recorded int
}

func (a *away) InTenant(context.Context, lumo.MerchantID, func(context.Context) error) error {
	if time.Now().Before(a.until) {
		return fault.New(a.why, "away.InTenant", "not now")
	}
	a.recorded++
	return nil
}

// What LINE accepted is in hand: a database that is away as long as one that restarts after a
// crash must not leave it in sending. One that refuses it does not hold up what comes after.
func TestOutcomesOutlastADatabaseThatRestarts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away time.Duration
		why  fault.Kind
		want int
	}{
		"at once":          {0, fault.Unavailable, 1},
		"a restart":        {25 * time.Second, fault.Unavailable, 1},
		"gone for an hour": {time.Hour, fault.Unavailable, 0},
		"refused for long": {25 * time.Second, fault.Internal, 0},
		"refused for once": {time.Second, fault.Internal, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			database := &away{until: time.Now().Add(c.away), why: c.why}
			w := startSettler(&Service{Config: Config{Units: database, Log: slog.New(slog.DiscardHandler)}}, Lease{})
			w.record(note{})
			w.finish()
			if database.recorded != c.want {
				t.Errorf("%s: recorded %d times, want %d", name, database.recorded, c.want)
			}
		})
	}
}
