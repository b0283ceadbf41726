package delivery_test

import (
	"testing"
	"time"

	"lumo/core/delivery"
)

// What LINE counted and Lumo did not send came from elsewhere. What Lumo sent after LINE counted
// is not in LINE's figure, and people who blocked the account are not charged.
func TestMessagesFromElsewhereAreWhatLINECountedAndLumoDidNotSend(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		line, sent, since int64
		readAt            time.Time
		want              int64
		known             bool
	}{
		"all of them are ours":          {100, 100, 0, asked, 0, true},
		"some came from elsewhere":      {130, 100, 0, asked, 30, true},
		"sent after LINE counted":       {130, 120, 20, asked, 30, true},
		"LINE counts fewer than we":     {90, 100, 0, asked, 0, true},
		"LINE was never asked":          {0, 3, 0, time.Time{}, 0, false},
		"nothing was sent by us at all": {12, 0, 0, asked, 12, true},
	} {
		state := delivery.QuotaState{Quota: delivery.Quota{LINE: c.line, Since: c.since, ReadAt: c.readAt}, Sent: c.sent}
		if got, known := state.Outside(); got != c.want || known != c.known {
			t.Errorf("%s: got %d, %v want %d, %v", name, got, known, c.want, c.known)
		}
	}
}
