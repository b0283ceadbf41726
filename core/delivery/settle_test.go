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

// away is a database that cannot be reached until a time.
type away struct {
	Units
	until    time.Time
	recorded int
}

func (a *away) InTenant(context.Context, lumo.MerchantID, func(context.Context) error) error {
	if time.Now().Before(a.until) {
		return fault.New(fault.Unavailable, "away.InTenant", "the database is starting up")
	}
	a.recorded++
	return nil
}

// What LINE accepted is in hand: a database that is away as long as one that restarts after a
// crash must not leave it in sending.
func TestOutcomesOutlastADatabaseThatRestarts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away time.Duration
		want int
	}{
		"at once":          {0, 1},
		"a restart":        {25 * time.Second, 1},
		"gone for an hour": {time.Hour, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			database := &away{until: time.Now().Add(c.away)}
			w := startSettler(&Service{Config: Config{Units: database, Log: slog.New(slog.DiscardHandler)}}, Lease{})
			w.record(note{})
			w.finish()
			if database.recorded != c.want {
				t.Errorf("%s: recorded %d times, want %d", name, database.recorded, c.want)
			}
		})
	}
}
