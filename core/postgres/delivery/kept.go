package delivery

import (
	"context"

	"github.com/jackc/pgx/v5"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

// Kept lists what stands aside, newest first.
func (s *Store) Kept(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, limit int) ([]delivery.Kept, error) {
	const op = "postgres.delivery.Kept"
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT d.id, d.logical_kind, d.logical_id, d.friend_id, coalesce(f.display_name, ''), d.state, d.received_at, d.updated_at
		FROM delivery AS d
		LEFT JOIN friend AS f ON f.merchant_id = d.merchant_id AND f.id = d.friend_id
		WHERE d.merchant_id = $1 AND d.channel_id = $2 AND d.hold = 'kept'
		ORDER BY d.id DESC
		LIMIT $3`, m, c, limit)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d delivery.Kept, err error) {
		d.Merchant, d.Channel, d.Hold = m, c, delivery.HoldKept
		return d, r.Scan(&d.ID, &d.Kind, &d.Logical, &d.Friend, &d.FriendName, &d.State, &d.ReceivedAt, &d.KeptAt)
	})
	return all, postgres.Fault(op, err)
}

// Replay has a kept delivery tried again.
func (s *Store) Replay(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID) (lumo.ChannelID, error) {
	return takeUp(ctx, "postgres.delivery.Replay", m, d, `
		UPDATE delivery
		SET hold = NULL, failures = 0, due_at = now(), updated_at = now()
		WHERE merchant_id = $1 AND id = $2 AND hold = 'kept'
		RETURNING channel_id`)
}

// CheckNow makes an unknown delivery, or its chunk, due.
func (s *Store) CheckNow(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID) (lumo.ChannelID, error) {
	return takeUp(ctx, "postgres.delivery.CheckNow", m, d, `
		WITH one AS (
			UPDATE delivery
			SET due_at = CASE WHEN chunk_id IS NULL THEN now() END
			WHERE merchant_id = $1 AND id = $2 AND state = 'unknown'
			RETURNING channel_id, chunk_id
		), chunk AS (
			UPDATE delivery_chunk AS k
			SET due_at = now()
			FROM one
			WHERE k.merchant_id = $1 AND k.id = one.chunk_id AND k.state = 'unknown')
		SELECT channel_id FROM one`)
}

// SendAgain begins another round of an unconfirmed delivery; its key follows from the round.
func (s *Store) SendAgain(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID) (lumo.ChannelID, error) {
	return takeUp(ctx, "postgres.delivery.SendAgain", m, d, `
		UPDATE delivery
		SET state = 'planned', round = round + 1, retry_key = NULL, tries = 0, first_try_at = NULL, unsure = false,
			chunk_id = NULL, too_late_at = NULL, reason = NULL, reason_data = '{}', due_at = now(), updated_at = now()
		WHERE merchant_id = $1 AND id = $2 AND state = 'unknown_expired'
		RETURNING channel_id`)
}

// takeUp runs a change that must meet its row.
func takeUp(ctx context.Context, op string, m lumo.MerchantID, d lumo.DeliveryID, sql string) (c lumo.ChannelID, err error) {
	err = postgres.Fault(op, postgres.Tx(ctx).QueryRow(ctx, sql, m, d).Scan(&c))
	if fault.Is(err, fault.NotFound) {
		return c, fault.New(fault.Conflict, op, "This message changed meanwhile. Load the page again.")
	}
	return c, err
}
