package delivery

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Freeze commits deliveries to their bytes. The time of the first try is the database's: it
// decides for how long the key is trusted, on whatever machine.
func (s *Store) Freeze(ctx context.Context, l delivery.Lease, all []delivery.Delivery) error {
	const op = "postgres.delivery.Freeze"
	if len(all) == 0 {
		return nil
	}
	rows := make([]lumo.DeliveryID, len(all))
	keys := make([]uuid.UUID, len(all))
	bodies := make([][]byte, len(all))
	for i, d := range all {
		packed := s.encoder.EncodeAll(d.Body, nil)
		sealed, err := s.vault.Seal(ctx, d.Merchant, "delivery", "body", id.ID(d.ID), packed)
		if err != nil {
			return fault.Wrap(op, err)
		}
		rows[i], keys[i], bodies[i] = d.ID, d.Key, sealed
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE delivery AS d
		SET state = 'sending', retry_key = t.key, body_enc = t.body, fence = $5, tries = d.tries + 1,
			first_try_at = coalesce(d.first_try_at, now()), last_try_at = now(), updated_at = now()
		FROM unnest($2::uuid[], $3::uuid[], $4::bytea[]) AS t (id, key, body)
		WHERE d.merchant_id = $1 AND d.id = t.id AND d.fence <= $5`,
		l.Merchant, rows, keys, bodies, l.Fence)
	if err == nil && int(tag.RowsAffected()) != len(all) {
		return fault.New(fault.Stale, op, "a delivery belongs to a newer owner")
	}
	return postgres.Fault(op, err)
}

// outcomes are turned sideways for one statement.
type outcomes struct {
	ids                              []lumo.DeliveryID
	states, reasons, data, requestID []string
	dueAt                            []*time.Time
	ended                            []bool
}

func columns(all []delivery.Outcome) outcomes {
	var c outcomes
	for _, o := range all {
		data, err := json.Marshal(o.Data)
		if err != nil || o.Data == nil {
			data = []byte("{}")
		}
		c.ids = append(c.ids, o.Delivery.ID)
		c.states, c.reasons = append(c.states, string(o.State)), append(c.reasons, o.Reason)
		c.data, c.requestID = append(c.data, string(data)), append(c.requestID, o.RequestID)
		c.dueAt, c.ended = append(c.dueAt, moment(o.NextAt)), append(c.ended, !o.State.Waiting())
	}
	return c
}

// Settle records outcomes. Acceptance is a fact and needs no lease; every other change is
// refused to an owner who was replaced. What has ended stays as it ended. A key under which
// LINE took nothing counts as never tried.
func (s *Store) Settle(ctx context.Context, l delivery.Lease, all []delivery.Outcome) ([]bool, error) {
	const op = "postgres.delivery.Settle"
	c := columns(all)
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		UPDATE delivery AS d
		SET state = t.state, reason = NULLIF(t.reason, ''), reason_data = t.data::jsonb,
			due_at = CASE WHEN NOT t.ended THEN coalesce(t.due_at, d.due_at) END,
			unsure = t.state IN ('unknown', 'unknown_expired'),
			line_request_id = coalesce(NULLIF(t.request_id, ''), d.line_request_id),
			first_try_at = CASE WHEN t.state IN ('deferred', 'quota_blocked') THEN NULL ELSE d.first_try_at END,
			accepted_at = CASE WHEN t.state = 'accepted' THEN now() ELSE d.accepted_at END,
			summary_enc = CASE WHEN t.state = 'accepted' THEN d.body_enc ELSE d.summary_enc END,
			body_enc = CASE WHEN t.ended THEN NULL ELSE d.body_enc END,
			input_enc = CASE WHEN t.ended THEN NULL ELSE d.input_enc END, updated_at = now()
		FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::bool[])
			AS t (id, state, reason, data, due_at, request_id, ended)
		WHERE d.merchant_id = $1 AND d.id = t.id AND d.state NOT IN ('accepted', 'skipped', 'rejected')
			AND (t.state = 'accepted' OR d.fence <= $9 AND d.state <> 'unknown_expired')
		RETURNING d.id`,
		l.Merchant, c.ids, c.states, c.reasons, c.data, c.dueAt, c.requestID, c.ended, l.Fence)
	settled, err := pgx.CollectRows(rows, pgx.RowTo[lumo.DeliveryID])
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	changed := make([]bool, len(all))
	for i, o := range all {
		changed[i] = slices.Contains(settled, o.Delivery.ID)
	}
	return changed, nil
}
