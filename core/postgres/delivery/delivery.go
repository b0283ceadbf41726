// Package delivery keeps deliveries and the leases of their senders in PostgreSQL.
//
// Bodies and inputs are sealed, and dropped as soon as nothing can need them again.
package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
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
	zones   zones
}

// New makes a store.
func New(db *postgres.DB, v *vault.Vault) (*Store, error) {
	const op = "postgres.delivery.New"
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return &Store{db: db, vault: v, encoder: encoder, decoder: decoder}, nil
}

// Add stores planned deliveries, and the row of work by which senders find their channel.
func (s *Store) Add(ctx context.Context, all []delivery.Delivery, now time.Time) error {
	const op = "postgres.delivery.Add"
	c, err := s.planned(ctx, all)
	if err != nil {
		return fault.Wrap(op, err)
	}
	first := all[0]
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		WITH wanted AS (
			INSERT INTO work (merchant_id, channel_id, kind, due_at)
			VALUES ($1, $2, 'send', $4)
			ON CONFLICT (merchant_id, channel_id, kind) DO NOTHING)
		INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, profile_id,
			message_id, message_version, input_enc, state, retry_key, due_at, reason, too_late_at, received_at, created_at, updated_at)
		SELECT $1, t.id, t.number, $2, $3, t.logical, t.friend, t.profile, t.message, NULLIF(t.version, 0), t.input, 'planned',
			t.key, coalesce(t.waits, $4::timestamptz), CASE WHEN t.waits IS NOT NULL THEN 'event_wait' END,
			CASE WHEN $3 = 'flow' THEN t.received + make_interval(secs => coalesce(
				(SELECT hold_seconds FROM sending WHERE merchant_id = $1 AND channel_id = $2), $5))
			ELSE t.late END, t.received, $4, $4
		FROM unnest($6::uuid[], $7::bigint[], $8::uuid[], $9::uuid[], $10::text[], $11::uuid[], $12::int[], $13::bytea[],
			$14::uuid[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[])
			AS t (id, number, logical, friend, profile, message, version, input, key, received, late, waits)
		ON CONFLICT (merchant_id, logical_kind, logical_id, friend_id) DO NOTHING`,
		first.Merchant, first.Channel, first.Kind, now, delivery.DefaultRules().TooLate.Seconds(), c.ids, c.numbers, c.logicals,
		c.friends, c.profiles, c.messages, c.versions, c.inputs, c.keys, c.received, c.late, c.waits)
	if err != nil {
		return postgres.Fault(op, err)
	}
	if int(tag.RowsAffected()) != len(all) {
		return fault.New(fault.Conflict, op, "This message was sent to this person already.")
	}
	return nil
}

// plannedColumns are planned deliveries turned sideways for one statement.
type plannedColumns struct {
	ids      []lumo.DeliveryID
	numbers  []int64
	logicals []id.ID
	friends  []lumo.FriendID
	profiles []string
	messages []*lumo.MessageID
	versions []int
	inputs   [][]byte
	keys     []uuid.UUID
	received []time.Time
	late     []*time.Time
	waits    []*time.Time
}

// planned gives deliveries their numbers and seals what they say.
func (s *Store) planned(ctx context.Context, all []delivery.Delivery) (c plannedColumns, err error) {
	for i := range all {
		d := &all[i]
		input, err := json.Marshal(d.Content)
		if err != nil {
			return c, err
		}
		sealed, err := s.vault.Seal(ctx, d.Merchant, "delivery", "input", id.ID(d.ID), input)
		if err != nil {
			return c, err
		}
		if d.Number, err = s.numbers.one(ctx, s.db, d.Merchant); err != nil {
			return c, err
		}
		c.ids, c.numbers, c.logicals = append(c.ids, d.ID), append(c.numbers, int64(d.Number)), append(c.logicals, d.Logical)
		c.friends, c.profiles = append(c.friends, d.Friend), append(c.profiles, string(d.Profile))
		c.messages, c.versions = append(c.messages, message(d.Content)), append(c.versions, d.Content.Version)
		c.inputs, c.keys = append(c.inputs, sealed), append(c.keys, d.Key)
		c.received, c.late = append(c.received, d.ReceivedAt), append(c.late, moment(d.TooLateAt))
		c.waits = append(c.waits, moment(d.WaitsUntil))
	}
	return c, nil
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

// row is a delivery as it is read.
type row struct {
	d           delivery.Delivery
	input, body []byte
	key         *uuid.UUID
	tooLate     *time.Time
	number      int64
	bundle      *uuid.UUID
	place       int
}

// dueNow is what Due locks, the first first.
const dueNow = `
		FROM delivery
		WHERE merchant_id = $1 AND channel_id = $2 AND rank = $3 AND due_at <= $4
			AND (state = 'unknown' OR NOT $5 AND state IN ('planned', 'deferred', 'quota_blocked')
				OR state = 'sending' AND (fence < $6 OR last_try_at < now() - interval '2 minutes'))
		ORDER BY due_at, id`

// Due locks what may be tried now. What stays in sending for longer than a try and its record
// can take was lost on the way, whoever owns the channel.
func (s *Store) Due(ctx context.Context, l delivery.Lease, q delivery.Due) ([]delivery.Delivery, error) {
	const op = "postgres.delivery.Due"
	rank := 0
	if q.Broadcasts {
		rank = 1
	}
	rows, err := postgres.Tx(ctx).Query(ctx, `
		WITH first AS (
			SELECT logical_id`+dueNow+`
			LIMIT 1
		)
		SELECT id, number, logical_kind, logical_id, friend_id, profile_id, input_enc, body_enc, state, coalesce(hold, ''),
			round, retry_key, tries, too_late_at, received_at, coalesce(first_try_at < now() - interval '23 hours', false),
			bundle_id, coalesce(place, 0)`+dueNow+`
		LIMIT CASE WHEN $3 = 1 AND EXISTS (SELECT FROM first JOIN logical_message m
			ON m.merchant_id = $1 AND m.kind = 'broadcast' AND m.id = first.logical_id AND m.shared) THEN $8::bigint ELSE $7::bigint END
		FOR UPDATE SKIP LOCKED`, l.Merchant, l.Channel, rank, q.Now, q.Retries, l.Fence, q.Limit, q.Alike)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	var r row
	var all []row
	r.d.Merchant, r.d.Channel = l.Merchant, l.Channel
	fresh := r
	for rows.Next() {
		r = fresh
		if err := rows.Scan(&r.d.ID, &r.number, &r.d.Kind, &r.d.Logical, &r.d.Friend, &r.d.Profile, &r.input, &r.body,
			&r.d.State, &r.d.Hold, &r.d.Round, &r.key, &r.d.Tries, &r.tooLate, &r.d.ReceivedAt, &r.d.Expired,
			&r.bundle, &r.place); err != nil {
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
	if q.Broadcasts {
		err = errors.Join(s.addLogical(ctx, l.Merchant, out), s.fillBodies(ctx, l.Merchant, all, out))
	}
	return out, fault.Wrap(op, err)
}

func (s *Store) open(ctx context.Context, r row) (delivery.Delivery, error) {
	d := r.d
	d.Number, d.Key, d.TooLateAt = uint64(r.number), read(r.key), read(r.tooLate)
	if r.input != nil {
		if err := s.content(ctx, d.Merchant, "delivery", id.ID(d.ID), r.input, &d.Content); err != nil {
			return d, err
		}
	}
	var err error
	if r.body != nil {
		d.Body, err = s.body(ctx, d.Merchant, "delivery", id.ID(d.ID), r.body)
	}
	return d, err
}

// content opens what a delivery or logical message says.
func (s *Store) content(ctx context.Context, m lumo.MerchantID, table string, v id.ID, sealed []byte, c *lumo.Content) error {
	plain, err := s.vault.Open(ctx, m, table, "input", v, sealed)
	if err != nil {
		return err
	}
	return fault.Wrap("postgres.delivery.content", json.Unmarshal(plain, c))
}

// body opens the exact bytes of a request.
func (s *Store) body(ctx context.Context, m lumo.MerchantID, table string, v id.ID, sealed []byte) ([]byte, error) {
	packed, err := s.vault.Open(ctx, m, table, "body", v, sealed)
	if err != nil {
		return nil, err
	}
	plain, err := s.decoder.DecodeAll(packed, nil)
	return plain, fault.Wrap("postgres.delivery.body", err)
}

// pack seals the exact bytes of a request.
func (s *Store) pack(ctx context.Context, m lumo.MerchantID, table string, v id.ID, body []byte) ([]byte, error) {
	return s.vault.Seal(ctx, m, table, "body", v, s.encoder.EncodeAll(body, nil))
}

// Sent counts what LINE accepted for friends since a time.
func (s *Store) Sent(ctx context.Context, m lumo.MerchantID, friends []lumo.FriendID, since time.Time) (
	map[lumo.FriendID]int, error) {
	const op = "postgres.delivery.Sent"
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT friend_id, count(*)
		FROM delivery
		WHERE merchant_id = $1 AND friend_id = ANY($2::uuid[]) AND accepted_at >= $3
		GROUP BY 1`, m, friends, since)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	sent := map[lumo.FriendID]int{}
	var friend lumo.FriendID
	var n int
	_, err = pgx.ForEachRow(rows, []any{&friend, &n}, func() error {
		sent[friend] = n
		return nil
	})
	return sent, postgres.Fault(op, err)
}
