package delivery

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

// DueChunks locks chunks that LINE may have and that are due, or that a lost owner left.
func (s *Store) DueChunks(ctx context.Context, l delivery.Lease, now time.Time, limit int) ([]delivery.Chunk, error) {
	const op = "postgres.delivery.DueChunks"
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT id, logical_kind, logical_id, state, retry_key, body_enc, tries,
			coalesce(first_try_at < now() - interval '23 hours', false)
		FROM delivery_chunk
		WHERE merchant_id = $1 AND channel_id = $2 AND due_at <= $3
			AND (state = 'unknown' OR fence < $4 OR last_try_at < now() - interval '2 minutes')
		ORDER BY due_at
		LIMIT $5
		FOR UPDATE SKIP LOCKED`, l.Merchant, l.Channel, now, l.Fence, max(limit, 0))
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	var sealed [][]byte
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (k delivery.Chunk, err error) {
		var body []byte
		k.Merchant, k.Channel = l.Merchant, l.Channel
		err = r.Scan(&k.ID, &k.Kind, &k.Logical, &k.State, &k.Key, &body, &k.Tries, &k.Expired)
		sealed = append(sealed, body)
		return k, err
	})
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	for i := range all {
		if all[i].Body, err = s.body(ctx, l.Merchant, "delivery_chunk", all[i].ID, sealed[i]); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	return all, nil
}

// FreezeChunks commits chunks to bytes and recipients. A second try changes neither.
func (s *Store) FreezeChunks(ctx context.Context, l delivery.Lease, all []delivery.Chunk) error {
	for _, k := range all {
		freeze := s.freezeNew
		if k.State == delivery.Unknown {
			freeze = s.freezeAgain
		}
		if err := freeze(ctx, l, k); err != nil {
			return fault.Wrap("postgres.delivery.FreezeChunks", err)
		}
	}
	return nil
}

func (s *Store) freezeNew(ctx context.Context, l delivery.Lease, k delivery.Chunk) error {
	const op = "postgres.delivery.freezeNew"
	sealed, err := s.pack(ctx, k.Merchant, "delivery_chunk", k.ID, k.Body)
	if err != nil {
		return fault.Wrap(op, err)
	}
	ids := make([]lumo.DeliveryID, len(k.Deliveries))
	for i, d := range k.Deliveries {
		ids[i] = d.ID
	}
	batch, frozen := &pgx.Batch{}, int64(0)
	queueFresh(batch)
	batch.Queue(`
		WITH chunk AS (
			INSERT INTO delivery_chunk (merchant_id, id, channel_id, logical_kind, logical_id, recipients, state, retry_key,
				body_enc, first_try_at, last_try_at, tries, due_at, fence, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, 'sending', $7, $8, now(), now(), 1, now(), $9, now(), now()))
		UPDATE delivery AS d
		SET state = 'sending', hold = NULL, chunk_id = $2, place = t.place, due_at = NULL, fence = $9, tries = d.tries + 1,
			first_try_at = now(), last_try_at = now(), updated_at = now()
		FROM unnest((SELECT $10::uuid[])) WITH ORDINALITY AS t (id, place)
		WHERE d.merchant_id = $1 AND d.id = t.id AND d.fence <= $9`,
		k.Merchant, k.ID, k.Channel, k.Kind, k.Logical, len(ids), k.Key, sealed, l.Fence, ids).Exec(func(tag pgconn.CommandTag) error {
		frozen = tag.RowsAffected()
		return nil
	})
	queueUsual(batch)
	queueHold(batch, l, len(ids), 0, 0)
	if err := postgres.Tx(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return postgres.Fault(op, err)
	}
	if int(frozen) != len(ids) {
		return fault.New(fault.Stale, op, "a delivery belongs to a newer owner")
	}
	return nil
}

func (s *Store) freezeAgain(ctx context.Context, l delivery.Lease, k delivery.Chunk) error {
	const op = "postgres.delivery.freezeAgain"
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE delivery_chunk
		SET state = 'sending', fence = $3, tries = tries + 1, last_try_at = now(), updated_at = now()
		WHERE merchant_id = $1 AND id = $2 AND fence <= $3`, k.Merchant, k.ID, l.Fence)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.Stale, op, "a chunk belongs to a newer owner")
	}
	return postgres.Fault(op, err)
}

// SettleChunk records what became of a chunk, and what that means for each of its people:
// accepted and refused end, unknown stays, and what LINE did not take for another reason, or
// because of somebody else in it, is planned anew without the one it named.
func (s *Store) SettleChunk(ctx context.Context, l delivery.Lease, o delivery.ChunkOutcome, now time.Time) ([]delivery.Outcome, error) {
	const op = "postgres.delivery.SettleChunk"
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE delivery_chunk
		SET state = $3, due_at = $4, line_request_id = coalesce(NULLIF($5, ''), line_request_id), updated_at = now(),
			body_enc = CASE WHEN $3 = 'unknown' THEN body_enc END
		WHERE merchant_id = $1 AND id = $2 AND state IN ('sending', 'unknown', 'unknown_expired')
			AND ($3 = 'accepted' OR fence <= $6 AND state <> 'unknown_expired')`,
		o.Chunk.Merchant, o.Chunk.ID, string(o.State), chunkDue(o), o.RequestID, l.Fence)
	if err != nil || tag.RowsAffected() == 0 {
		return nil, postgres.Fault(op, err)
	}
	members, err := s.members(ctx, o.Chunk)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	outcomes := make([]delivery.Outcome, len(members))
	for i, d := range members {
		outcomes[i] = delivery.Outcome{Delivery: d, State: o.State, Reason: o.Reason, Data: o.Data, NextAt: o.NextAt,
			RequestID: o.RequestID}
		switch {
		case o.State == delivery.Unknown:
			outcomes[i].NextAt = time.Time{} // the chunk is due, not its people
		case o.State == delivery.Rejected && o.Bad > 0 && i != o.Bad-1:
			outcomes[i].State, outcomes[i].Reason, outcomes[i].Data = delivery.Planned, "", nil
			outcomes[i].NextAt = now
		}
	}
	if o.State != delivery.Unknown {
		err = s.leave(ctx, o.Chunk)
	}
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return s.Settle(ctx, delivery.Lease{Merchant: l.Merchant, Channel: l.Channel, Fence: 1 << 62}, outcomes)
}

// chunkDue is when a chunk is tried again; only what is unknown is.
func chunkDue(o delivery.ChunkOutcome) *time.Time {
	if o.State != delivery.Unknown {
		return nil
	}
	return moment(o.NextAt)
}

// members are the people of a chunk in the order of its body.
func (s *Store) members(ctx context.Context, k delivery.Chunk) ([]delivery.Delivery, error) {
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT id, number, friend_id, profile_id, message_id, state, received_at
		FROM delivery
		WHERE merchant_id = $1 AND chunk_id = $2
		ORDER BY place`, k.Merchant, k.ID)
	if err != nil {
		return nil, postgres.Fault("postgres.delivery.members", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d delivery.Delivery, err error) {
		var number int64
		var message *lumo.MessageID
		d.Merchant, d.Channel, d.Kind, d.Logical = k.Merchant, k.Channel, k.Kind, k.Logical
		err = r.Scan(&d.ID, &number, &d.Friend, &d.Profile, &message, &d.State, &d.ReceivedAt)
		d.Number, d.Content.Message = uint64(number), read(message)
		return d, err
	})
	return all, postgres.Fault("postgres.delivery.members", err)
}

// leave takes the people out of a chunk that has ended.
func (s *Store) leave(ctx context.Context, k delivery.Chunk) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE delivery
		SET chunk_id = NULL
		WHERE merchant_id = $1 AND chunk_id = $2`, k.Merchant, k.ID)
	return postgres.Fault("postgres.delivery.leave", err)
}
