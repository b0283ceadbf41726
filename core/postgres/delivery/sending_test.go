package delivery_test

import (
	"context"
	"testing"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

func (w *world) actor() delivery.Actor { return delivery.Actor{Member: lumo.MemberID{9}} }

func (w *world) sending(s *delivery.Service) delivery.SendingState {
	w.t.Helper()
	state, err := s.Sending(context.Background(), w.m, w.channel)
	if err != nil {
		w.t.Fatal(err)
	}
	return state
}

func TestStoppedMessagesWaitAndGoOnWhenResumed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	if err := s.StopSending(ctx, w.m, w.channel, w.actor(), delivery.StoppedEverything); err != nil {
		t.Fatal(err)
	}
	w.plan(s, 7)
	w.exec(`INSERT INTO flow_request (merchant_id, id, channel_id, received_at, auth, flow_id, outcome, created_at)
		SELECT merchant_id, logical_id, channel_id, now(), 'verified', 'XyZ', 'accepted', now() FROM delivery`)
	state := w.sending(s)
	if state.Stop.Scope != delivery.StoppedEverything || state.Waiting.Flow != 1 || len(state.Waiting.Items) != 1 ||
		state.Waiting.Items[0].Key() != "flow:XyZ" {
		t.Errorf("got %+v", state)
	}
	if err := s.ResumeSending(ctx, w.m, w.channel, w.actor(), nil); err != nil {
		t.Fatal(err)
	}
	w.run(s, 1)
	if len(w.pushes) != 1 || w.sending(s).Waiting.Flow != 0 {
		t.Errorf("%d pushes after the stop ended", len(w.pushes))
	}
	if err := s.ResumeSending(ctx, w.m, w.channel, w.actor(), nil); !fault.Is(err, fault.Conflict) {
		t.Errorf("resumed what was not stopped: %v", err)
	}
	if len(w.audit) != 2 || w.audit[0] != "sending.stop" || w.audit[1] != "sending.resume" {
		t.Errorf("audit %v", w.audit)
	}
}

func TestRulesAreKeptAndChecked(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	s := w.service("a")
	rules := delivery.DefaultRules()
	if got := w.sending(s).Rules; got != rules {
		t.Errorf("without rules: %+v", got)
	}
	rules.Quiet = delivery.QuietHours{On: true, From: 21 * 60, Until: 8 * 60, Days: 31, Flows: delivery.QuietSkip,
		Broadcasts: delivery.QuietWait}
	rules.Cap, rules.ReservePercent, rules.ApprovalOver = delivery.Cap{Messages: 3, Days: 7, Flows: true}, 25, 5000
	if err := s.SetRules(ctx, w.m, w.channel, w.actor(), rules); err != nil {
		t.Fatal(err)
	}
	if got := w.sending(s).Rules; got != rules {
		t.Errorf("got %+v want %+v", got, rules)
	}
	bad := rules
	bad.Quiet.Until, bad.Cap.Days = bad.Quiet.From, 0
	err := s.SetRules(ctx, w.m, w.channel, w.actor(), bad)
	if fields := fault.FieldsOf(err); !fault.Is(err, fault.Invalid) || fields["quiet.until"] == "" || fields["cap.days"] == "" {
		t.Errorf("got %v, fields %v", err, fields)
	}
}

// What waits for the morning goes out at once when quiet hours are switched off, and is as late
// as if it had never waited.
func TestQuietHoursThatEndEarlyLetMessagesGo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	rules := delivery.DefaultRules()
	local := time.Now().In(time.FixedZone("Tokyo", 9*60*60))
	begin := (local.Hour()*60 + local.Minute() + 24*60 - 60) % (24 * 60)
	rules.Quiet = delivery.QuietHours{On: true, From: begin, Until: (begin + 180) % (24 * 60), Days: 127,
		Flows: delivery.QuietWait, Broadcasts: delivery.QuietWait}
	if err := s.SetRules(ctx, w.m, w.channel, w.actor(), rules); err != nil {
		t.Fatal(err)
	}
	d := w.plan(s, 7)
	late := w.lateAt(d)
	w.run(s, 1)
	if len(w.pushes) != 0 || !w.lateAt(d).After(late) {
		t.Fatalf("%d pushes in quiet hours, too late at %v, before %v", len(w.pushes), w.lateAt(d), late)
	}
	if err := s.SetRules(ctx, w.m, w.channel, w.actor(), delivery.DefaultRules()); err != nil {
		t.Fatal(err)
	}
	if over := w.lateAt(d).Sub(late); over < 0 || over > time.Minute {
		t.Errorf("it may be sent %v longer than it waited", over)
	}
	w.run(s, 1)
	if state, _ := w.state(d); state != "accepted" || len(w.pushes) != 1 {
		t.Errorf("%s, %d pushes after quiet hours", state, len(w.pushes))
	}
}

func (w *world) lateAt(d delivery.Delivery) (at time.Time) {
	w.t.Helper()
	err := w.db.InTenant(context.Background(), w.m, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, `SELECT too_late_at FROM delivery WHERE merchant_id = $1 AND id = $2`, w.m, d.ID).Scan(&at)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}

// Ten messages at noon of one day, and one at night: each rule counts what it would have met.
func TestRulesTellWhatTheyWouldHaveHeldBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service("a")
	noon := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -3).Add(3 * time.Hour) // 12:00 in Tokyo
	for n := range byte(11) {
		d := w.plan(s, n+1)
		at := noon.Add(time.Duration(n) * time.Minute)
		if n == 10 {
			at = noon.Add(11 * time.Hour) // 23:00
		}
		w.exec(`UPDATE delivery SET state = 'accepted', accepted_at = $2, due_at = NULL WHERE id = $1`, d.ID, at)
	}
	rules := delivery.DefaultRules()
	rules.Quiet = delivery.QuietHours{On: true, From: 22 * 60, Until: 7 * 60, Days: 127, Flows: delivery.QuietWait}
	rules.Cap = delivery.Cap{Messages: 4, Days: 1, Flows: true}
	got, err := s.Affected(context.Background(), w.m, w.channel, rules)
	if want := (delivery.Affected{Messages: 11, Quiet: 1, Capped: 7}); err != nil || got != want {
		t.Errorf("got %+v, %v want %+v", got, err, want)
	}
}

// What a member had sent for a call belongs to the call's flow: it waits under its name, and is
// dropped with it.
func TestWhatWasSentByHandWaitsAndIsDroppedWithItsFlow(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	if err := s.StopSending(ctx, w.m, w.channel, w.actor(), delivery.StoppedEverything); err != nil {
		t.Fatal(err)
	}
	d := w.plan(s, 7)
	w.exec(`INSERT INTO flow_request (merchant_id, id, channel_id, received_at, auth, flow_id, outcome, again_id, created_at)
		VALUES ($1, $2, $3, now(), 'verified', 'CART', 'accepted', $4, now())`, w.m, w.newID(), w.channel, d.Logical)
	items := w.sending(s).Waiting.Items
	if len(items) != 1 || items[0].Kind != delivery.KindFlow || items[0].Ref != "CART" {
		t.Fatalf("waiting: %+v", items)
	}
	if err := s.ResumeSending(ctx, w.m, w.channel, w.actor(), []string{items[0].Key()}); err != nil {
		t.Fatal(err)
	}
	w.run(s, 1)
	if state, _ := w.state(d); state != "skipped" || len(w.pushes) != 0 {
		t.Errorf("dropped, and it is %s after %d pushes", state, len(w.pushes))
	}
}
