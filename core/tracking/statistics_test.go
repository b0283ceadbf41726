package tracking_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lumo/core/lumo"
	channelstore "lumo/core/postgres/channel"
	"lumo/core/postgres/shoptest"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/tracking"
	"lumo/shared/event"
)

// insight is LINE's own counting: it hides what fewer than 20 people did.
type insight struct {
	asked    []string // units
	from, to time.Time
	figures  tracking.LineFigures
}

func (i *insight) Figures(_ context.Context, _ lumo.Keys, unit string, from, to time.Time) (tracking.LineFigures, error) {
	i.asked, i.from, i.to = append(i.asked, unit), from, to
	return i.figures, nil
}

func (i *insight) MessagingCredentials(context.Context, lumo.MerchantID, lumo.ChannelID) (string, string, error) {
	return "1", "secret", nil
}

// saved makes delivery 7 one of a saved message.
func (s *shop) saved(t *testing.T, name string) lumo.MessageID {
	t.Helper()
	m := lumo.MessageID(s.ID())
	s.Exec(t, `
		INSERT INTO message (merchant_id, id, channel_id, name, body, created_at, updated_at)
		VALUES ($1, $2, $3, $4, '{}', $5, $5)`, m, s.Channel.ID, name, s.Clock.Now())
	s.Exec(t, `UPDATE delivery SET message_id = $2 WHERE merchant_id = $1 AND number = 7`, m)
	return m
}

func TestFiguresAreTheSameByMessageDayAndLink(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	message := s.saved(t, "Cart")
	s.In(t, func(ctx context.Context) error {
		_, err := s.service.Link(ctx, s.Channel, 7, "https://shop.example/tea")
		return err
	})
	const link = 1 // the account's first
	s.ingest(t, s.event(event.Open, event.Person, 7, 0), s.event(event.Click, event.Person, 7, link),
		s.event(event.Click, event.Crawler, 7, link))
	got := s.figures(t, -1, 1)
	if len(got.Messages) != 1 || len(got.Links) != 1 || len(got.Days) != 3 {
		t.Fatalf("got %+v", got)
	}
	want := tracking.Sums{Sent: got.Total.Sent, Opened: 1, Clicks: 1, Raw: 2, Clickers: 1}
	if got.Total != want || got.Messages[0].Sums != want || got.Messages[0].Message != message || got.Messages[0].Name != "Cart" {
		t.Errorf("total %+v, message %+v, want %+v", got.Total, got.Messages[0], want)
	}
	if got.Days[1].Sums != want {
		t.Errorf("the day has %+v, want %+v", got.Days[1].Sums, want)
	}
	if l := got.Links[0]; l.Target != "https://shop.example/tea" || l.Clicks != 1 || l.Raw != 2 || l.Clickers != 1 {
		t.Errorf("the link has %+v", l)
	}
}

// When people click is told in the merchant's zone: Sunday evening in UTC is Monday in Tokyo.
func TestClicksHaveTheirHourOfTheWeek(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Exec(t, `UPDATE merchant SET time_zone = 'Asia/Tokyo' WHERE merchant_id = $1`)
	s.In(t, func(ctx context.Context) error {
		_, err := s.service.Link(ctx, s.Channel, 7, "https://shop.example/tea")
		return err
	})
	for s.Clock.Now().UTC().Weekday() != time.Sunday || s.Clock.Now().UTC().Hour() != 21 {
		s.Clock.Advance(time.Hour)
	}
	click := func() lumo.EdgeEvent { return s.event(event.Click, event.Person, 7, 1) }
	s.ingest(t, click(), s.event(event.Click, event.Crawler, 7, 1))
	s.Clock.Advance(time.Minute)
	s.ingest(t, click())
	s.Clock.Advance(2 * time.Hour)
	s.ingest(t, click())
	want := []tracking.HourSums{{Weekday: 1, Hour: 6, Clicks: 2}, {Weekday: 1, Hour: 8, Clicks: 1}}
	if got := s.figures(t, -1, 1); !slices.Equal(got.Hours, want) || got.Total.Clicks != 3 {
		t.Errorf("got %+v of %d clicks, want %+v", got.Hours, got.Total.Clicks, want)
	}
}

// LINE is asked at most once an hour, for the last thirty days, under the message's own unit;
// what it hides stays unknown and is never 0.
func TestLINEsOwnFiguresStandBesideOurs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	message := s.saved(t, "Cart")
	s.ingest(t, s.event(event.Open, event.Person, 7, 0))
	opened := int64(24)
	line := &insight{figures: tracking.LineFigures{Opened: &opened}}
	reports := tracking.NewReports(s.DB, trackingstore.Store{}, line, line, s.Clock.Now)
	day := s.Clock.Now().UTC().Truncate(24 * time.Hour)
	days := tracking.Days{From: day.AddDate(0, 0, -89), To: day}
	for range 2 {
		f, err := reports.AskLINE(t.Context(), s.Merchant, s.Channel.ID, message, days)
		if err != nil || f.Opened == nil || *f.Opened != 24 || f.Clicked != nil {
			t.Fatalf("got %+v, %v", f, err)
		}
	}
	if len(line.asked) != 1 || line.asked[0] != message.String() || line.to.Sub(line.from) != 29*24*time.Hour {
		t.Errorf("asked for %v from %v to %v", line.asked, line.from, line.to)
	}
	all, err := reports.Statistics(t.Context(), s.Merchant, s.Channel.ID, days)
	if err != nil || len(all.Messages) != 1 || all.Messages[0].LINE == nil {
		t.Fatalf("got %+v, %v", all.Messages, err)
	}
	if l := all.Messages[0].LINE; *l.Opened != 24 || l.Clicked != nil || !l.ReadAt.Equal(s.Clock.Now()) {
		t.Errorf("beside ours stands %+v", l)
	}
	s.Clock.Advance(61 * time.Minute)
	if _, err := reports.AskLINE(t.Context(), s.Merchant, s.Channel.ID, message, days); err != nil || len(line.asked) != 2 {
		t.Errorf("after an hour LINE was asked %d times, %v", len(line.asked), err)
	}
}

// Who stands behind a figure adds up to it, and a page goes on where the one before ended.
func TestPeopleBehindAFigureAddUpToIt(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	message := s.saved(t, "Cart")
	mio := s.AddFriend(t, "Mio", shoptest.LineUser[:len(shoptest.LineUser)-1]+"0")
	s.AddDelivery(t, mio, 8) // written in Klaviyo
	s.Exec(t, "UPDATE delivery SET accepted_at = created_at WHERE merchant_id = $1")
	for _, target := range []string{"https://shop.example/tea", "https://shop.example/cup"} {
		s.In(t, func(ctx context.Context) error {
			_, err := s.service.Link(ctx, s.Channel, 7, target)
			return err
		})
	}
	code := s.ID()
	s.Exec(t, `
INSERT INTO qr_code (merchant_id, id, channel_id, number, public_key, name, identify_by, state, created_at, updated_at)
VALUES ($1, $2, $3, 5, 'abcdefghijklmnop', 'Leaflet', 'profile', 'live', now(), now())`, code, s.Channel.ID)
	s.Exec(t, "UPDATE friend SET qr_code_id = $2 WHERE merchant_id = $1 AND id = $3", code, s.friend)
	s.Exec(t, `
INSERT INTO qr_code_day (merchant_id, qr_code_id, day, scans, friends, links)
VALUES ($1, $2, $3::date, 4, 1, 1)`, code, s.Clock.Now())
	s.Link(t, mio, s.AddAccount(t), "P1")
	s.Exec(t, "UPDATE identity_link SET evidence = jsonb_build_object('code', $2::text) WHERE merchant_id = $1",
		lumo.CodeID(code).String())
	for range 2 {
		s.ingest(t, s.event(event.Click, event.Person, 7, 1), s.event(event.Click, event.Crawler, 8, 1))
		s.Clock.Advance(time.Minute)
	}
	s.ingest(t, s.event(event.Click, event.Person, 8, 2))
	day := s.Clock.Now().UTC().Truncate(24 * time.Hour)
	days := tracking.Days{From: day.AddDate(0, 0, -1), To: day.AddDate(0, 0, 1)}
	all := s.figures(t, -1, 1)
	if want := []tracking.CodeSums{{Code: lumo.CodeID(code), Name: "Leaflet", Scans: 4, Friends: 1, Links: 1}}; !slices.Equal(all.Codes, want) {
		t.Errorf("codes: got %+v want %+v", all.Codes, want)
	}
	reports := tracking.NewReports(s.DB, trackingstore.Store{}, nil, nil, s.Clock.Now)
	for name, c := range map[string]struct {
		q    tracking.PeopleQuery
		n    int64 // the figure
		want string
	}{
		"sent":            {tracking.PeopleQuery{Of: tracking.BehindSent}, all.Total.Sent, "Mio 1, Yuki 1"},
		"opened":          {tracking.PeopleQuery{Of: tracking.BehindOpened}, all.Total.Opened, "Mio 1, Yuki 1"},
		"clicked":         {tracking.PeopleQuery{Of: tracking.BehindClicked}, all.Total.Clicks, "Mio 1, Yuki 2"},
		"of a message":    {tracking.PeopleQuery{Of: tracking.BehindClicked, Message: message}, 2, "Yuki 2"},
		"of direct texts": {tracking.PeopleQuery{Of: tracking.BehindClicked, Direct: true}, 1, "Mio 1"},
		"of a link":       {tracking.PeopleQuery{Of: tracking.BehindClicked, Link: 2}, 1, "Mio 1"},
		"a code brought":  {tracking.PeopleQuery{Of: tracking.BehindJoined, Code: lumo.CodeID(code)}, 1, "Yuki 1"},
		"a code linked":   {tracking.PeopleQuery{Of: tracking.BehindLinked, Code: lumo.CodeID(code)}, 1, "Mio 1"},
		"another code's":  {tracking.PeopleQuery{Of: tracking.BehindLinked, Code: lumo.CodeID(s.ID())}, 0, ""},
	} {
		var got []string
		var sum int64
		for c.q.Days, c.q.Limit = days, 1; ; {
			p, err := reports.People(t.Context(), s.Merchant, s.Channel.ID, c.q)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range p.Items {
				got, sum = append(got, fmt.Sprintf("%s %d", one.Name, one.N)), sum+one.N
				c.q.At, c.q.Before = one.At, one.ID
			}
			if !p.More {
				break
			}
		}
		slices.Sort(got)
		if strings.Join(got, ", ") != c.want || sum != c.n {
			t.Errorf("%s: got %q, %d in all; want %q, %d", name, got, sum, c.want, c.n)
		}
	}
}

// What was not sent is one number: on Home, by day, message and reason, and in the people behind it,
// also for customers who are not linked, and after one of the people was erased.
func TestNotSentIsOneNumberDownToPeopleAndReasons(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	message := s.saved(t, "Cart")
	mio := s.AddFriend(t, "Mio", shoptest.LineUser[:len(shoptest.LineUser)-1]+"0")
	missed := func(kind lumo.FactKind, to lumo.FriendID, data map[string]any) {
		t.Helper()
		s.In(t, func(ctx context.Context) error {
			return s.service.Record(ctx, lumo.Fact{Merchant: s.Merchant, Channel: s.Channel.ID, Friend: to, Kind: kind,
				Source: "flow", Ref: s.ID().String(), OccurredAt: s.Clock.Now(), Data: data})
		})
		s.Clock.Advance(time.Second)
	}
	nobody := lumo.FriendID{}
	missed(lumo.FactNotSent, nobody, map[string]any{"reason": "unlinked", "profile": "P1", "message": message.String()})
	missed(lumo.FactNotSent, nobody, map[string]any{"reason": "unlinked", "profile": "P1", "message": message.String()})
	missed(lumo.FactNotSent, nobody, map[string]any{"reason": "unlinked", "profile": "P2"})
	missed(lumo.FactNotSent, mio, map[string]any{"reason": "blocked", "message": message.String()})
	missed(lumo.FactFailed, s.friend, map[string]any{"reason": "line_refused", "message": message.String()})
	reports := tracking.NewReports(s.DB, trackingstore.Store{}, nil, nil, s.Clock.Now)
	people := func(q tracking.PeopleQuery) (string, int64) {
		t.Helper()
		day := s.Clock.Now().UTC().Truncate(24 * time.Hour)
		var got []string
		var sum int64
		for q.Days, q.Limit = (tracking.Days{From: day.AddDate(0, 0, -1), To: day.AddDate(0, 0, 1)}), 1; ; {
			p, err := reports.People(t.Context(), s.Merchant, s.Channel.ID, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range p.Items {
				got, sum = append(got, fmt.Sprintf("%s%s %s %d", one.Name, one.Profile, one.Reason, one.N)), sum+one.N
				q.At, q.Before = one.At, one.ID
			}
			if !p.More {
				return strings.Join(got, ", "), sum
			}
		}
	}
	check := func(when, want string) {
		t.Helper()
		got := s.figures(t, -1, 1)
		var byMessage, byReason, byDay int64
		for _, one := range got.Messages {
			byMessage += one.NotSent
		}
		for _, one := range got.Reasons {
			if one.Of == tracking.BehindNotSent {
				byReason += one.N
			}
		}
		for _, one := range got.Days {
			byDay += one.NotSent
		}
		names, behind := people(tracking.PeopleQuery{Of: tracking.BehindNotSent})
		home := s.home(t).Figures.Today.NotSent
		for what, n := range map[string]int64{"Home": home, "total": got.Total.NotSent, "days": byDay, "messages": byMessage,
			"reasons": byReason, "people": behind} {
			if n != 4 {
				t.Errorf("%s: %s say %d of 4", when, what, n)
			}
		}
		if names != want {
			t.Errorf("%s: behind it stand %q, want %q", when, names, want)
		}
		if got.Total.Failed != 1 || s.home(t).Figures.Today.Failed != 1 {
			t.Errorf("%s: failed: %d", when, got.Total.Failed)
		}
	}
	check("at first", "Mio blocked 1, P2 unlinked 1, P1 unlinked 2")
	for name, c := range map[string]struct {
		q    tracking.PeopleQuery
		want string
	}{
		"for a reason":    {tracking.PeopleQuery{Of: tracking.BehindNotSent, Reason: "unlinked"}, "P2 unlinked 1, P1 unlinked 2"},
		"of a message":    {tracking.PeopleQuery{Of: tracking.BehindNotSent, Message: message}, "Mio blocked 1, P1 unlinked 2"},
		"of direct texts": {tracking.PeopleQuery{Of: tracking.BehindNotSent, Direct: true}, "P2 unlinked 1"},
		"failed":          {tracking.PeopleQuery{Of: tracking.BehindFailed}, "Yuki line_refused 1"},
	} {
		if got, _ := people(c.q); got != c.want {
			t.Errorf("%s: got %q want %q", name, got, c.want)
		}
	}
	if got := s.timeline(t, "not_sent"); got != 0 {
		t.Errorf("what was for others stands %d times in Yuki's timeline", got)
	}
	s.In(t, func(ctx context.Context) error {
		return channelstore.New(s.Vault).Erase(ctx, s.Merchant, mio, s.Clock.Now())
	})
	check("after one was erased", " blocked 1, P2 unlinked 1, P1 unlinked 2")
}
