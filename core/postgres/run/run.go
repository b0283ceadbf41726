// Package run stores long work and whose turn it is.
package run

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/run"
	"lumo/shared/fault"
)

// Store implements the stores of the run capability.
type Store struct{}

const columns = `
SELECT merchant_id, id, channel_id, kind, state, params, cursor, total, done, problems, counts, waits, started_by,
       fence, created_at, started_at, ended_at, undone_at
  FROM run`

func scan(r pgx.CollectableRow) (run.Run, error) {
	var v run.Run
	var params, counts []byte
	var by *lumo.MemberID
	var started, ended, undone *time.Time
	err := r.Scan(&v.Merchant, &v.ID, &v.Channel, &v.Kind, &v.State, &params, &v.Cursor, &v.Total, &v.Done, &v.Problems,
		&counts, &v.Waits, &by, &v.Fence, &v.CreatedAt, &started, &ended, &undone)
	if err != nil {
		return v, err
	}
	if by != nil {
		v.StartedBy = *by
	}
	v.StartedAt, v.EndedAt, v.UndoneAt = moment(started), moment(ended), moment(undone)
	return v, errors.Join(json.Unmarshal(params, &v.Params), json.Unmarshal(counts, &v.Counts))
}

func moment(t *time.Time) (v time.Time) {
	if t != nil {
		v = *t
	}
	return v
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Add stores a new run.
func (Store) Add(ctx context.Context, r run.Run) error {
	const op = "postgres.run.Add"
	params, err := json.Marshal(r.Params)
	if err != nil || r.Params == nil {
		params = []byte("{}")
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO run (merchant_id, id, channel_id, kind, state, params, cursor, total, started_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, r.Merchant, r.ID, r.Channel, r.Kind, string(r.State), params,
		r.Cursor, r.Total, r.StartedBy, r.CreatedAt)
	return postgres.Fault(op, err)
}

// Run reads a run and locks it.
func (Store) Run(ctx context.Context, m lumo.MerchantID, v lumo.RunID) (run.Run, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, columns+`
 WHERE merchant_id = $1 AND id = $2
   FOR UPDATE`, m, v)
	r, err := pgx.CollectExactlyOneRow(rows, scan)
	if err = postgres.Fault("postgres.run.Run", err); fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "postgres.run.Run", "This run does not exist.")
	}
	return r, err
}

// Recent are a merchant's open runs, and those that ended since a time; open ones first.
func (Store) Recent(ctx context.Context, m lumo.MerchantID, since time.Time, limit int) ([]run.Run, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, columns+`
 WHERE merchant_id = $1 AND (state IN ('waiting', 'running', 'paused') OR ended_at > $2)
 ORDER BY ended_at IS NOT NULL, id DESC
 LIMIT $3`, m, since, limit)
	all, err := pgx.CollectRows(rows, scan)
	return all, postgres.Fault("postgres.run.Recent", err)
}

// Runs are an account's newest runs.
func (Store) Runs(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kind string, limit int) ([]run.Run, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, columns+`
 WHERE merchant_id = $1 AND channel_id = $2 AND ($3 = '' OR kind = $3)
 ORDER BY id DESC
 LIMIT $4`, m, c, kind, limit)
	all, err := pgx.CollectRows(rows, scan)
	return all, postgres.Fault("postgres.run.Runs", err)
}

// Next marks the oldest run whose turn it is; what runs goes on before what waits.
func (Store) Next(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, fence int64, now time.Time) (
	run.Run, bool, error) {
	const op = "postgres.run.Next"
	var v lumo.RunID
	err := postgres.Tx(ctx).QueryRow(ctx, `
UPDATE run
   SET state = 'running', fence = $3, started_at = coalesce(started_at, $4), ended_at = NULL
 WHERE merchant_id = $1 AND id = (
           SELECT id
             FROM run
            WHERE merchant_id = $1 AND channel_id = $2 AND state IN ('running', 'waiting') AND fence <= $3
            ORDER BY (state = 'running') DESC, id
            LIMIT 1
              FOR UPDATE)
RETURNING id`, m, c, fence, now).Scan(&v)
	if errors.Is(err, pgx.ErrNoRows) {
		return run.Run{}, false, nil
	}
	if err != nil {
		return run.Run{}, false, postgres.Fault(op, err)
	}
	r, err := Store{}.Run(ctx, m, v)
	return r, err == nil, err
}

// Update stores how far a run got.
func (Store) Update(ctx context.Context, r run.Run) error {
	const op = "postgres.run.Update"
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
UPDATE run
   SET state = $3, cursor = $4, total = $5, done = $6, problems = $7, counts = $8, waits = $9, ended_at = $10,
       undone_at = $11
 WHERE merchant_id = $1 AND id = $2`, r.Merchant, r.ID, string(r.State), r.Cursor, r.Total, r.Done, r.Problems, counts,
		r.Waits, orNull(r.EndedAt), orNull(r.UndoneAt))
	return postgres.Fault(op, err)
}

// Claim takes the account that is due longest and that nobody works for.
func (Store) Claim(ctx context.Context, owner string, now time.Time, lease time.Duration) (run.Turn, bool, error) {
	var t run.Turn
	err := postgres.Tx(ctx).QueryRow(ctx, `
UPDATE run_turn
   SET owner = $1, lease_until = $3, due_at = $3, fence = fence + 1
 WHERE (merchant_id, channel_id) = (
           SELECT merchant_id, channel_id
             FROM run_turn
            WHERE due_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
            ORDER BY due_at
            LIMIT 1
              FOR UPDATE SKIP LOCKED)
RETURNING merchant_id, channel_id, fence`, owner, now, now.Add(lease)).Scan(&t.Merchant, &t.Channel, &t.Fence)
	if errors.Is(err, pgx.ErrNoRows) {
		return run.Turn{}, false, nil
	}
	return t, err == nil, postgres.Fault("postgres.run.Claim", err)
}

// Extend keeps a turn.
func (Store) Extend(ctx context.Context, t run.Turn, until time.Time) (bool, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE run_turn
   SET lease_until = $4, due_at = CASE WHEN due_at < lease_until THEN due_at ELSE $4 END
 WHERE merchant_id = $1 AND channel_id = $2 AND fence = $3`, t.Merchant, t.Channel, t.Fence, until)
	return tag.RowsAffected() == 1, postgres.Fault("postgres.run.Extend", err)
}

// Release gives a turn back. A time that was brought forward meanwhile stays; an account
// with nothing to do waits until somebody hurries. Its row stays: its fence only rises.
func (Store) Release(ctx context.Context, t run.Turn, next time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE run_turn
   SET owner = NULL, due_at = CASE WHEN due_at < lease_until THEN due_at ELSE coalesce($4::timestamptz, 'infinity') END,
       lease_until = NULL
 WHERE merchant_id = $1 AND channel_id = $2 AND fence = $3`, t.Merchant, t.Channel, t.Fence, orNull(next))
	return postgres.Fault("postgres.run.Release", err)
}

// Hurry has an account's work be due no later than a time.
func (Store) Hurry(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, due time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO run_turn (merchant_id, channel_id, due_at)
VALUES ($1, $2, $3)
    ON CONFLICT (merchant_id, channel_id) DO UPDATE SET due_at = least(run_turn.due_at, $3)`, m, c, due)
	return postgres.Fault("postgres.run.Hurry", err)
}
