package tracking_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/lumo"
	"lumo/core/postgres/shoptest"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/tracking"
	"lumo/shared/event"
)

// The figures of all accounts are those of each, added up; what is one account's tells whose it is.
func TestFiguresOfAllAccountsAddUp(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	hana := s.Channel
	tea := s.AddChannel(t, "Hana Tea House", "Ubot00000000000000000000000000002")
	empty := s.AddChannel(t, "New", "Ubot00000000000000000000000000003")
	s.Exec(t, "UPDATE delivery SET accepted_at = created_at WHERE merchant_id = $1")
	accounts := []lumo.ChannelID{hana.ID, tea.ID, empty.ID}
	for i, c := range []lumo.Channel{hana, tea} {
		s.Channel = c
		if i == 1 {
			for n := range uint64(2) {
				friend := s.AddFriend(t, "Mio", shoptest.LineUser[:len(shoptest.LineUser)-1]+lumo.LineUserID(rune('0'+n)))
				s.AddDelivery(t, friend, 8+n)
			}
			s.Exec(t, "UPDATE delivery SET accepted_at = created_at WHERE merchant_id = $1")
		}
		s.In(t, func(ctx context.Context) error {
			_, err := s.service.Link(ctx, c, uint64(7+i), "https://shop.example/tea")
			return err
		})
		s.ingest(t, s.event(event.Click, event.Person, uint64(7+i), 1))
		s.In(t, func(ctx context.Context) error {
			return s.service.Record(ctx, lumo.Fact{Merchant: s.Merchant, Channel: c.ID, Kind: lumo.FactNotSent, Source: "flow",
				Ref: s.ID().String(), OccurredAt: s.Clock.Now(), Data: map[string]any{"reason": "unlinked", "profile": "P1"}})
		})
	}
	reports := tracking.NewReports(s.DB, trackingstore.Store{}, nil, nil, s.Clock.Now)
	day := s.Clock.Now().UTC().Truncate(24 * time.Hour)
	days := tracking.Days{From: day.AddDate(0, 0, -1), To: day.AddDate(0, 0, 1)}
	got, err := reports.Together(t.Context(), s.Merchant, accounts, days)
	if err != nil {
		t.Fatal(err)
	}
	of := func(sent, clicks, notSent int64) tracking.Sums {
		return tracking.Sums{Sent: sent, NotSent: notSent, Opened: clicks, Clicks: clicks, Raw: clicks, Clickers: clicks}
	}
	if diff := cmp.Diff([]tracking.AccountSums{{Channel: hana.ID, Sums: of(1, 1, 1)}, {Channel: tea.ID, Sums: of(2, 1, 1)},
		{Channel: empty.ID}}, got.Accounts); diff != "" {
		t.Error(diff)
	}
	var byDay, byMessage tracking.Sums
	for _, one := range got.Days {
		byDay.Add(one.Sums)
	}
	for _, one := range got.Messages {
		byMessage.Add(one.Sums)
	}
	for name, sums := range map[string]tracking.Sums{"total": got.Total, "days": byDay, "messages": byMessage} {
		if sums != of(3, 2, 2) {
			t.Errorf("%s: got %+v", name, sums)
		}
	}
	if len(got.Days) != 3 || len(got.Reasons) != 1 || got.Reasons[0].N != 2 || len(got.Hours) != 1 || got.Hours[0].Clicks != 2 {
		t.Errorf("added up: %d days, %+v, %+v", len(got.Days), got.Reasons, got.Hours)
	}
	if len(got.Links) != 2 || got.Links[0].Channel == got.Links[1].Channel || got.Messages[0].Channel != tea.ID {
		t.Errorf("whose they are: %+v, %+v", got.Links, got.Messages)
	}
	if _, err := reports.Together(t.Context(), s.Merchant, accounts, tracking.Days{From: day, To: day.AddDate(0, 0, -1)}); err == nil {
		t.Error("days in the wrong order are no error")
	}
}

// A reply that costs nothing is sent like any other message: on Home and in the statistics.
func TestAFreeReplyIsSentOnHomeAndInTheStatistics(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Exec(t, "UPDATE delivery SET logical_kind = 'reply', accepted_at = created_at WHERE merchant_id = $1")
	s.In(t, func(ctx context.Context) error {
		return s.service.Record(ctx, lumo.Fact{Merchant: s.Merchant, Channel: s.Channel.ID, Friend: s.friend, Kind: lumo.FactSent,
			Source: "reply", Ref: s.delivery.String(), OccurredAt: s.Clock.Now(), Data: map[string]any{"kind": "reply"}})
	})
	if home, figures := s.home(t).Figures.Today.Sent, s.figures(t, -1, 1).Total.Sent; home != 1 || figures != 1 {
		t.Errorf("Home says %d, the statistics say %d", home, figures)
	}
}
