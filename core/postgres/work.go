package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
)

// Work is one LINE account's turn in a kind of background work. The row is the lease: it
// counts while nobody took it anew, which the fence tells.
type Work struct {
	Merchant lumo.MerchantID
	Channel  lumo.ChannelID
	Kind     string
	Due      time.Time
	Fence    int64
}

// ClaimWork takes the account that is due longest and that nobody holds; false means that
// none is due. Until it is given back it is due at the end of the lease, so that a holder
// that dies costs no more. It needs a transaction without a merchant.
func ClaimWork(ctx context.Context, kind, owner string, now time.Time, lease time.Duration) (w Work, found bool, err error) {
	w.Kind = kind
	err = Tx(ctx).QueryRow(ctx, `
		UPDATE work
		SET owner = $1, lease_until = $3, due_at = $3, fence = fence + 1
		WHERE (merchant_id, channel_id, kind) = (
			SELECT merchant_id, channel_id, kind
			FROM work
			WHERE kind = $4 AND due_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
			ORDER BY due_at
			LIMIT 1
			FOR UPDATE SKIP LOCKED)
		RETURNING merchant_id, channel_id, due_at, fence`, owner, now, now.Add(lease), kind).
		Scan(&w.Merchant, &w.Channel, &w.Due, &w.Fence)
	if errors.Is(err, pgx.ErrNoRows) {
		return Work{}, false, nil
	}
	return w, err == nil, Fault("postgres.ClaimWork", err)
}

// DoneWork gives an account back, due again at a time. One that was brought forward meanwhile
// stays so; a holder who was replaced changes nothing.
func DoneWork(ctx context.Context, w Work, next time.Time) error {
	_, err := Tx(ctx).Exec(ctx, `
		UPDATE work
		SET owner = NULL, lease_until = NULL,
			due_at = CASE WHEN due_at = $5 THEN $6 ELSE least(due_at, $6) END
		WHERE merchant_id = $1 AND channel_id = $2 AND kind = $3 AND fence = $4`,
		w.Merchant, w.Channel, w.Kind, w.Fence, w.Due, next)
	return Fault("postgres.DoneWork", err)
}
