package delivery_test

import (
	"context"
	"testing"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

// shown composes what a message shows of its values.
type shown struct{ *world }

func (s shown) Compose(_ context.Context, _ lumo.Channel, _ uint64, c lumo.Content, _ lumo.LineUserID) ([]byte, lumo.Why, error) {
	return []byte(c.Vars["name"] + " " + c.Vars["item"]), lumo.Why{}, nil
}

// fill gives a delivery values.
func (w *world) fill(s *delivery.Service, d delivery.Delivery, values map[string]string) bool {
	w.t.Helper()
	waited, err := s.Fill(context.Background(), w.m, d.ID, values)
	if err != nil {
		w.t.Fatal(err)
	}
	return waited
}

func (w *world) planWaiting(s *delivery.Service, logical byte, until time.Time) delivery.Delivery {
	w.t.Helper()
	p := w.planOf(logical)
	p.Content, p.WaitsUntil = lumo.Content{Text: "x", Vars: map[string]string{"name": "Yuki"}}, until
	d, err := s.Plan(context.Background(), p)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func TestAMessageThatWaitsForValuesGoesOnceWithThemAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.serviceOf("a", shown{w})
	d := w.planWaiting(s, 7, time.Now().Add(10*time.Minute))
	w.plan(s, 8)
	w.run(s, 1) // the other one
	if state, _ := w.state(d); state != "planned" || len(w.pushes) != 1 || w.pushes[0].body != " " {
		t.Fatalf("it is %s, pushed %+v", state, w.pushes)
	}
	if reason := w.reason(d); reason != "event_wait" {
		t.Errorf("it waits because of %q", reason)
	}
	if !w.fill(s, d, map[string]string{"item": "Sencha", "name": "nobody"}) {
		t.Fatal("it waited no more")
	}
	if w.fill(s, d, map[string]string{"item": "Cup"}) {
		t.Error("it was filled twice")
	}
	w.run(s, 1)
	if state, _ := w.state(d); state != "accepted" || len(w.pushes) != 2 || w.pushes[1].body != "Yuki Sencha" || w.reason(d) != "" {
		t.Errorf("it is %s, pushed %+v", state, w.pushes)
	}
}

func TestAMessageWhoseValuesDoNotComeGoesWithoutAndIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = func(n int) delivery.Result {
		if n == 1 {
			return delivery.Result{Verdict: delivery.Unanswered}
		}
		return delivery.Result{Verdict: delivery.TakenByLINE}
	}
	s := w.serviceOf("a", shown{w})
	d := w.planWaiting(s, 7, time.Now().Add(-time.Second))
	w.run(s, 1)
	if state, _ := w.state(d); state != "unknown" {
		t.Fatalf("it is %s", state)
	}
	if w.fill(s, d, map[string]string{"item": "Sencha"}) {
		t.Error("what LINE may have was filled")
	}
	w.run(s, 1)
	if state, _ := w.state(d); state != "accepted" || len(w.pushes) != 2 || w.pushes[0] != w.pushes[1] || w.pushes[1].body != "Yuki " {
		t.Errorf("it is %s, pushed %+v", state, w.pushes)
	}
}

func (w *world) reason(d delivery.Delivery) (reason string) {
	w.t.Helper()
	w.inTenant(func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, `SELECT coalesce(reason, '') FROM delivery WHERE merchant_id = $1 AND id = $2`,
			w.m, d.ID).Scan(&reason)
	})
	return reason
}
