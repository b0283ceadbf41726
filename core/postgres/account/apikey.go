package account

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const selectKey = `
SELECT id, name, last4, rights, channels, created_by, created_at, expires_at, last_used_at, revoked_at
  FROM api_access`

func scanKey(r pgx.CollectableRow) (k account.APIKey, err error) {
	var rights []byte
	var expires, used, revoked *time.Time
	err = r.Scan(&k.ID, &k.Name, &k.Last4, &rights, &k.Channels, &k.CreatedBy, &k.CreatedAt, &expires, &used, &revoked)
	if err != nil {
		return k, err
	}
	for from, to := range map[*time.Time]*time.Time{expires: &k.ExpiresAt, used: &k.LastUsedAt, revoked: &k.RevokedAt} {
		if from != nil {
			*to = *from
		}
	}
	return k, json.Unmarshal(rights, &k.Rights)
}

// AddKey stores a key by its hash.
func (s *Store) AddKey(ctx context.Context, m lumo.MerchantID, k account.APIKey, hash [32]byte) error {
	const op = "postgres.account.AddKey"
	rights, err := json.Marshal(k.Rights)
	if err != nil {
		return fault.Wrap(op, err)
	}
	var expires *time.Time
	if !k.ExpiresAt.IsZero() {
		expires = &k.ExpiresAt
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO api_access (merchant_id, id, name, last4, rights, channels, created_by, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, m, k.ID, k.Name, k.Last4, rights,
		append([]lumo.ChannelID{}, k.Channels...), k.CreatedBy, k.CreatedAt, expires)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO api_key (hash, merchant_id, id)
VALUES ($1, $2, $3)`, hash[:], m, k.ID)
	return postgres.Fault(op, err)
}

// Keys are a merchant's keys, newest first.
func (s *Store) Keys(ctx context.Context, m lumo.MerchantID) ([]account.APIKey, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectKey+`
 WHERE merchant_id = $1
 ORDER BY (revoked_at IS NOT NULL), id DESC`, m)
	all, err := pgx.CollectRows(rows, scanKey)
	return all, postgres.Fault("postgres.account.Keys", err)
}

// Key reads one key.
func (s *Store) Key(ctx context.Context, m lumo.MerchantID, v id.ID) (account.APIKey, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectKey+`
 WHERE merchant_id = $1 AND id = $2`, m, v)
	k, err := pgx.CollectExactlyOneRow(rows, scanKey)
	return k, postgres.Fault("postgres.account.Key", err)
}

// RevokeKey forgets the hash: nobody is found by it any more.
func (s *Store) RevokeKey(ctx context.Context, m lumo.MerchantID, v id.ID, now time.Time) error {
	const op = "postgres.account.RevokeKey"
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE api_access
   SET revoked_at = $3
 WHERE merchant_id = $1 AND id = $2`, m, v, now)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
DELETE FROM api_key
 WHERE merchant_id = $1 AND id = $2`, m, v)
	return postgres.Fault(op, err)
}

// KeyUsed notes when a key was last used.
func (s *Store) KeyUsed(ctx context.Context, m lumo.MerchantID, v id.ID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE api_access
   SET last_used_at = $3
 WHERE merchant_id = $1 AND id = $2`, m, v, now)
	return postgres.Fault("postgres.account.KeyUsed", err)
}

// ByHash finds whose key it is.
func (s *Store) ByHash(ctx context.Context, hash [32]byte) (m lumo.MerchantID, v id.ID, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT merchant_id, id
  FROM api_key
 WHERE hash = $1`, hash[:]).Scan(&m, &v)
	return m, v, postgres.Fault("postgres.account.ByHash", err)
}
