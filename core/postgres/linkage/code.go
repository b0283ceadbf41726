package linkage

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

// AddCode stores a new code under the channel's next number, and its public key.
func (s *Store) AddCode(ctx context.Context, m lumo.MerchantID, c linkage.Code) (linkage.Code, error) {
	const op = "postgres.AddCode"
	tx := postgres.Tx(ctx)
	err := tx.QueryRow(ctx, `
UPDATE channel
   SET code_seq = code_seq + 1
 WHERE merchant_id = $1 AND id = $2
RETURNING code_seq`, m, c.Channel).Scan(&c.Number)
	if err != nil {
		return linkage.Code{}, found("LINE account", op, err)
	}
	_, err = tx.Exec(ctx, `
INSERT INTO qr_code (merchant_id, id, channel_id, number, public_key, name, identify_by, state, expires_at,
                     created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'live', $8, $9, $9)`,
		m, c.ID, c.Channel, int64(c.Number), c.Key, c.Name, string(c.IdentifyBy), orNull(c.ExpiresAt), c.CreatedAt)
	if err != nil {
		return linkage.Code{}, postgres.Fault(op, err)
	}
	_, err = tx.Exec(ctx, `
INSERT INTO hook_route (public_key, merchant_id, kind, target_id, created_at)
VALUES ($1, $2, 'code', $3, $4)`, c.Key, m, c.ID, c.CreatedAt)
	return c, postgres.Fault(op, err)
}

const selectCode = `
SELECT id, channel_id, number, public_key, name, identify_by, state = 'live', expires_at, scans, friends,
       links, last_scan_at, created_at
  FROM qr_code`

func scanCode(r pgx.Row) (c linkage.Code, err error) {
	var expires, scanned *time.Time
	var number int64
	err = r.Scan(&c.ID, &c.Channel, &number, &c.Key, &c.Name, &c.IdentifyBy, &c.Live, &expires, &c.Scans,
		&c.Friends, &c.Links, &scanned, &c.CreatedAt)
	c.Number, c.ExpiresAt, c.LastScanAt = uint64(number), value(expires), value(scanned)
	return c, err
}

// Codes lists a channel's codes, newest first.
func (s *Store) Codes(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]linkage.Code, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectCode+`
 WHERE merchant_id = $1 AND channel_id = $2
 ORDER BY id DESC`, m, c)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (linkage.Code, error) {
		return scanCode(r)
	})
	return list, postgres.Fault("postgres.Codes", err)
}

// Code reads one code.
func (s *Store) Code(ctx context.Context, m lumo.MerchantID, c lumo.CodeID) (linkage.Code, error) {
	code, err := scanCode(postgres.Tx(ctx).QueryRow(ctx, selectCode+`
 WHERE merchant_id = $1 AND id = $2`, m, c))
	return code, found("QR code", "postgres.Code", err)
}

// CodeByKey reads a channel's code by its public key.
func (s *Store) CodeByKey(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, key string) (
	linkage.Code, error) {
	code, err := scanCode(postgres.Tx(ctx).QueryRow(ctx, selectCode+`
 WHERE merchant_id = $1 AND channel_id = $2 AND public_key = $3`, m, c, key))
	return code, found("QR code", "postgres.CodeByKey", err)
}

// SetLive pauses a code or lets it work again.
func (s *Store) SetLive(ctx context.Context, m lumo.MerchantID, c lumo.CodeID, live bool, now time.Time) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE qr_code
   SET state = CASE WHEN $3 THEN 'live' ELSE 'paused' END, updated_at = $4
 WHERE merchant_id = $1 AND id = $2`, m, c, live, now)
	return one("QR code", "postgres.SetLive", tag.RowsAffected(), err)
}

// Count adds to a code's new friends and links.
func (s *Store) Count(ctx context.Context, m lumo.MerchantID, c lumo.CodeID, friends, links int) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE qr_code
   SET friends = friends + $3, links = links + $4
 WHERE merchant_id = $1 AND id = $2`, m, c, friends, links)
	return one("QR code", "postgres.Count", tag.RowsAffected(), err)
}
