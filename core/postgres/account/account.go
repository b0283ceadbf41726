// Package account keeps merchants, members, sessions and the audit log in PostgreSQL.
package account

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/vault"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Store implements the stores of package account.
type Store struct{ vault *vault.Vault }

// New makes a store.
func New(v *vault.Vault) *Store { return &Store{vault: v} }

// ByEmail lists memberships, oldest merchant first.
func (s *Store) ByEmail(ctx context.Context, email string) ([]account.Membership, error) {
	const op = "postgres.account.ByEmail"
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT merchant_id, member_id
		FROM sign_in
		WHERE email_bidx = $1
		ORDER BY merchant_id`, s.vault.IndexSystem("email", email))
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	defer rows.Close()
	var all []account.Membership
	for rows.Next() {
		var m account.Membership
		if err := rows.Scan(&m.Merchant, &m.Member); err != nil {
			return nil, postgres.Fault(op, err)
		}
		all = append(all, m)
	}
	return all, postgres.Fault(op, rows.Err())
}

// Password reads a hash.
func (s *Store) Password(ctx context.Context, m account.Membership) (hash string, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT password_hash
		FROM member
		WHERE merchant_id = $1 AND id = $2`, m.Merchant, m.Member).Scan(&hash)
	return hash, postgres.Fault("postgres.account.Password", err)
}

// Member reads a member.
func (s *Store) Member(ctx context.Context, m account.Membership) (account.Member, error) {
	const op = "postgres.account.Member"
	out := account.Member{Merchant: m.Merchant, ID: m.Member}
	var email []byte
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT email_enc, name, role, language, steps_hidden_at IS NOT NULL
		FROM member
		WHERE merchant_id = $1 AND id = $2`, m.Merchant, m.Member).
		Scan(&email, &out.Name, &out.Role, &out.Language, &out.StepsHidden)
	if err != nil {
		return account.Member{}, postgres.Fault(op, err)
	}
	plain, err := s.vault.Open(ctx, m.Merchant, "member", "email", id.ID(m.Member), email)
	out.Email = string(plain)
	return out, fault.Wrap(op, err)
}

// Merchant reads a merchant.
func (s *Store) Merchant(ctx context.Context, m lumo.MerchantID) (lumo.Merchant, error) {
	out := lumo.Merchant{ID: m}
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT slug, name, country, currency, time_zone, language, set_up
		FROM merchant
		WHERE merchant_id = $1`, m).
		Scan(&out.Slug, &out.Name, &out.Country, &out.Currency, &out.TimeZone, &out.Language, &out.SetUp)
	return out, postgres.Fault("postgres.account.Merchant", err)
}

// CreateMerchant makes a merchant with keys of its own.
func (s *Store) CreateMerchant(ctx context.Context, m lumo.Merchant, now time.Time) error {
	const op = "postgres.account.CreateMerchant"
	data, index, err := s.vault.NewMerchant(m.ID)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO merchant (merchant_id, slug, name, country, currency, time_zone, language, set_up,
			data_key_enc, index_key_enc, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`,
		m.ID, m.Slug, m.Name, m.Country, m.Currency, m.TimeZone, m.Language, m.SetUp, data, index, now)
	return postgres.Fault(op, err)
}

// UpdateMerchant changes what people may change of it.
func (s *Store) UpdateMerchant(ctx context.Context, m lumo.Merchant, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE merchant
		SET name = $2, country = $3, currency = $4, time_zone = $5, language = $6, set_up = $7, updated_at = $8
		WHERE merchant_id = $1`, m.ID, m.Name, m.Country, m.Currency, m.TimeZone, m.Language, m.SetUp, now)
	return postgres.Fault("postgres.account.UpdateMerchant", err)
}

// CreateMember makes a member and her way in.
func (s *Store) CreateMember(ctx context.Context, m account.Member, hash string, now time.Time) error {
	const op = "postgres.account.CreateMember"
	sealed, err := s.vault.Seal(ctx, m.Merchant, "member", "email", id.ID(m.ID), []byte(m.Email))
	if err != nil {
		return fault.Wrap(op, err)
	}
	index, err := s.vault.BlindIndex(ctx, m.Merchant, "email", m.Email)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO member (merchant_id, id, email_enc, email_bidx, name, role, password_hash, language, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`,
		m.Merchant, m.ID, sealed, index, m.Name, m.Role, hash, m.Language, now)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO sign_in (email_bidx, merchant_id, member_id)
		VALUES ($1, $2, $3)`, s.vault.IndexSystem("email", m.Email), m.Merchant, m.ID)
	return postgres.Fault(op, err)
}

// SetLanguage changes a member's language.
func (s *Store) SetLanguage(ctx context.Context, m account.Membership, language string, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE member
		SET language = $3, updated_at = $4
		WHERE merchant_id = $1 AND id = $2`, m.Merchant, m.Member, language, now)
	return postgres.Fault("postgres.account.SetLanguage", err)
}

// HideSteps notes since when a member hides the first steps.
func (s *Store) HideSteps(ctx context.Context, m account.Membership, at time.Time, now time.Time) error {
	var since *time.Time
	if !at.IsZero() {
		since = &at
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE member
		SET steps_hidden_at = $3, updated_at = $4
		WHERE merchant_id = $1 AND id = $2`, m.Merchant, m.Member, since, now)
	return postgres.Fault("postgres.account.HideSteps", err)
}

// Count adds one try. The subject is stored as a blind index: it may be an email.
func (s *Store) Count(ctx context.Context, subject string, now time.Time, window time.Duration) (n int, ends time.Time, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
		INSERT INTO sign_in_try AS t (subject, tries, reset_at)
		VALUES ($1, 1, $2::timestamptz + $3)
		ON CONFLICT (subject) DO UPDATE
		SET tries = CASE WHEN t.reset_at <= $2 THEN 1 ELSE t.tries + 1 END,
			reset_at = CASE WHEN t.reset_at <= $2 THEN $2::timestamptz + $3 ELSE t.reset_at END
		RETURNING tries, reset_at`, s.subject(subject), now, window).Scan(&n, &ends)
	return n, ends, postgres.Fault("postgres.account.Count", err)
}

// Forget drops a subject's tries after a success.
func (s *Store) Forget(ctx context.Context, subject string) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		DELETE FROM sign_in_try
		WHERE subject = $1`, s.subject(subject))
	return postgres.Fault("postgres.account.Forget", err)
}

func (s *Store) subject(text string) string {
	return hex.EncodeToString(s.vault.IndexSystem("try", text))
}

// Append writes one line of the audit log of the transaction's merchant.
func (s *Store) Append(ctx context.Context, entry id.ID, e lumo.AuditEntry, now time.Time) error {
	const op = "postgres.account.Append"
	if e.Data == nil {
		e.Data = map[string]any{}
	}
	data, err := json.Marshal(e.Data)
	if err != nil {
		return fault.Wrap(op, err)
	}
	var actor *id.ID
	if !e.Actor.IsZero() {
		actor = &e.Actor
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO audit (merchant_id, id, actor_kind, actor_id, action, target_kind, target_id, data, address, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULLIF($9, ''), $10)`,
		postgres.Merchant(ctx), entry, e.ActorKind, actor, e.Action, e.TargetKind, e.Target, data, e.Address, now)
	return postgres.Fault(op, err)
}
