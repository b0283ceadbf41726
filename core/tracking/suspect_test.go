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

// figures reads the channel's figures of the days around the clock's.
func (s *shop) figures(t *testing.T, from, to int) (out tracking.Statistics) {
	t.Helper()
	day := s.Clock.Now().UTC().Truncate(24 * time.Hour)
	s.In(t, func(ctx context.Context) (err error) {
		out, err = trackingstore.Store{}.Statistics(ctx, s.Merchant, s.Channel.ID,
			tracking.Days{From: day.AddDate(0, 0, from), To: day.AddDate(0, 0, to)})
		return err
	})
	return out
}

// taps follow links of delivery 7, each some time after the one before.
func (s *shop) taps(gap time.Duration, class event.Class, links ...uint32) (out []lumo.EdgeEvent) {
	for i, link := range links {
		if i > 0 {
			s.Clock.Advance(gap)
		}
		out = append(out, s.event(event.Click, class, 7, link))
	}
	return out
}

func TestAllLinksWithinSecondsAreSuspect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		links int // of the message
		gap   time.Duration
		tap   []uint32
		class event.Class
		want  tracking.Sums
	}{
		{"all three at once", 3, time.Second, []uint32{1, 2, 3}, event.Person,
			tracking.Sums{Raw: 3, Suspect: 3}},
		{"as long as that may take", 2, 5 * time.Second, []uint32{1, 2}, event.Person,
			tracking.Sums{Raw: 2, Suspect: 2}},
		{"a person takes longer", 2, 5001 * time.Millisecond, []uint32{1, 2}, event.Person,
			tracking.Sums{Raw: 2, Clicks: 2, Clickers: 2, Opened: 1}},
		{"two of three", 3, time.Second, []uint32{1, 2}, event.Person,
			tracking.Sums{Raw: 2, Clicks: 2, Clickers: 2, Opened: 1}},
		{"the only link there is", 1, 0, []uint32{1}, event.Person,
			tracking.Sums{Raw: 1, Clicks: 1, Clickers: 1, Opened: 1}},
		{"one link again and again", 2, time.Second, []uint32{1, 1, 1}, event.Person,
			tracking.Sums{Raw: 3, Clicks: 1, Clickers: 1, Opened: 1}},
		{"known machines are no suspects", 2, time.Second, []uint32{1, 2}, event.Crawler,
			tracking.Sums{Raw: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.Exec(t, "UPDATE delivery SET links = $2 WHERE merchant_id = $1", c.links)
			s.ingest(t, s.taps(c.gap, c.class, c.tap...)...)
			if got := s.figures(t, -1, 1).Total; got != c.want {
				t.Errorf("got %+v want %+v", got, c.want)
			}
		})
	}
}

// What a machine did before takes nothing from the person who taps later.
func TestWhoTapsAfterTheMachineCounts(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Exec(t, "UPDATE delivery SET links = 2 WHERE merchant_id = $1")
	s.Exec(t, `
INSERT INTO tracked_link (merchant_id, channel_id, number, target, target_hash, created_at)
VALUES ($1, $2, 1, 'https://shop.example/tea', '\x01', now()), ($1, $2, 2, 'https://shop.example/cup', '\x02', now())`,
		s.Channel.ID)
	s.ingest(t, s.taps(time.Second, event.Person, 1, 2)...)
	s.Clock.Advance(time.Minute)
	s.ingest(t, s.taps(time.Minute, event.Person, 2, 2)...)
	got := s.figures(t, -1, 1)
	want := tracking.Sums{Raw: 4, Suspect: 2, Clicks: 2, Clickers: 1}
	if got.Total != want || len(got.Messages) != 1 || got.Messages[0].Sums != want {
		t.Errorf("got %+v, by message %+v want %+v", got.Total, got.Messages, want)
	}
	if len(got.Links) != 2 || got.Links[0].Clicks != 2 || got.Links[0].Suspect != 1 ||
		got.Links[0].Clickers != 1 || got.Links[1].Clicks != 0 || got.Links[1].Suspect != 1 || got.Links[1].Raw != 1 {
		t.Errorf("by link got %+v", got.Links)
	}
	// The raw facts stay: the timeline has them, and Klaviyo gets each counted click.
	if rows := s.timeline(t, "clicked"); rows != 4 {
		t.Errorf("the timeline has %d clicks want 4", rows)
	}
}

// A click of another day, out of the range, says that somebody reads: no range then shows
// machines.
func TestWhatIsSuspectDoesNotDependOnTheRange(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Exec(t, "UPDATE delivery SET links = 2 WHERE merchant_id = $1")
	s.ingest(t, s.taps(0, event.Person, 1)...)
	s.Clock.Advance(48 * time.Hour)
	s.ingest(t, s.taps(time.Second, event.Person, 1, 2)...)
	for _, from := range []int{-4, -1} {
		if got := s.figures(t, from, 1).Total; got.Suspect != 0 || got.Clicks == 0 {
			t.Errorf("from day %d: got %+v", from, got)
		}
	}
}
