package tracking_test

import (
	"context"
	"testing"
	"time"

	"lumo/core/lumo"
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
