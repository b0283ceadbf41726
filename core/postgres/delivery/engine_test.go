package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/postgrestest"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// crowd is people of the world's channel beside its one friend, and LINE's view of them.
type crowd struct {
	*world
	friends []lumo.FriendID

	book  sync.Mutex
	keys  map[uuid.UUID]string // key -> body, as LINE took it first
	got   map[string]int       // LINE user id -> messages
	tries int
}

func newCrowd(t *testing.T, n int) *crowd {
	t.Helper()
	w := &crowd{world: newWorld(t), keys: map[uuid.UUID]string{}, got: map[string]int{}}
	for i := range n {
		w.friends = append(w.friends, lumo.FriendID{4, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	w.exec(`INSERT INTO friend (merchant_id, id, channel_id, line_user_enc, line_user_bidx, follow_status, follow_changed_at,
			created_at, updated_at)
		SELECT $1, f, $2, '', uuid_send(f), 'following', now(), now(), now() FROM unnest($3::uuid[]) AS f`,
		w.m, w.channel, w.friends)
	return w
}

func userOf(f lumo.FriendID) lumo.LineUserID {
	return lumo.LineUserID("U" + strings.ReplaceAll(uuid.UUID(f).String(), "-", ""))
}

func (w *crowd) FriendsByID(_ context.Context, _ lumo.MerchantID, ids []lumo.FriendID) (
	map[lumo.FriendID]lumo.Friend, error) {
	found := map[lumo.FriendID]lumo.Friend{}
	for _, f := range ids {
		found[f] = lumo.Friend{ID: f, Channel: w.channel, FollowStatus: lumo.Following, Line: userOf(f)}
	}
	return found, nil
}

// Compose makes other bytes each time, as a second rendering could.
func (w *crowd) Compose(_ context.Context, _ lumo.Channel, n uint64, _ lumo.Content, to lumo.LineUserID) ([]byte, lumo.Why, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	return fmt.Appendf(nil, `{"to":"%s","messages":[{"n":%d,"made":%d}],"customAggregationUnits":["tea"]}`, to, n, w.made), lumo.Why{}, nil
}

func (w *crowd) service(owner string) *delivery.Service {
	return w.world.serviceOf(owner, w)
}

// take is LINE: a known key is 409 whatever comes with it, a new one is delivered to whom the
// body names. lost says that nobody hears the answer.
func (w *crowd) take(key uuid.UUID, body []byte, lost bool) delivery.Result {
	w.book.Lock()
	defer w.book.Unlock()
	if old, known := w.keys[key]; known {
		if old != string(body) {
			w.t.Errorf("key %s came again with other bytes", key)
		}
	} else {
		w.keys[key] = string(body)
		if !strings.Contains(string(body), `"customAggregationUnits":["tea"]`) {
			w.t.Error("LINE is not told under which unit it counts")
		}
		for _, user := range recipients(body) {
			w.got[user]++
		}
	}
	if lost {
		return delivery.Result{}
	}
	return delivery.Result{Verdict: delivery.TakenByLINE, Status: 200}
}

func recipients(body []byte) []string {
	var one struct{ To string }
	if json.Unmarshal(body, &one) == nil {
		return []string{one.To}
	}
	var many struct{ To []string }
	_ = json.Unmarshal(body, &many)
	return many.To
}

// Push answers with faults: some accepted without an answer, some 500, some 429.
func (w *crowd) Push(_ context.Context, _ lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	w.book.Lock()
	w.tries++
	n := w.tries
	w.book.Unlock()
	switch {
	case n%20 == 0:
		return w.take(key, body, true)
	case n%50 == 1:
		return delivery.Result{Status: 500}
	case n%400 < 3:
		return delivery.Result{Verdict: delivery.SlowDown, Status: 429}
	}
	return w.take(key, body, false)
}

func (w *crowd) Multicast(ctx context.Context, k lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	return w.Push(ctx, k, key, body)
}

func (w *crowd) broadcast(shared bool) delivery.Logical {
	return delivery.Logical{Merchant: w.m, Channel: w.channel, Kind: delivery.KindBroadcast, ID: id.ID{77}, Shared: shared,
		Content: lumo.Content{Text: "tea"}, ReceivedAt: time.Now()}
}

func (w *crowd) all() iter.Seq2[delivery.Recipient, error] {
	return func(yield func(delivery.Recipient, error) bool) {
		for _, f := range w.friends {
			if !yield(delivery.Recipient{Friend: f}, nil) {
				return
			}
		}
	}
}

func (w *crowd) states() (n map[string]int) {
	w.t.Helper()
	n = map[string]int{}
	err := w.db.InTenant(context.Background(), w.m, func(ctx context.Context) error {
		rows, err := postgres.Tx(ctx).Query(ctx, `SELECT state, count(*) FROM delivery GROUP BY 1`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var state string
			var count int
			if err := rows.Scan(&state, &count); err != nil {
				return err
			}
			n[state] = count
		}
		return rows.Err()
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// settle lets services work, hurrying what waits for a retry, until everything is accepted.
func (w *crowd) settle(services ...*delivery.Service) {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, s := range services {
		group.Go(func() { _ = s.Run(ctx) })
	}
	defer group.Wait()
	defer stop()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); w.states()["accepted"] < len(w.friends); <-tick.C {
		if time.Since(begun) > time.Minute {
			w.t.Fatalf("still %v", w.states())
		}
		w.exec(`UPDATE delivery SET due_at = now() WHERE due_at > now()`)
		w.exec(`UPDATE delivery_chunk SET due_at = now() WHERE due_at > now() AND state = 'unknown'`)
	}
}

// onceEach is the invariant: LINE delivered to everybody once, and the facts say so.
func (w *crowd) onceEach() {
	w.t.Helper()
	for _, f := range w.friends {
		if n := w.got[string(userOf(f))]; n != 1 {
			w.t.Errorf("%s got %d messages", userOf(f), n)
			return
		}
	}
	sent := 0
	for _, f := range w.facts {
		if f == lumo.FactSent {
			sent++
		}
	}
	if len(w.got) != len(w.friends) || sent != len(w.friends) {
		w.t.Errorf("LINE delivered to %d, %d facts, want %d", len(w.got), sent, len(w.friends))
	}
}

func TestBroadcastReachesEverybodyOnce(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]bool{"personal": false, "the same for all": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newCrowd(t, 1300)
			a, b := w.service("a"), w.service("b")
			for range 2 { // planned again after a cut: nobody twice
				if _, err := a.PlanAll(context.Background(), w.broadcast(shared), w.all()); err != nil {
					t.Fatal(err)
				}
			}
			w.settle(a, b)
			w.onceEach()
		})
	}
}

func TestPlanningThatBreaksOffGoesOnLater(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 20)
	s := w.service("a")
	broken := func(yield func(delivery.Recipient, error) bool) {
		if yield(delivery.Recipient{Friend: w.friends[0]}, nil) {
			yield(delivery.Recipient{}, errors.New("cut"))
		}
	}
	if _, err := s.PlanAll(context.Background(), w.broadcast(false), broken); err == nil {
		t.Error("a broken list was planned as if it were whole")
	}
	n, err := s.PlanAll(context.Background(), w.broadcast(false), w.all())
	if again, _ := s.PlanAll(context.Background(), w.broadcast(false), w.all()); err != nil || n != 20 || again != 0 {
		t.Errorf("planned %d then %d, %v", n, again, err)
	}
}

// LINE refuses a request to many because of one id: nobody got it, and the others do later.
func TestRefusedIDLeavesTheOthersUnharmed(t *testing.T) {
	t.Parallel()
	w := &refusing{crowd: newCrowd(t, 40)}
	s := w.serviceOf("a", w)
	if _, err := s.PlanAll(context.Background(), w.broadcast(true), w.all()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := 0; w.states()["accepted"] < 39 && n < 200; n++ {
		<-tick.C
	}
	stop()
	<-done
	if got := w.states(); got["accepted"] != 39 || got["rejected"] != 1 || w.got[string(userOf(w.friends[7]))] != 0 {
		t.Errorf("got %v", got)
	}
}

// refusing is a LINE that does not like the eighth person's id.
type refusing struct{ *crowd }

func (w *refusing) Multicast(_ context.Context, _ lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	for i, user := range recipients(body) {
		if user == string(userOf(w.friends[7])) {
			return delivery.Result{Verdict: delivery.Refused, Status: 400, Bad: i + 1}
		}
	}
	return w.take(key, body, false)
}

func TestNothingLeavesBeyondTheMonthAndTheReserve(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 60)
	w.exec(`UPDATE channel SET quota_limit = 50, quota_used = 10, quota_read_at = now()`)
	s := w.service("a")
	if _, err := s.PlanAll(context.Background(), w.broadcast(false), w.all()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for n := 0; w.states()["accepted"] < 35 && n < 100; n++ { // 50 - 10 used - 5 kept for flow sends
		<-tick.C
		w.exec(`UPDATE delivery SET due_at = now() WHERE due_at > now()`)
	}
	for range 3 {
		<-tick.C
	}
	// LINE asked for patience with one or two, which wait like the others
	if got := w.states(); got["accepted"] != 35 || got["planned"]+got["deferred"] != 25 || len(w.got) != 35 {
		t.Errorf("broadcast: got %v, LINE %d", got, len(w.got))
	}
	if got := w.month(s); got.Waiting != (delivery.LimitWaiting{Broadcast: 25}) || got.UsedUp() || got.Quota.BlockedAt.IsZero() {
		t.Errorf("at the reserve: %+v", got)
	}
	w.plan(s, 9) // a flow send has the reserve
	for n := 0; w.states()["accepted"] < 36 && n < 100; n++ {
		<-tick.C
		w.exec(`UPDATE delivery SET due_at = now() WHERE due_at > now()`)
	}
	if got := w.states(); got["accepted"] != 36 {
		t.Errorf("the flow send did not go out: %v", got)
	}
	w.exec(`UPDATE channel SET quota_limit = 500, quota_read_at = now()`) // the merchant takes a larger plan
	for n := 0; w.states()["accepted"] < 61 && n < 100; n++ {
		<-tick.C
		w.exec(`UPDATE delivery SET due_at = now() WHERE due_at > now()`)
	}
	stop()
	<-done
	for user, n := range w.got {
		if n != 1 {
			t.Errorf("%s got it %d times", user, n)
		}
	}
	if got := w.month(s); got.Waiting != (delivery.LimitWaiting{}) || !got.Quota.BlockedAt.IsZero() || len(w.got) != 61 {
		t.Errorf("with a larger plan: %+v, %d people", got, len(w.got))
	}
}

func (w *world) month(s *delivery.Service) delivery.QuotaState {
	w.t.Helper()
	state, err := s.Quota(context.Background(), w.m, w.channel)
	if err != nil {
		w.t.Fatal(err)
	}
	return state
}

// What LINE refuses for the month waits, is counted, and goes out when a person says that
// there are more messages, without waiting for its next turn.
func TestUsedUpMonthGoesOnWhenAPersonSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	w.exec(`UPDATE channel SET quota_limit = 50, quota_used = 50, quota_read_at = now()`)
	s := w.service("a")
	d := w.plan(s, 9)
	w.run(s, 1)
	got := w.month(s)
	if got.Waiting != (delivery.LimitWaiting{Flow: 1}) || !got.UsedUp() || got.Quota.BlockedAt.IsZero() {
		t.Errorf("at the limit: %+v", got)
	}
	if next := got.RenewsAt.In(time.FixedZone("", 9*60*60)); next.Day() != 1 || next.Hour() != 0 || !next.After(time.Now()) {
		t.Errorf("LINE's next month begins at %v", next)
	}
	w.exec(`UPDATE channel SET quota_limit = 100, quota_read_at = now()`)
	if err := s.CheckQuota(context.Background(), w.m, w.channel); err != nil {
		t.Fatal(err)
	}
	w.run(s, 1)
	if state, _ := w.state(d); state != "accepted" || len(w.pushes) != 1 {
		t.Errorf("with a larger plan: %s, %d pushes", state, len(w.pushes))
	}
}

// Nothing leaves while stopped, also what waits for LINE's word; what was dropped never does.
func TestDroppedBroadcastEndsUnsent(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newCrowd(t, 30)
	s := w.service("a")
	if err := s.StopSending(ctx, w.m, w.channel, w.actor(), delivery.StoppedBroadcasts); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PlanAll(ctx, w.broadcast(false), w.all()); err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(running) }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for range 5 {
		<-tick.C
	}
	if got := w.states(); got["planned"] != 30 || w.tries != 0 {
		t.Errorf("while stopped: %v, %d tries", got, w.tries)
	}
	key := w.sending(s).Waiting.Items[0].Key()
	if err := s.ResumeSending(ctx, w.m, w.channel, w.actor(), []string{key}); err != nil {
		t.Fatal(err)
	}
	for n := 0; w.states()["skipped"] < 30 && n < 100; n++ {
		<-tick.C
	}
	stop()
	<-done
	if got := w.states(); got["skipped"] != 30 || w.tries != 0 {
		t.Errorf("dropped: %v, %d tries", got, w.tries)
	}
}

func TestUnconfirmedIsSentAgainOnlyWhenAPersonSaysSo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	w.answer = always(delivery.Unanswered)
	s := w.service("a")
	d := w.plan(s, 7)
	w.run(s, 1)
	if err := s.SendAgain(ctx, w.m, d.ID, w.actor()); !fault.Is(err, fault.Conflict) {
		t.Errorf("an unknown one was sent again: %v", err)
	}
	if err := s.CheckNow(ctx, w.m, d.ID, w.actor()); err != nil {
		t.Error(err)
	}
	w.exec(`UPDATE delivery SET first_try_at = now() - interval '23 hours 1 minute', due_at = now() WHERE id = $1`, d.ID)
	w.run(w.service("b"), 1)
	if state, bodies := w.state(d); state != "unknown_expired" || bodies != 1 {
		t.Fatalf("got %s with %d bodies", state, bodies)
	}
	w.answer = always(delivery.TakenByLINE)
	if err := s.SendAgain(ctx, w.m, d.ID, w.actor()); err != nil {
		t.Fatal(err)
	}
	w.run(w.service("c"), 1)
	last := w.pushes[len(w.pushes)-1]
	if state, _ := w.state(d); state != "accepted" || last.key == w.pushes[0].key || last.body != w.pushes[0].body {
		t.Errorf("got %s, key %s after %s", state, last.key, w.pushes[0].key)
	}
}

// A job that runs twice plans the same people in two transactions: the second waits for the first
// and plans nobody. One that looked first and wrote then would not know of the other.
func TestTwoPlannersAtOncePlanEachPersonOnce(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 20)
	l := w.broadcast(false)
	w.inTenant(func(ctx context.Context) error { return w.store.AddLogical(ctx, l, time.Now()) })
	var to []delivery.Recipient
	for _, f := range w.friends {
		to = append(to, delivery.Recipient{Friend: f})
	}
	planned := make(chan int64, 2)
	plan := func(ctx context.Context, written func()) {
		ids := make([]lumo.DeliveryID, len(to))
		for i := range ids {
			ids[i] = lumo.DeliveryID(w.newID())
		}
		var n int64
		err := w.db.InTenant(ctx, w.m, func(ctx context.Context) (err error) {
			n, err = w.store.AddAll(ctx, l, ids, to, time.Now())
			written()
			return err
		})
		if err != nil {
			t.Error(err)
		}
		planned <- n
	}
	wrote, goOn := make(chan struct{}), make(chan struct{})
	go plan(t.Context(), func() { close(wrote); <-goOn })
	<-wrote
	second := make(chan struct{})
	go plan(t.Context(), func() { close(second) })
	postgrestest.Waits(t, w.inTenant, second)
	close(goOn)
	if a, b := <-planned, <-planned; a+b != 20 {
		t.Errorf("%d and %d are planned", a, b)
	}
}
