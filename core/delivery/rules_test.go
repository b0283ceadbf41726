package delivery_test

import (
	"testing"
	"time"

	"lumo/core/delivery"
)

func TestQuietHoursEndOnTheWallOfTheMerchant(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York") // clocks go forward on 8 March 2026 at 2:00
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 3, day, hour, minute, 0, 0, zone) }
	const night, monday, saturday = 127, 1, 1 << 5
	for name, c := range map[string]struct {
		from, until, days int
		now, want         time.Time
	}{
		"before":               {22 * 60, 7 * 60, night, at(4, 21, 59), time.Time{}},
		"begins":               {22 * 60, 7 * 60, night, at(4, 22, 0), at(5, 7, 0)},
		"after midnight":       {22 * 60, 7 * 60, night, at(5, 3, 0), at(5, 7, 0)},
		"ends":                 {22 * 60, 7 * 60, night, at(5, 7, 0), time.Time{}},
		"clocks go forward":    {22 * 60, 7 * 60, night, at(8, 1, 0), at(8, 7, 0)},
		"within a day":         {12 * 60, 13 * 60, night, at(4, 12, 30), at(4, 13, 0)},
		"another day":          {22 * 60, 7 * 60, monday, at(4, 23, 0), time.Time{}}, // a Wednesday
		"begun on a day of it": {22 * 60, 7 * 60, saturday, at(8, 1, 0), at(8, 7, 0)},
		"not begun on its day": {22 * 60, 7 * 60, saturday, at(7, 1, 0), time.Time{}},
	} {
		q := delivery.QuietHours{On: true, From: c.from, Until: c.until, Days: c.days}
		if got := q.Ends(c.now, zone); !got.Equal(c.want) {
			t.Errorf("%s: got %v want %v", name, got, c.want)
		}
	}
	if got := (delivery.QuietHours{From: 60, Until: 120, Days: night}).Ends(at(4, 1, 30), zone); !got.IsZero() {
		t.Errorf("switched off: got %v", got)
	}
}
