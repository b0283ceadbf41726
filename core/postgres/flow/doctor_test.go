package flow_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"lumo/core/flow"
	"lumo/core/lumo"
	flowstore "lumo/core/postgres/flow"
	"lumo/shared/fault"
	"lumo/shared/id"
)

func (w *world) diagnose() flow.Diagnosis {
	w.t.Helper()
	d, err := w.flows.Diagnose(context.Background(), w.m, w.channel)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// round is one look at the account in the background.
func (w *world) round() bool {
	w.t.Helper()
	watch := flow.Watch{Flows: w.flows, Systems: w.db, Rounds: flowstore.Watches(), Owner: "test", Log: slog.New(slog.DiscardHandler)}
	did, err := watch.RunOnce(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return did
}

func TestFlowDoctorSumsCallsByFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.klaviyo = []lumo.KlaviyoFlow{{ID: "F", Name: "Abandoned cart", Status: "live"}}
	w.send(w.call(1, `{"profile_id":"P","event_id":"e","text":"hi"}`))
	w.send(w.call(2, `{"profile_id":"Q","event_id":"e","text":"hi"}`))
	w.send(w.call(3, `{"profile_id":"R","event_id":"f","text":"hi"}`))
	refused := w.call(4, `{"profile_id":"P","text":"hi"}`)
	refused.Header["Lumo-Flow-Key"] = "lfk_1_wrong7F2A"
	w.send(refused)
	w.now = w.now.Add(time.Minute)
	if !w.round() || w.round() {
		t.Error("an account is looked at once in five minutes")
	}
	d := w.diagnose()
	if len(d.Flows) != 1 || d.Flows[0].Name != "Abandoned cart" || d.Flows[0].Status != "live" {
		t.Fatalf("got %+v", d.Flows)
	}
	f := d.Flows[0]
	if f.Calls != 4 || f.NotSent != 2 || f.Failed != 1 || f.TopReason != "unlinked" || f.Hours[23] != 4 {
		t.Errorf("got %+v", f)
	}
	if f.Measured != 2 || f.Delay < 37*time.Minute || f.Delay > 39*time.Minute || d.Measured != 2 || d.Delay != f.Delay {
		t.Errorf("Klaviyo's share: got %v of %d", f.Delay, f.Measured)
	}
	if row := w.row(1); row.EventName != "Checkout Started" || w.row(3).EventName != "" {
		t.Errorf("what started it: got %q, and %q of an event that Klaviyo does not know", row.EventName, w.row(3).EventName)
	}
	if d.Refused.Calls != 1 || d.Refused.Last4 != "7F2A" || len(d.Findings) != 1 || d.Findings[0].Code != "wrong_key" {
		t.Errorf("got %+v %+v", d.Refused, d.Findings)
	}
	if err := w.flows.Ignore(context.Background(), flow.Actor{}, w.m, w.channel, "wrong_key", ""); err != nil {
		t.Fatal(err)
	}
	if d = w.diagnose(); len(d.Findings) != 0 {
		t.Errorf("ignored, and still %+v", d.Findings)
	}
	w.now = w.now.Add(6*24*time.Hour + 23*time.Hour)
	w.send(refusedAgain(w, 5))
	if d = w.diagnose(); len(d.Findings) != 0 {
		t.Errorf("a week is not over, and still %+v", d.Findings)
	}
	w.now = w.now.Add(2 * time.Hour)
	if d = w.diagnose(); len(d.Findings) != 1 {
		t.Errorf("after a week: got %+v", d.Findings)
	}
}

// What an edge refused by itself is found with the end of the key that was used, where it was
// one of ours.
func TestACallThatAnEdgeRefusedNamesItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused := func(n byte, key uint32) {
		t.Helper()
		if err := w.flows.RecordRefused(context.Background(), lumo.RefusedHook{Merchant: w.m, Channel: w.channel,
			ID: lumo.RequestID{n}, At: w.now, KeyNumber: key, Reason: "wrong_key"}); err != nil {
			t.Fatal(err)
		}
	}
	refused(1, 0)
	if d := w.diagnose(); d.Refused.Calls != 1 || d.Refused.Last4 != "" {
		t.Errorf("a key of nobody: %+v", d.Refused)
	}
	refused(2, 1)
	if d := w.diagnose(); d.Refused.Calls != 2 || d.Refused.Last4 != w.key[len(w.key)-4:] {
		t.Errorf("an old key of ours: %+v", d.Refused)
	}
}

func refusedAgain(w *world, n byte) lumo.EdgeRequest {
	in := w.call(n, `{"profile_id":"P","text":"hi"}`)
	in.Header["Lumo-Flow-Key"] = "lfk_1_wrong7F2A"
	return in
}

func TestFlowThatStoppedIsFoundWithItsStateInKlaviyo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO flow_day (merchant_id, channel_id, flow_id, day, calls, sent, not_sent, refused)
		SELECT $1, $2, 'F', $3::date - n, 40, 40, 0, 0 FROM generate_series(2, 9) AS n`, w.m, w.channel, w.now)
	w.klaviyo = []lumo.KlaviyoFlow{{ID: "F", Name: "Abandoned cart", Status: "live"}}
	w.now = w.now.Add(time.Minute)
	w.round()
	d := w.diagnose()
	if len(d.Findings) != 1 || d.Findings[0].Code != "silent" || d.Findings[0].Data["n"] != 40 || d.Findings[0].Data["name"] != "Abandoned cart" {
		t.Fatalf("got %+v", d.Findings)
	}
	w.klaviyo[0].Status = "draft"
	check, err := w.flows.CheckFlow(context.Background(), w.m, w.channel, "F")
	if err != nil || check.Status != "draft" || len(check.Webhooks) != 1 || check.Webhooks[0].Status != "draft" {
		t.Errorf("got %+v, %v", check, err)
	}
	if d = w.diagnose(); d.Findings[0].Code != "draft" {
		t.Errorf("got %+v", d.Findings)
	}
	w.klaviyo = nil
	if check, err = w.flows.CheckFlow(context.Background(), w.m, w.channel, "F"); err != nil || check.Status != "gone" {
		t.Errorf("got %+v, %v", check, err)
	}
}

// A flow that is live while its webhook is in draft sends nothing: that is found at once, and the
// guide does not call it live. Another's webhook in the same flow says nothing of it.
func TestAWebhookInDraftIsFoundInALiveFlow(t *testing.T) {
	t.Parallel()
	for hook, want := range map[string]string{hookOfTea: "draft", "https://mail.example/": "live"} {
		w := newWorld(t)
		w.exec(`INSERT INTO flow_day (merchant_id, channel_id, flow_id, day, calls, sent, not_sent, refused)
			VALUES ($1, $2, 'F', $3::date - 1, 40, 40, 0, 0)`, w.m, w.channel, w.now)
		w.klaviyo, w.hook = []lumo.KlaviyoFlow{{ID: "F", Name: "Abandoned cart", Status: "live"}}, hook
		w.now = w.now.Add(time.Minute)
		w.round()
		d := w.diagnose()
		found := slices.ContainsFunc(d.Findings, func(f flow.Finding) bool { return f.Code == "draft" && f.Subject == "F" })
		if len(d.Flows) != 1 || d.Flows[0].Status != want || d.Setup.Live != (want == "live") || found != (want == "draft") {
			t.Errorf("%s: %+v, findings %+v", hook, d.Flows, d.Findings)
		}
	}
}

// The guide ticks what was seen, one step after the other; what a refused call shows is nothing.
func TestSetUpTicksWhatWasSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.klaviyo = []lumo.KlaviyoFlow{{ID: "F", Name: "Abandoned cart", Status: "draft"}}
	see := func(what string, want flow.Setup) {
		t.Helper()
		if got := w.diagnose().Setup; got != want {
			t.Errorf("%s: got %+v", what, got)
		}
	}
	see("nothing yet", flow.Setup{})
	keys, err := w.flows.ListKeys(ctx, w.m, w.channel)
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`INSERT INTO audit (merchant_id, id, actor_kind, action, target_kind, target_id, created_at)
		VALUES ($1, gen_random_uuid(), 'member', 'flow_key.reveal', 'flow_key', $2, now())`, w.m, id.ID(keys[0].ID).With(id.FlowKey))
	see("the key was shown", flow.Setup{Copied: true})
	w.send(refusedAgain(w, 8))
	see("a wrong key called", flow.Setup{Copied: true})
	w.send(w.call(1, `{"profile_id":"P","event_id":"e","text":"hi"}`))
	see("it called", flow.Setup{Copied: true, Called: true})
	w.klaviyo[0].Status = "live"
	w.round()
	see("it is live", flow.Setup{Copied: true, Called: true, Live: true})
	w.exec(`INSERT INTO flow_day (merchant_id, channel_id, flow_id, day, calls, sent, not_sent, refused)
		VALUES ($1, $2, 'F', current_date - 40, 1, 1, 0, 0)`, w.m, w.channel)
	see("its message was sent", flow.Setup{Copied: true, Called: true, Live: true, Sent: true})
}

func TestSumsOfDaysOutliveTheirCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(w.call(1, `{"profile_id":"Q","event_id":"e","text":"hi"}`))
	for range 2 { // again: the same sums
		w.now = w.now.Add(6 * time.Minute)
		w.round()
	}
	w.exec(`DELETE FROM flow_request WHERE merchant_id = $1`, w.m)
	w.now = w.now.Add(6 * time.Minute)
	w.round()
	w.now = w.now.Add(25 * time.Hour)
	d := w.diagnose()
	if len(d.Flows) != 1 || d.Flows[0].Usual != 1 || d.Flows[0].ActiveDays != 1 || d.Flows[0].LastCallAt.IsZero() {
		t.Errorf("got %+v", d.Flows)
	}
	days := func(of string) []flow.Day {
		t.Helper()
		all, err := w.flows.Days(context.Background(), w.m, w.channel, of, time.Time{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := days(""); len(got) != 0 {
		t.Errorf("of days whose calls may still be kept: %+v", got)
	}
	w.now = w.now.Add(14 * 24 * time.Hour)
	w.round() // what is kept no more is not summed anew
	if got := days(""); len(got) != 1 || got[0].Calls != 1 || got[0].NotSent != 1 || got[0].Sent != 0 {
		t.Errorf("after their calls are gone: %+v", got)
	}
	if got := days("other"); len(got) != 0 {
		t.Errorf("of another flow: %+v", got)
	}
}

// Days that nobody summed while they ran are summed at the first look of a day, in the shop's days.
func TestDaysThatNobodySummedAreSummedLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(w.call(1, `{"profile_id":"Q","event_id":"e","text":"hi"}`))
	w.exec(`UPDATE merchant SET time_zone = 'Asia/Tokyo'`)
	w.exec(`UPDATE flow_request SET received_at = '2026-11-10T16:00:00Z' WHERE merchant_id = $1`, w.m)
	w.now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	w.exec(`UPDATE work SET due_at = now() - interval '1 year' WHERE merchant_id = $1 AND kind = 'flow'`, w.m)
	w.round()
	w.now = w.now.AddDate(0, 0, 10)
	days, err := w.flows.Days(context.Background(), w.m, w.channel, "", time.Time{}, 10)
	if err != nil || len(days) != 1 || days[0].Day.Format("2006-01-02") != "2026-11-11" || days[0].Calls != 1 {
		t.Errorf("got %+v, %v", days, err)
	}
}

func TestSendNowSendsOnceWhatWasNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.yuki.FollowStatus = lumo.NotFriend
	in := w.call(1, `{"profile_id":"P","event_id":"e","text":"hi"}`)
	w.send(in)
	if body, err := w.flows.Called(ctx, w.m, w.channel, in.ID); err != nil || !strings.Contains(body, `"text":"hi"`) {
		t.Errorf("what Klaviyo sent: got %q, %v", body, err)
	}
	if _, err := w.flows.Called(ctx, w.m, lumo.ChannelID{9}, in.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("of another account: got %v", err)
	}
	now, err := w.flows.Check(ctx, w.m, w.channel, in.ID)
	if err != nil || now.Outcome != flow.Skipped || now.Reason != "not_friend" {
		t.Errorf("check: got %s %s, %v", now.Outcome, now.Reason, err)
	}
	if _, err := w.flows.SendNow(ctx, flow.Actor{}, w.m, w.channel, in.ID); !fault.Is(err, fault.Conflict) || len(w.plans) != 0 {
		t.Errorf("still no friend: got %v, %d planned", err, len(w.plans))
	}
	w.yuki.FollowStatus = lumo.Following
	if now, err = w.flows.Check(ctx, w.m, w.channel, in.ID); err != nil || now.Outcome != flow.Accepted || len(w.plans) != 0 {
		t.Errorf("check: got %s, %v, %d planned", now.Outcome, err, len(w.plans))
	}
	if _, err := w.flows.SendNow(ctx, flow.Actor{}, w.m, w.channel, in.ID); err != nil || len(w.plans) != 1 {
		t.Fatalf("got %v, %d planned", err, len(w.plans))
	}
	rows, total, err := w.flows.Rows(ctx, w.m, w.channel, flow.Filter{Limit: 10})
	if err != nil || total != 1 || len(rows) != 1 || rows[0].Outcome != flow.Accepted || rows[0].Delivery == (lumo.DeliveryID{}) {
		t.Errorf("got %+v, %v", rows, err)
	}
	for friend, want := range map[lumo.FriendID]int64{rows[0].Friend: 1, {99}: 0} {
		_, n, err := w.flows.Rows(ctx, w.m, w.channel, flow.Filter{Limit: 10, Friend: friend})
		if err != nil || n != want {
			t.Errorf("calls of one person: got %d, %v want %d", n, err, want)
		}
	}
	if w.audit[len(w.audit)-1] != "flow_request.send_now" {
		t.Errorf("audit %v", w.audit)
	}
	again := w.call(2, `{"profile_id":"P","event_id":"e2","text":"hi"}`)
	w.send(again)
	w.send(w.call(3, `{"profile_id":"P","event_id":"e2","text":"hi"}`)) // a duplicate
	if _, err := w.flows.SendNow(ctx, flow.Actor{}, w.m, w.channel, again.ID); err == nil {
		t.Errorf("its message is on its way: got %v", err)
	}
	planned := len(w.plans)
	if _, err := w.flows.SendNow(ctx, flow.Actor{}, w.m, w.channel, lumo.RequestID{3}); err != nil || len(w.plans) != planned+1 {
		t.Errorf("a duplicate may be sent again: got %v", err)
	}
	if w.plans[planned].Logical == w.plans[planned-1].Logical {
		t.Error("the copy has the logical message of the first")
	}
}

// follows stores Yuki as a friend, for what reads friends beside calls.
func (w *world) follows() {
	w.t.Helper()
	w.exec(`INSERT INTO friend (merchant_id, id, channel_id, line_user_enc, line_user_bidx, follow_status,
			follow_changed_at, created_at, updated_at)
		VALUES ($1, $2, $3, '', '', 'following', now(), now(), now())`, w.m, w.yuki.ID, w.channel)
}

// What was sent by hand and ended unsent itself can be sent again; while it is on its way, or
// once LINE has it, it cannot.
func TestSendNowMayBeRepeatedOnlyWhenItsMessageEndedUnsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.follows()
	w.yuki.FollowStatus = lumo.NotFriend
	in := w.call(1, `{"profile_id":"P","event_id":"e","text":"hi"}`)
	w.send(in)
	w.yuki.FollowStatus = lumo.Following
	logicals := map[id.ID]bool{}
	for _, state := range []string{"skipped", "skipped", "planned"} {
		if _, err := w.flows.SendNow(ctx, flow.Actor{}, w.m, w.channel, in.ID); err != nil {
			t.Fatal(err)
		}
		n := len(w.plans)
		logicals[w.plans[n-1].Logical] = true
		w.delivered(lumo.DeliveryID{byte(n)}, w.plans[n-1].Logical, state)
	}
	if len(logicals) != 3 {
		t.Errorf("three messages have %d logical ids", len(logicals))
	}
	if _, err := w.flows.SendNow(ctx, flow.Actor{}, w.m, w.channel, in.ID); !fault.Is(err, fault.Conflict) || len(w.plans) != 3 {
		t.Errorf("while it is on its way: %v, %d planned", err, len(w.plans))
	}
}

// delivered stores what became of a planned message.
func (w *world) delivered(d lumo.DeliveryID, logical id.ID, state string) {
	w.t.Helper()
	w.exec(`INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, state, due_at,
			accepted_at, received_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 'flow', $5, $6, $7, now(), CASE WHEN $7 = 'accepted' THEN $8::timestamptz END, now(), now(), now())`,
		w.m, d, int(d[0]), w.channel, logical, w.yuki.ID, state, w.now)
}

// A message that waits in a stop says who stopped sending, and when.
func TestACallThatWaitsInAStopSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.follows()
	w.send(w.call(1, `{"profile_id":"P","event_id":"e","text":"hi"}`))
	w.delivered(lumo.DeliveryID{1}, w.plans[0].Logical, "planned")
	why := func() (string, map[string]any) {
		row, err := w.flows.Row(context.Background(), w.m, w.channel, lumo.RequestID{1})
		if err != nil {
			t.Fatal(err)
		}
		return row.Why, row.WhyData
	}
	if got, _ := why(); got != "" {
		t.Errorf("nothing is stopped: got %q", got)
	}
	w.exec(`INSERT INTO sending (merchant_id, channel_id, stop_scope, stopped_at, updated_at)
		VALUES ($1, $2, 'everything', '2026-11-03T04:05:06Z', now())`, w.m, w.channel)
	if got, data := why(); got != "stopped" || data["time"] != "2026-11-03T04:05:06Z" {
		t.Errorf("stopped: got %q %v", got, data)
	}
	w.exec(`UPDATE sending SET stop_scope = 'broadcasts' WHERE merchant_id = $1`, w.m)
	if got, _ := why(); got != "" {
		t.Errorf("only broadcasts are stopped: got %q", got)
	}
}

// A call is found by what its row says became of it and why, whether that is the call's own, its
// message's, a stop's, or how old its event was.
func TestCallsAreFoundByWhatTheirRowsSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.follows()
	w.send(w.call(1, `{"profile_id":"P","event_id":"e","text":"hi"}`))
	w.send(w.call(2, `{"profile_id":"Q","event_id":"e","text":"hi"}`))
	w.send(w.call(3, `{"profile_id":"P","event_id":"e","text":"hi"}`))
	w.send(w.call(4, `{"profile_id":`))
	w.delivered(lumo.DeliveryID{1}, w.plans[0].Logical, "accepted")
	w.exec(`UPDATE flow_request SET event_at = received_at - interval '7 hours' WHERE merchant_id = $1 AND delivery_id IS NOT NULL`, w.m)
	find := func(f flow.Filter, want int) {
		t.Helper()
		f.Limit = 10
		rows, n, err := w.flows.Rows(context.Background(), w.m, w.channel, f)
		if err != nil || len(rows) != want || int(n) != want {
			t.Errorf("%+v finds %d rows of %d, want %d: %v", f, len(rows), n, want, err)
		}
	}
	find(flow.Filter{}, 4)
	find(flow.Filter{State: "sent"}, 1)
	find(flow.Filter{State: "not_sent"}, 2)
	find(flow.Filter{State: "refused"}, 1)
	find(flow.Filter{Reason: "duplicate"}, 1)
	find(flow.Filter{Reason: "bad_body"}, 1)
	find(flow.Filter{Reason: "late_event"}, 1)
	w.exec(`UPDATE delivery SET state = 'planned' WHERE merchant_id = $1`, w.m)
	find(flow.Filter{Reason: "stopped"}, 0)
	w.exec(`INSERT INTO sending (merchant_id, channel_id, stop_scope, stopped_at, updated_at)
		VALUES ($1, $2, 'everything', now(), now())`, w.m, w.channel)
	find(flow.Filter{Reason: "stopped"}, 1)
	find(flow.Filter{Reason: "late_event"}, 0)
	find(flow.Filter{State: "waiting"}, 1)
	for state, word := range map[string]string{"sending": "sending", "unknown": "checking", "unknown_expired": "unconfirmed", "rejected": "failed"} {
		w.exec(`UPDATE delivery SET state = $2, last_try_at = now() WHERE merchant_id = $1`, w.m, state)
		find(flow.Filter{State: word}, 1)
	}
}

// A duplicate says what became of the first call's message, which it was taken for.
func TestADuplicateKnowsWhereTheFirstStands(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"", "planned", "skipped", "accepted"} {
		w := newWorld(t)
		w.follows()
		w.send(w.call(1, `{"profile_id":"P","event_id":"e","text":"hi"}`))
		w.send(w.call(2, `{"profile_id":"P","event_id":"e","text":"hi"}`))
		if state != "" {
			w.delivered(lumo.DeliveryID{1}, w.plans[0].Logical, state)
		}
		row, err := w.flows.Row(context.Background(), w.m, w.channel, lumo.RequestID{2})
		if err != nil || string(row.First) != state || row.FirstSentAt.IsZero() == (state == "accepted") {
			t.Errorf("%q: got %q at %s, %v", state, row.First, row.FirstSentAt, err)
		}
	}
}

// editor is Klaviyo's flows as they are changed.
type editor struct {
	flow.Editor
	may     bool
	changes []lumo.WebhookChange
	failing string
}

func (e *editor) MayEdit(context.Context, lumo.MerchantID, lumo.AccountID) (bool, error) {
	return e.may, nil
}

func (e *editor) ChangeWebhooks(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, f string, c lumo.WebhookChange) (int, error) {
	if f == e.failing {
		return 0, fault.As(fault.Unavailable, "test", errors.New("no answer"))
	}
	e.changes = append(e.changes, c)
	return 1, nil
}

// With the permission the newest key goes into every flow, whatever becomes of one of them;
// without it nothing is touched.
func TestNewKeyGoesIntoEveryFlowThatAllowsIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newWorld(t)
	e := &editor{failing: "B"}
	w.flows.Editor = e
	w.klaviyo = []lumo.KlaviyoFlow{{ID: "A", Name: "Cart"}, {ID: "B", Name: "Browse"}, {ID: "C", Name: "Thanks"}}
	if _, err := w.flows.Rekey(ctx, flow.Actor{}, w.m, w.channel, "https://edge.example/x"); !fault.Is(err, fault.Forbidden) || len(e.changes) != 0 {
		t.Fatalf("without the permission: %v, %d changes", err, len(e.changes))
	}
	e.may = true
	made, value, err := w.flows.Reissue(ctx, flow.Actor{}, w.m, w.channel, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.flows.Rekey(ctx, flow.Actor{}, w.m, w.channel, "https://edge.example/x")
	if err != nil || len(all) != 3 || all[0].Failed || !all[1].Failed || all[2].Webhooks != 1 {
		t.Fatalf("got %+v %v", all, err)
	}
	for _, c := range e.changes {
		if c.Value.Reveal() != value || c.URL != "https://edge.example/x" || c.Header != flow.HeaderName || c.Status != "" {
			t.Errorf("got %+v, want the key ending %s", c, made.Last4)
		}
	}
	if w.audit[len(w.audit)-1] != "flow.rekey" {
		t.Errorf("audit %v", w.audit)
	}
}
