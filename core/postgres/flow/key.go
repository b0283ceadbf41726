package flow

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Keys implements flow.Keys.
type Keys struct{ *Store }

// List reads a channel's keys, newest first, with the calls of the last day.
func (k Keys) List(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) ([]flow.Key, error) {
	const op = "postgres.flow.List"
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT k.id, k.number, k.hash, k.last4, k.valid_from, k.valid_until, k.created_by, k.last_used_at, k.created_at
		FROM flow_key AS k
		WHERE k.merchant_id = $1 AND k.channel_id = $2
		ORDER BY k.number DESC`, m, c)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	keys, err := pgx.CollectRows(rows, scanKey)
	return keys, postgres.Fault(op, err)
}

func scanKey(row pgx.CollectableRow) (k flow.Key, err error) {
	var hash []byte
	var until, used *time.Time
	var by *lumo.MemberID
	if err := row.Scan(&k.ID, &k.Number, &hash, &k.Last4, &k.ValidFrom, &until, &by, &used, &k.CreatedAt); err != nil {
		return k, err
	}
	copy(k.Hash[:], hash)
	if until != nil {
		k.ValidUntil = *until
	}
	if used != nil {
		k.LastUsedAt = *used
	}
	if by != nil {
		k.CreatedBy = *by
	}
	return k, nil
}

// Calls counts the last day's calls by key number: accepted or skipped, and refused.
func (k Keys) Calls(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, since time.Time) (map[uint32][2]int64, error) {
	const op = "postgres.flow.Calls"
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT coalesce(key_number, 0), count(*) FILTER (WHERE outcome <> 'refused'), count(*) FILTER (WHERE outcome = 'refused')
		FROM flow_request
		WHERE merchant_id = $1 AND channel_id = $2 AND received_at > $3
		GROUP BY 1`, m, c, since)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	calls := map[uint32][2]int64{}
	var number uint32
	var pair [2]int64
	_, err = pgx.ForEachRow(rows, []any{&number, &pair[0], &pair[1]}, func() error {
		calls[number] = pair
		return nil
	})
	return calls, postgres.Fault(op, err)
}

// NextNumber gives the channel's next key number.
func (k Keys) NextNumber(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (n uint32, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
		UPDATE channel
		SET flow_key_seq = flow_key_seq + 1
		WHERE merchant_id = $1 AND id = $2
		RETURNING flow_key_seq`, m, c).Scan(&n)
	return n, postgres.Fault("postgres.flow.NextNumber", err)
}

// Add stores a key; its value is sealed, for the members who may see it again. With the first
// one the account's flows begin to be looked after.
func (k Keys) Add(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, key flow.Key, value string) error {
	const op = "postgres.flow.AddKey"
	sealed, err := k.vault.Seal(ctx, m, "flow_key", "value", key.ID, []byte(value))
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO flow_key (merchant_id, id, channel_id, number, hash, value_enc, last4, valid_from, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		m, key.ID, c, key.Number, key.Hash[:], sealed, key.Last4, key.ValidFrom, set(key.CreatedBy), key.CreatedAt)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO work (merchant_id, channel_id, kind, due_at)
		VALUES ($1, $2, 'flow', $3)
		ON CONFLICT DO NOTHING`, m, c, key.CreatedAt)
	return postgres.Fault(op, err)
}

// End ends all other keys that are still valid.
func (k Keys) End(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, except id.ID, at time.Time) ([]uint32, error) {
	const op = "postgres.flow.End"
	rows, err := postgres.Tx(ctx).Query(ctx, `
		UPDATE flow_key
		SET valid_until = $4
		WHERE merchant_id = $1 AND channel_id = $2 AND id <> $3 AND (valid_until IS NULL OR valid_until > $4)
		RETURNING number`, m, c, except, at)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[uint32])
	return numbers, postgres.Fault(op, err)
}

// Value opens a key.
func (k Keys) Value(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, key id.ID) (string, error) {
	const op = "postgres.flow.Value"
	var sealed []byte
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT value_enc
		FROM flow_key
		WHERE merchant_id = $1 AND channel_id = $2 AND id = $3`, m, c, key).Scan(&sealed)
	if err != nil {
		return "", postgres.Fault(op, err)
	}
	plain, err := k.vault.Open(ctx, m, "flow_key", "value", key, sealed)
	return string(plain), fault.Wrap(op, err)
}

// Used notes when a key was last used, at most once a minute: every call would make every
// call wait for the one before it.
func (k Keys) Used(ctx context.Context, m lumo.MerchantID, key id.ID, at time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE flow_key
		SET last_used_at = $3
		WHERE merchant_id = $1 AND id = (
			SELECT id
			FROM flow_key
			WHERE merchant_id = $1 AND id = $2
			FOR NO KEY UPDATE SKIP LOCKED)`, m, key, at)
	return postgres.Fault("postgres.flow.Used", err)
}
