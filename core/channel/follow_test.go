package channel

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lumo/core/lumo"
)

func at(second int) time.Time { return time.Unix(int64(1000+second), 0).UTC() }

func stranger() Follow {
	return Follow{Status: lumo.NotFriend, At: time.Unix(0, 0).UTC(), Consent: lumo.ConsentUnknown}
}

func applied(seen []lumo.FollowSeen) Follow {
	f := stranger()
	for _, o := range seen {
		f.observe(o)
	}
	return f
}

func TestFollowStateIsTheSameInWhateverOrderEventsArrive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		var seen []lumo.FollowSeen
		for i := range n {
			seen = append(seen, lumo.FollowSeen{
				At:        at(rapid.IntRange(0, 4).Draw(t, "at")), // ties happen
				Event:     fmt.Sprintf("E%d", i),
				Status:    rapid.SampledFrom([]lumo.FollowStatus{lumo.Following, lumo.Blocked}).Draw(t, "status"),
				Unblocked: rapid.Bool().Draw(t, "unblocked")})
		}
		want := applied(seen)
		mixed := append([]lumo.FollowSeen(nil), seen...)
		mixed = append(mixed, seen[0]) // LINE may tell twice
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(mixed),
			func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if diff := cmp.Diff(want, applied(mixed)); diff != "" {
			t.Fatalf("another order gives another state (-want +got):\n%s", diff)
		}
	})
}

func TestConsentIsDerivedFromWhatLINEsTold(t *testing.T) {
	t.Parallel()
	follow := lumo.FollowSeen{Status: lumo.Following, At: at(1), Event: "E1"}
	back := lumo.FollowSeen{Status: lumo.Following, At: at(3), Event: "E3", Unblocked: true}
	block := lumo.FollowSeen{Status: lumo.Blocked, At: at(2), Event: "E2"}
	probe := func(s lumo.FollowStatus, second int) lumo.FollowSeen {
		return lumo.FollowSeen{Status: s, At: at(second)}
	}
	for name, c := range map[string]struct {
		seen    []lumo.FollowSeen
		status  lumo.FollowStatus
		consent lumo.Consent
		source  string
		at      time.Time
	}{
		"nothing known":              {nil, lumo.NotFriend, lumo.ConsentUnknown, "", time.Time{}},
		"friend added":               {[]lumo.FollowSeen{follow}, lumo.Following, lumo.ConsentGiven, "friend_added", at(1)},
		"blocked":                    {[]lumo.FollowSeen{follow, block}, lumo.Blocked, lumo.ConsentWithdrawn, "blocked", at(2)},
		"late follow changes none":   {[]lumo.FollowSeen{block, follow}, lumo.Blocked, lumo.ConsentWithdrawn, "blocked", at(2)},
		"came back":                  {[]lumo.FollowSeen{back, block, follow}, lumo.Following, lumo.ConsentGiven, "unblocked", at(3)},
		"probe of a friend":          {[]lumo.FollowSeen{probe(lumo.Following, 5)}, lumo.Following, lumo.ConsentGiven, "status_refresh", at(5)},
		"probe agrees":               {[]lumo.FollowSeen{follow, probe(lumo.Following, 5)}, lumo.Following, lumo.ConsentGiven, "friend_added", at(1)},
		"event explains a probe":     {[]lumo.FollowSeen{probe(lumo.Following, 5), follow}, lumo.Following, lumo.ConsentGiven, "friend_added", at(1)},
		"never a friend":             {[]lumo.FollowSeen{probe(lumo.NotFriend, 5)}, lumo.NotFriend, lumo.ConsentUnknown, "", time.Time{}},
		"no longer a friend":         {[]lumo.FollowSeen{follow, probe(lumo.NotFriend, 5)}, lumo.Blocked, lumo.ConsentWithdrawn, "status_refresh", at(5)},
		"no longer, told later":      {[]lumo.FollowSeen{probe(lumo.NotFriend, 5), follow}, lumo.Blocked, lumo.ConsentWithdrawn, "status_refresh", at(5)},
		"probe is of when it begins": {[]lumo.FollowSeen{probe(lumo.NotFriend, 1), follow}, lumo.Following, lumo.ConsentGiven, "friend_added", at(1)},
	} {
		f := applied(c.seen)
		if f.Status != c.status || f.Consent != c.consent || f.ConsentSource != c.source ||
			!f.ConsentAt.Equal(c.at) {
			t.Errorf("%s: got %s, %s by %q at %v", name, f.Status, f.Consent, f.ConsentSource, f.ConsentAt)
		}
	}
}
