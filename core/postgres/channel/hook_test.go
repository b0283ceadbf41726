package channel_test

import (
	"context"
	"errors"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

func cancelable(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// eventually waits for what another goroutine does, by looking often, never by hoping.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: did not happen", what)
		}
	}
}

func (w *world) friends(t *testing.T, c channel.Channel) map[string]channel.FriendItem {
	t.Helper()
	list, err := w.people.Friends(t.Context(), w.merchant, channel.FriendQuery{Channel: c.ID})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]channel.FriendItem{}
	for _, f := range list.Items {
		full, err := w.service.Friend(t.Context(), w.merchant, f.ID)
		if err != nil {
			t.Fatal(err)
		}
		out[string(full.Line)] = f
	}
	return out
}

func TestFollowAndBlockInAnyOrderOnceEach(t *testing.T) {
	t.Parallel()
	for seed := range int64(6) {
		w := newWorld(t)
		c := w.connect(t)
		begin := w.clock()
		events := []any{event("follow", "E1", yuki, begin), event("unfollow", "E2", yuki, begin.Add(time.Second)),
			event("follow", "E3", yuki, begin.Add(2*time.Second)), event("unfollow", "E4", yuki, begin.Add(3*time.Second))}
		events = append(events, events[1], events[3])
		rand.New(rand.NewSource(seed)).Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		for _, e := range events {
			w.deliver(t, c, e)
		}
		got := w.friends(t, c)[string(yuki)]
		if got.FollowStatus != lumo.Blocked || got.Consent != lumo.ConsentWithdrawn ||
			!got.BlockedAt.Equal(begin.Add(3*time.Second)) {
			t.Fatalf("order %d: got %s %s %v", seed, got.FollowStatus, got.Consent, got.BlockedAt)
		}
		kinds := w.facts.kinds()
		if n := count(kinds, lumo.FactFollowed); n != 2 {
			t.Errorf("order %d: %d followed facts, want 2", seed, n)
		}
		if n := count(kinds, lumo.FactBlocked); n != 2 {
			t.Errorf("order %d: %d blocked facts, want 2", seed, n)
		}
	}
}

func count(kinds []lumo.FactKind, one lumo.FactKind) (n int) {
	for _, k := range kinds {
		if k == one {
			n++
		}
	}
	return n
}

func TestRequestTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	req := w.request(c, lumo.AuthVerified, secret, body(t, event("follow", "E1", yuki, w.clock())))
	for range 3 {
		if got, err := w.service.HandleEdge(t.Context(), req); err != nil || got.Status != 200 {
			t.Fatalf("got %d %v", got.Status, err)
		}
	}
	if n := w.count(t, `SELECT count(*) FROM hook_request`); n != 1 {
		t.Errorf("%d requests stored, want 1", n)
	}
	if n := count(w.facts.kinds(), lumo.FactFollowed); n != 1 {
		t.Errorf("%d facts, want 1", n)
	}
}

func TestSignatureDecidesWhatTheEdgeCouldNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	for name, one := range map[string]struct {
		auth   lumo.EdgeAuth
		key    string
		status int
		state  string
	}{
		"verified":            {lumo.AuthVerified, secret, 200, "done"},
		"provisional, right":  {lumo.AuthProvisional, secret, 200, "done"},
		"provisional, wrong":  {lumo.AuthProvisional, newSecret, 401, "refused"},
		"unchecked, wrong":    {lumo.AuthUnchecked, newSecret, 401, "refused"},
		"refused by the edge": {lumo.AuthRefused, newSecret, 401, "refused"},
	} {
		req := w.request(c, one.auth, one.key, body(t, event("follow", "E"+one.state+string(one.auth), yuki, w.clock())))
		got, err := w.service.HandleEdge(t.Context(), req)
		if err != nil || got.Status != one.status {
			t.Errorf("%s: got %d, %v want %d", name, got.Status, err, one.status)
		}
		if n := w.count(t, `SELECT count(*) FROM hook_request WHERE id = $1 AND state = $2`, req.ID, one.state); n != 1 {
			t.Errorf("%s: not stored as %s", name, one.state)
		}
	}
	if n := count(w.facts.kinds(), lumo.FactFollowed); n != 2 {
		t.Errorf("%d facts, want 2", n)
	}
}

func TestNewSecretTriesWhatTheOldOneRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	for i, key := range []string{newSecret, "neither-the-old-nor-the-new-one!"} {
		req := w.request(c, lumo.AuthRefused, key, body(t, event("follow", "E"+string('1'+rune(i)), yuki, w.clock())))
		if _, err := w.service.HandleEdge(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	w.line.keys.Messaging.Secret = newSecret
	change := channel.Keys{Messaging: lumo.Keys{Secret: newSecret}}
	if _, err := w.service.Change(t.Context(), w.merchant, c.ID, channel.Actor{}, change); err != nil {
		t.Fatal(err)
	}
	if got := count(w.facts.kinds(), lumo.FactFollowed); got != 1 {
		t.Errorf("%d follows, want the one that the new secret signed", got)
	}
	if n := w.count(t, `SELECT count(*) FROM hook_request WHERE state = 'refused'`); n != 1 {
		t.Errorf("%d refused left, want 1", n)
	}
}

// What is too old to be tried comes first, and holds up nothing that came later.
func TestNewSecretTriesWhatCameAfterWhatIsTooOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	refuse := func(name string, user lumo.LineUserID) {
		t.Helper()
		req := w.request(c, lumo.AuthRefused, newSecret, body(t, event("follow", name, user, w.clock())))
		if _, err := w.service.HandleEdge(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	refuse("E1", yuki)
	w.pass(23 * time.Hour)
	refuse("E2", mio)
	w.pass(time.Hour + 5*time.Minute)
	w.line.keys.Messaging.Secret = newSecret
	if _, err := w.service.Change(t.Context(), w.merchant, c.ID, channel.Actor{},
		channel.Keys{Messaging: lumo.Keys{Secret: newSecret}}); err != nil {
		t.Fatal(err)
	}
	if got := count(w.facts.kinds(), lumo.FactFollowed); got != 1 {
		t.Errorf("%d follows, want the one of an hour ago", got)
	}
}

// Whose account the keys are of is known here: the old secret may work no more, and usually does
// not when people bring a new one.
func TestKeysOfAnotherAccountAreRefusedThoughTheOldOnesWorkNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.line.keys.Messaging = lumo.Keys{ID: "1657000009", Secret: newSecret}
	change := channel.Keys{Messaging: w.line.keys.Messaging}
	w.line.account = channel.Account{BotUser: mio, Name: "Second", BasicID: "@second"}
	_, err := w.service.Change(t.Context(), w.merchant, c.ID, channel.Actor{}, change)
	if !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)["messaging_channel_id"] == "" {
		t.Errorf("another account's keys: got %v", err)
	}
	w.line.account.BotUser = bot
	if _, err := w.service.Change(t.Context(), w.merchant, c.ID, channel.Actor{}, change); err != nil {
		t.Errorf("the account's own new keys: got %v", err)
	}
}

func TestProbeWithoutEventsIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, w.connect(t))
}

func TestOneBadEventLosesNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.deliver(t, c, map[string]any{"mode": "active"}, event("follow", "E1", yuki, w.clock()),
		map[string]any{"type": "follow", "source": map[string]any{"userId": "x"}},
		event("somethingNew", "E2", yuki, w.clock()), event("follow", "E3", mio, w.clock()))
	if got := len(w.friends(t, c)); got != 2 {
		t.Errorf("%d friends, want 2", got)
	}
	if n := w.count(t, `SELECT count(*) FROM line_event`); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
	if n := w.count(t, `SELECT count(*) FROM hook_request WHERE state = 'kept' AND problem = 'partly_read'`); n != 1 {
		t.Error("what could not be read is not kept for a person to see")
	}
}

func TestEventsOfAnotherAccountAreKeptAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	text := strings.ReplaceAll(string(body(t, event("follow", "E1", yuki, w.clock()))), string(bot), string(mio))
	got, err := w.service.HandleEdge(t.Context(), w.request(c, lumo.AuthVerified, secret, []byte(text)))
	if err != nil || got.Status != 200 || len(w.friends(t, c)) != 0 {
		t.Errorf("got %d %v, %d friends", got.Status, err, len(w.friends(t, c)))
	}
}

func TestGroupsAndPeopleWithoutConsentAreNoFriends(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	group := event("message", "E1", yuki, w.clock())
	group["source"] = map[string]any{"type": "group", "groupId": "C1", "userId": string(yuki)}
	nobody := event("message", "E2", yuki, w.clock())
	nobody["source"] = map[string]any{"type": "user"}
	w.deliver(t, c, group, nobody)
	if got := len(w.friends(t, c)); got != 0 {
		t.Errorf("%d friends, want none", got)
	}
}

func TestWhatPeopleWriteIsNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.deliver(t, c, event("message", "E1", yuki, w.clock()))
	if got := w.facts.recorded; len(got) != 1 || got[0].Kind != lumo.FactSaid || got[0].Data["type"] != "text" || len(got[0].Data) != 1 {
		t.Errorf("got %+v", got)
	}
	f := w.friends(t, c)[string(yuki)]
	if f.FollowStatus != lumo.NotFriend || f.Consent != lumo.ConsentUnknown {
		t.Errorf("writing gives no consent: got %s %s", f.FollowStatus, f.Consent)
	}
}

func TestFailureOfOurOwnIsWorkedOffLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.facts.setFail(fault.As(fault.Internal, "test", errors.New("a bug")))
	w.deliver(t, c, event("follow", "E1", yuki, w.clock()))
	if n := w.count(t, `SELECT count(*) FROM hook_request WHERE state = 'waiting'`); n != 1 {
		t.Fatalf("%d requests wait, want 1", n)
	}
	w.pass(retry)
	w.upkeep(t)
	w.facts.setFail(nil)
	w.pass(time.Minute)
	w.upkeep(t)
	if n := w.count(t, `SELECT count(*) FROM hook_request WHERE state = 'done'`); n != 1 {
		t.Error("the request did not end")
	}
	if got := count(w.facts.kinds(), lumo.FactFollowed); got != 1 {
		t.Errorf("%d follows, want 1", got)
	}
}

const retry = 6 * time.Second

// upkeep runs all that is due.
func (w *world) upkeep(t *testing.T) {
	t.Helper()
	for {
		did, err := w.service.UpkeepOnce(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !did {
			return
		}
	}
}

func TestDatabaseTroubleLeavesTheRequestWithTheEdge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.facts.setFail(fault.As(fault.Unavailable, "test", errors.New("the database restarts")))
	req := w.request(c, lumo.AuthVerified, secret, body(t, event("follow", "E1", yuki, w.clock())))
	if _, err := w.service.HandleEdge(t.Context(), req); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v want unavailable", err)
	}
	w.facts.setFail(nil)
	if got, err := w.service.HandleEdge(t.Context(), req); err != nil || got.Status != 200 {
		t.Fatalf("again: got %d %v", got.Status, err)
	}
}

func TestFollowStandsWithoutAName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.line.people[yuki] = channel.Person{Name: "Yuki S.", PictureURL: "https://p.example/1", Language: "ja"}
	w.line.down = true
	w.deliver(t, c, event("follow", "E1", yuki, w.clock()))
	if got := w.friends(t, c)[string(yuki)]; got.FollowStatus != lumo.Following || got.DisplayName != "" {
		t.Fatalf("got %+v", got)
	}
	w.line.down = false
	w.pass(11 * time.Minute)
	w.upkeep(t)
	if got := w.friends(t, c)[string(yuki)]; got.DisplayName != "Yuki S." || got.Language != "ja" {
		t.Errorf("got %+v", got)
	}
	if q, err := w.service.Channel(t.Context(), w.merchant, c.ID); err != nil || q.Quota.Limit != 200 {
		t.Errorf("quota: got %+v %v", q.Quota, err)
	}
}

func TestUpkeepIsForOneProcessAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t)
	other := w.newService(t, "core-2")
	w.pass(11 * time.Minute)
	w.line.people[yuki] = channel.Person{}
	did, err := w.service.UpkeepOnce(t.Context())
	if err != nil || !did {
		t.Fatalf("got %v %v", did, err)
	}
	if did, err := other.UpkeepOnce(t.Context()); err != nil || did {
		t.Errorf("got %v, %v want nothing due", did, err)
	}
}

func TestFriendsAreListedInPagesAndFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.line.people[yuki] = channel.Person{Name: "Yuki 100%"}
	w.deliver(t, c, event("follow", "E1", yuki, w.clock()), event("follow", "E2", mio, w.clock()))
	w.pass(11 * time.Minute)
	w.upkeep(t)
	q := channel.FriendQuery{Channel: c.ID, PageQuery: channel.PageQuery{Limit: 1}}
	first, err := w.people.Friends(t.Context(), w.merchant, q)
	if err != nil || *first.Total != 2 || len(first.Items) != 1 || first.Next.IsZero() {
		t.Fatalf("got %+v %v", first, err)
	}
	q.Before = first.Next
	second, err := w.people.Friends(t.Context(), w.merchant, q)
	if err != nil || len(second.Items) != 1 || !second.Next.IsZero() || second.Items[0].ID == first.Items[0].ID {
		t.Fatalf("got %+v %v", second, err)
	}
	for text, want := range map[string]int{"yuki": 1, "100%": 1, "0_%": 0, string(mio): 1, "nobody": 0} {
		got, err := w.people.Search(t.Context(), w.merchant, channel.FriendQuery{Channel: c.ID}, text)
		if err != nil || len(got.Items) != want {
			t.Errorf("%q: got %d, %v want %d", text, len(got.Items), err, want)
		}
	}
	page, err := w.people.Page(t.Context(), w.merchant, c.ID, first.Items[0].ID)
	if err != nil || page.Link != nil || page.ConsentSource != "friend_added" {
		t.Errorf("page: got %+v %v", page, err)
	}
	if _, err := w.people.Page(t.Context(), w.merchant, lumo.ChannelID{1}, first.Items[0].ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("page of another channel: got %v want not_found", err)
	}
}

// giveUp lets time pass until what keeps failing is kept aside.
func (w *world) giveUp(t *testing.T) {
	t.Helper()
	for range 25 {
		w.pass(10 * time.Minute)
		w.upkeep(t)
	}
}

func TestNoSecretAndNoLINEIDIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.facts.setFail(fault.As(fault.Internal, "test", errors.New("a bug")))
	w.deliver(t, c, event("follow", "E1", yuki, w.clock()))
	w.giveUp(t)
	w.line.down = true
	w.pass(time.Hour)
	w.upkeep(t)
	logs := w.logs.String()
	if !strings.Contains(logs, "webhook still fails") {
		t.Fatal("nothing was logged, so this proves nothing")
	}
	for _, canary := range []string{secret, string(yuki), string(bot), keys().Login.Secret, "hello"} {
		if strings.Contains(logs, canary) {
			t.Errorf("a log holds %q", canary)
		}
	}
	if n := w.count(t, `SELECT count(*) FROM hook_request WHERE state = 'kept' AND problem = 'failed'`); n != 1 {
		t.Error("a request that always fails is not kept aside")
	}
	if !slices.Contains(w.facts.kinds(), lumo.FactConsent) && len(w.facts.kinds()) != 0 {
		t.Error("facts without their change")
	}
}

// keepOneAside has a friend's follow event fail until it is kept, and then mends the fault.
func (w *world) keepOneAside(t *testing.T, c channel.Channel) {
	t.Helper()
	w.facts.setFail(fault.As(fault.Internal, "test", errors.New("a bug")))
	w.deliver(t, c, event("follow", "E1", yuki, w.clock()))
	w.giveUp(t)
	w.facts.setFail(nil)
}

// What a fault of ours kept aside is worked off when a person asks, each event once, whoever
// asks how often.
func TestKeptEventsAreWorkedOffWhenAPersonAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.keepOneAside(t, c)
	kept, err := w.service.Kept(t.Context(), w.merchant, c.ID, false)
	if err != nil || len(kept) != 1 || kept[0].Problem != "failed" {
		t.Fatalf("got %+v %v", kept, err)
	}
	for range 2 { // two people press the button
		if n, err := w.service.Replay(t.Context(), w.merchant, c.ID, channel.Actor{}, lumo.RequestID{}); err != nil || n > 1 {
			t.Fatalf("got %d %v", n, err)
		}
	}
	if _, err := w.service.Replay(t.Context(), w.merchant, c.ID, channel.Actor{}, kept[0].ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("taken up twice: %v", err)
	}
	w.upkeep(t)
	if n := count(w.facts.kinds(), lumo.FactFollowed); n != 1 || len(w.friends(t, c)) != 1 {
		t.Errorf("%d follows, %d friends, want one of each", n, len(w.friends(t, c)))
	}
	if kept, err := w.service.Kept(t.Context(), w.merchant, c.ID, false); err != nil || len(kept) != 0 {
		t.Errorf("still kept: %+v %v", kept, err)
	}
}

// What a person dismissed asks for nobody's attention, is not tried again with all others, and
// comes back when it is wanted after all.
func TestDismissedEventsRestUntilTheyAreBroughtBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.keepOneAside(t, c)
	list := func(dismissed bool) []channel.KeptRequest {
		all, err := w.service.Kept(t.Context(), w.merchant, c.ID, dismissed)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	one := list(false)[0].ID
	if n, err := w.service.Dismiss(t.Context(), w.merchant, c.ID, channel.Actor{}, one); err != nil || n != 1 {
		t.Fatalf("got %d %v", n, err)
	}
	if len(list(false)) != 0 || len(list(true)) != 1 {
		t.Errorf("kept %+v, dismissed %+v", list(false), list(true))
	}
	if _, err := w.service.Dismiss(t.Context(), w.merchant, c.ID, channel.Actor{}, one); !fault.Is(err, fault.Conflict) {
		t.Errorf("dismissed twice: %v", err)
	}
	if n, err := w.service.Replay(t.Context(), w.merchant, c.ID, channel.Actor{}, lumo.RequestID{}); err != nil || n != 0 {
		t.Errorf("trying all again took %d dismissed, %v", n, err)
	}
	if n, err := w.service.BringBack(t.Context(), w.merchant, c.ID, channel.Actor{}, one); err != nil || n != 1 {
		t.Fatalf("got %d %v", n, err)
	}
	if _, err := w.service.Replay(t.Context(), w.merchant, c.ID, channel.Actor{}, one); err != nil {
		t.Fatal(err)
	}
	w.upkeep(t)
	if n := count(w.facts.kinds(), lumo.FactFollowed); n != 1 {
		t.Errorf("%d follows, want one", n)
	}
	if got := w.facts.actions(); !slices.Contains(got, "channel.dismiss") || !slices.Contains(got, "channel.bring_back") {
		t.Errorf("the audit log has %v", got)
	}
}

func TestBodiesAreForgottenInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.deliver(t, c, event("follow", "E1", yuki, w.clock()))
	refused := w.request(c, lumo.AuthRefused, newSecret, body(t))
	if _, err := w.service.HandleEdge(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		after time.Duration
		left  int
	}{{23 * time.Hour, 2}, {2 * time.Hour, 1}, {30 * 24 * time.Hour, 0}} {
		w.pass(want.after)
		w.upkeep(t)
		if got := w.count(t, `SELECT count(*) FROM hook_request`); got != want.left {
			t.Errorf("after %v: %d bodies, want %d", want.after, got, want.left)
		}
	}
}
