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
		return linkage.Code{}, found("This LINE account does not exist.", op, err)
	}
	_, err = tx.Exec(ctx, `
INSERT INTO qr_code (merchant_id, id, channel_id, number, public_key, name, identify_by, state, expires_at,
                     tags, welcome, message_id, form_id, own, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'live', $8, $9, $10, $14, $11, $13, $12, $12)`,
		m, c.ID, c.Channel, int64(c.Number), c.Key, c.Name, string(c.IdentifyBy), orNull(c.ExpiresAt),
		plain(c.Tags), c.Welcome, orNull(c.Form), c.CreatedAt, c.Own, orNull(c.Message))
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
       links, last_scan_at, tags, welcome, message_id, form_id, own, created_at
  FROM qr_code`

func scanCode(r pgx.Row) (c linkage.Code, err error) {
	var expires, scanned *time.Time
	var number int64
	var form *lumo.FormID
	var message *lumo.MessageID
	err = r.Scan(&c.ID, &c.Channel, &number, &c.Key, &c.Name, &c.IdentifyBy, &c.Live, &expires, &c.Scans,
		&c.Friends, &c.Links, &scanned, &c.Tags, &c.Welcome, &message, &form, &c.Own, &c.CreatedAt)
	c.Form, c.Message = value(form), value(message)
	c.Number, c.ExpiresAt, c.LastScanAt = uint64(number), value(expires), value(scanned)
	return c, err
}

// Codes lists a channel's codes, newest first, without those of forms.
func (s *Store) Codes(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]linkage.Code, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectCode+`
 WHERE merchant_id = $1 AND channel_id = $2 AND form_id IS NULL
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
	return code, found("This QR code does not exist.", "postgres.Code", err)
}

// CodeByKey reads a channel's code by its public key.
func (s *Store) CodeByKey(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, key string) (
	linkage.Code, error) {
	code, err := scanCode(postgres.Tx(ctx).QueryRow(ctx, selectCode+`
 WHERE merchant_id = $1 AND channel_id = $2 AND public_key = $3`, m, c, key))
	return code, found("This QR code does not exist.", "postgres.CodeByKey", err)
}

// SetCode stores what a person decides about a code.
func (s *Store) SetCode(ctx context.Context, m lumo.MerchantID, c linkage.Code, now time.Time) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE qr_code
   SET name = $3, state = CASE WHEN $4 THEN 'live' ELSE 'paused' END, expires_at = $5, tags = $6, welcome = $7,
       message_id = $9, updated_at = $8
 WHERE merchant_id = $1 AND id = $2`, m, c.ID, c.Name, c.Live, orNull(c.ExpiresAt), plain(c.Tags),
		c.Welcome, now, orNull(c.Message))
	return one("This QR code does not exist.", "postgres.SetCode", tag.RowsAffected(), err)
}

// Count adds to a code's new friends and links, and to those of its day.
func (s *Store) Count(ctx context.Context, m lumo.MerchantID, c lumo.CodeID, at time.Time,
	friends, links int) error {
	const op = "postgres.Count"
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE qr_code
   SET friends = friends + $3, links = links + $4
 WHERE merchant_id = $1 AND id = $2`, m, c, friends, links)
	if err := one("This QR code does not exist.", op, tag.RowsAffected(), err); err != nil {
		return err
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO qr_code_day AS d (merchant_id, qr_code_id, day, friends, links)
SELECT $1, $2, ($3::timestamptz AT TIME ZONE s.time_zone)::date, $4, $5
  FROM merchant s
 WHERE s.merchant_id = $1
    ON CONFLICT (merchant_id, qr_code_id, day) DO UPDATE
   SET friends = d.friends + excluded.friends, links = d.links + excluded.links`, m, c, at, friends, links)
	return postgres.Fault(op, err)
}

// Days are a code's numbers by day since a time, oldest first.
func (s *Store) Days(ctx context.Context, m lumo.MerchantID, c lumo.CodeID, since time.Time) (
	[]linkage.CodeDay, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT d.day, d.scans, d.friends, d.links
  FROM qr_code_day d
  JOIN merchant s ON s.merchant_id = d.merchant_id
 WHERE d.merchant_id = $1 AND d.qr_code_id = $2 AND d.day > ($3::timestamptz AT TIME ZONE s.time_zone)::date
 ORDER BY d.day`, m, c, since)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d linkage.CodeDay, err error) {
		err = r.Scan(&d.Day, &d.Scans, &d.Friends, &d.Links)
		return d, err
	})
	return list, postgres.Fault("postgres.Days", err)
}

// plain gives the driver plain uuids; never null.
func plain[T ~[16]byte](list []T) [][16]byte {
	out := make([][16]byte, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// texts is a list that is never null.
func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for n, v := range list {
		out[n] = string(v)
	}
	return out
}
