package tracking_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/lumo"
	"lumo/core/postgres/shoptest"
	"lumo/core/tracking"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

func TestClickCountsOnceHoweverOftenItArrives(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	click := s.event(event.Click, event.Person, 7, 1)
	var together sync.WaitGroup
	for range 4 { // several edges' batches at once
		together.Go(func() { s.ingest(t, click, click) })
	}
	together.Wait()
	s.ingest(t, click)
	if clicked, opened := s.counter(t, "clicked"), s.counter(t, "opened"); clicked != 1 || opened != 1 {
		t.Errorf("got %d clicks, %d opens want one each", clicked, opened)
	}
	if got := s.timeline(t, "clicked"); got != 1 {
		t.Errorf("got %d timeline rows want 1", got)
	}
	inferred := shoptest.Get[bool](t, s.Shop, "SELECT inferred FROM edge_event WHERE merchant_id = $1 AND type = 'open'")
	if !inferred {
		t.Error("the open is not marked as inferred")
	}
	clickedAt := shoptest.Get[time.Time](t, s.Shop, "SELECT last_clicked_at FROM friend_activity WHERE merchant_id = $1")
	if !clickedAt.Equal(click.ID.Time()) {
		t.Errorf("got last click %v want %v", clickedAt, click.ID.Time())
	}
}

func TestOnlyPersonsCount(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, class := range []event.Class{event.Head, event.Prefetch, event.Crawler} {
		s.ingest(t, s.event(event.Click, class, 7, 1), s.event(event.Open, class, 7, 0),
			s.event(event.Scan, class, 1, 0))
	}
	for _, kind := range []string{"clicked", "opened", "scanned"} {
		if got := s.counter(t, kind); got != 0 {
			t.Errorf("%s: got %d want 0", kind, got)
		}
	}
	stored := shoptest.Get[int](t, s.Shop, "SELECT count(*)::int FROM edge_event WHERE merchant_id = $1")
	if feed := s.home(t).Feed; stored != 9 || len(feed) != 0 {
		t.Errorf("got %d events, %d lines want 9 and none", stored, len(feed))
	}
}

func TestClicksWithinTenSecondsAreOne(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var events []lumo.EdgeEvent
	for _, gap := range []time.Duration{0, 4 * time.Second, 5 * time.Second, 2 * time.Second} { // at 0 4 9 11 s
		s.Clock.Advance(gap)
		events = append(events, s.event(event.Click, event.Person, 7, 1))
	}
	events = append(events, s.event(event.Click, event.Person, 7, 2)) // another link
	rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	s.ingest(t, events...)
	if got := s.counter(t, "clicked"); got != 3 {
		t.Errorf("got %d clicks want 3: at 0 s and 11 s, and on the other link", got)
	}
	first := shoptest.Get[int](t, s.Shop, `
SELECT count(*)::int FROM edge_event WHERE merchant_id = $1 AND type = 'click' AND first`)
	if first != 2 {
		t.Errorf("got %d first clicks want one for each link", first)
	}
	s.ingest(t, s.event(event.Open, event.Person, 7, 0))
	if got := s.counter(t, "opened"); got != 1 {
		t.Errorf("got %d opens want 1", got)
	}
}

func TestOpensAreNotMeasuredWhereTheMerchantSaidSo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Exec(t, "UPDATE channel SET opens_measured = false WHERE merchant_id = $1")
	s.ingest(t, s.event(event.Click, event.Person, 7, 1), s.event(event.Open, event.Person, 7, 0))
	if clicked, opened := s.counter(t, "clicked"), s.counter(t, "opened"); clicked != 1 || opened != 0 {
		t.Errorf("got %d clicks, %d opens want 1 and none", clicked, opened)
	}
}

func TestClickTellsWhoWhatAndWhen(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Exec(t, `
INSERT INTO tracked_link (merchant_id, channel_id, number, target, target_hash, created_at)
VALUES ($1, $2, 3, 'https://shop.example/tea', '\x00', now())`, s.Channel.ID)
	account := s.AddAccount(t)
	s.Link(t, s.friend, account, "P1")
	click := s.event(event.Click, event.Person, 7, 3)
	s.ingest(t, click)
	feed := s.home(t).Feed
	if len(feed) != 2 || len(s.far.told[account]) != 2 {
		t.Fatalf("got %d lines and %d events for Klaviyo want 2 each: the click, the open that it tells of",
			len(feed), len(s.far.told[account]))
	}
	i := slices.IndexFunc(feed, func(f tracking.FeedItem) bool { return f.ID == click.ID })
	if i < 0 {
		t.Fatalf("the click is not in %+v", feed)
	}
	got := feed[i]
	if got.Kind != lumo.FactClicked || got.Friend != s.friend || got.FriendName != "Yuki" ||
		got.Data["url"] != "https://shop.example/tea" || got.Data["link"] != int64(3) || got.Data["first"] != true ||
		!got.At.Equal(click.ID.Time()) || got.Data["delivery"] != s.delivery.String() {
		t.Errorf("got %+v", got)
	}
	if open := feed[1-i]; open.Kind != lumo.FactOpened || open.Data["inferred"] != true {
		t.Errorf("got %+v", open)
	}
}

func TestUnknownDeliveryAndSharedSendHaveNoPerson(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.ingest(t, s.event(event.Click, event.Person, 99, 1),
		s.event(event.Click, event.Person, token.SharedSend|7, 1))
	if got := len(s.home(t).Feed); got != 0 {
		t.Errorf("got %d lines want none", got)
	}
	counted := shoptest.Get[int](t, s.Shop, "SELECT count(*)::int FROM edge_event WHERE merchant_id = $1 AND counted AND shared")
	if counted != 1 {
		t.Errorf("got %d counted shared clicks want 1", counted)
	}
}

func TestEventOfANumberNeverGivenOutIsRejectedAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	bad := s.event(event.Click, event.Person, 7, 1)
	bad.Event.Number = 4_000_000_000
	rejected := s.ingest(t, s.event(event.Click, event.Person, 7, 1), bad)
	if len(rejected) != 1 || rejected[0] != bad.ID || s.counter(t, "clicked") != 1 {
		t.Errorf("got %v rejected, %d clicks", rejected, s.counter(t, "clicked"))
	}
}

func TestScanIsThePersonsWhoseLoginItBecame(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Exec(t, `
INSERT INTO qr_code (merchant_id, id, channel_id, number, public_key, name, identify_by, state, created_at, updated_at)
VALUES ($1, $2, $3, 5, 'abcdefghijklmnop', 'Leaflet', 'profile', 'live', now(), now())`, s.ID(), s.Channel.ID)
	known, unknown := s.event(event.Scan, event.Person, 5, 0), s.event(event.Scan, event.Person, 5, 0)
	s.Exec(t, `
INSERT INTO login_state (merchant_id, id, channel_id, claim, friend_id, state, taken_at, expires_at)
VALUES ($1, $2, $3, 'profile', $4, 'linked', now(), now())`, known.ID, s.Channel.ID, s.friend)
	s.ingest(t, known, unknown)
	s.ingest(t, known)
	scans := shoptest.Get[int](t, s.Shop, "SELECT scans::int FROM qr_code WHERE merchant_id = $1")
	if scans != 2 || s.counter(t, "scanned") != 2 || s.timeline(t, "scanned") != 1 {
		t.Errorf("got %d scans, counter %d, timeline %d want 2, 2, 1", scans, s.counter(t, "scanned"), s.timeline(t, "scanned"))
	}
	// told again by whoever knows the login: the timeline has it already
	s.In(t, func(ctx context.Context) error {
		return s.service.Record(ctx, lumo.Fact{Merchant: s.Merchant, Channel: s.Channel.ID, Friend: s.friend,
			Kind: lumo.FactScanned, Source: "qr", Ref: known.ID.String(), OccurredAt: s.Clock.Now()})
	})
	if got := s.timeline(t, "scanned"); got != 1 {
		t.Errorf("got %d timeline rows want 1", got)
	}
}

func TestRefusedHookIsPassedOn(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	e := s.event(event.RefusedHook, event.Person, 3, 0)
	e.Event.Reason = uint16(edgeapi.WrongKey)
	signature := s.event(event.RefusedHook, event.Person, 0, 0)
	signature.Event.Reason = uint16(edgeapi.BadSignature)
	s.ingest(t, e, signature)
	s.ingest(t, e)
	if len(s.far.refused) != 1 || s.far.refused[0].Reason != "wrong_key" || s.far.refused[0].KeyNumber != 3 {
		t.Errorf("got %+v", s.far.refused)
	}
	if got := s.counter(t, "refused"); got != 2 {
		t.Errorf("got %d refused want 2", got)
	}
}

func TestDayIsTheMerchants(t *testing.T) {
	t.Parallel()
	s := newShop(t) // noon in Tokyo
	record := func() {
		s.In(t, func(ctx context.Context) error {
			return s.service.Record(ctx, lumo.Fact{Merchant: s.Merchant, Channel: s.Channel.ID, Friend: s.friend,
				Kind: lumo.FactSent, Source: "flow", Ref: "1", OccurredAt: s.Clock.Now()})
		})
	}
	today := func() int64 {
		h, err := s.service.Home(t.Context(), s.Merchant, s.Channel.ID)
		if err != nil {
			t.Fatal(err)
		}
		return h.Figures.Today.Sent
	}
	record()
	s.Clock.Advance(11*time.Hour + 59*time.Minute) // 23:59 there, 14:59 UTC
	record()
	if got := today(); got != 2 {
		t.Errorf("before midnight: got %d want 2", got)
	}
	s.Clock.Advance(2 * time.Minute)
	record()
	if got := today(); got != 1 {
		t.Errorf("after midnight: got %d want 1", got)
	}
}

func TestHomeShowsWhatIsThere(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.AddAccount(t)
	s.Link(t, s.friend, a, "P1")
	s.Exec(t, "UPDATE klaviyo_account SET state = 'reconnect' WHERE merchant_id = $1")
	for _, kind := range []lumo.FactKind{lumo.FactSent, lumo.FactConsent, lumo.FactBlocked} {
		s.In(t, func(ctx context.Context) error {
			return s.service.Record(ctx, lumo.Fact{Merchant: s.Merchant, Channel: s.Channel.ID, Friend: s.friend,
				Kind: kind, Source: "test", Ref: string(kind), OccurredAt: s.Clock.Now(), Data: map[string]any{"message": "Sale"}})
		})
	}
	h, err := s.service.Home(t.Context(), s.Merchant, s.Channel.ID)
	if err != nil {
		t.Fatal(err)
	}
	if h.Figures.Friends != 1 || h.Figures.Linked != 1 || h.Figures.BlockedMonth != 1 || h.Figures.Today.Sent != 1 {
		t.Errorf("got %+v", h.Figures)
	}
	if len(h.Feed) != 2 || h.Feed[0].FriendName != "Yuki" || h.Feed[0].Data["message"] != "Sale" {
		t.Errorf("got feed %+v", h.Feed)
	}
	codes := map[string]bool{}
	for _, n := range h.Attention {
		codes[n.Code] = true
	}
	if !codes["klaviyo_reconnect"] || !codes["edges_off"] || len(codes) != 2 {
		t.Errorf("got attention %v", codes)
	}
	if len(h.Checklist) != 5 || !h.Checklist[0].Done || h.Checklist[4].Done {
		t.Errorf("got checklist %v", h.Checklist)
	}
}

func TestOpenPagesAreTold(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.far.heard = make(chan struct{})
	told := s.far.heard
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.service.Run(ctx) }()
	s.ingest(t, s.event(event.Click, event.Person, 7, 1))
	select {
	case <-told:
	case <-time.After(time.Minute):
		t.Fatal("nobody was told")
	}
	stop()
	<-done
	u := s.far.updates[0]
	if u.Figures.Today.Clicked != 1 || len(u.Feed) != 2 {
		t.Errorf("got %+v", u)
	}
}

func TestLinksAreMadeOnceAndFound(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const target = "https://shop.example/tea?x=1&utm_source=line#top"
	link := func(to string) (out string) {
		s.In(t, func(ctx context.Context) (err error) {
			out, err = s.service.Link(ctx, s.Channel, 7, to)
			return err
		})
		return out
	}
	out := link(target)
	text := strings.TrimPrefix(out, edgeURL+"/c/")
	parsed, _, err := token.Parse(text)
	if err != nil || parsed.Subject != 7 || parsed.Link != 1 || parsed.Channel != s.Channel.Number {
		t.Fatalf("got %+v %v", parsed, err)
	}
	if again := link(target); again != out || len(s.far.changed) != 1 {
		t.Errorf("the same target became another link: %s, %d changes for edges", again, len(s.far.changed))
	}
	if other := link("https://shop.example/"); other == out || len(s.far.changed) != 2 {
		t.Errorf("another target: %s", other)
	}
	if got, ok, err := s.service.Resolve(t.Context(), text); got != target || !ok || err != nil {
		t.Errorf("got %s %v %v want %s", got, ok, err, target)
	}
}

// A number that was rolled back was never given out, whatever this process remembers.
func TestRolledBackLinksAreForgotten(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	undone := errors.New("undone")
	err := s.DB.InTenant(t.Context(), s.Merchant, func(ctx context.Context) error {
		if _, err := s.service.Link(ctx, s.Channel, 7, "https://shop.example/a"); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	var first, second string
	s.In(t, func(ctx context.Context) (err error) {
		if first, err = s.service.Link(ctx, s.Channel, 7, "https://shop.example/b"); err != nil {
			return err
		}
		second, err = s.service.Link(ctx, s.Channel, 7, "https://shop.example/a")
		return err
	})
	for want, address := range map[string]string{"https://shop.example/b": first, "https://shop.example/a": second} {
		if got, _, err := s.service.Resolve(t.Context(), strings.TrimPrefix(address, edgeURL+"/c/")); got != want || err != nil {
			t.Errorf("got %s %v want %s", got, err, want)
		}
	}
}

func TestOneOffTargetsAreSignedOrKeptHere(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	make := func(o lumo.OneOff) (out string) {
		s.In(t, func(ctx context.Context) (err error) {
			out, err = s.service.OneOff(ctx, s.Channel, 7, o)
			return err
		})
		return strings.TrimPrefix(out, edgeURL+"/c/")
	}
	const template = "https://shop.example/cart?c=[[ cart ]]"
	signed := make(lumo.OneOff{Target: "https://shop.example/cart?c=42", Template: template})
	parsed, target, message, signature, err := token.ParseOneOff(signed)
	if err != nil || target != "https://shop.example/cart?c=42" || parsed.Subject != 7 || parsed.Link&token.OneOffRow == 0 ||
		!ed25519.Verify(oneOffKey().Private.Public().(ed25519.PublicKey), message, signature[:]) {
		t.Fatalf("got %+v %s %v", parsed, target, err)
	}
	long := "https://shop.example/cart?c=" + strings.Repeat("x", 900)
	for name, o := range map[string]lumo.OneOff{"long": {Target: long, Template: template},
		"in a text": {Target: "https://shop.example/cart?c=43", Template: template, InText: true}} {
		text := make(o)
		row, _, err := token.Parse(text)
		if err != nil || row.Link&token.OneOffRow == 0 || row.Link == parsed.Link {
			t.Fatalf("%s: got %+v %v", name, row, err)
		}
		if got, ok, err := s.service.Resolve(t.Context(), text); got != o.Target || !ok || err != nil {
			t.Errorf("%s: got %s %v", name, got, err)
		}
		of := shoptest.Get[int64](t, s.Shop, "SELECT stands_for FROM tracked_link WHERE merchant_id = $1 AND number = $2", int64(row.Link))
		if uint32(of) != parsed.Link {
			t.Errorf("%s: stands for %d want %d", name, of, parsed.Link)
		}
	}
	if len(s.far.changed) != 0 {
		t.Errorf("edges heard of %d links of one person", len(s.far.changed))
	}
}

func TestEdgeAsksForALink(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var out string
	s.In(t, func(ctx context.Context) (err error) {
		out, err = s.service.Link(ctx, s.Channel, 7, "https://shop.example/?utm_source=line&utm_medium=flow")
		return err
	})
	request := lumo.EdgeRequest{ID: lumo.RequestID(s.ID()), Method: "GET", Target: strings.TrimPrefix(out, edgeURL) + "?x=1",
		Header: map[string]string{"User-Agent": "Mozilla/5.0"}}
	answer, err := s.service.HandleEdge(t.Context(), request)
	want := "https://shop.example/?utm_source=line&utm_medium=flow&lumo_click=" + id.ID(request.ID).String()
	if err != nil || answer.Status != 302 || answer.Header["Location"] != want {
		t.Errorf("got %+v %v want %s", answer, err, want)
	}
	request.Header["User-Agent"] = "facebookexternalhit/1.1;line-poker/1.0"
	if answer, _ = s.service.HandleEdge(t.Context(), request); strings.Contains(answer.Header["Location"], "lumo_click") {
		t.Error("a crawler carries a click id on")
	}
	request.Target = "/c/" + token.Sign(token.Token{Kind: token.Link, Key: 1, Channel: s.Channel.Number, Subject: 7, Link: 99},
		make([]byte, 32))
	if _, err := s.service.HandleEdge(t.Context(), request); !fault.Is(err, fault.NotFound) {
		t.Errorf("a link never made: got %v", err)
	}
}

func TestTimelineKeepsTheNameOfTheMessage(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	message := lumo.MessageID(s.ID())
	s.Exec(t, `
INSERT INTO message (merchant_id, id, channel_id, name, body, created_at, updated_at)
VALUES ($1, $2, $3, 'Abandoned cart', '{"blocks":[]}', now(), now())`, message, s.Channel.ID)
	s.In(t, func(ctx context.Context) error {
		return s.service.Record(ctx, lumo.Fact{Merchant: s.Merchant, Channel: s.Channel.ID, Friend: s.friend,
			Kind: lumo.FactSent, Source: "flow", Ref: "1", OccurredAt: s.Clock.Now(),
			Data: map[string]any{"message": message.String()}})
	})
	got := shoptest.Get[string](t, s.Shop, "SELECT data ->> 'message_name' FROM friend_event WHERE merchant_id = $1")
	if got != "Abandoned cart" || s.far.facts[0].Data["message_name"] != "Abandoned cart" {
		t.Errorf("got %q", got)
	}
}

func TestEventsAtKlaviyoNameTheFlow(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Exec(t, `
INSERT INTO flow_request (merchant_id, id, channel_id, received_at, auth, flow_id, outcome, created_at)
SELECT $1, logical_id, channel_id, now(), 'verified', 'FlowAb', 'accepted', now()
  FROM delivery
 WHERE merchant_id = $1`)
	s.In(t, func(ctx context.Context) error {
		return s.service.Record(ctx, lumo.Fact{Merchant: s.Merchant, Channel: s.Channel.ID, Friend: s.friend,
			Kind: lumo.FactSent, Source: "flow", Ref: "1", OccurredAt: s.Clock.Now(),
			Data: map[string]any{"delivery": s.delivery.String()}})
	})
	if got := s.far.facts[0].Data["flow"]; got != "FlowAb" {
		t.Errorf("got %v", got)
	}
}

func TestLinkedCountsFriendsOfNow(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a := s.AddAccount(t)
	s.Link(t, s.friend, a, "P1")
	for status, want := range map[string]int64{"following": 1, "blocked": 0, "not_friend": 0} {
		s.Exec(t, "UPDATE friend SET follow_status = $2 WHERE merchant_id = $1", status)
		h, err := s.service.Home(t.Context(), s.Merchant, s.Channel.ID)
		if err != nil || h.Figures.Linked != want || h.Figures.Friends != want {
			t.Errorf("%s: got %+v %v, want %d", status, h.Figures, err, want)
		}
	}
}
