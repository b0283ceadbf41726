package console

import (
	"testing"
	"time"

	"lumo/core/delivery"
	"lumo/core/flow"
	"lumo/core/lumo"
)

// A call's first step names its event where Klaviyo told it; a call whose event is not known begins
// with itself.
func TestACallBeginsWithTheEventThatStartedIt(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 13, 21, 7, 0, time.UTC)
	row := flow.Row{EventAt: at}
	row.ReceivedAt = at.Add(41 * time.Minute)
	row.StoredAt = row.ReceivedAt.Add(6 * time.Millisecond)
	if got := steps(row)[0]; got.Code != "event" || got.Data != nil || !got.At.Equal(at) {
		t.Errorf("without a name: got %+v", got)
	}
	row.EventName = "Checkout Started"
	all := steps(row)
	if all[0].Data["name"] != "Checkout Started" || all[1].Data["minutes"] != 41 || all[1].Data["stored_ms"] != int64(6) {
		t.Errorf("got %+v", all)
	}
	row.EventAt, row.StoredAt = time.Time{}, row.ReceivedAt.Add(-time.Millisecond) // an edge whose clock is ahead
	if got := steps(row)[0]; got.Code != "called" || got.Data["stored_ms"] != int64(0) {
		t.Errorf("not known: got %+v", got)
	}
}

// The step that failed is the one that the reason is about, and there is one at most.
func TestTheStepThatFailedIsWhatTheReasonIsAbout(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 14, 2, 10, 0, time.UTC)
	friend := lumo.FriendID{1}
	for name, c := range map[string]struct {
		row  flow.Row
		want string // codes of failed steps
		last string // the last step that was reached
	}{
		"sent":           {flow.Row{Request: flow.Request{Outcome: flow.Accepted, Friend: friend}, State: delivery.Accepted, FirstTryAt: at, AcceptedAt: at}, "", "sent"},
		"a wrong key":    {flow.Row{Request: flow.Request{Outcome: flow.Refused, Reason: "wrong_key"}}, "key ", "key"},
		"not linked":     {flow.Row{Request: flow.Request{Outcome: flow.Skipped, Reason: "unlinked"}}, "recipient ", "recipient"},
		"blocked":        {flow.Row{Request: flow.Request{Outcome: flow.Skipped, Reason: "blocked", Friend: friend}}, "recipient ", "recipient"},
		"a group":        {flow.Row{Request: flow.Request{Outcome: flow.Refused, Reason: "group_id"}}, "recipient ", "recipient"},
		"a broken body":  {flow.Row{Request: flow.Request{Outcome: flow.Refused, Reason: "bad_body"}}, "made ", "made"},
		"a second copy":  {flow.Row{Request: flow.Request{Outcome: flow.Skipped, Reason: "duplicate", Friend: friend}}, "made ", "made"},
		"quiet hours":    {flow.Row{Request: flow.Request{Outcome: flow.Accepted, Friend: friend}, State: delivery.Skipped}, "made ", "made"},
		"LINE refuses":   {flow.Row{Request: flow.Request{Outcome: flow.Accepted, Friend: friend}, State: delivery.Rejected, FirstTryAt: at}, "sent ", "sent"},
		"it still waits": {flow.Row{Request: flow.Request{Outcome: flow.Accepted, Friend: friend}, State: delivery.Planned}, "", "recipient"},
	} {
		c.row.ReceivedAt = at
		failed, last := "", ""
		for _, s := range steps(c.row) {
			if s.State == "failed" {
				failed += s.Code + " "
			}
			if s.State != "not_reached" {
				last = s.Code
			}
		}
		if failed != c.want || last != c.last {
			t.Errorf("%s: failed %q, up to %q; want %q, up to %q", name, failed, last, c.want, c.last)
		}
	}
}
