package delivery_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	deliverystore "lumo/core/postgres/delivery"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/vault"
	"lumo/shared/fault"
	"lumo/shared/id"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// world is a merchant with one channel and one friend, and everything around deliveries
// that the tests watch.
type world struct {
	t       *testing.T
	db      *postgres.DB
	store   *deliverystore.Store
	m       lumo.MerchantID
	channel lumo.ChannelID
	friend  lumo.FriendID

	mu     sync.Mutex
	status lumo.FollowStatus
	facts  []lumo.FactKind
	states []delivery.State
	audit  []string
	pushes []push
	answer func(n int) delivery.Result // the n-th push, from 1
	made   int                         // bodies composed
	moved  chan struct{}
	ids    uint32
}

type push struct {
	key  uuid.UUID
	body string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := context.Background()
	db, err := postgres.Open(ctx, postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	v, err := vault.New(db, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	store, err := deliverystore.New(db, v)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, store: store, m: lumo.MerchantID{1}, channel: lumo.ChannelID{2}, friend: lumo.FriendID{3},
		status: lumo.Following, moved: make(chan struct{}, 100)}
	data, index, err := v.NewMerchant(w.m)
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`INSERT INTO merchant (merchant_id, slug, name, data_key_enc, index_key_enc, created_at, updated_at)
		VALUES ($1, 'tea', 'Tea', $2, $3, now(), now())`, w.m, data, index)
	w.exec(`INSERT INTO channel (merchant_id, id, number, name, basic_id, bot_user_enc, bot_user_bidx, messaging_channel_id,
			messaging_secret_enc, login_channel_id, login_secret_enc, state, state_changed_at, created_at, updated_at)
		VALUES ($1, $2, 1, 'Tea', '@tea', '', '', '1', '', '2', '', 'working', now(), now(), now())`, w.m, w.channel)
	w.exec(`INSERT INTO friend (merchant_id, id, channel_id, line_user_enc, line_user_bidx, follow_status, follow_changed_at,
			created_at, updated_at)
		VALUES ($1, $2, $3, '', '', 'following', now(), now(), now())`, w.m, w.friend, w.channel)
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	err := w.db.InTenant(context.Background(), w.m, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, sql, args...)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// parts are what a test puts in the world's place.
type parts interface {
	delivery.Pusher
	delivery.Composer
	delivery.Channels
}

func (w *world) service(owner string) *delivery.Service { return w.serviceOf(owner, w) }

func (w *world) serviceOf(owner string, p parts) *delivery.Service {
	return delivery.New(delivery.Config{Units: w.db, Store: w.store, Leases: w.store, Settings: w.store, Tests: w.store, Auditor: w, Journal: w,
		Pusher: p, Composer: p, Channels: p,
		Recorder: w, Watcher: w, Quotas: w, Bells: w.store, Owner: owner, NewID: w.newID, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

func (w *world) newID() id.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	return id.New(time.Now().UnixMilli(), [10]byte{byte(w.ids >> 16), byte(w.ids >> 8), byte(w.ids)})
}

// The world's parts, as delivery asks for them.

func (w *world) Get(context.Context, lumo.MerchantID, lumo.ChannelID) (lumo.Channel, error) {
	return lumo.Channel{Merchant: w.m, ID: w.channel, Number: 1}, nil
}

func (w *world) MessagingCredentials(context.Context, lumo.MerchantID, lumo.ChannelID) (string, string, error) {
	return "1", "secret", nil
}

func (w *world) FriendsByID(context.Context, lumo.MerchantID, []lumo.FriendID) (
	map[lumo.FriendID]lumo.Friend, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return map[lumo.FriendID]lumo.Friend{
		w.friend: {ID: w.friend, Channel: w.channel, FollowStatus: w.status}}, nil
}

// Compose makes other bytes each time: whoever renders twice is found out.
func (w *world) Compose(_ context.Context, _ lumo.Channel, _ uint64, c lumo.Content, _ lumo.LineUserID) ([]byte, lumo.Why, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	return bytes.Repeat([]byte(c.Text), w.made), lumo.Why{}, nil
}

func (w *world) RecordAll(_ context.Context, _ lumo.MerchantID, facts []lumo.Fact) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range facts {
		w.facts = append(w.facts, f.Kind)
	}
	return nil
}

func (w *world) DeliveryChanged(ctx context.Context, _ delivery.Delivery, s delivery.State, _ string) {
	w.db.AfterCommit(ctx, func() {
		w.mu.Lock()
		w.states = append(w.states, s)
		w.mu.Unlock()
		select {
		case w.moved <- struct{}{}:
		default: // nobody counts so many
		}
	})
}

func (w *world) BroadcastMoved(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) {
	w.DeliveryChanged(ctx, delivery.Delivery{}, "", "")
}

func (w *world) ReadQuota(context.Context, lumo.MerchantID, lumo.ChannelID) error { return nil }

func (w *world) Multicast(ctx context.Context, k lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	return w.Push(ctx, k, key, body)
}

func (w *world) AllSendingChanged(context.Context) {}

func (w *world) Stopped(context.Context, id.ID, string) error {
	return w.Audit(context.Background(), lumo.AuditEntry{Action: "all.stop"})
}

func (w *world) Resumed(context.Context, id.ID) error {
	return w.Audit(context.Background(), lumo.AuditEntry{Action: "all.resume"})
}

func (w *world) SendingChanged(context.Context, lumo.MerchantID, lumo.ChannelID) {}

func (w *world) Audit(_ context.Context, e lumo.AuditEntry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.audit = append(w.audit, e.Action)
	return nil
}

func (w *world) Push(_ context.Context, _ lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	w.mu.Lock()
	w.pushes = append(w.pushes, push{key, string(body)})
	n := len(w.pushes)
	w.mu.Unlock()
	return w.answer(n)
}

func (w *world) plan(s *delivery.Service, logical byte) delivery.Delivery {
	w.t.Helper()
	d, err := s.Plan(context.Background(), w.planOf(logical))
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) planOf(logical byte) delivery.Plan {
	return delivery.Plan{Merchant: w.m, Channel: w.channel, Kind: delivery.KindFlow, Logical: id.ID{logical}, Friend: w.friend,
		Content: lumo.Content{Text: "tea"}, ReceivedAt: time.Now()}
}

// run lets a service work until it has settled n outcomes.
func (w *world) run(s *delivery.Service, n int) {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for range n {
		select {
		case <-w.moved:
		case <-time.After(20 * time.Second):
			w.t.Error("nothing moved")
		}
	}
	stop()
	if err := <-done; err != nil {
		w.t.Error(err)
	}
}

func (w *world) state(d delivery.Delivery) (state string, bodies int) {
	w.t.Helper()
	err := w.db.InTenant(context.Background(), w.m, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, `
			SELECT state, (body_enc IS NOT NULL)::int FROM delivery WHERE merchant_id = $1 AND id = $2`, w.m, d.ID).Scan(&state, &bodies)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return state, bodies
}

func always(v delivery.Verdict) func(int) delivery.Result {
	return func(int) delivery.Result { return delivery.Result{Verdict: v, Status: 200, RequestID: "r"} }
}

func TestPlannedMessageIsSentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	d := w.plan(s, 7)
	if _, err := s.Plan(context.Background(), w.planOf(7)); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same message was planned twice: %v", err)
	}
	w.run(s, 1)
	if state, bodies := w.state(d); state != "accepted" || bodies != 0 {
		t.Errorf("got %s with %d bodies", state, bodies)
	}
	if len(w.pushes) != 1 || len(w.facts) != 1 || w.facts[0] != lumo.FactSent {
		t.Errorf("got %d pushes, facts %v", len(w.pushes), w.facts)
	}
}

func TestUnknownOutcomeIsTriedAgainWithTheSameKeyAndBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = func(n int) delivery.Result {
		// no answer, then a refusal that proves nothing, then the proof
		return delivery.Result{Verdict: []delivery.Verdict{delivery.Unanswered, delivery.Refused, delivery.TakenByLINE}[n-1]}
	}
	s := w.service("a")
	d := w.plan(s, 7)
	w.run(s, 3)
	if state, _ := w.state(d); state != "accepted" {
		t.Errorf("got %s", state)
	}
	for _, p := range w.pushes {
		if p != w.pushes[0] {
			t.Errorf("a try differs from the first: %+v", p)
		}
	}
	if w.made != 1 {
		t.Errorf("rendered %d times", w.made)
	}
	if len(w.facts) != 1 || w.facts[0] != lumo.FactSent {
		t.Errorf("facts %v", w.facts)
	}
}

// The process dies after LINE took the message and before we wrote that down: its owner
// never settles. The next owner finds it in sending.
func TestNextOwnerTakesUpWhatADeadOneLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	dead := w.service("dead")
	d := w.plan(dead, 7)
	lease := w.claim("dead")
	due := w.due(lease)
	due[0].Body = []byte("tea")
	w.inTenant(func(ctx context.Context) error { return w.store.Freeze(ctx, lease, due) })
	if state, _ := w.state(d); state != "sending" {
		t.Fatalf("got %s", state)
	}
	w.expire()
	w.answer = always(delivery.TakenByLINE) // as LINE's 409 says
	w.run(w.service("next"), 1)
	if state, _ := w.state(d); state != "accepted" {
		t.Errorf("got %s", state)
	}
	if len(w.pushes) != 1 || w.pushes[0].body != "tea" || w.pushes[0].key != d.Key || w.made != 0 {
		t.Errorf("pushes %+v, rendered %d times", w.pushes, w.made)
	}
	// The dead one wakes up and wants to say that it failed.
	w.inTenant(func(ctx context.Context) error {
		changed, err := w.store.Settle(ctx, lease, []delivery.Outcome{{Delivery: d, State: delivery.Unknown}})
		if err == nil && len(changed) > 0 {
			t.Error("a replaced owner changed what was settled")
		}
		return err
	})
	err := w.db.InTenant(ctx, w.m, func(ctx context.Context) error {
		_, err := w.store.Look(ctx, lease)
		return err
	})
	if !fault.Is(err, fault.Stale) {
		t.Errorf("a replaced owner still holds its lease: %v", err)
	}
}

func (w *world) inTenant(fn func(context.Context) error) {
	w.t.Helper()
	if err := w.db.InTenant(context.Background(), w.m, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) claim(owner string) delivery.Lease {
	w.t.Helper()
	var leases []delivery.Lease
	err := w.db.InSystem(context.Background(), func(ctx context.Context) (err error) {
		leases, err = w.store.Claim(ctx, owner, time.Minute, 10)
		return err
	})
	if err != nil || len(leases) != 1 {
		w.t.Fatalf("got %v, %v", leases, err)
	}
	return leases[0]
}

func (w *world) due(l delivery.Lease) (due []delivery.Delivery) {
	w.t.Helper()
	w.inTenant(func(ctx context.Context) (err error) {
		due, err = w.store.Due(ctx, l, delivery.Due{Now: time.Now(), Limit: 10})
		return err
	})
	return due
}

// expire lets every lease run out.
func (w *world) expire() {
	w.t.Helper()
	err := w.db.InSystem(context.Background(), func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, "UPDATE work SET lease_until = now() - interval '1 second'")
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestOldRetryKeyIsNeverUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.Unanswered)
	s := w.service("a")
	d := w.plan(s, 7)
	w.run(s, 1)
	w.exec(`UPDATE delivery SET first_try_at = now() - interval '23 hours 1 minute', due_at = now() WHERE id = $1`, d.ID)
	w.run(w.service("b"), 1)
	if state, _ := w.state(d); state != "unknown_expired" {
		t.Errorf("got %s", state)
	}
	if len(w.pushes) != 1 || len(w.facts) != 0 {
		t.Errorf("got %d pushes, facts %v: an expired key must neither send nor claim anything", len(w.pushes), w.facts)
	}
}

func TestAnswersBecomeStates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verdict delivery.Verdict
		want    string
		fact    lumo.FactKind
	}{
		"refused":   {delivery.Refused, "rejected", lumo.FactFailed},
		"slow down": {delivery.SlowDown, "deferred", ""},
		"used up":   {delivery.UsedUp, "quota_blocked", ""},
		"no token":  {delivery.AccountFails, "deferred", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.answer = always(c.verdict)
			s := w.service("a")
			d := w.plan(s, 7)
			w.run(s, 1)
			if state, _ := w.state(d); state != c.want {
				t.Errorf("got %s want %s", state, c.want)
			}
			if c.fact == "" && len(w.facts) != 0 || c.fact != "" && (len(w.facts) != 1 || w.facts[0] != c.fact) {
				t.Errorf("facts %v", w.facts)
			}
		})
	}
}

func TestNothingIsSentToSomebodyWhoBlocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	d := w.plan(s, 7)
	w.status = lumo.Blocked // between planning and sending
	w.run(s, 1)
	if state, _ := w.state(d); state != "skipped" || len(w.pushes) != 0 {
		t.Errorf("got %s with %d pushes", state, len(w.pushes))
	}
}

func TestManyDeliveriesGoOnceEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = func(n int) delivery.Result {
		if n%7 == 0 {
			return delivery.Result{Verdict: delivery.SlowDown}
		}
		return delivery.Result{Verdict: delivery.TakenByLINE}
	}
	a, b := w.service("a"), w.service("b") // two replicas
	for n := range byte(40) {
		w.plan(a, n+1)
	}
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = a.Run(ctx) })
	group.Go(func() { _ = b.Run(ctx) })
	for w.count(delivery.Accepted) < 40 {
		select {
		case <-w.moved:
		case <-time.After(20 * time.Second):
			t.Fatalf("only %d were accepted", w.count(delivery.Accepted))
		}
	}
	stop()
	group.Wait()
	taken := map[uuid.UUID]int{}
	for i, p := range w.pushes {
		if (i+1)%7 != 0 {
			taken[p.key]++
		}
	}
	for key, n := range taken {
		if n != 1 {
			t.Errorf("LINE took %s %d times", key, n)
		}
	}
	if len(taken) != 40 {
		t.Errorf("LINE took %d messages want 40", len(taken))
	}
}

func (w *world) count(s delivery.State) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, state := range w.states {
		if state == s {
			n++
		}
	}
	return n
}
