package delivery

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/delivery"
	"lumo/core/postgres"
)

// Claim takes leases that are free or have run out, by the database's clock.
func (s *Store) Claim(ctx context.Context, owner string, life time.Duration, limit int) ([]delivery.Lease, error) {
	rows, err := postgres.Tx(ctx).Query(ctx, `
		UPDATE work AS w
		SET owner = $1, lease_until = now() + $2, fence = w.fence + 1
		FROM (
			SELECT merchant_id, channel_id
			FROM work
			WHERE kind = 'send' AND (lease_until IS NULL OR lease_until < now())
			ORDER BY due_at
			LIMIT $3
			FOR UPDATE SKIP LOCKED
		) AS free
		WHERE w.merchant_id = free.merchant_id AND w.channel_id = free.channel_id AND w.kind = 'send'
		RETURNING w.merchant_id, w.channel_id, w.owner, w.fence`, owner, life, limit)
	return leases("postgres.delivery.Claim", rows, err)
}

// Renew extends what an owner still has.
func (s *Store) Renew(ctx context.Context, owner string, life time.Duration) ([]delivery.Lease, error) {
	rows, err := postgres.Tx(ctx).Query(ctx, `
		UPDATE work
		SET lease_until = now() + $2
		WHERE kind = 'send' AND owner = $1
		RETURNING merchant_id, channel_id, owner, fence`, owner, life)
	return leases("postgres.delivery.Renew", rows, err)
}

func leases(op string, rows pgx.Rows, err error) ([]delivery.Lease, error) {
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (l delivery.Lease, err error) {
		return l, r.Scan(&l.Merchant, &l.Channel, &l.Owner, &l.Fence)
	})
	return all, postgres.Fault(op, err)
}

// Release gives everything back, so that another replica need not wait.
func (s *Store) Release(ctx context.Context, owner string) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE work
		SET owner = NULL, lease_until = NULL
		WHERE kind = 'send' AND owner = $1`, owner)
	return postgres.Fault("postgres.delivery.Release", err)
}
