package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/core/postgres"
)

// Bundle keeps edges' events until there is room for their items.
func (s *Store) Bundle(ctx context.Context, m lumo.MerchantID, bundles []outbox.Bundle, now time.Time) error {
	batch := &pgx.Batch{}
	for _, b := range bundles {
		batch.Queue(`
INSERT INTO outbox_bundle (merchant_id, id, klaviyo_account_id, events, n, created_at)
VALUES ($1, $2, $3, $4, $5, $6)`, m, b.ID, b.Account, ids(b.Events), len(b.Events), now)
	}
	return postgres.Fault("postgres.Bundle", postgres.Tx(ctx).SendBatch(ctx, batch).Close())
}

// Unbundle takes the oldest bundle of an account, where fewer items wait than there is room for.
// Who was linked after the click is not told of it.
func (s *Store) Unbundle(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, room int) (
	facts []lumo.Fact, found bool, err error) {
	const op = "postgres.Unbundle"
	var events [][16]byte
	err = postgres.Tx(ctx).QueryRow(ctx, `
DELETE FROM outbox_bundle
 WHERE merchant_id = $1
   AND id = (SELECT id
               FROM outbox_bundle
              WHERE merchant_id = $1 AND klaviyo_account_id = $2
              ORDER BY id
              LIMIT 1
                FOR UPDATE SKIP LOCKED)
   AND NOT EXISTS (
           SELECT
             FROM outbox
            WHERE merchant_id = $1 AND klaviyo_account_id = $2 AND state = 'waiting'
           OFFSET $3)
RETURNING events`, m, a, room-1).Scan(&events)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, postgres.Fault(op, err)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT e.occurred_at,`+postgres.EdgeFactColumns+`
  FROM unnest($3::uuid[]) AS b (id)
 CROSS JOIN LATERAL (
       SELECT *
         FROM edge_event
        WHERE merchant_id = $1 AND id = b.id
        LIMIT 1) AS e`+postgres.EdgeFactJoins+`
 WHERE EXISTS (
           SELECT
             FROM identity_link
            WHERE merchant_id = $1 AND friend_id = d.friend_id AND state = 'linked' AND klaviyo_account_id = $2
              AND linked_at <= e.created_at)
 ORDER BY e.id`, m, a, events)
	facts, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (lumo.Fact, error) {
		var e postgres.EdgeFact
		f := lumo.Fact{Merchant: m, Source: "edge"}
		err := r.Scan(append([]any{&f.OccurredAt}, e.Columns()...)...)
		f.Channel, f.Friend, f.Kind, f.Ref, f.Data = e.Channel, e.Friend, e.Kind(), e.Ref(), e.Data()
		return f, err
	})
	return facts, true, postgres.Fault(op, err)
}
