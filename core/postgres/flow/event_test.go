package flow_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/delivery"
	"lumo/core/flow"
	"lumo/core/lumo"
	flowstore "lumo/core/postgres/flow"
	"lumo/shared/fault"
)

const cart = `{"profile_id":"P","step":"stp_1","event_id":"e","text":"[[ Item | tea ]] [[ Size ]]","vars":{"Size":""}}`

// reader is a process that reads events.
func (w *world) reader() *flow.Reader {
	return &flow.Reader{Flows: w.flows, Systems: w.db, Rounds: flowstore.Reads(), Owner: "test", Log: slog.New(slog.DiscardHandler)}
}

// reads has a reader take up what is due, and waits until it is read. It answers whether there
// was anything.
func (w *world) reads(r *flow.Reader) bool {
	w.t.Helper()
	did, err := r.RunOnce(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	r.Settle()
	return did
}

func (w *world) row(n byte) flow.Row {
	w.t.Helper()
	rows, _, err := w.flows.Rows(context.Background(), w.m, w.channel, flow.Filter{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, row := range rows {
		if row.ID == (lumo.RequestID{n}) {
			return row
		}
	}
	w.t.Fatalf("the Flow doctor does not know call %d", n)
	return flow.Row{}
}

func TestAMessageWaitsForTheValuesOfItsEventThatTheCallLacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants = []string{"Item", "Size", "Colour"}
	w.send(w.call(1, cart))
	if got := w.plans[0].WaitsUntil.Sub(w.now); got != 10*time.Minute {
		t.Errorf("the message waits for %v", got)
	}
	r := w.reader()
	if !w.reads(r) || w.reads(r) {
		t.Error("an event is read once")
	}
	// Size was brought, if empty; the event has no Colour.
	if diff := cmp.Diff([]fill{{lumo.DeliveryID{1}, map[string]string{"Item": "Sencha"}}}, w.fills, cmp.AllowUnexported(fill{})); diff != "" {
		t.Error(diff)
	}
	row := w.row(1)
	if row.EventNote != "" || !row.EventAt.Equal(w.now.Add(-38*time.Minute)) || row.EventName != "Checkout Started" || row.StoredAt.IsZero() {
		t.Errorf("got %q, the event was %q at %v", row.EventNote, row.EventName, row.EventAt)
	}
}

func TestWhatTheCallBringsIsNotAskedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wants []string
		body  string
	}{
		"no variable of an event": {nil, cart},
		"all are in vars":         {[]string{"Size"}, cart},
		"no event started it":     {[]string{"Item"}, `{"profile_id":"P","text":"[[ Item ]]"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.wants = c.wants
			w.send(w.call(1, c.body))
			if len(w.plans) != 1 || !w.plans[0].WaitsUntil.IsZero() || w.reads(w.reader()) || len(w.fills) != 0 {
				t.Errorf("planned %+v, filled %+v", w.plans, w.fills)
			}
		})
	}
}

func TestAnEventThatIsNotFoundLeavesTheFallbacksWithANote(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		note   string
		fills  int
	}{
		"Klaviyo has none": {func(w *world) {
			w.pages = func(string, int) (lumo.EventPage, error) { return lumo.EventPage{}, nil }
		}, flow.EventMissing, 1},
		"the profile is gone": {func(w *world) {
			w.pages = func(string, int) (lumo.EventPage, error) {
				return lumo.EventPage{}, fault.New(fault.NotFound, "test", "")
			}
		}, flow.EventMissing, 1},
		"Klaviyo wants a new approval": {func(w *world) {
			w.pages = func(string, int) (lumo.EventPage, error) {
				return lumo.EventPage{}, fault.New(fault.Forbidden, "test", "")
			}
		}, flow.EventUnread, 1},
		"no Klaviyo is connected":     {func(w *world) { w.silent = true }, flow.EventUnread, 0},
		"it went out in the meantime": {func(w *world) { w.gone = true }, flow.EventUnread, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.wants = []string{"Item"}
			c.change(w)
			w.send(w.call(1, cart))
			w.reads(w.reader())
			if row := w.row(1); row.EventNote != c.note || len(w.fills) != c.fills {
				t.Errorf("got %q, filled %+v", row.EventNote, w.fills)
			}
		})
	}
}

func TestAThousandEventsAreLookedThrough(t *testing.T) {
	t.Parallel()
	for at, want := range map[int]string{0: "", 999: "", 1000: flow.EventMissing} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.wants = []string{"Item"}
			w.pages = func(after string, limit int) (page lumo.EventPage, err error) {
				from := 0
				if after != "" {
					if _, err := fmt.Sscan(after, &from); err != nil {
						return page, err
					}
				}
				for n := from; n < from+limit; n++ {
					e := lumo.ReadEvent{Ref: fmt.Sprint(n), OccurredAt: w.now}
					if n == at {
						e.Ref = "e"
					}
					page.Events = append(page.Events, e)
				}
				page.Next = fmt.Sprint(from + limit)
				return page, nil
			}
			w.send(w.call(1, cart))
			w.reads(w.reader())
			if got := w.row(1).EventNote; got != want {
				t.Errorf("got %q want %q", got, want)
			}
		})
	}
}

func TestAFaultOfKlaviyosIsTriedAgainUntilTheMessageGoesWithout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants = []string{"Item"}
	tries, works := 0, false
	w.pages = func(string, int) (lumo.EventPage, error) {
		if tries++; works {
			return lumo.EventPage{Events: []lumo.ReadEvent{{Ref: "e", Properties: map[string]any{"Item": "Cup"}}}}, nil
		}
		return lumo.EventPage{}, fault.New(fault.Unavailable, "test", "")
	}
	w.send(w.call(1, cart))
	r := w.reader()
	w.reads(r)
	if w.reads(r) || tries != 1 {
		t.Fatalf("it was tried again at once, %d times", tries)
	}
	w.now = w.now.Add(2 * time.Second)
	works = true
	if !w.reads(r) || tries != 2 || len(w.fills) != 1 || w.fills[0].values["Item"] != "Cup" {
		t.Errorf("tried %d times, filled %+v", tries, w.fills)
	}

	works = false
	w.send(w.call(2, `{"profile_id":"P","step":"stp_2","event_id":"e","text":"[[ Item ]]"}`))
	begun := w.now
	for w.now.Sub(begun) < 11*time.Minute && w.row(2).EventNote == "" {
		w.reads(r)
		w.now = w.now.Add(time.Second)
	}
	if got := w.now.Sub(begun); w.row(2).EventNote != flow.EventUnread || got < 10*time.Minute || tries > 30 {
		t.Errorf("after %v and %d tries: %q", got, tries, w.row(2).EventNote)
	}
}

// limited is what Klaviyo's client says of a 429.
type limited struct{ error }

func (limited) RetryAfter() time.Duration { return 40 * time.Second }

func TestWhileKlaviyoWantsNothingItIsNotAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants = []string{"Item"}
	asked, answer := 0, error(nil)
	w.pages = func(string, int) (lumo.EventPage, error) {
		asked++
		return lumo.EventPage{Events: []lumo.ReadEvent{{Ref: "e"}}, Wait: 20 * time.Second}, answer
	}
	r := w.reader()
	another := func(n byte) { // a call of its own event
		w.send(w.call(n, fmt.Sprintf(`{"profile_id":"P","step":"stp_%d","event_id":"e","text":"[[ Item ]]"}`, n)))
	}
	another(1)
	w.reads(r)
	another(2)
	w.reads(r)
	if asked != 1 {
		t.Errorf("the window was used up, and Klaviyo asked %d times", asked)
	}
	w.now = w.now.Add(20 * time.Second)
	answer = fault.As(fault.Limited, "test", limited{context.DeadlineExceeded})
	w.reads(r)
	w.now = w.now.Add(39 * time.Second)
	another(3)
	w.reads(r)
	if asked != 2 {
		t.Errorf("it was told to wait, and Klaviyo asked %d times", asked)
	}
	w.now = w.now.Add(time.Second)
	answer = nil
	w.reads(r)
	if asked != 4 || len(w.fills) != 3 {
		t.Errorf("then Klaviyo was asked %d times, and %+v filled", asked, w.fills)
	}
}

func TestOneAccountsSlowEventsHoldUpNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants = []string{"Item"}
	gate, began := make(chan struct{}), make(chan struct{}, 100)
	w.pages = func(string, int) (lumo.EventPage, error) {
		began <- struct{}{}
		<-gate
		return lumo.EventPage{Events: []lumo.ReadEvent{{Ref: "e"}}}, nil
	}
	for n := range byte(12) {
		w.send(w.call(n+1, fmt.Sprintf(`{"profile_id":"P","step":"stp_%d","event_id":"e","text":"[[ Item ]]"}`, n)))
	}
	r := w.reader()
	for range 3 {
		if _, err := r.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 8 {
		<-began
	}
	// Klaviyo thinks: calls are answered all the same, and nobody takes the account's lease.
	w.wants = nil
	if status, _ := w.send(w.call(20, `{"profile_id":"P","step":"stp_20","event_id":"e","text":"hi"}`)); status != 200 {
		t.Errorf("got %d", status)
	}
	if len(began) != 0 {
		t.Errorf("more than eight at once")
	}
	close(gate)
	r.Settle()
	w.now = w.now.Add(time.Second)
	w.reads(r)
	if len(w.fills) != 12 {
		t.Errorf("filled %d", len(w.fills))
	}
}

func TestWhoDiesOverAnEventLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants = []string{"Item"}
	dead, gone := context.WithCancel(context.Background())
	w.pages = func(string, int) (lumo.EventPage, error) {
		gone() // the process ends here: it records nothing
		return lumo.EventPage{}, fault.New(fault.Unavailable, "test", "")
	}
	w.send(w.call(1, cart))
	first := w.reader()
	if _, err := first.RunOnce(dead); err != nil {
		t.Fatal(err)
	}
	first.Settle()
	w.pages = nil
	w.now = w.now.Add(30 * time.Second)
	if !w.reads(w.reader()) || len(w.fills) != 1 {
		t.Errorf("filled %+v", w.fills)
	}
}

func TestSentByHandItWaitsForItsEventToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.yuki.FollowStatus = lumo.NotFriend
	w.send(w.call(1, cart))
	w.yuki.FollowStatus, w.wants = lumo.Following, []string{"Item"}
	if _, err := w.flows.SendNow(context.Background(), flow.Actor{}, w.m, w.channel, lumo.RequestID{1}); err != nil {
		t.Fatal(err)
	}
	w.now = time.Now().Add(time.Second)
	w.reads(w.reader())
	if len(w.plans) != 1 || w.plans[0].WaitsUntil.IsZero() || w.plans[0].Kind != delivery.KindFlow || len(w.fills) != 1 {
		t.Errorf("planned %+v, filled %+v", w.plans, w.fills)
	}
}
