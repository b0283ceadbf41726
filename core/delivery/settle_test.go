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

// broken is a database whose timeline takes nothing.
type broken struct {
	Units
	Store
	Recorder
	Watcher
	settled, committed, counted int
}

func (b *broken) InTenant(ctx context.Context, _ lumo.MerchantID, fn func(context.Context) error) error {
	b.settled = 0
	err := fn(ctx)
	if err == nil {
		b.committed += b.settled
	}
	return err
}

func (b *broken) Settle(_ context.Context, _ Lease, all []Outcome) ([]Outcome, error) {
	b.settled = len(all)
	return all, nil
}

func (b *broken) Count(_ context.Context, _ Lease, all []Outcome) error {
	b.counted += len(all)
	return nil
}

func (b *broken) RecordAll(context.Context, lumo.MerchantID, []lumo.Fact) error {
	return fault.New(fault.Internal, "broken.RecordAll", "no")
}

func (b *broken) DeliveryChanged(context.Context, Delivery, State, string) {}

// Nothing that can fail stands between LINE's acceptance and its record.
func TestAcceptanceIsRecordedThoughItsConsequencesCannotBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broken{}
		w := startSettler(&Service{Config: Config{Units: b, Store: b, Recorder: b, Watcher: b, Now: time.Now,
			Log: slog.New(slog.DiscardHandler)}}, Lease{})
		for range 3 {
			w.record(note{one: Outcome{State: Accepted}})
		}
		w.finish()
		if b.committed != 3 || b.counted != 3 {
			t.Errorf("%d of 3 are recorded, %d counted", b.committed, b.counted)
		}
	})
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
