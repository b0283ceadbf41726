// Package flow keeps flow requests, their idempotency keys, and flow keys in PostgreSQL.
package flow

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/vault"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Store implements the stores of package flow.
type Store struct{ vault *vault.Vault }

// New makes a store.
func New(v *vault.Vault) *Store { return &Store{vault: v} }

// Add stores requests once each. Their bodies hold what Klaviyo knows of people and are sealed.
func (s *Store) Add(ctx context.Context, m lumo.MerchantID, all []flow.Request, now time.Time) (
	map[lumo.RequestID]bool, error) {
	const op = "postgres.flow.Add"
	batch, added := &pgx.Batch{}, map[lumo.RequestID]bool{}
	for _, r := range all {
		if r.Data == nil {
			r.Data = map[string]any{}
		}
		data, err := json.Marshal(r.Data)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		var sealed []byte
		if len(r.Body) > 0 {
			if sealed, err = s.vault.Seal(ctx, m, "flow_request", "body", id.ID(r.ID), r.Body); err != nil {
				return nil, fault.Wrap(op, err)
			}
		}
		batch.Queue(`
			INSERT INTO flow_request (merchant_id, id, channel_id, received_at, auth, key_number, key_last4, flow_id, step,
				message_id, profile_id, event_ref, friend_id, delivery_id, outcome, reason, reason_data, duplicate_of, body_enc,
				created_at, event_wanted, event_due_at, event_until, event_note)
			VALUES ($1, $2, $3, $4, $5, NULLIF($6, 0), NULLIF($7, ''), $8, $9, $10, $11, $12, $13, $14, $15, NULLIF($16, ''),
				$17, $18, $19, $20, $21, CASE WHEN $22::timestamptz IS NOT NULL THEN $20::timestamptz END, $22, $23)
			ON CONFLICT (merchant_id, id) DO NOTHING`,
			m, r.ID, r.Channel, r.ReceivedAt, string(r.Auth), r.KeyNumber, r.KeyLast4, r.FlowID, r.Step,
			set(r.Message), string(r.Profile), r.EventRef, set(r.Friend), set(r.Delivery), string(r.Outcome), r.Reason, data,
			set(r.DuplicateOf), sealed, now, r.Wanted, set(r.WantedUntil), r.EventNote).Exec(func(tag pgconn.CommandTag) error {
			added[r.ID] = tag.RowsAffected() == 1
			return nil
		})
	}
	return added, postgres.Fault(op, postgres.Tx(ctx).SendBatch(ctx, batch).Close())
}

// set is nil for an id that is not there.
func set[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Outcome reads what a request was answered with.
func (s *Store) Outcome(ctx context.Context, m lumo.MerchantID, v lumo.RequestID) (flow.Request, error) {
	const op = "postgres.flow.Outcome"
	r := flow.Request{ID: v, Merchant: m, Data: map[string]any{}}
	var data []byte
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT channel_id, outcome, coalesce(reason, ''), reason_data
		FROM flow_request
		WHERE merchant_id = $1 AND id = $2`, m, v).Scan(&r.Channel, &r.Outcome, &r.Reason, &data)
	if err != nil {
		return r, postgres.Fault(op, err)
	}
	return r, fault.Wrap(op, json.Unmarshal(data, &r.Data))
}

// Claim takes idempotency keys, or tells who has them. One statement decides: two calls at
// the same moment cannot both be first. Keys are taken in their order, so that transactions do
// not wait for each other in a circle.
func (s *Store) Claim(ctx context.Context, m lumo.MerchantID, all []flow.Claim, now time.Time) (
	map[[32]byte]flow.Holder, error) {
	const op = "postgres.flow.Claim"
	keys, requests, untils := make([][]byte, len(all)), make([]lumo.RequestID, len(all)), make([]time.Time, len(all))
	taken := make(map[[32]byte]flow.Holder, len(all))
	for i, c := range all {
		keys[i], requests[i], untils[i] = c.Key[:], c.Request, c.Until
		taken[c.Key] = flow.Holder{}
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		INSERT INTO flow_idempotency AS f (merchant_id, key, request_id, expires_at)
		SELECT $1, t.key, t.request, t.until
		FROM unnest($2::bytea[], $3::uuid[], $4::timestamptz[]) AS t (key, request, until)
		ORDER BY t.key
		ON CONFLICT (merchant_id, key) DO UPDATE
		SET request_id = EXCLUDED.request_id, expires_at = EXCLUDED.expires_at
		WHERE f.expires_at < $5
		RETURNING f.key`, m, keys, requests, untils, now)
	claimed, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	for _, key := range claimed {
		delete(taken, [32]byte(key))
	}
	if len(taken) == 0 {
		return taken, nil
	}
	return taken, s.holders(ctx, m, taken)
}

// holders tells who has keys, and since when. Calls are forgotten before their keys end: then the
// id of the call tells.
func (s *Store) holders(ctx context.Context, m lumo.MerchantID, taken map[[32]byte]flow.Holder) error {
	var keys [][]byte
	for key := range taken {
		keys = append(keys, key[:])
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT f.key, f.request_id, r.received_at
		FROM flow_idempotency AS f
		LEFT JOIN flow_request AS r ON r.merchant_id = f.merchant_id AND r.id = f.request_id
		WHERE f.merchant_id = $1 AND f.key = ANY($2::bytea[])`, m, keys)
	var key []byte
	var h flow.Holder
	var received *time.Time
	_, err := pgx.ForEachRow(rows, []any{&key, &h.Request, &received}, func() error {
		if h.Since = value(received); received == nil {
			h.Since = id.ID(h.Request).Time()
		}
		taken[[32]byte(key)] = h
		return nil
	})
	return postgres.Fault("postgres.flow.holders", err)
}

// Replace gives a key to a new request.
func (s *Store) Replace(ctx context.Context, m lumo.MerchantID, key [32]byte, r lumo.RequestID, until time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE flow_idempotency
		SET request_id = $3, expires_at = $4
		WHERE merchant_id = $1 AND key = $2`, m, key[:], r, until)
	return postgres.Fault("postgres.flow.Replace", err)
}

// Repeated counts one more call on a request.
func (s *Store) Repeated(ctx context.Context, m lumo.MerchantID, r lumo.RequestID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE flow_request
		SET repeats = repeats + 1
		WHERE merchant_id = $1 AND id = $2`, m, r)
	return postgres.Fault("postgres.flow.Repeated", err)
}
