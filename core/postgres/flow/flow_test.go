package flow_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/delivery"
	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/core/postgres"
	flowstore "lumo/core/postgres/flow"
	"lumo/core/postgres/postgrestest"
	retentionstore "lumo/core/postgres/retention"
	"lumo/core/postgres/vault"
	"lumo/core/retention"
	"lumo/shared/fault"
	"lumo/shared/id"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

const (
	lineOfYuki  = lumo.LineUserID("U00000000000000000000000000000001")
	lineOfOther = lumo.LineUserID("U00000000000000000000000000000002")
	messageID   = "msg_00000000000000000000000004"
)

const hookOfTea = "https://edge.example/hooks/klaviyo/flow/tea"

// world is a merchant with one LINE account on which profile P is linked to Yuki.
type world struct {
	t       *testing.T
	db      *postgres.DB
	vault   *vault.Vault
	flows   *flow.Service
	m       lumo.MerchantID
	channel lumo.ChannelID
	yuki    lumo.Friend
	key     string
	now     time.Time

	limit   time.Duration      // what the merchant set; 0 = nothing
	cap     delivery.Cap       // of one person's messages
	had     int                // messages that Yuki got
	linked  lumo.ProfileID     // whom Yuki is linked to by now; empty = P, as before
	klaviyo []lumo.KlaviyoFlow // how flows stand there
	hook    string             // whom the flows' webhook, which is in draft, calls
	silent  bool               // no Klaviyo is connected
	wants   []string           // variables of messages that an event fills
	pages   func(after string, limit int) (lumo.EventPage, error)

	mu    sync.Mutex
	plans []delivery.Plan
	fills []fill
	gone  bool // what waited went out meanwhile
	facts []lumo.Fact
	audit []string
	ids   byte
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
	w := &world{t: t, db: db, vault: v, m: lumo.MerchantID{1}, channel: lumo.ChannelID{2}, now: time.Now().Truncate(time.Millisecond)}
	w.yuki = lumo.Friend{ID: lumo.FriendID{3}, Channel: w.channel, Line: lineOfYuki, FollowStatus: lumo.Following}
	data, index, err := v.NewMerchant(w.m)
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`INSERT INTO merchant (merchant_id, slug, name, data_key_enc, index_key_enc, created_at, updated_at)
		VALUES ($1, 'tea', 'Tea', $2, $3, now(), now())`, w.m, data, index)
	w.exec(`INSERT INTO channel (merchant_id, id, number, name, basic_id, bot_user_enc, bot_user_bidx, messaging_channel_id,
			messaging_secret_enc, login_channel_id, login_secret_enc, state, state_changed_at, created_at, updated_at)
		VALUES ($1, $2, 1, 'Tea', '@tea', '', '', '1', '', '2', '', 'working', now(), now(), now())`, w.m, w.channel)
	store := flowstore.New(v)
	w.flows = flow.New(flow.Config{Tenants: db, Store: store, Keys: flowstore.Keys{Store: store}, Views: store, Board: store, Repairs: store, Readings: store, Recipients: w,
		Messages: messages{w}, Planner: w, Channels: channels{w}, Klaviyo: w, Fleet: w, Recorder: w, Auditor: w, Watcher: w,
		NewID: w.newID, Now: func() time.Time { return w.now },
		Address: func(context.Context, lumo.MerchantID, lumo.ChannelID) (string, error) { return hookOfTea, nil }})
	if err := w.flows.EnsureKey(ctx, lumo.Channel{Merchant: w.m, ID: w.channel, Number: 1}); err != nil {
		t.Fatal(err)
	}
	keys, err := w.flows.ListKeys(ctx, w.m, w.channel)
	if err != nil || len(keys) != 1 {
		t.Fatalf("got %d keys, %v", len(keys), err)
	}
	if w.key, err = w.flows.Reveal(ctx, flow.Actor{}, w.m, w.channel, keys[0].ID); err != nil {
		t.Fatal(err)
	}
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

func (w *world) newID() id.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	return id.New(w.now.UnixMilli(), [10]byte{w.ids})
}

// The world's parts, as flow asks for them.

func (w *world) ByProfile(_ context.Context, _ lumo.MerchantID, _ lumo.ChannelID, p lumo.ProfileID) (lumo.Link, lumo.Friend, error) {
	if p != "P" {
		return lumo.Link{}, lumo.Friend{}, fault.New(fault.NotFound, "test", "")
	}
	return lumo.Link{Profile: p, Friend: w.yuki.ID}, w.yuki, nil
}

func (w *world) ByProfiles(_ context.Context, _ lumo.MerchantID, _ lumo.ChannelID, all []lumo.ProfileID) (
	map[lumo.ProfileID]lumo.Friend, error) {
	found := map[lumo.ProfileID]lumo.Friend{}
	for _, p := range all {
		if p == "P" {
			found[p] = w.yuki
		}
	}
	return found, nil
}

func (w *world) ByFriend(_ context.Context, _ lumo.MerchantID, f lumo.FriendID) (lumo.Link, error) {
	if f != w.yuki.ID {
		return lumo.Link{}, fault.New(fault.NotFound, "test", "")
	}
	return lumo.Link{Profile: cmp.Or(w.linked, "P"), Friend: f}, nil
}

func (w *world) ByLineUser(_ context.Context, _ lumo.MerchantID, u lumo.LineUserID) ([]lumo.Friend, error) {
	switch u {
	case lineOfYuki:
		return []lumo.Friend{w.yuki}, nil
	case lineOfOther:
		return []lumo.Friend{{ID: lumo.FriendID{9}, Channel: lumo.ChannelID{9}, Line: u}}, nil
	}
	return nil, nil
}

type messages struct{ w *world }

func (s messages) EventVariables(context.Context, lumo.MerchantID, lumo.Content) ([]string, error) {
	return s.w.wants, nil
}

func (s messages) Get(_ context.Context, _ lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (message.Message, error) {
	if v.String() != messageID {
		return message.Message{}, fault.New(fault.NotFound, "test", "")
	}
	return message.Message{ID: v, Channel: c, Version: 3}, nil
}

type channels struct{ w *world }

func (c channels) Get(_ context.Context, m lumo.MerchantID, v lumo.ChannelID) (lumo.Channel, error) {
	account := lumo.AccountID{4}
	if c.w.silent {
		account = lumo.AccountID{}
	}
	return lumo.Channel{Merchant: m, ID: v, Number: 1, Name: "Other Tea", KlaviyoAccount: account}, nil
}

func (w *world) Plan(_ context.Context, p delivery.Plan) (delivery.Delivery, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plans = append(w.plans, p)
	return delivery.Delivery{Plan: p, ID: lumo.DeliveryID{byte(len(w.plans))}}, nil
}

func (w *world) PlanEach(ctx context.Context, plans []delivery.Plan) (all []delivery.Delivery, err error) {
	for _, p := range plans {
		d, err := w.Plan(ctx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func (w *world) TooLate(context.Context, lumo.MerchantID, lumo.ChannelID) (time.Duration, error) {
	if w.limit == 0 {
		return delivery.DefaultRules().TooLate, nil
	}
	return w.limit, nil
}

func (w *world) Had(context.Context, lumo.MerchantID, lumo.ChannelID, []lumo.FriendID) (
	delivery.Cap, map[lumo.FriendID]int, error) {
	return w.cap, map[lumo.FriendID]int{w.yuki.ID: w.had}, nil
}

func (w *world) Begin(context.Context, []delivery.Delivery) {}

func (w *world) Profile(context.Context, lumo.MerchantID, lumo.AccountID, lumo.ProfileID) (lumo.Profile, error) {
	return lumo.Profile{FirstName: `Dwayne "The Rock"`}, nil
}

func (w *world) EventPage(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, _ lumo.ProfileID, _ time.Time, after string,
	limit int) (lumo.EventPage, error) {
	if w.pages != nil {
		return w.pages(after, limit)
	}
	return lumo.EventPage{Events: []lumo.ReadEvent{{Ref: "other", Metric: "Placed Order", OccurredAt: w.now},
		{Ref: "e", Metric: "Checkout Started", OccurredAt: w.now.Add(-38 * time.Minute), Properties: map[string]any{"Item": "Sencha"}}}}, nil
}

// fill is what a message was given that waited for its event.
type fill struct {
	delivery lumo.DeliveryID
	values   map[string]string
}

func (w *world) Fill(_ context.Context, _ lumo.MerchantID, d lumo.DeliveryID, values map[string]string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fills = append(w.fills, fill{d, values})
	return !w.gone, nil
}

func (w *world) Flows(context.Context, lumo.MerchantID, lumo.AccountID) ([]lumo.KlaviyoFlow, error) {
	return w.klaviyo, nil
}

func (w *world) FlowWebhooks(context.Context, lumo.MerchantID, lumo.AccountID, string) ([]lumo.FlowWebhook, error) {
	return []lumo.FlowWebhook{{Name: "LINE", URL: w.hook, Status: "draft"}}, nil
}

func (w *world) Changed(context.Context, lumo.MerchantID, uint8, []byte) error { return nil }
func (w *world) WaitApplied(context.Context, time.Duration) error              { return nil }

func (w *world) Record(_ context.Context, f lumo.Fact) error {
	w.facts = append(w.facts, f)
	return nil
}

func (w *world) Audit(_ context.Context, e lumo.AuditEntry) error {
	w.audit = append(w.audit, e.Action)
	return nil
}

func (w *world) RequestChanged(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.RequestID) {}

// call is one webhook with the right key.
func (w *world) call(n byte, body string) lumo.EdgeRequest {
	return lumo.EdgeRequest{ID: lumo.RequestID{n}, Merchant: w.m, Subject: id.ID(w.channel), ReceivedAt: w.now,
		Auth: lumo.AuthVerified, Method: "POST", Body: []byte(body),
		Header: map[string]string{"Lumo-Flow-Key": w.key, "X-Klaviyo-Flow-Id": "F"}}
}

func (w *world) send(in lumo.EdgeRequest) (status int, answer map[string]any) {
	w.t.Helper()
	a, err := w.flows.HandleEdge(context.Background(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(a.Body, &answer); err != nil {
		w.t.Fatal(err)
	}
	return a.Status, answer
}

func textOf(n int) string { return strings.Repeat("x", n) }

func TestEveryCallIsAnsweredByTheTable(t *testing.T) {
	t.Parallel()
	const direct = `{"profile_id":"P","event_id":"e","text":"hi"}`
	for name, c := range map[string]struct {
		body   string
		change func(*world, *lumo.EdgeRequest)
		status int
		reason string
		plans  int
	}{
		"direct text":      {body: direct, status: 200, plans: 1},
		"saved message":    {body: `{"message":"` + messageID + `","profile_id":"P","event_id":"e"}`, status: 200, plans: 1},
		"upper-case id":    {body: `{"message":"` + strings.ToUpper(messageID) + `","profile_id":"P"}`, status: 200, plans: 1},
		"by LINE id alone": {body: `{"line_user_id":"` + string(lineOfYuki) + `","text":"hi"}`, status: 200, plans: 1},
		"profile's link wins over another LINE id": {body: `{"profile_id":"P","line_user_id":"` + string(lineOfOther) + `","text":"hi"}`,
			status: 200, plans: 1},
		"not linked":          {body: `{"profile_id":"Q","text":"hi"}`, status: 200, reason: "unlinked"},
		"nobody":              {body: `{"profile_id":"","line_user_id":"","text":"hi"}`, status: 200, reason: "empty_recipient"},
		"blocked":             {body: direct, change: follow(lumo.Blocked), status: 200, reason: "blocked"},
		"not a friend":        {body: direct, change: follow(lumo.NotFriend), status: 200, reason: "not_friend"},
		"too late":            {body: direct, change: late, status: 200, reason: "too_late"},
		"had enough":          {body: direct, change: hadOne(1), status: 200, reason: "cap"},
		"may have one more":   {body: direct, change: hadOne(2), status: 200, plans: 1},
		"broken body":         {body: `{"profile_id":`, status: 400, reason: "bad_body"},
		"unknown message":     {body: `{"message":"msg_00000000000000000000000009","profile_id":"P"}`, status: 400, reason: "unknown_message"},
		"no message":          {body: `{"profile_id":"P"}`, status: 400, reason: "unknown_message"},
		"over the limit":      {body: `{"profile_id":"P","text":"` + textOf(5001) + `"}`, status: 400, reason: "over_limit"},
		"at the limit":        {body: `{"profile_id":"P","text":"` + textOf(5000) + `"}`, status: 200, plans: 1},
		"LINE id in capitals": {body: `{"line_user_id":"` + strings.ToUpper(string(lineOfYuki)) + `","text":"hi"}`, status: 200, plans: 1},
		"no id of LINE":       {body: `{"line_user_id":"yuki","text":"hi"}`, status: 200, reason: "unlinked"},
		"a group in capitals": {body: `{"line_user_id":"C0000000000000000000000000000000A","text":"hi"}`, status: 400, reason: "group_id"},
		"a group":             {body: `{"line_user_id":"C0000000000000000000000000000000a","text":"hi"}`, status: 400, reason: "group_id"},
		"another account":     {body: `{"line_user_id":"` + string(lineOfOther) + `","text":"hi"}`, status: 400, reason: "other_account"},
		"no key":              {body: direct, change: func(_ *world, in *lumo.EdgeRequest) { delete(in.Header, "Lumo-Flow-Key") }, status: 401, reason: "no_key"},
		"wrong key":           {body: direct, change: func(_ *world, in *lumo.EdgeRequest) { in.Header["Lumo-Flow-Key"] = "lfk_1_x" }, status: 401, reason: "wrong_key"},
		"provisional, bad":    {body: direct, change: provisional("lfk_1_x"), status: 401, reason: "wrong_key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			in := w.call(1, c.body)
			if c.change != nil {
				c.change(w, &in)
			}
			status, answer := w.send(in)
			if status != c.status || answer["reason"] != nil && answer["reason"] != c.reason || c.reason != "" && answer["reason"] == nil {
				t.Errorf("got %d %v want %d %s", status, answer, c.status, c.reason)
			}
			if len(w.plans) != c.plans {
				t.Errorf("planned %d want %d", len(w.plans), c.plans)
			}
			rows, _, err := w.flows.Rows(context.Background(), w.m, w.channel, flow.Filter{Limit: 10})
			if err != nil || len(rows) != 1 || rows[0].Reason != c.reason {
				t.Errorf("the Flow doctor shows %+v, %v", rows, err)
			}
			w.counts(t, status == 200 && c.reason != "", c.reason)
		})
	}
}

// counts tells whether a call is counted as not sent, for nobody too; one that is refused is not.
func (w *world) counts(t *testing.T, want bool, reason string) {
	t.Helper()
	n := 0
	for _, f := range w.facts {
		if f.Kind == lumo.FactNotSent && f.Data["reason"] == reason {
			n++
		}
	}
	if want && n != 1 || !want && len(w.facts) != 0 {
		t.Errorf("counted as not sent: %+v", w.facts)
	}
}

func follow(s lumo.FollowStatus) func(*world, *lumo.EdgeRequest) {
	return func(w *world, _ *lumo.EdgeRequest) { w.yuki.FollowStatus = s }
}

func TestBlockedSaysSinceWhen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.yuki.FollowStatus, w.yuki.BlockedAt = lumo.Blocked, time.Date(2026, 11, 3, 4, 5, 6, 0, time.UTC)
	w.send(w.call(1, `{"profile_id":"P","text":"hi"}`))
	rows, _, err := w.flows.Rows(context.Background(), w.m, w.channel, flow.Filter{Limit: 10})
	if err != nil || len(rows) != 1 || rows[0].Data["date"] != "2026-11-03T04:05:06Z" {
		t.Errorf("got %+v, %v", rows, err)
	}
}

// hadOne is Yuki after one message, where people may have so many.
func hadOne(most int) func(*world, *lumo.EdgeRequest) {
	return func(w *world, _ *lumo.EdgeRequest) {
		w.cap, w.had = delivery.Cap{Messages: most, Days: 7, Flows: true}, 1
	}
}

// Who had enough is skipped with the merchant's limit in the answer's reason; her call's repetition is still the same call,
// and it can be sent by hand once she may have more.
func TestWhoHadEnoughIsSkippedBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hadOne(1)(w, nil)
	const body = `{"profile_id":"P","step":"stp_1","event_id":"e","text":"hi"}`
	w.send(w.call(1, body))
	if _, answer := w.send(w.call(2, body)); answer["reason"] != "duplicate" {
		t.Errorf("the same call again is answered %v", answer)
	}
	rows, _, err := w.flows.Rows(t.Context(), w.m, w.channel, flow.Filter{Reason: "cap", Limit: 10})
	if err != nil || len(rows) != 1 || rows[0].Data["n"] != 1.0 || rows[0].Data["d"] != 7.0 {
		t.Fatalf("the Flow doctor shows %+v, %v", rows, err)
	}
	if now, err := w.flows.Check(t.Context(), w.m, w.channel, lumo.RequestID{1}); err != nil || now.Reason != "cap" {
		t.Errorf("checked again it is %+v, %v", now, err)
	}
	if _, err := w.flows.SendNow(t.Context(), flow.Actor{}, w.m, w.channel, lumo.RequestID{1}); !fault.Is(err, fault.Conflict) || len(w.plans) != 0 {
		t.Errorf("sent by hand: %v, %d plans", err, len(w.plans))
	}
	w.had = 0
	if _, err := w.flows.SendNow(t.Context(), flow.Actor{}, w.m, w.channel, lumo.RequestID{1}); err != nil || len(w.plans) != 1 {
		t.Errorf("a week later: %v, %d plans", err, len(w.plans))
	}
}

// Where a call names nobody but a LINE id, that id makes it the same call, whoever it is linked to.
func TestACallByLINEIDIsTheSameThoughTheLinkChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"line_user_id":"` + string(lineOfYuki) + `","step":"stp_1","event_id":"e","text":"hi"}`
	w.send(w.call(1, body))
	w.linked = "Q"
	if _, answer := w.send(w.call(2, body)); answer["reason"] != "duplicate" || len(w.plans) != 1 {
		t.Errorf("got %v, %d plans", answer, len(w.plans))
	}
}

// A call that an edge could not hand over for long is sent or skipped by the merchant's limit,
// whatever it is.
func TestTooLateIsWhatTheMerchantSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit, age time.Duration
		skipped    bool
	}{
		{24 * time.Hour, 7 * time.Hour, false},
		{24 * time.Hour, 25 * time.Hour, true},
		{2 * time.Hour, 3 * time.Hour, true},
		{2 * time.Hour, time.Hour, false},
	} {
		w := newWorld(t)
		w.limit = c.limit
		in := w.call(1, `{"profile_id":"P","event_id":"e","text":"hi"}`)
		w.now = w.now.Add(c.age)
		w.send(in)
		rows, _, err := w.flows.Rows(context.Background(), w.m, w.channel, flow.Filter{Limit: 10})
		if err != nil || len(rows) != 1 {
			t.Fatalf("got %+v, %v", rows, err)
		}
		r := rows[0]
		if skipped := r.Outcome == flow.Skipped; skipped != c.skipped || skipped && (r.Reason != "too_late" ||
			r.Data["hours"] != c.age.Hours() || r.Data["limit"] != c.limit.Hours()) {
			t.Errorf("%s old with a limit of %s: %s %s %v", c.age, c.limit, r.Outcome, r.Reason, r.Data)
		}
	}
}

func late(w *world, in *lumo.EdgeRequest) {
	// the edge took it in time and could not hand it over
	in.ReceivedAt = w.now
	w.now = w.now.Add(7 * time.Hour)
}

func provisional(key string) func(*world, *lumo.EdgeRequest) {
	return func(_ *world, in *lumo.EdgeRequest) {
		in.Auth, in.KeySHA256 = lumo.AuthProvisional, []byte(key)
		delete(in.Header, "Lumo-Flow-Key")
	}
}

func TestDuplicateFlowRequestSendsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const body = `{"profile_id":"P","step":"stp_1","event_id":"e","text":"hi"}`
	w.send(w.call(1, body))
	status, answer := w.send(w.call(2, body+" ")) // Klaviyo's second try renders anew
	if status != 200 || answer["status"] != "skipped" || answer["reason"] != "duplicate" {
		t.Errorf("got %d %v", status, answer)
	}
	w.counts(t, false, "duplicate")
	rows, _, err := w.flows.Rows(context.Background(), w.m, w.channel, flow.Filter{Limit: 10})
	if err != nil || len(rows) != 2 || rows[0].DuplicateOf != (lumo.RequestID{1}) || rows[1].Repeats != 1 {
		t.Errorf("got %+v, %v", rows, err)
	}
	for n, other := range []string{strings.Replace(body, `"e"`, `"e2"`, 1), strings.Replace(body, "stp_1", "stp_2", 1)} {
		w.send(w.call(byte(10+n), other))
	}
	if len(w.plans) != 3 {
		t.Errorf("planned %d want 3: another event and another step are other messages", len(w.plans))
	}
}

func TestTheSameRequestAgainGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := w.call(1, `{"profile_id":"P","event_id":"e","text":"hi"}`)
	for range 3 { // the edge asks again: our answers did not reach it
		status, answer := w.send(in)
		if status != 200 || answer["status"] != "accepted" || answer["request"] != in.ID.String() {
			t.Errorf("got %d %v", status, answer)
		}
	}
	refused := w.call(2, "broken")
	w.send(refused)
	if status, answer := w.send(refused); status != 400 || answer["reason"] != "bad_body" {
		t.Errorf("got %d %v", status, answer)
	}
	rows, _, err := w.flows.Rows(context.Background(), w.m, w.channel, flow.Filter{Limit: 10})
	if err != nil || len(rows) != 2 {
		t.Errorf("got %d rows, %v", len(rows), err)
	}
}

func TestCallsAtTheSameMomentSendOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var group sync.WaitGroup
	for n := range byte(8) {
		group.Go(func() {
			_, _ = w.flows.HandleEdge(context.Background(), w.call(n+1, `{"profile_id":"P","event_id":"e","text":"hi"}`))
		})
	}
	group.Wait()
	rows, _, err := w.flows.Rows(context.Background(), w.m, w.channel, flow.Filter{Limit: 20})
	accepted := 0
	for _, r := range rows {
		if r.Outcome == flow.Accepted {
			accepted++
		}
	}
	if err != nil || len(rows) != 8 || accepted != 1 {
		t.Errorf("got %d rows, %d accepted, %v", len(rows), accepted, err)
	}
}

func TestTesterMayRepeatAfterAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.yuki.Tester = true
	const body = `{"profile_id":"P","event_id":"e","text":"hi"}`
	w.send(w.call(1, body))
	w.send(w.call(2, body))
	w.now = w.now.Add(61 * time.Second)
	w.send(w.call(3, body))
	if len(w.plans) != 2 {
		t.Errorf("planned %d want 2", len(w.plans))
	}
}

func TestBrokenVariablesComeFromTheProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(w.call(1, `{"profile_id":"P","text":"hi [[ first_name ]]","vars":{"first_name":"Dwayne "The Rock""}}`))
	if len(w.plans) != 1 || w.plans[0].Content.Vars["first_name"] != `Dwayne "The Rock"` {
		t.Errorf("got %+v", w.plans)
	}
}

// "Send now" fills what could not be read as the call itself did.
func TestBrokenVariablesComeFromTheProfileWhenSentByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.yuki.FollowStatus = lumo.NotFriend
	in := w.call(1, `{"profile_id":"P","text":"hi [[ first_name ]]","vars":{"first_name":"Dwayne "The Rock""}}`)
	w.send(in)
	w.yuki.FollowStatus = lumo.Following
	if _, err := w.flows.SendNow(t.Context(), flow.Actor{}, w.m, w.channel, in.ID); err != nil {
		t.Fatal(err)
	}
	if len(w.plans) != 1 || w.plans[0].Content.Vars["first_name"] != `Dwayne "The Rock"` {
		t.Errorf("got %+v", w.plans)
	}
}

// Calls are forgotten before the keys that make a second one a duplicate. The duplicate then says
// when the first one came and names no call that nobody can open; a tester's is none.
func TestADuplicateOfAForgottenCallSaysWhenThatCame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const body = `{"profile_id":"P","step":"stp_1","event_id":"e","text":"hi"}`
	first := w.call(1, body)
	first.ID = lumo.RequestID(w.newID())
	w.send(first)
	begun := w.now
	w.now = w.now.Add(20 * 24 * time.Hour)
	err := w.db.InTenant(t.Context(), w.m, func(ctx context.Context) error {
		n, err := retentionstore.Store{}.Drop(ctx, retention.FlowCalls, w.now.Add(-14*24*time.Hour), 100)
		if n != 1 {
			t.Errorf("%d calls were forgotten, want the first", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	status, answer := w.send(w.call(2, body))
	if status != 200 || answer["status"] != "skipped" || answer["reason"] != "duplicate" {
		t.Errorf("got %d %v", status, answer)
	}
	row, err := w.flows.Row(t.Context(), w.m, w.channel, lumo.RequestID{2})
	if err != nil || row.DuplicateOf != (lumo.RequestID{}) || row.Data["at"] != begun.UTC().Format(time.RFC3339) {
		t.Errorf("got %+v, %v, want since %v", row, err, begun)
	}
	w.yuki.Tester = true
	if w.send(w.call(3, body)); len(w.plans) != 2 {
		t.Errorf("a tester's call was a duplicate: planned %d", len(w.plans))
	}
}

func TestReissuedKeyEndsTheOldOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, old := context.Background(), w.key
	_, value, err := w.flows.Reissue(ctx, flow.Actor{}, w.m, w.channel, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"profile_id":"P","text":"hi","event_id":"`
	for n, c := range []struct {
		key  string
		wait time.Duration
		want int
	}{{value, 0, 200}, {old, 0, 200}, {old, 2 * time.Hour, 401}, {value, 0, 200}} {
		w.now, w.key = w.now.Add(c.wait), c.key
		if status, _ := w.send(w.call(byte(n+1), body+string(rune('a'+n))+`"}`)); status != c.want {
			t.Errorf("call %d: got %d want %d", n, status, c.want)
		}
	}
	match, last4, err := w.flows.Compare(ctx, w.m, w.channel, " "+old+" ")
	if err != nil || match != flow.MatchOld || last4 != old[len(old)-4:] {
		t.Errorf("got %s %s, %v", match, last4, err)
	}
	if strings.Join(w.audit, ",") != "flow_key.reveal,flow_key.reissue" {
		t.Errorf("audit %v", w.audit)
	}
}

// The same call is a duplicate for 35 days with an event, and for 25 hours without: as long as
// Klaviyo may repeat it. What is older is forgotten daily, and what is not old yet is not.
func TestACallIsTheSameForAsLongAsKlaviyoMayRepeatIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		life time.Duration
	}{
		"with an event":    {`{"profile_id":"P","step":"stp_1","event_id":"e","text":"hi"}`, 35 * 24 * time.Hour},
		"without an event": {`{"profile_id":"P","step":"stp_1","text":"hi"}`, 25 * time.Hour},
	} {
		for _, forgetting := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", forgotten daily: ", forgetting), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				forget := func() {
					t.Helper()
					if !forgetting {
						return
					}
					err := w.db.InTenant(t.Context(), w.m, func(ctx context.Context) error {
						_, err := retentionstore.Store{}.Drop(ctx, retention.FlowKeys, w.now, 100)
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
				}
				begun := w.now
				for n, one := range []struct {
					at    time.Duration
					plans int
				}{{0, 1}, {c.life / 2, 1}, {c.life - time.Second, 1}, {c.life + time.Second, 2}, {c.life + 2*time.Second, 2},
					{2*c.life - time.Second, 2}, {2*c.life + 3*time.Second, 3}} {
					w.now = begun.Add(one.at)
					forget()
					status, answer := w.send(w.call(byte(n+1), c.body))
					if status != 200 || len(w.plans) != one.plans {
						t.Errorf("after %v: %d %v, planned %d want %d", one.at, status, answer, len(w.plans), one.plans)
					}
				}
			})
		}
	}
}

// A key that is replaced at once is refused from the next call on, whichever edge passes it on,
// and the new one counts.
func TestAKeyThatIsReplacedAtOnceIsRefusedFromThenOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.key
	_, value, err := w.flows.Reissue(context.Background(), flow.Actor{}, w.m, w.channel, 0)
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"profile_id":"P","text":"hi","event_id":"`
	for n, c := range []struct {
		key  string
		want int
	}{{old, 401}, {value, 200}} {
		w.key = c.key
		if status, answer := w.send(w.call(byte(n+1), body+fmt.Sprint(n)+`"}`)); status != c.want {
			t.Errorf("call %d: got %d %v want %d", n, status, answer, c.want)
		}
	}
}
