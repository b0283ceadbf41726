package connection

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/connection"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// SystemHook reads an account's system webhook and locks it.
func (s *Store) SystemHook(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (
	h connection.SystemHook, err error) {
	const op = "postgres.SystemHook"
	var sealed []byte
	var number int64
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT number, webhook_id, webhook_state, webhook_secret_enc
  FROM klaviyo_account
 WHERE merchant_id = $1 AND id = $2
   FOR NO KEY UPDATE`, m, a).Scan(&number, &h.ID, &h.State, &sealed)
	if err != nil {
		return h, postgres.Fault(op, err)
	}
	h.Number = uint32(number)
	if len(sealed) > 0 {
		plain, err := s.vault.Open(ctx, m, "klaviyo_account", "webhook_secret_enc", id.ID(a), sealed)
		if err != nil {
			return h, fault.Wrap(op, err)
		}
		h.Secret = lumo.Secret(plain)
	}
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT public_key
  FROM hook_route
 WHERE merchant_id = $1 AND kind = 'klaviyo_system' AND target_id = $2
 ORDER BY created_at DESC
 LIMIT 1`, m, a).Scan(&h.Key)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return h, postgres.Fault(op, err)
}

// SetSystemHook stores an account's system webhook; a new public key is never another's.
func (s *Store) SetSystemHook(ctx context.Context, m lumo.MerchantID, a lumo.AccountID,
	h connection.SystemHook, now time.Time) error {
	const op = "postgres.SetSystemHook"
	sealed, err := s.vault.Seal(ctx, m, "klaviyo_account", "webhook_secret_enc", id.ID(a),
		[]byte(h.Secret.Reveal()))
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
UPDATE klaviyo_account
   SET webhook_id = $3, webhook_state = $4, webhook_secret_enc = $5, updated_at = $6
 WHERE merchant_id = $1 AND id = $2`, m, a, h.ID, string(h.State), sealed, now)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO hook_route (public_key, merchant_id, kind, target_id, created_at)
VALUES ($1, $2, 'klaviyo_system', $3, $4)
    ON CONFLICT (public_key) DO NOTHING`, h.Key, m, a, now)
	return postgres.Fault(op, err)
}
