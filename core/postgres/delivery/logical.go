package delivery

import (
	"context"
	"encoding/json"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// AddLogical stores what a message to many says, once.
func (s *Store) AddLogical(ctx context.Context, l delivery.Logical, now time.Time) error {
	const op = "postgres.delivery.AddLogical"
	input, err := json.Marshal(l.Content)
	if err != nil {
		return fault.Wrap(op, err)
	}
	sealed, err := s.vault.Seal(ctx, l.Merchant, "logical_message", "input", l.ID, input)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		WITH wanted AS (
			INSERT INTO work (merchant_id, channel_id, kind, due_at)
			VALUES ($1, $4, 'send', $9)
			ON CONFLICT (merchant_id, channel_id, kind) DO NOTHING)
		INSERT INTO logical_message (merchant_id, kind, id, channel_id, input_enc, shared, too_late_at, received_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (merchant_id, kind, id) DO NOTHING`,
		l.Merchant, l.Kind, l.ID, l.Channel, sealed, l.Shared, moment(l.TooLateAt), l.ReceivedAt, now)
	return postgres.Fault(op, err)
}

// AddAll plans a batch of recipients. What they share stays in the logical message.
func (s *Store) AddAll(ctx context.Context, l delivery.Logical, ids []lumo.DeliveryID, to []delivery.Recipient,
	now time.Time) (int64, error) {
	const op = "postgres.delivery.AddAll"
	end, err := take(ctx, s.db, l.Merchant, len(to))
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	friends, profiles := make([]lumo.FriendID, len(to)), make([]string, len(to))
	for i, r := range to {
		friends[i], profiles[i] = r.Friend, string(r.Profile)
	}
	rank := 0
	if l.Kind == delivery.KindBroadcast {
		rank = 1
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, profile_id,
			message_id, message_version, state, rank, due_at, too_late_at, received_at, created_at, updated_at)
		SELECT $1, t.id, $2 + t.place, $3, $4, $5, t.friend, t.profile, $6, NULLIF($7, 0), 'planned', $8, $9::timestamptz,
			$10::timestamptz, $11, $9, $9
		FROM unnest($12::uuid[], $13::uuid[], $14::text[]) WITH ORDINALITY AS t (id, friend, profile, place)
		ON CONFLICT (merchant_id, logical_kind, logical_id, friend_id) DO NOTHING`,
		l.Merchant, int64(end)-int64(len(to))-1, l.Channel, l.Kind, l.ID, message(l.Content), l.Content.Version, rank, now,
		moment(l.TooLateAt), l.ReceivedAt, ids, friends, profiles)
	if err != nil {
		return 0, postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		UPDATE logical_message
		SET planned = planned + $4
		WHERE merchant_id = $1 AND kind = $2 AND id = $3`, l.Merchant, l.Kind, l.ID, tag.RowsAffected())
	return tag.RowsAffected(), postgres.Fault(op, err)
}

// Complete notes that all recipients are planned.
func (s *Store) Complete(ctx context.Context, l delivery.Logical) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE logical_message
		SET complete = true
		WHERE merchant_id = $1 AND kind = $2 AND id = $3`, l.Merchant, l.Kind, l.ID)
	return postgres.Fault("postgres.delivery.Complete", err)
}

// addLogical gives deliveries what their logical messages say.
func (s *Store) addLogical(ctx context.Context, m lumo.MerchantID, all []delivery.Delivery) error {
	const op = "postgres.delivery.addLogical"
	wanted := map[id.ID]bool{}
	var ids []id.ID
	for _, d := range all {
		if !wanted[d.Logical] {
			wanted[d.Logical], ids = true, append(ids, d.Logical)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT id, input_enc, shared, dropped_at IS NOT NULL
		FROM logical_message
		WHERE merchant_id = $1 AND kind = 'broadcast' AND id = ANY($2::uuid[])`, m, ids)
	if err != nil {
		return postgres.Fault(op, err)
	}
	defer rows.Close()
	found := map[id.ID]delivery.Delivery{}
	for rows.Next() {
		var v id.ID
		var sealed []byte
		var d delivery.Delivery
		if err := rows.Scan(&v, &sealed, &d.Shared, &d.Dropped); err != nil {
			return postgres.Fault(op, err)
		}
		if err := s.content(ctx, m, "logical_message", v, sealed, &d.Content); err != nil {
			return fault.Wrap(op, err)
		}
		found[v] = d
	}
	for i := range all {
		f := found[all[i].Logical]
		all[i].Content, all[i].Shared, all[i].Dropped = f.Content, f.Shared, f.Dropped
	}
	return postgres.Fault(op, rows.Err())
}
