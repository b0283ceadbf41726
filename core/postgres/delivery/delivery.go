// Package delivery keeps deliveries and the leases of their senders in PostgreSQL.
//
// Bodies and inputs are sealed, and dropped as soon as nothing can need them again.
package delivery

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/vault"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Store implements the stores of package delivery.
type Store struct {
	db      *postgres.DB
	vault   *vault.Vault
	encoder *zstd.Encoder
	decoder *zstd.Decoder

	numbers numbers
}

// New makes a store.
func New(db *postgres.DB, v *vault.Vault) (*Store, error) {
	const op = "postgres.delivery.New"
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return &Store{db: db, vault: v, encoder: encoder, decoder: decoder}, nil
}

// Add stores a planned delivery, and the row of work by which senders find its channel.
func (s *Store) Add(ctx context.Context, d delivery.Delivery, now time.Time) (delivery.Delivery, error) {
	const op = "postgres.delivery.Add"
	input, err := json.Marshal(d.Content)
	if err != nil {
		return d, fault.Wrap(op, err)
	}
	sealed, err := s.vault.Seal(ctx, d.Merchant, "delivery", "input", id.ID(d.ID), input)
	if err != nil {
		return d, fault.Wrap(op, err)
	}
	if d.Number, err = s.numbers.one(ctx, s.db, d.Merchant); err != nil {
		return d, fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		WITH wanted AS (
			INSERT INTO work (merchant_id, channel_id, kind, due_at)
			VALUES ($1, $4, 'send', $13)
			ON CONFLICT (merchant_id, channel_id, kind) DO NOTHING)
		INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, profile_id,
			message_id, message_version, input_enc, state, retry_key, due_at, too_late_at, received_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULLIF($10, 0), $11, 'planned', $12, $13, $14, $15, $13, $13)
		ON CONFLICT (merchant_id, logical_kind, logical_id, friend_id) DO NOTHING`,
		d.Merchant, d.ID, int64(d.Number), d.Channel, d.Kind, d.Logical, d.Friend, d.Profile, message(d.Content),
		d.Content.Version, sealed, d.Key, now, moment(d.TooLateAt), d.ReceivedAt)
	if err != nil {
		return d, postgres.Fault(op, err)
	}
	if tag.RowsAffected() == 0 {
		return d, fault.New(fault.Conflict, op, "This message was sent to this person already.")
	}
	return d, nil
}

func message(c lumo.Content) *lumo.MessageID {
	if c.Message == (lumo.MessageID{}) {
		return nil
	}
	return &c.Message
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// rankUnder is the last rank that a stop lets pass: flow sends and single messages have 0,
// broadcasts 1.
func rankUnder(s delivery.Stop) int {
	switch {
	case s.Holds(delivery.KindFlow):
		return -1
	case s.Holds(delivery.KindBroadcast):
		return 0
	}
	return 1
}

// row is a delivery as it is read.
type row struct {
	d           delivery.Delivery
	input, body []byte
	key         *uuid.UUID
	tooLate     *time.Time
	number      int64
}

// Due locks what may be tried now. What stays in sending for longer than a try and its record
// can take was lost on the way, whoever owns the channel.
func (s *Store) Due(ctx context.Context, l delivery.Lease, stop delivery.Stop, now time.Time, limit int) ([]delivery.Delivery, error) {
	const op = "postgres.delivery.Due"
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT id, number, logical_kind, logical_id, friend_id, profile_id, input_enc, body_enc, state, retry_key, tries,
			too_late_at, received_at, coalesce(first_try_at < now() - interval '23 hours', false)
		FROM delivery
		WHERE merchant_id = $1 AND channel_id = $2 AND due_at <= $3 AND rank <= $6
			AND (state IN ('planned', 'deferred', 'quota_blocked', 'unknown')
				OR state = 'sending' AND (fence < $4 OR last_try_at < now() - interval '2 minutes'))
		ORDER BY rank, due_at, id
		LIMIT $5
		FOR UPDATE SKIP LOCKED`, l.Merchant, l.Channel, now, l.Fence, limit,
		rankUnder(stop))
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	var all []row
	for rows.Next() {
		r := row{d: delivery.Delivery{Plan: delivery.Plan{Merchant: l.Merchant, Channel: l.Channel}}}
		if err := rows.Scan(&r.d.ID, &r.number, &r.d.Kind, &r.d.Logical, &r.d.Friend, &r.d.Profile, &r.input, &r.body,
			&r.d.State, &r.key, &r.d.Tries, &r.tooLate, &r.d.ReceivedAt, &r.d.Expired); err != nil {
			rows.Close()
			return nil, postgres.Fault(op, err)
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, postgres.Fault(op, err)
	}
	out := make([]delivery.Delivery, len(all))
	for i, r := range all {
		if out[i], err = s.open(ctx, r); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	return out, nil
}

func (s *Store) open(ctx context.Context, r row) (delivery.Delivery, error) {
	d := r.d
	d.Number = uint64(r.number)
	if r.key != nil {
		d.Key = *r.key
	}
	if r.tooLate != nil {
		d.TooLateAt = *r.tooLate
	}
	if r.input != nil {
		plain, err := s.vault.Open(ctx, d.Merchant, "delivery", "input", id.ID(d.ID), r.input)
		if err != nil {
			return d, err
		}
		if err := json.Unmarshal(plain, &d.Content); err != nil {
			return d, fault.Wrap("postgres.delivery.open", err)
		}
	}
	if r.body != nil {
		packed, err := s.vault.Open(ctx, d.Merchant, "delivery", "body", id.ID(d.ID), r.body)
		if err != nil {
			return d, err
		}
		if d.Body, err = s.decoder.DecodeAll(packed, nil); err != nil {
			return d, fault.Wrap("postgres.delivery.open", err)
		}
	}
	return d, nil
}
