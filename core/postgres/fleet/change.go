package fleet

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

// keepChanges is how long an edge may be away and still catch up by changes alone.
const keepChanges = "7 days"

// Add notes a change, inside the transaction that makes it, and wakes other processes when
// that commits.
func (s *Store) Add(ctx context.Context, m lumo.MerchantID, table uint8, key []byte, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO edge_change (merchant_id, edge_table, edge_key, changed_at)
VALUES ($1, $2, $3, $4)`, m, int16(table), key, now)
	if err != nil {
		return postgres.Fault("postgres.Add", err)
	}
	return postgres.Notify(ctx, Notification, "")
}

// Order numbers committed changes. The lock is held until the numbers are committed, so
// whoever reads changes in order of their numbers can miss none.
func (s *Store) Order(ctx context.Context) (uint64, error) {
	const op = "postgres.Order"
	tx := postgres.Tx(ctx)
	var pending bool
	var newest int64
	err := tx.QueryRow(ctx, `
SELECT EXISTS (SELECT 1 FROM edge_change WHERE sequence IS NULL),
       (SELECT coalesce(max(sequence), 0) FROM edge_change)`).Scan(&pending, &newest)
	if err != nil || !pending {
		return uint64(newest), postgres.Fault(op, err)
	}
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", orderLock); err != nil {
		return 0, postgres.Fault(op, err)
	}
	_, err = tx.Exec(ctx, `
UPDATE edge_change
   SET sequence = nextval('edge_change_sequence')
 WHERE sequence IS NULL`)
	if err != nil {
		return 0, postgres.Fault(op, err)
	}
	if err := s.drop(ctx); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `
SELECT coalesce(max(sequence), 0)
  FROM edge_change`).Scan(&newest)
	return uint64(newest), postgres.Fault(op, err)
}

// drop forgets changes so old that an edge without them gets a snapshot. The newest stays:
// it says how far the numbers are.
func (s *Store) drop(ctx context.Context) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM edge_change
 WHERE version IN (
           SELECT version
             FROM edge_change
            WHERE sequence < (SELECT max(sequence) FROM edge_change)
              AND changed_at < now() - $1::interval
            ORDER BY sequence
            LIMIT 1000)`, keepChanges)
	return postgres.Fault("postgres.drop", err)
}

// Since reads changes in order, from after on.
func (s *Store) Since(ctx context.Context, after uint64, limit int) (
	changes []fleet.Change, known bool, err error) {
	const op = "postgres.Since"
	var oldest, newest int64
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT coalesce(min(sequence), 0), coalesce(max(sequence), 0)
  FROM edge_change`).Scan(&oldest, &newest)
	if err != nil {
		return nil, false, postgres.Fault(op, err)
	}
	if int64(after) > newest || int64(after)+1 < oldest {
		return nil, false, nil
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT sequence, merchant_id, edge_table, edge_key
  FROM edge_change
 WHERE sequence > $1
 ORDER BY sequence
 LIMIT $2`, int64(after), limit)
	changes, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (c fleet.Change, err error) {
		var sequence int64
		var table int16
		err = r.Scan(&sequence, &c.Merchant, &table, &c.Key)
		c.Sequence, c.Table = uint64(sequence), uint8(table)
		return c, err
	})
	return changes, true, postgres.Fault(op, err)
}

// Merchants are all that have anything an edge could need.
func (s *Store) Merchants(ctx context.Context) ([]lumo.MerchantID, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT merchant_id
  FROM number
 UNION
SELECT merchant_id
  FROM hook_route
 ORDER BY merchant_id`)
	list, err := pgx.CollectRows(rows, pgx.RowTo[lumo.MerchantID])
	return list, postgres.Fault("postgres.Merchants", err)
}

// Bell hears of other processes' changes on a connection of its own.
type Bell struct{ db *postgres.DB }

// NewBell makes a bell.
func NewBell(db *postgres.DB) Bell { return Bell{db} }

// Listen calls heard for each wake-up, until ctx ends or the connection breaks.
func (b Bell) Listen(ctx context.Context, heard func(what string)) error {
	return b.db.Listen(ctx, Notification, heard)
}
