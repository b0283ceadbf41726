package channel

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Keep stores a request once; a request that is there keeps its state.
func (s *Store) Keep(ctx context.Context, r channel.Request) (channel.RequestState, error) {
	const op = "postgres.Keep"
	sealed, err := s.vault.Seal(ctx, r.Merchant, "hook_request", "body_enc", id.ID(r.ID), r.Body)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	var state channel.RequestState
	err = postgres.Tx(ctx).QueryRow(ctx, `
INSERT INTO hook_request (merchant_id, id, channel_id, kind, auth, body_enc, signature, received_at,
                          created_at, state, problem)
VALUES ($1, $2, $3, 'line', $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (merchant_id, id) DO UPDATE SET tries = hook_request.tries
RETURNING state`,
		r.Merchant, r.ID, r.Channel, string(r.Auth), sealed, r.Signature, r.ReceivedAt, r.Now,
		string(r.State), orNull(r.Problem)).Scan(&state)
	return state, postgres.Fault(op, err)
}

// Finish ends a try of a stored request.
func (s *Store) Finish(ctx context.Context, m lumo.MerchantID, r lumo.RequestID,
	state channel.RequestState, problem string) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE hook_request
   SET state = $3, problem = $4, tries = tries + 1
 WHERE merchant_id = $1 AND id = $2`, m, r, string(state), orNull(problem))
	return one("This request does not exist.", "postgres.Finish", tag.RowsAffected(), err)
}

// Again gives stored requests back, oldest first.
func (s *Store) Again(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, state channel.RequestState,
	limit int) ([]channel.Request, error) {
	const op = "postgres.Again"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id, auth, body_enc, signature, received_at, state, coalesce(problem, ''), tries
  FROM hook_request
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'line' AND state = $3
 ORDER BY id
 LIMIT $4`, m, c, string(state), limit)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (channel.Request, error) {
		r := channel.Request{Merchant: m, Channel: c}
		err := row.Scan(&r.ID, &r.Auth, &r.Body, &r.Signature, &r.ReceivedAt, &r.State, &r.Problem, &r.Tries)
		return r, err
	})
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	for i, r := range list {
		list[i].Body, err = s.vault.Open(ctx, m, "hook_request", "body_enc", id.ID(r.ID), r.Body)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	return list, nil
}

// Kept lists requests in a state, newest first.
func (s *Store) Kept(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, state channel.RequestState, limit int) (
	[]channel.KeptRequest, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id, coalesce(problem, ''), received_at
  FROM hook_request
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'line' AND state = $3
 ORDER BY id DESC
 LIMIT $4`, m, c, string(state), limit)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r channel.KeptRequest, err error) {
		return r, row.Scan(&r.ID, &r.Problem, &r.ReceivedAt)
	})
	return list, postgres.Fault("postgres.Kept", err)
}

// Wake has kept requests wait again.
func (s *Store) Wake(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RequestID) (int64, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE hook_request
   SET state = 'waiting', problem = NULL, tries = 0
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'line' AND state = 'kept' AND ($3::uuid = $4::uuid OR id = $3)`,
		m, c, r, lumo.RequestID{})
	return tag.RowsAffected(), postgres.Fault("postgres.Wake", err)
}

// Move takes requests from one state to another.
func (s *Store) Move(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RequestID,
	from, to channel.RequestState) (int64, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE hook_request
   SET state = $6
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'line' AND state = $5 AND ($3::uuid = $4::uuid OR id = $3)`,
		m, c, r, lumo.RequestID{}, string(from), string(to))
	return tag.RowsAffected(), postgres.Fault("postgres.Move", err)
}

// Take records an event id once; false means that it was there already.
func (s *Store) Take(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RequestID,
	e channel.Event, now time.Time) (bool, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO line_event (merchant_id, channel_id, webhook_event_id, request_id, type, occurred_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (merchant_id, channel_id, webhook_event_id) DO NOTHING`,
		m, c, e.ID, r, e.Type, e.At, now)
	return tag.RowsAffected() == 1, postgres.Fault("postgres.Take", err)
}

// DropEnded removes requests that ended before a time.
func (s *Store) DropEnded(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, before time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM hook_request
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'line' AND state <> 'waiting' AND received_at < $3`,
		m, c, before)
	return postgres.Fault("postgres.DropEnded", err)
}

// DropRefused keeps the newest refused requests that are not too old.
func (s *Store) DropRefused(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, keep int,
	before time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM hook_request
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'line' AND state = 'refused'
   AND (received_at < $4
        OR id < (SELECT id
                   FROM hook_request
                  WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'line' AND state = 'refused'
                  ORDER BY id DESC
                 OFFSET $3 - 1
                  LIMIT 1))`, m, c, keep, before)
	return postgres.Fault("postgres.DropRefused", err)
}
