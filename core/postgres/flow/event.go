package flow

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

// Await notes that calls of an account wait for their event.
func (s *Store) Await(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO work (merchant_id, channel_id, kind, due_at)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (merchant_id, channel_id, kind) DO UPDATE SET due_at = least(work.due_at, $4)`, m, c, events, now)
	return postgres.Fault("postgres.flow.Await", err)
}

// TakeReadings takes what is due. Nobody else takes it before the lease ends.
func (s *Store) TakeReadings(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time, lease time.Duration,
	limit int) (taken []flow.Request, next time.Time, err error) {
	const op = "postgres.flow.TakeReadings"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		WITH due AS MATERIALIZED (
			SELECT id
			FROM flow_request
			WHERE merchant_id = $1 AND channel_id = $2 AND event_due_at <= $3
			ORDER BY event_due_at
			LIMIT $5
			FOR UPDATE SKIP LOCKED)
		UPDATE flow_request AS r
		SET event_due_at = $4
		FROM due
		WHERE r.merchant_id = $1 AND r.id = due.id
		RETURNING r.id, r.profile_id, r.event_ref, r.received_at, r.delivery_id, r.event_wanted, r.event_until`,
		m, c, now, now.Add(lease), limit)
	taken, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r flow.Request, err error) {
		r.Merchant, r.Channel = m, c
		return r, row.Scan(&r.ID, &r.Profile, &r.EventRef, &r.ReceivedAt, &r.Delivery, &r.Wanted, &r.WantedUntil)
	})
	if err != nil {
		return nil, next, postgres.Fault(op, err)
	}
	var due *time.Time
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT min(event_due_at)
		FROM flow_request
		WHERE merchant_id = $1 AND channel_id = $2 AND event_due_at IS NOT NULL`, m, c).Scan(&due)
	return taken, value(due), postgres.Fault(op, err)
}

// ReadLater puts a reading off.
func (s *Store) ReadLater(ctx context.Context, m lumo.MerchantID, r lumo.RequestID, due time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE flow_request
		SET event_due_at = $3
		WHERE merchant_id = $1 AND id = $2 AND event_due_at IS NOT NULL`, m, r, due)
	return postgres.Fault("postgres.flow.ReadLater", err)
}

// EventRead ends a reading. What happened, and when, is known then, too; who could not be asked is
// asked again by what measures Klaviyo's share.
func (s *Store) EventRead(ctx context.Context, m lumo.MerchantID, r lumo.RequestID, e lumo.ReadEvent, note string) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE flow_request
		SET event_due_at = NULL, event_until = NULL, event_wanted = NULL, event_note = $4,
			event_at = coalesce($3, event_at), event_name = coalesce(nullif($5, ''), event_name),
			event_asked = event_asked OR $3 IS NOT NULL OR $4 = 'missing'
		WHERE merchant_id = $1 AND id = $2 AND event_due_at IS NOT NULL`, m, r, set(e.OccurredAt), note, e.Metric)
	return postgres.Fault("postgres.flow.EventRead", err)
}
