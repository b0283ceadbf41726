package account

import (
	"context"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Sessions keeps the sessions of package scs; it is given hashes of tokens, never tokens.
type Sessions struct{ db *postgres.DB }

// NewSessions makes a store of sessions.
func NewSessions(db *postgres.DB) *Sessions { return &Sessions{db: db} }

// FindCtx reads a session that holds.
func (s *Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.db.InSystem(postgres.Apart(ctx), func(ctx context.Context) error {
		err := postgres.Tx(ctx).QueryRow(ctx, `
			SELECT data
			FROM session
			WHERE token_hash = $1 AND expires_at > now() AND ended_at IS NULL`, token).Scan(&data)
		return postgres.Fault("postgres.account.FindSession", err)
	})
	if fault.Is(err, fault.NotFound) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx writes a session, and beside it whose it is. One that was ended meanwhile stays so.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, values, err := scs.GobCodec{}.Decode(data)
	if err != nil {
		return fault.As(fault.Internal, "postgres.account.session", err)
	}
	members, _ := values[account.SessionMembers].(string)
	device, _ := values[account.SessionDevice].(string)
	return s.exec(ctx, `
		INSERT INTO session AS s (token_hash, data, expires_at, members, device)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (token_hash) DO UPDATE
		SET data = EXCLUDED.data, expires_at = EXCLUDED.expires_at, members = EXCLUDED.members,
			device = EXCLUDED.device, seen_at = now()
		WHERE s.ended_at IS NULL`, token, data, expiry, memberIDs(members), device)
}

// memberIDs reads the members that a session names.
func memberIDs(text string) [][16]byte {
	out := [][16]byte{}
	for pair := range strings.SplitSeq(text, ",") {
		_, member, _ := strings.Cut(pair, " ")
		if v, err := id.ParseWith(id.Member, member); err == nil {
			out = append(out, v)
		}
	}
	return out
}

// DeleteCtx ends a session.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return s.exec(ctx, `
		UPDATE session
		SET ended_at = now(), data = ''
		WHERE token_hash = $1 AND ended_at IS NULL`, token)
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

// SessionsOf are the sessions that hold for one of these members.
func (s *Store) SessionsOf(ctx context.Context, members []lumo.MemberID, now time.Time) ([]account.Session, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT id, device, started_at, seen_at, token_hash
		FROM session
		WHERE members && $1::uuid[] AND ended_at IS NULL AND expires_at > $2
		ORDER BY seen_at DESC`, members, now)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (v account.Session, err error) {
		return v, r.Scan(&v.ID, &v.Device, &v.StartedAt, &v.SeenAt, &v.Hash)
	})
	return all, postgres.Fault("postgres.account.SessionsOf", err)
}

// EndSessions ends sessions of these members.
func (s *Store) EndSessions(ctx context.Context, members []lumo.MemberID, one id.ID, except string, now time.Time) (
	[]string, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		UPDATE session
		SET ended_at = $4, data = ''
		WHERE members && $1::uuid[] AND ended_at IS NULL AND token_hash <> $3
			AND ($2::uuid IS NULL OR id = $2)
		RETURNING token_hash`, members, orNone(one), except, now)
	ended, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ended, postgres.Fault("postgres.account.EndSessions", err)
}

func orNone(v id.ID) *id.ID {
	if v == (id.ID{}) {
		return nil
	}
	return &v
}
