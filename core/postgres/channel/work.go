package channel

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

// Claim takes the channel whose upkeep is due longest and that nobody holds. Until it is
// given back it is due at the end of the lease, so that a holder that dies costs no more.
func (s *Store) Claim(ctx context.Context, owner string, now time.Time, lease time.Duration) (
	channel.Work, bool, error) {
	var w channel.Work
	err := postgres.Tx(ctx).QueryRow(ctx, `
UPDATE work
   SET owner = $1, lease_until = $3, due_at = $3, fence = fence + 1
 WHERE (merchant_id, channel_id, kind) = (
           SELECT merchant_id, channel_id, kind
             FROM work
            WHERE kind = 'refresh' AND due_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
            ORDER BY due_at
            LIMIT 1
              FOR UPDATE SKIP LOCKED)
RETURNING merchant_id, channel_id, due_at, fence`, owner, now, now.Add(lease)).
		Scan(&w.Merchant, &w.Channel, &w.Due, &w.Fence)
	if errors.Is(err, pgx.ErrNoRows) {
		return channel.Work{}, false, nil
	}
	return w, err == nil, postgres.Fault("postgres.Claim", err)
}

// Done gives a channel back. A time that was brought forward meanwhile stays.
func (s *Store) Done(ctx context.Context, w channel.Work, next time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE work
   SET owner = NULL, lease_until = NULL,
       due_at = CASE WHEN due_at = $5 THEN $6 ELSE least(due_at, $6) END
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = $3 AND fence = $4`,
		w.Merchant, w.Channel, "refresh", w.Fence, w.Due, next)
	return postgres.Fault("postgres.Done", err)
}

// Hurry makes a channel's upkeep due no later than a time.
func (s *Store) Hurry(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, due time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO work (merchant_id, channel_id, kind, due_at)
VALUES ($1, $2, 'refresh', $3)
    ON CONFLICT (merchant_id, channel_id, kind) DO UPDATE SET due_at = least(work.due_at, $3)`, m, c, due)
	return postgres.Fault("postgres.Hurry", err)
}
