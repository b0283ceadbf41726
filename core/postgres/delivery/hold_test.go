package delivery_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// running lets services of several replicas work until the test ends.
func running(t *testing.T, services ...*delivery.Service) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, s := range services {
		group.Go(func() { _ = s.Run(ctx) })
	}
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); group.Wait() }) }
	t.Cleanup(stop)
	return stop
}

// until polls for something that must come about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); !ok(); <-tick.C {
		if time.Since(begun) > time.Minute {
			t.Fatalf("waited for %s", what)
		}
	}
}

// An operator stops everything while a broadcast goes out, by way of another replica: what had
// begun is answered and recorded, after that LINE gets nothing more, from whichever replica
// has the channel. Flow messages wait too. After the resumption everybody got it once.
func TestOperatorsStopHoldsEveryReplica(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	line := &patient{crowd: newCrowd(t, 600), answer: make(chan struct{})}
	store := &looked{Store: line.store}
	a, b := line.replica("a", store), line.replica("b", store)
	if _, err := a.PlanAll(ctx, line.broadcast(false), line.all()); err != nil {
		t.Fatal(err)
	}
	stop := running(t, a)
	until(t, "the first messages", func() bool { return line.pushes.Load() > 0 })
	if err := b.StopAll(ctx, id.ID{5}, "Sato", delivery.HoldLINE); err != nil {
		t.Fatal(err)
	}
	flow := line.planOf(9)
	flow.Friend = line.friends[0]
	if _, err := b.Plan(ctx, flow); err != nil {
		t.Fatal(err)
	}
	close(line.answer)
	store.again(t) // who looked before the stop may still have been committing to a batch
	until(t, "answers to what had begun", func() bool { return line.states()["sending"] == 0 })
	sent := line.pushes.Load()
	store.again(t)
	stop()
	running(t, b)
	store.again(t)
	if n := line.pushes.Load(); n != sent || int(sent) >= len(line.friends) {
		t.Errorf("%d of %d had begun, then %d more left", sent, len(line.friends), n-sent)
	}
	waiting := int64(len(line.friends)) - sent
	state := line.sending(a)
	if !state.Hold.InForce() || state.Hold.Name != "Sato" || state.Hold.Reason != delivery.HoldLINE ||
		state.Waiting.Flow != 1 || state.Waiting.Broadcast != waiting {
		t.Errorf("the merchant sees %+v, want %d waiting", state, waiting)
	}
	if err := a.ResumeAll(ctx, id.ID{5}); err != nil {
		t.Fatal(err)
	}
	until(t, "everybody's message", func() bool { return line.states()["accepted"] == len(line.friends)+1 })
	for i, f := range line.friends {
		want := 1
		if i == 0 {
			want = 2 // the flow's too
		}
		if n := line.got[string(userOf(f))]; n != want {
			t.Errorf("%s got %d messages, want %d", userOf(f), n, want)
		}
	}
}

// patient is LINE that takes everything and answers once it is told to.
type patient struct {
	*crowd
	answer chan struct{}
	pushes atomic.Int64
}

func (p *patient) Push(_ context.Context, _ lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	p.pushes.Add(1)
	result := p.take(key, body, false)
	<-p.answer
	return result
}

func (p *patient) replica(owner string, store delivery.Store) *delivery.Service {
	s := p.world.serviceOf(owner, p)
	s.Store = store
	return s
}

// looked counts how often senders look whether they may send.
type looked struct {
	delivery.Store
	n atomic.Int64
}

func (l *looked) Look(ctx context.Context, of delivery.Lease) (delivery.Situation, error) {
	defer l.n.Add(1)
	return l.Store.Look(ctx, of)
}

// again waits until both loops of a sender looked several times.
func (l *looked) again(t *testing.T) {
	t.Helper()
	before := l.n.Load()
	until(t, "senders to look again", func() bool { return l.n.Load() > before+6 })
}

func TestOperatorsStopIsOneForAllAndNamed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	s := w.service("a")
	if h, err := s.Hold(ctx); err != nil || h.InForce() {
		t.Fatalf("before: %+v, %v", h, err)
	}
	if err := s.StopAll(ctx, id.ID{5}, "Sato", "because"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a reason of no list: %v", err)
	}
	for _, name := range []string{"Sato", "Mori"} { // who stopped first stays named
		if err := s.StopAll(ctx, id.ID{5}, name, delivery.HoldTrouble); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := s.Hold(ctx); err != nil || h.Name != "Sato" || h.Reason != delivery.HoldTrouble || !h.InForce() {
		t.Errorf("stopped: %+v, %v", h, err)
	}
	for range 2 { // asked twice, done once
		if err := s.ResumeAll(ctx, id.ID{5}); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := s.Hold(ctx); err != nil || h.InForce() || h.ResumedAt.IsZero() {
		t.Errorf("resumed: %+v, %v", h, err)
	}
	if err := s.StopAll(ctx, id.ID{6}, "Mori", delivery.HoldMaintenance); err != nil {
		t.Fatal(err)
	}
	if h, err := s.Hold(ctx); err != nil || h.Name != "Mori" || !h.InForce() {
		t.Errorf("stopped again: %+v, %v", h, err)
	}
	if want := []string{"all.stop", "all.resume", "all.stop"}; !slices.Equal(w.audit, want) {
		t.Errorf("journal %v", w.audit)
	}
}

// What became too late during the operator's stop says that the stop was the cause.
func TestTooLateThroughAnOperatorsStopSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	d := w.plan(s, 7)
	w.exec(`UPDATE delivery SET too_late_at = now() - interval '1 hour' WHERE id = $1`, d.ID)
	w.exec(`INSERT INTO system_hold (operator_id, name, reason, stopped_at, resumed_at)
		VALUES ($1, 'Sato', 'line', now() - interval '2 hours', now())`, d.ID)
	w.run(s, 1)
	var reason string
	w.inTenant(func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, `SELECT reason FROM delivery WHERE id = $1`, d.ID).Scan(&reason)
	})
	if reason != "hold_expired" || len(w.pushes) != 0 {
		t.Errorf("got %q and %d pushes", reason, len(w.pushes))
	}
}
