package tracking_test

import (
	"testing"

	"lumo/core/lumo"
	"lumo/core/postgres/shoptest"
	"lumo/shared/event"
)

// BenchmarkIngest measures clicks that count, each on a delivery of its own, in batches as
// an edge sends them.
func BenchmarkIngest(b *testing.B) {
	s := newShop(b)
	s.Exec(b, `
INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, state, due_at,
                      received_at, created_at, updated_at)
SELECT $1, gen_random_uuid(), 1000 + i, $2, 'flow', gen_random_uuid(), $3, 'accepted', now(), now(), now(), now()
  FROM generate_series(1, $4::int) AS i`, s.Channel.ID, s.friend, b.N)
	var batch []lumo.EdgeEvent
	flush := func() {
		if _, err := s.service.Ingest(b.Context(), lumo.Scope{}, batch); err != nil {
			b.Fatal(err)
		}
		batch = batch[:0]
	}
	b.ResetTimer()
	for i := range b.N {
		batch = append(batch, s.event(event.Click, event.Person, uint64(1001+i), 1))
		if len(batch) == 500 {
			flush()
		}
	}
	flush()
	b.StopTimer()
	if got := shoptest.Get[int](b, s.Shop, "SELECT coalesce(sum(n), 0)::int FROM counter WHERE merchant_id = $1 AND kind = 'clicked'"); got != b.N {
		b.Errorf("got %d counted want %d", got, b.N)
	}
}
