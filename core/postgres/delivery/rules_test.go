package delivery_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

// clock is a time that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// ruled is a service of an account with rules, and the clock that it goes by.
func (w *world) ruled(change func(*delivery.Rules)) (*delivery.Service, *clock) {
	w.t.Helper()
	s, c := w.service("a"), &clock{}
	s.Now = c.now
	rules := delivery.DefaultRules()
	change(&rules)
	if err := s.SetRules(context.Background(), w.m, w.channel, w.actor(), rules); err != nil {
		w.t.Fatal(err)
	}
	return s, c
}

// ended is the state of a delivery with its reason and what is known of it.
func (w *world) ended(d delivery.Delivery) (state, reason string, data map[string]any) {
	w.t.Helper()
	w.inTenant(func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, `SELECT state, coalesce(reason, ''), reason_data FROM delivery
			WHERE merchant_id = $1 AND id = $2`, w.m, d.ID).Scan(&state, &reason, &data)
	})
	return state, reason, data
}

// One message in seven days: of two that are due together one goes, a third in the days after
// does not, one that comes when they are over does. Tests are not limited.
func TestWhoHadEnoughMessagesGetsNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s, c := w.ruled(func(r *delivery.Rules) { r.Cap = delivery.Cap{Messages: 1, Days: 7, Flows: true} })
	first, second := w.plan(s, 1), w.plan(s, 2)
	w.run(s, 2)
	capped := func(d delivery.Delivery) {
		t.Helper()
		state, reason, data := w.ended(d)
		if state != "skipped" || reason != edgeapi.Cap.Code() || data["n"] != 1.0 || data["d"] != 7.0 {
			t.Errorf("it is %s because of %s %v", state, reason, data)
		}
	}
	if state, _ := w.state(first); state != "accepted" {
		t.Errorf("the first is %s", state)
	}
	capped(second)
	c.advance(6 * 24 * time.Hour)
	third := w.planAt(s, 3, c, delivery.KindFlow)
	w.run(s, 1)
	capped(third)
	test := w.planAt(s, 4, c, delivery.KindTest)
	c.advance(25 * time.Hour)
	fourth := w.planAt(s, 5, c, delivery.KindFlow)
	w.run(s, 2)
	for _, d := range []delivery.Delivery{test, fourth} {
		if state, reason, _ := w.ended(d); state != "accepted" {
			t.Errorf("%s is %s because of %q", d.Kind, state, reason)
		}
	}
	if len(w.pushes) != 3 {
		t.Errorf("%d pushes", len(w.pushes))
	}
}

// A call is answered by what its person had when it came.
func TestWhatSomebodyHadIsKnownBeforeAFlowsMessageIsPlanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s, c := w.ruled(func(r *delivery.Rules) { r.Cap = delivery.Cap{Messages: 2, Days: 7, Flows: true} })
	w.plan(s, 1)
	w.run(s, 1)
	had := func(limit, want int) {
		t.Helper()
		w.inTenant(func(ctx context.Context) error {
			got, n, err := s.Had(ctx, w.m, w.channel, []lumo.FriendID{w.friend})
			if got.Messages != limit || n[w.friend] != want {
				t.Errorf("she had %d of %d messages, want %d of %d", n[w.friend], got.Messages, want, limit)
			}
			return err
		})
	}
	had(2, 1)
	c.advance(8 * 24 * time.Hour)
	had(2, 0)
	rules := delivery.DefaultRules()
	rules.Cap = delivery.Cap{Messages: 2, Days: 7}
	if err := s.SetRules(t.Context(), w.m, w.channel, w.actor(), rules); err != nil {
		t.Fatal(err)
	}
	had(0, 0)
}

func TestFlowSendsAreNotLimitedUnlessTheMerchantSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s, _ := w.ruled(func(r *delivery.Rules) { r.Cap = delivery.Cap{Messages: 1, Days: 7} })
	w.plan(s, 1)
	w.plan(s, 2)
	w.run(s, 2)
	if len(w.pushes) != 2 {
		t.Errorf("%d pushes", len(w.pushes))
	}
}

// planAt plans a message that came at a clock's time.
func (w *world) planAt(s *delivery.Service, logical byte, c *clock, kind string) delivery.Delivery {
	w.t.Helper()
	p := w.planOf(logical)
	p.Kind, p.ReceivedAt = kind, c.now()
	d, err := s.Plan(context.Background(), p)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// In quiet hours a flow send waits until they end, is skipped, or goes, as the merchant says.
// What waited goes afterwards, also when that is later than it could otherwise have been sent.
func TestQuietHoursDoWhatTheMerchantChose(t *testing.T) {
	t.Parallel()
	for action, want := range map[delivery.QuietAction]struct{ state, reason, after string }{
		delivery.QuietSkip: {"skipped", "quiet_hours", "skipped"},
		delivery.QuietWait: {"planned", "quiet_hours_wait", "accepted"},
		delivery.QuietSend: {"accepted", "", "accepted"},
	} {
		t.Run(string(action), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.answer = always(delivery.TakenByLINE)
			local := time.Now().In(time.FixedZone("Tokyo", 9*60*60))
			begin := (local.Hour()*60 + local.Minute() + 23*60) % (24 * 60)
			s, c := w.ruled(func(r *delivery.Rules) {
				r.Quiet = delivery.QuietHours{On: true, From: begin, Until: (begin + 9*60) % (24 * 60), Days: 127,
					Flows: action, Broadcasts: delivery.QuietSend}
			})
			d := w.plan(s, 7)
			w.run(s, 1)
			state, reason, data := w.ended(d)
			if state != want.state || reason != want.reason || (data["time"] != nil) != (action == delivery.QuietWait) {
				t.Errorf("in quiet hours: %s because of %q, %v", state, reason, data)
			}
			c.advance(8*time.Hour + time.Minute) // six hours old is too late
			if action == delivery.QuietWait {
				w.run(s, 1)
			}
			if state, reason, _ = w.ended(d); state != want.after {
				t.Errorf("after them: %s because of %q", state, reason)
			}
		})
	}
}

// The limit is the merchant's, also for what waits when she changes it.
func TestTooLateIsTheMerchantsLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, after, age time.Duration
		want               string
	}{
		{24 * time.Hour, 24 * time.Hour, 7 * time.Hour, "accepted"},
		{2 * time.Hour, 2 * time.Hour, 3 * time.Hour, "skipped"},
		{6 * time.Hour, 24 * time.Hour, 7 * time.Hour, "accepted"},
		{6 * time.Hour, 2 * time.Hour, 3 * time.Hour, "skipped"},
	} {
		w := newWorld(t)
		w.answer = always(delivery.TakenByLINE)
		s, clock := w.ruled(func(r *delivery.Rules) { r.TooLate = c.before })
		d := w.plan(s, 7)
		rules := delivery.DefaultRules()
		rules.TooLate = c.after
		if err := s.SetRules(t.Context(), w.m, w.channel, w.actor(), rules); err != nil {
			t.Fatal(err)
		}
		clock.advance(c.age)
		w.run(s, 1)
		state, reason, data := w.ended(d)
		if state != c.want || state == "skipped" && (reason != "too_late" || data["limit"] != c.after.Hours()) {
			t.Errorf("%s old, limit %s and then %s: %s because of %q %v", c.age, c.before, c.after, state, reason, data)
		}
	}
}

// wrong cannot compose one message for as long as that is broken.
type wrong struct {
	*world
	text   string
	broken atomic.Bool
	tries  atomic.Int64
}

func (p *wrong) Compose(ctx context.Context, c lumo.Channel, n uint64, content lumo.Content, to lumo.LineUserID) ([]byte, lumo.Why, error) {
	if content.Text == p.text {
		if p.tries.Add(1); p.broken.Load() {
			return nil, lumo.Why{}, errors.New("our own fault")
		}
	}
	return p.world.Compose(ctx, c, n, content, to)
}

// What our own fault keeps from being sent stands aside after five tries and holds up nobody. It
// is not tried again by itself; a person has it sent, once.
func TestWhatStandsAsideIsSentOnceWhenAPersonSaysSo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	p, c := &wrong{world: w, text: "bad"}, &clock{}
	p.broken.Store(true)
	s := w.serviceOf("a", p)
	s.Now = c.now
	bad := w.planOf(1)
	bad.Content.Text = "bad"
	d, err := s.Plan(ctx, bad)
	if err != nil {
		t.Fatal(err)
	}
	good := w.plan(s, 2)
	stop := running(t, s)
	kept := func() []delivery.Kept {
		all, err := s.Kept(ctx, w.m, w.channel)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	until(t, "it to stand aside", func() bool { c.advance(11 * time.Second); return len(kept()) == 1 })
	until(t, "the other one", func() bool { state, _ := w.state(good); return state == "accepted" })
	if all := kept(); all[0].ID != d.ID || p.tries.Load() != 5 || w.pushed() != 1 {
		t.Errorf("%+v stand aside after %d tries, %d pushes", all, p.tries.Load(), w.pushed())
	}
	p.broken.Store(false)
	c.advance(3 * time.Hour)
	w.plan(s, 3)
	until(t, "what came later", func() bool { return w.pushed() == 2 })
	if p.tries.Load() != 5 {
		t.Error("it was tried again by itself")
	}
	if err := s.Replay(ctx, w.m, d.ID, w.actor()); err != nil {
		t.Fatal(err)
	}
	if err := s.Replay(ctx, w.m, d.ID, w.actor()); !fault.Is(err, fault.Conflict) {
		t.Errorf("the second time: %v", err)
	}
	until(t, "it to be sent", func() bool { state, _ := w.state(d); return state == "accepted" })
	c.advance(time.Minute)
	stop()
	keys := map[string]int{}
	for _, one := range w.pushes {
		keys[one.key.String()]++
	}
	if len(w.pushes) != 3 || keys[d.Key.String()] != 1 || len(kept()) != 0 {
		t.Errorf("pushes %v, %d stand aside", keys, len(kept()))
	}
}

// An account without a limit sends whatever LINE's figure is, and nothing waits for its month. What
// is used is LINE's figure and what was accepted after it; what was noted while there was a limit goes.
func TestAnAccountWithoutALimitWaitsForNoMonth(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 40)
	w.exec(`UPDATE channel SET quota_limit = NULL, quota_used = 1000000, quota_read_at = now() - interval '1 day'`)
	w.exec(`INSERT INTO quota (merchant_id, channel_id, month, base, since, read_at, blocked_at)
		VALUES ($1, $2, date_trunc('month', now())::date, 7, 3, now() - interval '2 days', now() - interval '2 days')`, w.m, w.channel)
	s := w.service("a")
	if _, err := s.PlanAll(context.Background(), w.broadcast(false), w.all()); err != nil {
		t.Fatal(err)
	}
	w.settle(s)
	w.onceEach()
	if got := w.month(s); !got.Quota.Unlimited || got.Waiting != (delivery.LimitWaiting{}) || got.UsedUp() || got.Reserve != 0 ||
		!got.Quota.BlockedAt.IsZero() || got.Quota.Used() != 1_000_040 {
		t.Errorf("got %+v", got)
	}
}

// A plan without a limit may end: LINE's own refusal has the month read anew.
func TestAPlanThatGotALimitIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.UsedUp)
	w.exec(`UPDATE channel SET quota_limit = NULL, quota_used = 5, quota_read_at = now() - interval '1 minute'`)
	s := w.service("a")
	read := make(chan struct{})
	s.Quotas = reader(sync.OnceFunc(func() { close(read) }))
	d := w.plan(s, 9)
	stop := running(t, s)
	select {
	case <-read:
	case <-time.After(time.Minute):
		t.Error("the month was not read")
	}
	stop()
	if state, _ := w.state(d); state != "quota_blocked" {
		t.Errorf("the message is %s", state)
	}
}

type reader func()

func (r reader) ReadQuota(context.Context, lumo.MerchantID, lumo.ChannelID) error {
	r()
	return nil
}

// One message is left, and the reserve is one: a broadcast gets none, of two flow sends one goes.
func TestTheLastMessageOfTheReserveIsAFlowSends(t *testing.T) {
	t.Parallel()
	w := newCrowd(t, 2)
	w.exec(`UPDATE channel SET quota_limit = 10, quota_used = 9, quota_read_at = now()`)
	s := w.serviceOf("a", exact{w})
	if _, err := s.PlanAll(context.Background(), w.broadcast(false), w.all()); err != nil {
		t.Fatal(err)
	}
	w.plan(s, 8)
	w.plan(s, 9)
	running(t, s)
	until(t, "both to be decided", func() bool {
		n := w.states()
		return n["accepted"] == 1 && n["quota_blocked"] == 1
	})
	if n := w.states(); n["planned"] != 2 || len(w.keysTaken()) != 1 {
		t.Errorf("got %v, LINE took %d", n, len(w.keysTaken()))
	}
	if got := w.month(s); got.Waiting != (delivery.LimitWaiting{Flow: 1, Broadcast: 2}) || got.Reserve != 0 || !got.UsedUp() {
		t.Errorf("got %+v", got)
	}
}

// exact is LINE without faults.
type exact struct{ *crowd }

func (e exact) Push(_ context.Context, _ lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	return e.take(key, body, false)
}

func (w *crowd) keysTaken() map[uuid.UUID]string {
	w.book.Lock()
	defer w.book.Unlock()
	return maps.Clone(w.keys)
}
