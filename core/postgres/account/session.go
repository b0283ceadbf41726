package account

import (
	"context"
	"time"

	"lumo/core/postgres"
	"lumo/shared/fault"
)

// Sessions keeps the sessions of package scs; it is given hashes of tokens, never tokens.
type Sessions struct{ db *postgres.DB }

// NewSessions makes a store of sessions.
func NewSessions(db *postgres.DB) *Sessions { return &Sessions{db: db} }

// FindCtx reads a session that has not expired.
func (s *Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.db.InSystem(postgres.Apart(ctx), func(ctx context.Context) error {
		err := postgres.Tx(ctx).QueryRow(ctx, `
			SELECT data
			FROM session
			WHERE token_hash = $1 AND expires_at > now()`, token).Scan(&data)
		return postgres.Fault("postgres.account.FindSession", err)
	})
	if fault.Is(err, fault.NotFound) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx writes a session.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.exec(ctx, `
		INSERT INTO session (token_hash, data, expires_at)
		VALUES ($1, $2, $3)
		ON CONFLICT (token_hash) DO UPDATE
		SET data = EXCLUDED.data, expires_at = EXCLUDED.expires_at`, token, data, expiry)
}

// DeleteCtx ends a session.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return s.exec(ctx, `
		DELETE FROM session
		WHERE token_hash = $1`, token)
}

// Sweep removes sessions that have expired.
func (s *Sessions) Sweep(ctx context.Context) error {
	return s.exec(ctx, `
		DELETE FROM session
		WHERE expires_at <= now()`)
}

func (s *Sessions) exec(ctx context.Context, sql string, args ...any) error {
	return s.db.InSystem(postgres.Apart(ctx), func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, sql, args...)
		return postgres.Fault("postgres.account.session", err)
	})
}

// Find, Commit and Delete complete the library's interface; it calls the ones above.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
