// Package connection stores Klaviyo accounts, their tokens and the tries to connect one.
//
// Tokens and PKCE verifiers are sealed before they are written; the pair of tokens is one
// sealed value, so that half of it can never be stored. Every method runs in the transaction
// of its context.
package connection

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/connection"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Vault seals columns under the merchant's key.
type Vault interface {
	Seal(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, plain []byte) (
		[]byte, error)
	Open(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, sealed []byte) (
		[]byte, error)
}

// Store implements the store of the connection capability.
type Store struct{ vault Vault }

// New makes a store.
func New(v Vault) *Store { return &Store{vault: v} }

const selectAccount = `
SELECT merchant_id, id, site_id, name, state, coalesce(problem, ''), scopes, state_changed_at,
       coalesce(refreshed_at, '-infinity'), coalesce(last_contact_at, '-infinity')
  FROM klaviyo_account`

func scanAccount(r pgx.CollectableRow) (connection.Account, error) {
	var a connection.Account
	var refreshed, contact instant
	err := r.Scan(&a.Merchant, &a.ID, &a.Site.ID, &a.Site.Name, &a.State, &a.Problem, &a.Scopes,
		&a.StateChangedAt, &refreshed, &contact)
	a.RefreshedAt, a.LastContactAt = time.Time(refreshed), time.Time(contact)
	return a, err
}

// Accounts reads the merchant's accounts, oldest first.
func (s *Store) Accounts(ctx context.Context, m lumo.MerchantID) ([]connection.Account, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectAccount+`
 WHERE merchant_id = $1
 ORDER BY id`, m)
	list, err := pgx.CollectRows(rows, scanAccount)
	return list, postgres.Fault("postgres.Accounts", err)
}

// Account reads one account.
func (s *Store) Account(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (
	connection.Account, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectAccount+`
 WHERE merchant_id = $1 AND id = $2`, m, a)
	found, err := pgx.CollectExactlyOneRow(rows, scanAccount)
	return found, postgres.Fault("postgres.Account", err)
}

// Slug is the merchant's name in the console's addresses.
func (s *Store) Slug(ctx context.Context, m lumo.MerchantID) (slug string, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT slug
  FROM merchant
 WHERE merchant_id = $1`, m).Scan(&slug)
	return slug, postgres.Fault("postgres.Slug", err)
}

// SetState changes what the card of an account shows.
func (s *Store) SetState(ctx context.Context, m lumo.MerchantID, a lumo.AccountID,
	state connection.State, problem string, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE klaviyo_account
   SET state = $3, problem = nullif($4, ''), updated_at = $5,
       state_changed_at = CASE WHEN state = $3 THEN state_changed_at ELSE $5 END
 WHERE merchant_id = $1 AND id = $2`, m, a, string(state), problem, now)
	return postgres.Fault("postgres.SetState", err)
}

// Touch notes good contact, at most twice a minute.
func (s *Store) Touch(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE klaviyo_account
   SET last_contact_at = $3
 WHERE merchant_id = $1 AND id = $2
   AND (last_contact_at IS NULL OR last_contact_at < $3::timestamptz - interval '30 seconds')`, m, a, now)
	return postgres.Fault("postgres.Touch", err)
}

// pair is how both tokens stand inside one sealed value.
type pair struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
}

func (s *Store) seal(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, t connection.Tokens) (
	[]byte, error) {
	plain, err := json.Marshal(pair{t.Access.Reveal(), t.Refresh.Reveal()})
	if err != nil {
		return nil, fault.Wrap("postgres.seal", err)
	}
	return s.vault.Seal(ctx, m, "klaviyo_account", "tokens_enc", id.ID(a), plain)
}

// Tokens reads the pair. The lock lets rows be written that refer to the account, so that
// the outbox goes on filling while a refresh waits for Klaviyo.
func (s *Store) Tokens(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, lock bool) (
	connection.Account, connection.Tokens, error) {
	const op = "postgres.Tokens"
	query := `
SELECT tokens_enc, coalesce(tokens_expire_at, '-infinity')
  FROM klaviyo_account
 WHERE merchant_id = $1 AND id = $2`
	if lock {
		query += `
   FOR NO KEY UPDATE`
	}
	var sealed []byte
	var expires instant
	err := postgres.Tx(ctx).QueryRow(ctx, query, m, a).Scan(&sealed, &expires)
	if err != nil {
		return connection.Account{}, connection.Tokens{}, postgres.Fault(op, err)
	}
	account, err := s.Account(ctx, m, a) // read after the lock was got
	if err != nil || sealed == nil {
		return account, connection.Tokens{}, err
	}
	plain, err := s.vault.Open(ctx, m, "klaviyo_account", "tokens_enc", id.ID(a), sealed)
	if err != nil {
		return account, connection.Tokens{}, fault.Wrap(op, err)
	}
	var p pair
	if err := json.Unmarshal(plain, &p); err != nil {
		return account, connection.Tokens{}, fault.As(fault.Internal, op, errUnreadable)
	}
	return account, connection.Tokens{Access: lumo.Secret(p.Access), Refresh: lumo.Secret(p.Refresh),
		ExpiresAt: time.Time(expires), Scopes: account.Scopes}, nil
}

// SaveTokens replaces the pair.
func (s *Store) SaveTokens(ctx context.Context, m lumo.MerchantID, a lumo.AccountID,
	t connection.Tokens, now time.Time) error {
	const op = "postgres.SaveTokens"
	sealed, err := s.seal(ctx, m, a, t)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
UPDATE klaviyo_account
   SET tokens_enc = $3, tokens_expire_at = $4, refreshed_at = $5, last_contact_at = $5,
       updated_at = $5, scopes = CASE WHEN cardinality($6::text[]) = 0 THEN scopes ELSE $6 END
 WHERE merchant_id = $1 AND id = $2`, m, a, sealed, t.ExpiresAt, now, scopes(t))
	return postgres.Fault(op, err)
}

// scopes are never null.
func scopes(t connection.Tokens) []string {
	if t.Scopes == nil {
		return []string{}
	}
	return t.Scopes
}
