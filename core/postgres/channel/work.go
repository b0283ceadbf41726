package channel

import (
	"context"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

const upkeep = "refresh"

// Claim takes the channel whose upkeep is due longest and that nobody holds.
func (s *Store) Claim(ctx context.Context, owner string, now time.Time, lease time.Duration) (
	channel.Work, bool, error) {
	w, found, err := postgres.ClaimWork(ctx, upkeep, owner, now, lease)
	return channel.Work{Merchant: w.Merchant, Channel: w.Channel, Due: w.Due, Fence: w.Fence}, found, err
}

// Done gives a channel back. A time that was brought forward meanwhile stays.
func (s *Store) Done(ctx context.Context, w channel.Work, next time.Time) error {
	return postgres.DoneWork(ctx, postgres.Work{Merchant: w.Merchant, Channel: w.Channel, Kind: upkeep, Due: w.Due,
		Fence: w.Fence}, next)
}

// Hurry makes a channel's upkeep due no later than a time.
func (s *Store) Hurry(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, due time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO work (merchant_id, channel_id, kind, due_at)
VALUES ($1, $2, 'refresh', $3)
    ON CONFLICT (merchant_id, channel_id, kind) DO UPDATE SET due_at = least(work.due_at, $3)`, m, c, due)
	return postgres.Fault("postgres.Hurry", err)
}
