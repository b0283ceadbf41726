package channel_test

import (
	"context"
	"testing"

	"lumo/core/postgres"
	"lumo/shared/id"
)

// Links made in one statement find their friends by key, whatever the planner knows of friends:
// going through all that are not linked would cost links times friends.
func TestManyLinksReadNoMoreFriendsThanTheyLink(t *testing.T) {
	t.Parallel()
	const all, linked = 5_000, 500
	w := newWorld(t)
	c, a := w.connect(t), w.addKlaviyo(t, 1)
	var friends []id.ID
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) (err error) {
		friends, err = w.addCrowd(ctx, c, 0, all)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var read int
	err = w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		if err := w.linkAll(ctx, c, a, friends[:linked]); err != nil {
			return err
		}
		return postgres.Tx(ctx).QueryRow(ctx, `
SELECT idx_tup_fetch + seq_tup_read
  FROM pg_stat_xact_user_tables
 WHERE relname = 'friend'`).Scan(&read)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, `SELECT count(*) FROM friend WHERE linked`); n != linked {
		t.Errorf("%d friends are linked, want %d", n, linked)
	}
	if read > 2*linked { // once to hold the link against, once to mark
		t.Errorf("%d friends were read to link %d", read, linked)
	}
}
