package outbox_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/outbox"
	channelstore "lumo/core/postgres/channel"
	"lumo/core/postgres/shoptest"
	"lumo/shared/fault"
	"lumo/shared/id"
)

func TestOnlyLinkedFriendsAreWrittenAbout(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	stranger := s.AddFriend(t, "Mio", "Ucafe0000000000000000000000000002")
	about := s.fact(lumo.FactSent, "1")
	about.Friend = stranger
	unknownKind := s.fact(lumo.FactSaid, "2")
	s.add(t, about, unknownKind, s.fact(lumo.FactSent, "3"))
	if got := s.count(t, "waiting"); got != 1 {
		t.Errorf("got %d items want 1", got)
	}
}

func TestSameFactMakesOneItem(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var first, second []id.ID
	s.In(t, func(ctx context.Context) (err error) {
		first, err = s.service.AddEvents(ctx, s.Merchant, []lumo.Fact{s.fact(lumo.FactSent, "7")})
		return err
	})
	s.In(t, func(ctx context.Context) (err error) {
		second, err = s.service.AddEvents(ctx, s.Merchant, []lumo.Fact{s.fact(lumo.FactSent, "7")})
		return err
	})
	if diff := cmp.Diff(first, second); diff != "" || first[0].IsZero() {
		t.Errorf("the second add answered another item: %s", diff)
	}
	want := s.Channel.ID.String() + ":sent:7"
	if got := shoptest.Get[string](t, s.Shop, "SELECT unique_id FROM outbox WHERE merchant_id = $1"); got != want {
		t.Errorf("got unique id %s want %s", got, want)
	}
}

func TestEachEventArrivesOnceUnderFaults(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	unavailable := fault.As(fault.Unavailable, "klaviyo", errors.New("503"))
	s.klaviyo.faults = []error{errLost, unavailable, nil, errLost,
		fault.As(fault.Unauthenticated, "klaviyo", errors.New("401")), nil, unavailable,
		fault.As(fault.Limited, "klaviyo", errors.New("429")), errLost}
	s.klaviyo.wait = 3 * time.Second
	want := map[string]bool{}
	for i := range 20 {
		f := s.fact(lumo.FactClicked, strings.Repeat("x", i+1))
		s.add(t, f)
		want[s.Channel.ID.String()+":clicked:"+f.Ref] = true
	}
	s.drain(t)
	got := map[string]bool{}
	for unique := range s.klaviyo.events {
		got[unique] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if sent := s.count(t, "sent"); sent != 20 {
		t.Errorf("got %d sent want 20", sent)
	}
	if s.klaviyo.renewed != 1 {
		t.Errorf("got %d renewals want 1", s.klaviyo.renewed)
	}
}

func TestRefusedItemIsKeptAndHoldsUpNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	refusals := map[lumo.ProfileID]struct {
		err  error
		want string
	}{
		"GONE":  {fault.As(fault.NotFound, "k", errors.New("404")), outbox.ProblemProfileMissing},
		"TWICE": {fault.As(fault.Conflict, "k", errors.New("409")), outbox.ProblemDuplicate},
		"PHONE": {fault.As(fault.Invalid, "k", refusal{"/data/attributes/phone_number"}), outbox.ProblemPhone},
		"EMAIL": {fault.As(fault.Invalid, "k", refusal{"/data/attributes/email"}), outbox.ProblemEmail},
		"ODD":   {fault.As(fault.Invalid, "k", errors.New("400")), outbox.ProblemRefused},
		"LARGE": {fault.As(fault.TooLarge, "k", errors.New("413")), outbox.ProblemTooLarge},
	}
	s.klaviyo.refuse = map[lumo.ProfileID]error{}
	n := 0
	for profile, r := range refusals {
		n++
		friend := s.AddFriend(t, "Friend", lumo.LineUserID("Ubad000000000000000000000000000"+string(rune('a'+n))))
		s.Link(t, friend, s.account, profile)
		s.klaviyo.refuse[profile] = r.err
		f := s.fact(lumo.FactSent, string(profile))
		f.Friend = friend
		s.add(t, f)
	}
	s.add(t, s.fact(lumo.FactSent, "good"))
	s.drain(t)
	for profile, r := range refusals {
		got := shoptest.Get[string](t, s.Shop, `
SELECT state || ' ' || coalesce(problem, '') FROM outbox WHERE merchant_id = $1 AND profile_id = $2`, string(profile))
		if want := "kept " + r.want; got != want {
			t.Errorf("%s: got %q want %q", profile, got, want)
		}
	}
	if len(s.klaviyo.events) != 1 {
		t.Errorf("got %d events want the good one", len(s.klaviyo.events))
	}
	waiting, kept, err := s.service.Count(t.Context(), s.Merchant, s.account)
	if waiting != 0 || kept != int64(len(refusals)) || err != nil {
		t.Errorf("got %d waiting, %d kept, %v", waiting, kept, err)
	}
}

func TestPropertiesArriveBeforeEvents(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.klaviyo.faults = []error{fault.As(fault.Unavailable, "klaviyo", errors.New("503"))}
	s.In(t, func(ctx context.Context) error { return s.service.LinkMade(ctx, s.link, id.ID{}) })
	s.drain(t)
	if diff := cmp.Diff([]string{"profile", "Linked LINE Identity"}, s.klaviyo.order); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{"LINE User ID": string(shoptest.LineUser), "LINE Display Name": "Yuki",
		"LINE Follow Status": "following", "LINE Consent": "given",
		"LINE Consent Updated At": "2026-11-24T03:00:00Z", "LINE Consent Source": "friend_added"}
	if diff := cmp.Diff(want, s.klaviyo.profiles[0].Set); diff != "" {
		t.Error(diff)
	}
	event := s.klaviyo.events[s.Channel.ID.String()+":linked:"+s.link.ID.String()+"-1"]
	wantEvent := map[string]any{"LINE Account": "Hana Tea", "LINE Account ID": "@hanatea",
		"Method": "qr", "Assurance": "proven"}
	if diff := cmp.Diff(wantEvent, event.Properties); diff != "" {
		t.Error(diff)
	}
}

// "Within seconds" is what merchants are told of a consent. Time stands still here: whatever had
// to wait for a moment to come would not be written.
func TestAConsentGoesToKlaviyoWithinSecondsHoweverManyEventsWait(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var sent []lumo.Fact
	for n := range outbox.BulkOver - 1 {
		sent = append(sent, s.fact(lumo.FactSent, strconv.Itoa(n)))
	}
	s.add(t, sent...)
	mio := s.AddFriend(t, "Mio", "Ucafe0000000000000000000000000002")
	s.Link(t, mio, s.account, "P2")
	s.Exec(t, `
UPDATE friend SET follow_status = 'blocked', consent = 'withdrawn' WHERE merchant_id = $1 AND id = $2`, mio)
	s.Clock.Advance(time.Second) // the events have waited longer
	s.In(t, func(ctx context.Context) error { return s.service.ProfileChanged(ctx, s.Merchant, mio) })
	if err := s.run(t); err != nil {
		t.Fatal(err)
	}
	if len(s.klaviyo.profiles) != 1 || s.klaviyo.profiles[0].ID != "P2" || s.klaviyo.profiles[0].Set["LINE Consent"] != "withdrawn" {
		t.Errorf("the first batch wrote %+v, want the consent in it", s.klaviyo.profiles)
	}
	if n := s.count(t, "sent"); n != 60 {
		t.Errorf("the first batch wrote %d items, want 60", n)
	}
	if outbox.LongestRest > 2*time.Second {
		t.Errorf("what is due may lie for %v", outbox.LongestRest)
	}
}

func TestLaterPropertiesReplaceEarlierOnes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	changed := func(ctx context.Context) error { return s.service.ProfileChanged(ctx, s.Merchant, s.friend) }
	s.In(t, changed)
	s.Exec(t, `
UPDATE friend SET follow_status = 'blocked', consent = 'withdrawn', consent_source = 'blocked' WHERE merchant_id = $1`)
	s.In(t, changed)
	s.drain(t)
	if len(s.klaviyo.profiles) != 1 || s.klaviyo.profiles[0].Set["LINE Follow Status"] != "blocked" {
		t.Errorf("got %v want the newest properties alone", s.klaviyo.profiles)
	}
	s.In(t, func(ctx context.Context) error {
		return s.service.LinkEnded(ctx, lumo.Friend{ID: s.friend}, s.Channel, s.link, "LINE User ID")
	})
	s.drain(t)
	last := s.klaviyo.profiles[len(s.klaviyo.profiles)-1]
	if diff := cmp.Diff(outbox.PropertyNames(1)[1:], last.Unset); diff != "" {
		t.Errorf("a property that an import read must stay: %s", diff)
	}
	s.In(t, func(ctx context.Context) error {
		return s.service.LinkEnded(ctx, lumo.Friend{ID: s.friend}, s.Channel, s.link, "")
	})
	s.drain(t)
	last = s.klaviyo.profiles[len(s.klaviyo.profiles)-1]
	if diff := cmp.Diff(outbox.PropertyNames(1), last.Unset); diff != "" || len(last.Set) != 0 {
		t.Errorf("unlinked: got %v %s", last, diff)
	}
}

func TestOldEventsStartNoFlows(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.add(t, s.fact(lumo.FactSent, "old"))
	s.Clock.Advance(6*time.Hour + time.Minute)
	s.add(t, s.fact(lumo.FactSent, "new"))
	s.drain(t)
	for ref, want := range map[string]bool{"old": true, "new": false} {
		if got := s.klaviyo.events[s.Channel.ID.String()+":sent:"+ref].Backfill; got != want {
			t.Errorf("%s: got backfill %v want %v", ref, got, want)
		}
	}
}

func TestItemsWaitWhileKlaviyoWantsApproval(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.klaviyo.blocked = fault.New(fault.Forbidden, "connection.Access", "again")
	s.add(t, s.fact(lumo.FactSent, "1"))
	if err := s.run(t); !fault.Is(err, fault.Forbidden) {
		t.Errorf("got %v want forbidden", err)
	}
	if s.count(t, "waiting") != 1 || s.klaviyo.calls != 0 {
		t.Error("the item did not wait")
	}
	s.klaviyo.blocked = nil
	s.drain(t)
	if len(s.klaviyo.events) != 1 {
		t.Error("the item did not follow")
	}
}

func TestLinkTellsOfTheScanAndFollowThatLedToIt(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	scan := s.ID()
	s.Exec(t, `
INSERT INTO edge_event (merchant_id, id, channel_id, type, class, subject, occurred_at, created_at)
VALUES ($1, $2, $3, 'scan', 'person', 1, $4, $4)`, scan, s.Channel.ID, s.Clock.Now())
	follow := func(ref string, at time.Time) {
		s.Exec(t, `
INSERT INTO friend_event (merchant_id, id, friend_id, channel_id, kind, source, occurred_at, ref, created_at)
VALUES ($1, $2, $3, $4, 'followed', 'webhook', $5, $6, $5)`, s.ID(), s.friend, s.Channel.ID, at, ref)
	}
	follow("long ago", s.Clock.Now().Add(-48*time.Hour))
	s.Clock.Advance(20 * time.Second)
	follow("now", s.Clock.Now())
	s.Clock.Advance(5 * time.Second)
	for range 2 { // a second time changes nothing
		s.In(t, func(ctx context.Context) error { return s.service.LinkMade(ctx, s.link, scan) })
	}
	s.drain(t)
	prefix := s.Channel.ID.String()
	want := map[string]bool{prefix + ":scanned:" + scan.String(): true, prefix + ":followed:now": true,
		prefix + ":linked:" + s.link.ID.String() + "-1": true}
	got := map[string]bool{}
	for unique := range s.klaviyo.events {
		got[unique] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	told := shoptest.Get[int](t, s.Shop, `
SELECT count(*) FROM friend_event WHERE merchant_id = $1 AND outbox_id IS NOT NULL`)
	if told != 2 {
		t.Errorf("got %d timeline rows with an item want 2", told)
	}
}

// tap stores a click on a link of a delivery to somebody, and has Klaviyo told of it.
func (s *shop) tap(t *testing.T, to lumo.FriendID, number uint64) id.ID {
	t.Helper()
	delivery, click := s.AddDelivery(t, to, number), s.ID()
	s.Exec(t, `
INSERT INTO edge_event (merchant_id, id, channel_id, type, class, subject, link, counted, first, delivery_id, occurred_at, created_at)
VALUES ($1, $2, $3, 'click', 'person', $4, 3, true, true, $5, $6, $6)`, click, s.Channel.ID, int64(number), delivery, s.Clock.Now())
	s.In(t, func(ctx context.Context) error {
		return s.service.AddEdgeEvents(ctx, s.Merchant, s.account, []id.ID{click})
	})
	return click
}

// recorded is what the friend's timeline says of each click.
func (s *shop) recorded(t *testing.T) (out []string) {
	t.Helper()
	s.In(t, func(ctx context.Context) error {
		page, err := channelstore.New(s.Vault).Timeline(ctx, s.Merchant, s.friend,
			channel.TimelineQuery{Kinds: []string{"clicked"}, PageQuery: channel.PageQuery{Limit: 10}})
		for _, e := range page.Items {
			out = append(out, e.Recorded)
		}
		return err
	})
	return out
}

func TestClicksWaitInBundlesAndAreToldOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Exec(t, `
INSERT INTO tracked_link (merchant_id, channel_id, number, target, target_hash, created_at)
VALUES ($1, $2, 3, 'https://shop.example/tea', '\x00', now())`, s.Channel.ID)
	s.Clock.Advance(time.Minute)
	click := s.tap(t, s.friend, 7)
	waiting, _, err := s.service.Count(t.Context(), s.Merchant, s.account)
	if got := s.recorded(t); err != nil || waiting != 1 || len(got) != 1 || got[0] != "waiting" {
		t.Errorf("got %d waiting %v, timeline %v want the click to wait", waiting, err, got)
	}
	s.drain(t)
	s.In(t, func(ctx context.Context) error { // told again, as after a crash
		return s.service.AddEdgeEvents(ctx, s.Merchant, s.account, []id.ID{click})
	})
	s.drain(t)
	name := s.Channel.ID.String() + ":clicked:" + click.String()
	told := s.klaviyo.events[name]
	if len(s.klaviyo.events) != 1 || s.klaviyo.calls != 1 || told.Metric != "Clicked LINE Message" ||
		told.Properties["Link URL"] != "https://shop.example/tea" || told.Profile != "P1" {
		t.Errorf("got %d calls, %v", s.klaviyo.calls, s.klaviyo.events)
	}
	waiting, _, err = s.service.Count(t.Context(), s.Merchant, s.account)
	if got := s.recorded(t); err != nil || waiting != 0 || len(got) != 1 || got[0] != "yes" {
		t.Errorf("got %d waiting %v, timeline %v want it told", waiting, err, got)
	}
}

func TestClicksOfWhoIsNotLinkedAreNotTold(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	later := s.AddFriend(t, "Ken", "U"+lumo.LineUserID(strings.Repeat("2", 32)))
	s.Clock.Advance(time.Minute)
	s.tap(t, s.friend, 7)
	s.tap(t, later, 8)
	s.Exec(t, "UPDATE identity_link SET state = 'unlinked' WHERE merchant_id = $1 AND friend_id = $2", s.friend)
	s.Clock.Advance(time.Minute)
	s.Link(t, later, s.account, "P2")
	s.Exec(t, "UPDATE identity_link SET linked_at = $3 WHERE merchant_id = $1 AND friend_id = $2", later, s.Clock.Now())
	s.drain(t)
	left := shoptest.Get[int](t, s.Shop, "SELECT count(*)::int FROM outbox_bundle WHERE merchant_id = $1")
	if s.klaviyo.calls != 0 || left != 0 {
		t.Errorf("got %d calls, %d bundles left want none", s.klaviyo.calls, left)
	}
	if got := s.recorded(t); len(got) != 1 || got[0] != "not_linked" {
		t.Errorf("the timeline says %v", got)
	}
}

// What there is no room for stays as it is, however much there is.
func TestBundlesOpenAsThereIsRoom(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Clock.Advance(time.Minute)
	s.tap(t, s.friend, 10)
	s.tap(t, s.friend, 11)
	facts := make([]lumo.Fact, 2001)
	for i := range facts {
		facts[i] = s.fact(lumo.FactSent, strconv.Itoa(i))
	}
	s.add(t, facts...)
	s.klaviyo.blocked = fault.New(fault.Forbidden, "klaviyo", "")
	for range 3 {
		_ = s.run(t)
	}
	left := shoptest.Get[int](t, s.Shop, "SELECT count(*)::int FROM outbox_bundle WHERE merchant_id = $1")
	if waiting := s.count(t, "waiting"); left != 2 || waiting != len(facts) {
		t.Errorf("got %d bundles, %d items want 2 and %d", left, waiting, len(facts))
	}
	s.klaviyo.blocked = nil
	s.drain(t) // in bulk
	s.drain(t) // what came from the bundles
	if got := len(s.klaviyo.events); got != len(facts)+2 {
		t.Errorf("got %d events want %d", got, len(facts)+2)
	}
}

func TestPayloadIsSealedAndDropped(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.In(t, func(ctx context.Context) error { return s.service.ProfileChanged(ctx, s.Merchant, s.friend) })
	read := func() []byte {
		return shoptest.Get[[]byte](t, s.Shop, "SELECT payload_enc FROM outbox WHERE merchant_id = $1")
	}
	if sealed := read(); len(sealed) == 0 || strings.Contains(string(sealed), string(shoptest.LineUser)) {
		t.Error("the payload is not sealed")
	}
	s.klaviyo.faults = []error{fault.As(fault.Unavailable, "klaviyo", errors.New("503"))}
	s.drain(t)
	if len(read()) != 0 {
		t.Error("a sent payload is still there")
	}
	if strings.Contains(s.log.String(), string(shoptest.LineUser)) || strings.Contains(s.log.String(), "token") {
		t.Errorf("the log says too much: %s", s.log)
	}
}

func TestOneProcessHoldsAnAccount(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	claim := func(owner string) (n int) {
		err := s.DB.InSystem(t.Context(), func(ctx context.Context) error {
			leases, err := s.store.Claim(ctx, owner, time.Minute, 10)
			n = len(leases)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if got := claim("a") + claim("b"); got != 1 {
		t.Errorf("got %d leases want 1", got)
	}
}

func TestRunWritesWhatIsAddedAndStops(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.service.Run(ctx) }()
	s.add(t, s.fact(lumo.FactSent, "1"))
	deadline := time.After(time.Minute)
	for s.count(t, "sent") == 0 {
		select {
		case <-deadline:
			t.Fatal("nothing was written")
		case <-time.After(20 * time.Millisecond):
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	var owned int
	err := s.DB.InSystem(t.Context(), func(ctx context.Context) error {
		leases, err := s.store.Claim(ctx, "next", time.Minute, 10)
		owned = len(leases)
		return err
	})
	if owned != 1 || err != nil {
		t.Errorf("the lease was not given back: %v", err)
	}
}
