package console

import (
	"testing"
	"time"

	"lumo/core/flow"
)

// A call's first step names its event where Klaviyo told it; a call whose event is not known begins
// with itself.
func TestACallBeginsWithTheEventThatStartedIt(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 13, 21, 7, 0, time.UTC)
	row := flow.Row{EventAt: at}
	row.ReceivedAt = at.Add(41 * time.Minute)
	if got := steps(row)[0]; got.Code != "event" || got.Data != nil || !got.At.Equal(at) {
		t.Errorf("without a name: got %+v", got)
	}
	row.EventName = "Checkout Started"
	all := steps(row)
	if all[0].Data["name"] != "Checkout Started" || all[1].Data["minutes"] != 41 {
		t.Errorf("got %+v", all)
	}
	row.EventAt = time.Time{}
	if got := steps(row)[0]; got.Code != "called" {
		t.Errorf("not known: got %+v", got)
	}
}
