package delivery_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

// working runs a service that has sent one message already, so that it owns the account.
func working(t *testing.T, w *world, s *delivery.Service) {
	t.Helper()
	w.plan(s, 1)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	waitMoved(t, w)
}

func waitMoved(t *testing.T, w *world) {
	t.Helper()
	select {
	case <-w.moved:
	case <-time.After(time.Minute):
		t.Fatal("nothing moved")
	}
}

// begin plans a message and has it begun, then ends the transaction with end.
func (w *world) begin(s *delivery.Service, logical byte, end error) (state string, err error) {
	err = w.db.InTenant(context.Background(), w.m, func(ctx context.Context) error {
		all, err := s.PlanEach(ctx, []delivery.Plan{w.planOf(logical)})
		if err != nil {
			return err
		}
		s.Begin(ctx, all)
		err = postgres.Tx(ctx).QueryRow(ctx, `
			SELECT state FROM delivery WHERE merchant_id = $1 AND id = $2`, w.m, all[0].ID).Scan(&state)
		return errors.Join(err, end)
	})
	return state, err
}

func (w *world) pushed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pushes)
}

func TestABegunDeliveryIsCommittedToItsBytesWithItsPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	if state, err := w.begin(s, 9, nil); err != nil || state != "planned" {
		t.Fatalf("got %q, %v while nobody sends for the account", state, err)
	}
	working(t, w, s) // takes that one too
	waitMoved(t, w)
	if state, err := w.begin(s, 2, nil); err != nil || state != "sending" {
		t.Fatalf("got %q, %v", state, err)
	}
	waitMoved(t, w)
	if n := w.pushed(); n != 3 {
		t.Errorf("%d pushes", n)
	}
}

func TestABegunDeliveryThatIsUndoneIsNotPushed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	working(t, w, s)
	undone := errors.New("undone")
	if state, err := w.begin(s, 2, undone); !errors.Is(err, undone) || state != "sending" {
		t.Fatalf("got %q, %v", state, err)
	}
	if state, err := w.begin(s, 3, nil); err != nil || state != "sending" {
		t.Fatalf("got %q, %v", state, err)
	}
	waitMoved(t, w)
	if n := w.pushed(); n != 2 {
		t.Errorf("%d pushes", n)
	}
}

// spoilt cannot write what it is asked for once.
type spoilt struct {
	*world
	fails atomic.Int64 // at its n-th time from now
}

func (p *spoilt) Compose(ctx context.Context, c lumo.Channel, n uint64, content lumo.Content, to lumo.LineUserID) ([]byte, lumo.Why, error) {
	if p.fails.Add(-1) == 0 {
		_, err := postgres.Tx(ctx).Exec(ctx, "SELECT nothing FROM nowhere")
		return nil, lumo.Why{}, err
	}
	return p.world.Compose(ctx, c, n, content, to)
}

func TestWhatCannotBeBegunAtOnceStaysPlannedAndIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	p := &spoilt{world: w}
	s := w.serviceOf("a", p)
	working(t, w, s)
	p.fails.Store(1)
	if state, err := w.begin(s, 2, nil); err != nil || state != "planned" {
		t.Fatalf("got %q, %v", state, err)
	}
	waitMoved(t, w)
	if n := w.pushed(); n != 2 {
		t.Errorf("%d pushes", n)
	}
}

func TestAStoppedAccountBeginsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	working(t, w, s)
	if err := s.StopSending(context.Background(), w.m, w.channel, delivery.Actor{Member: lumo.MemberID{1}}, delivery.StoppedEverything); err != nil {
		t.Fatal(err)
	}
	if state, err := w.begin(s, 2, nil); err != nil || state != "planned" {
		t.Errorf("got %q, %v", state, err)
	}
}

func TestWhatCameTooLateIsNotBegun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	working(t, w, s)
	late := w.planOf(2)
	late.ReceivedAt = time.Now().Add(-7 * time.Hour)
	var all []delivery.Delivery
	err := w.db.InTenant(context.Background(), w.m, func(ctx context.Context) (err error) {
		if all, err = s.PlanEach(ctx, []delivery.Plan{late}); err == nil {
			s.Begin(ctx, all)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if state, bodies := w.state(all[0]); state != "skipped" || bodies != 0 {
		t.Errorf("got %s with %d bodies", state, bodies)
	}
}
