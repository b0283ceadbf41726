package connection

import (
	"context"
	"time"

	"lumo/core/connection"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// AddTry stores a try and drops those that are long over.
func (s *Store) AddTry(ctx context.Context, t connection.Try, now time.Time) error {
	const op = "postgres.AddTry"
	sealed, err := s.vault.Seal(ctx, t.Merchant, "oauth_try", "verifier_enc", t.ID,
		[]byte(t.Verifier.Reveal()))
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
DELETE FROM oauth_try
 WHERE merchant_id = $1 AND expires_at < $2::timestamptz - interval '1 day'`, t.Merchant, now)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO oauth_try (merchant_id, id, state_hash, verifier_enc, member_id, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)`, t.Merchant, t.ID, t.StateHash, sealed, t.Member, t.ExpiresAt)
	return postgres.Fault(op, err)
}

// TakeTry uses a try up.
func (s *Store) TakeTry(ctx context.Context, m lumo.MerchantID, stateHash []byte,
	member lumo.MemberID, now time.Time) (connection.Try, error) {
	const op = "postgres.TakeTry"
	t := connection.Try{Merchant: m, StateHash: stateHash, Member: member}
	var sealed []byte
	err := postgres.Tx(ctx).QueryRow(ctx, `
UPDATE oauth_try
   SET used_at = $4
 WHERE merchant_id = $1 AND state_hash = $2 AND member_id = $3
   AND used_at IS NULL AND expires_at > $4
RETURNING id, verifier_enc, expires_at`, m, stateHash, member, now).Scan(&t.ID, &sealed, &t.ExpiresAt)
	if err != nil {
		return connection.Try{}, postgres.Fault(op, err)
	}
	verifier, err := s.vault.Open(ctx, m, "oauth_try", "verifier_enc", t.ID, sealed)
	t.Verifier = lumo.Secret(verifier)
	return t, fault.Wrap(op, err)
}

// Save stores an approved account: a new one, or new tokens for a known one.
func (s *Store) Save(ctx context.Context, a connection.Account, t connection.Tokens, now time.Time) (
	connection.Account, error) {
	const op = "postgres.Save"
	account, err := s.claim(ctx, a, now)
	if err != nil {
		return connection.Account{}, err
	}
	sealed, err := s.seal(ctx, a.Merchant, account, t)
	if err != nil {
		return connection.Account{}, fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
WITH numbered AS (
    INSERT INTO number (merchant_id, kind, target_id)
    VALUES ($1, 'klaviyo_account', $2)
        ON CONFLICT (target_id) DO UPDATE SET merchant_id = $1
    RETURNING number)
INSERT INTO klaviyo_account (merchant_id, id, number, site_id, name, state, scopes, tokens_enc,
                             tokens_expire_at, refreshed_at, last_contact_at, state_changed_at,
                             created_at, updated_at)
SELECT $1, $2, number, $3, $4, $5, $6, $7, $8, $9, $9, $9, $9, $9
  FROM numbered
    ON CONFLICT (merchant_id, id) DO UPDATE
   SET name = $4, state = $5, scopes = $6, tokens_enc = $7, tokens_expire_at = $8, problem = NULL,
       refreshed_at = $9, last_contact_at = $9, updated_at = $9,
       state_changed_at = CASE WHEN klaviyo_account.state = $5
                               THEN klaviyo_account.state_changed_at ELSE $9 END`,
		a.Merchant, account, a.Site.ID, a.Site.Name, string(a.State), scopes(t), sealed, t.ExpiresAt, now)
	if err != nil {
		return connection.Account{}, postgres.Fault(op, err)
	}
	if err := startOutbox(ctx, a.Merchant, account, now); err != nil {
		return connection.Account{}, err
	}
	return s.Account(ctx, a.Merchant, account)
}

// claim makes sure that the Klaviyo account is this merchant's, and gives the id it has here.
func (s *Store) claim(ctx context.Context, a connection.Account, now time.Time) (lumo.AccountID, error) {
	const op = "postgres.claim"
	var owner lumo.MerchantID
	var account lumo.AccountID
	err := postgres.Tx(ctx).QueryRow(ctx, `
INSERT INTO klaviyo_site (site_id, merchant_id, account_id, created_at)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (site_id) DO UPDATE SET created_at = klaviyo_site.created_at
RETURNING merchant_id, account_id`, a.Site.ID, a.Merchant, a.ID, now).Scan(&owner, &account)
	if err != nil {
		return lumo.AccountID{}, postgres.Fault(op, err)
	}
	if owner != a.Merchant {
		return lumo.AccountID{}, fault.New(fault.Conflict, op,
			"This Klaviyo account is connected to another shop.")
	}
	return account, nil
}

// startOutbox makes the row whose lease says who writes to the account, and makes what
// waited for the approval due now.
func startOutbox(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, now time.Time) error {
	const op = "postgres.startOutbox"
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO work (merchant_id, channel_id, kind, due_at)
VALUES ($1, $2, 'outbox', $3)
    ON CONFLICT (merchant_id, channel_id, kind) DO UPDATE SET due_at = $3`, m, id.ID(a), now)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
UPDATE outbox
   SET due_at = $3
 WHERE merchant_id = $1 AND klaviyo_account_id = $2 AND state = 'waiting' AND due_at > $3`, m, a, now)
	return postgres.Fault(op, err)
}
