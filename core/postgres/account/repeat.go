package account

import (
	"context"
	"time"

	"lumo/core/account"
	"lumo/core/postgres"
	"lumo/core/postgres/vault"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	repeatLife = 24 * time.Hour
	// repeatStuck is when a request that never ended may be made again: its process died.
	repeatStuck = time.Minute
)

// Repeats remembers answers of requests with an Idempotency-Key.
type Repeats struct {
	db    *postgres.DB
	vault *vault.Vault
}

// NewRepeats makes a store of answers.
func NewRepeats(db *postgres.DB, v *vault.Vault) *Repeats { return &Repeats{db: db, vault: v} }

// Begin claims a key, or gives the answer it had.
func (r *Repeats) Begin(ctx context.Context, who account.Membership, key string, content [32]byte, now time.Time) (
	answer []byte, done bool, err error) {
	const op = "postgres.account.Begin"
	err = r.db.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		tag, err := postgres.Tx(ctx).Exec(ctx, `
			INSERT INTO idempotency_key AS k (merchant_id, actor_id, key, request_hash, created_at)
			VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (merchant_id, actor_id, key) DO UPDATE
			SET request_hash = EXCLUDED.request_hash, created_at = EXCLUDED.created_at, status = NULL, body_enc = NULL
			WHERE k.created_at < $6 OR k.status IS NULL AND k.created_at < $7`,
			who.Merchant, who.Member, key, content[:], now, now.Add(-repeatLife), now.Add(-repeatStuck))
		if err != nil || tag.RowsAffected() == 1 {
			return postgres.Fault(op, err)
		}
		answer, err = r.read(ctx, who, key, content)
		done = err == nil
		return err
	})
	return answer, done, err
}

func (r *Repeats) read(ctx context.Context, who account.Membership, key string, content [32]byte) ([]byte, error) {
	const op = "postgres.account.read"
	var hash, sealed []byte
	var status *int
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT request_hash, status, body_enc
		FROM idempotency_key
		WHERE merchant_id = $1 AND actor_id = $2 AND key = $3`, who.Merchant, who.Member, key).Scan(&hash, &status, &sealed)
	switch {
	case err != nil:
		return nil, postgres.Fault(op, err)
	case string(hash) != string(content[:]):
		return nil, fault.New(fault.Conflict, op, "This Idempotency-Key was used for another request.")
	case status == nil:
		return nil, fault.New(fault.Conflict, op, "The same request is still under way.")
	}
	return r.vault.Open(ctx, who.Merchant, "idempotency_key", "body", id.ID(who.Member), sealed)
}

// Finish keeps the answer.
func (r *Repeats) Finish(ctx context.Context, who account.Membership, key string, answer []byte) error {
	const op = "postgres.account.Finish"
	return r.db.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		sealed, err := r.vault.Seal(ctx, who.Merchant, "idempotency_key", "body", id.ID(who.Member), answer)
		if err != nil {
			return fault.Wrap(op, err)
		}
		_, err = postgres.Tx(ctx).Exec(ctx, `
			UPDATE idempotency_key
			SET status = 200, body_enc = $4
			WHERE merchant_id = $1 AND actor_id = $2 AND key = $3`, who.Merchant, who.Member, key, sealed)
		return postgres.Fault(op, err)
	})
}

// Forget lets a failed request be made again.
func (r *Repeats) Forget(ctx context.Context, who account.Membership, key string) error {
	return r.db.InTenant(ctx, who.Merchant, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, `
			DELETE FROM idempotency_key
			WHERE merchant_id = $1 AND actor_id = $2 AND key = $3`, who.Merchant, who.Member, key)
		return postgres.Fault("postgres.account.Forget", err)
	})
}
