package outbox

import (
	"testing"
	"time"

	"lumo/core/lumo"
)

func TestPaceKeepsBothWindows(t *testing.T) {
	t.Parallel()
	for name, tier := range map[string]tier{"events": eventTier(), "profiles": profileTier(), "bulk": bulkTier()} {
		p := newPace(tier, time.Now())
		perSecond, burst := float64(p.limit.Limit()), float64(p.limit.Burst())
		if second := burst + perSecond; second > tier.burst {
			t.Errorf("%s: %.0f in a second, limit %.0f", name, second, tier.burst)
		}
		if minute := burst + 60*perSecond; minute > tier.steady {
			t.Errorf("%s: %.0f in a minute, limit %.0f", name, minute, tier.steady)
		}
		if minute := burst + 60*perSecond; minute < 0.9*tier.steady {
			t.Errorf("%s: only %.0f of %.0f in a minute", name, minute, tier.steady)
		}
	}
}

func TestBackoffDoublesToAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	for tries, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second,
		10: longestWait, 500: longestWait} {
		if got := backoff(tries, 0.5); got != want {
			t.Errorf("%d tries: got %v want %v", tries, got, want)
		}
	}
}

func TestPropertyNamesCarryTheNumber(t *testing.T) {
	t.Parallel()
	for number, want := range map[int]string{0: "LINE User ID", 1: "LINE User ID", 2: "LINE User ID 2"} {
		if got := PropertyNames(number)[0]; got != want {
			t.Errorf("%d: got %q want %q", number, got, want)
		}
	}
}

func TestEventPropertiesHoldOnlyWhatIsListed(t *testing.T) {
	t.Parallel()
	got := eventProperties(Target{}, lumo.Fact{Kind: lumo.FactSent, Data: map[string]any{
		"message_name": "Sale", "line_user_id": "U1", "email": "a@b.example"}})
	if len(got) != 3 || got["Message"] != "Sale" {
		t.Errorf("got %v", got)
	}
}
