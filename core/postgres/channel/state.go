package channel

import (
	"context"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

// seenEvery bounds how often an incoming event touches the channel's row.
const seenEvery = 10 * time.Second

// SetState stores what was learned about a channel's connection; empty parts stay.
func (s *Store) SetState(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	u channel.StateUpdate) error {
	const op = "postgres.SetState"
	var checked *time.Time
	if u.WebhookChecked {
		checked = &u.Now
	}
	var took *int
	if u.Test != nil && u.Test.Success {
		ms := int(u.Test.Took.Milliseconds())
		took = &ms
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE channel
   SET state_changed_at = CASE WHEN $3 <> '' AND (state, coalesce(problem, '')) <> ($3, $4)
                               THEN $12 ELSE state_changed_at END,
       state = CASE WHEN $3 <> '' THEN $3 ELSE state END,
       problem = CASE WHEN $3 <> '' THEN nullif($4, '') ELSE problem END,
       webhook_active = coalesce($5, webhook_active),
       webhook_url = coalesce($6, webhook_url),
       webhook_checked_at = coalesce($7, webhook_checked_at),
       webhook_test_ms = CASE WHEN $8 THEN $9 ELSE webhook_test_ms END,
       provider = coalesce(nullif($10, ''), provider),
       login_joined = coalesce(nullif($11, ''), login_joined),
       verified = coalesce(nullif($13, ''), verified),
       updated_at = $12
 WHERE merchant_id = $1 AND id = $2`,
		m, c, string(u.State), u.Problem, u.WebhookActive, u.WebhookURL, checked, u.Test != nil, took,
		u.Provider, u.LoginJoined, u.Now, u.Verified)
	return one("This LINE account does not exist.", op, tag.RowsAffected(), err)
}

// Seen notes that an event came in, so the webhook is on; at most every seenEvery.
func (s *Store) Seen(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE channel
   SET last_event_at = $3, webhook_active = true,
       state = CASE WHEN problem = 'use_webhook' THEN 'working' ELSE state END,
       state_changed_at = CASE WHEN problem = 'use_webhook' THEN $3 ELSE state_changed_at END,
       problem = nullif(problem, 'use_webhook')
 WHERE merchant_id = $1 AND id = $2
   AND (last_event_at IS NULL OR last_event_at < $4 OR NOT webhook_active)`,
		m, c, now, now.Add(-seenEvery))
	return postgres.Fault("postgres.Seen", err)
}

// SetQuota stores the month's messages.
func (s *Store) SetQuota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, q channel.Quota) error {
	limit := &q.Limit
	if q.Unlimited {
		limit = nil
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE channel
   SET quota_limit = $3, quota_used = $4, quota_read_at = $5
 WHERE merchant_id = $1 AND id = $2`, m, c, limit, q.Used, q.ReadAt)
	return one("This LINE account does not exist.", "postgres.SetQuota", tag.RowsAffected(), err)
}

// SetTracking stores what is measured, and the campaign parameters of links.
func (s *Store) SetTracking(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, opens bool, utm lumo.UTM,
	now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE channel
   SET opens_measured = $3, utm = $4, updated_at = $5
 WHERE merchant_id = $1 AND id = $2`, m, c, opens, utm, now)
	return postgres.Fault("postgres.SetTracking", err)
}

// SetShop stores the shop's address.
func (s *Store) SetShop(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, address string, now time.Time) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE channel
   SET fallback_url = $3, updated_at = $4
 WHERE merchant_id = $1 AND id = $2`, m, c, address, now)
	return one("This LINE account does not exist.", "postgres.SetShop", tag.RowsAffected(), err)
}

// SetRing stores the colour of an account.
func (s *Store) SetRing(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, ring string, now time.Time) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE channel
   SET ring = $3, updated_at = $4
 WHERE merchant_id = $1 AND id = $2`, m, c, ring, now)
	return one("This LINE account does not exist.", "postgres.SetRing", tag.RowsAffected(), err)
}
