// Package retention deletes old rows, and keeps the months of edges' events.
package retention

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/retention"
	"lumo/shared/fault"
)

// Store implements the store of the daily run. It has no state.
type Store struct{}

// Claim gives a day's run to one process.
func (Store) Claim(ctx context.Context, name string, now time.Time, lease time.Duration) (bool, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO daily_run AS r (name, day, lease_until)
VALUES ($1, ($2::timestamptz AT TIME ZONE 'UTC')::date, $3)
    ON CONFLICT (name) DO UPDATE
   SET day = excluded.day, lease_until = excluded.lease_until, done = false
 WHERE r.day < excluded.day AND (r.done OR r.lease_until < $2)
    OR NOT r.done AND r.lease_until < $2`, name, now, now.Add(lease))
	return tag.RowsAffected() == 1, postgres.Fault("postgres.Claim", err)
}

// Done ends a day's run.
func (Store) Done(ctx context.Context, name string, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE daily_run
   SET done = true
 WHERE name = $1 AND day = ($2::timestamptz AT TIME ZONE 'UTC')::date`, name, now)
	return postgres.Fault("postgres.Done", err)
}

// Merchants are all that have members or accounts: nobody else has rows.
func (Store) Merchants(ctx context.Context) ([]lumo.MerchantID, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT merchant_id
  FROM sign_in
 UNION
SELECT merchant_id
  FROM number`)
	all, err := pgx.CollectRows(rows, pgx.RowTo[lumo.MerchantID])
	return all, postgres.Fault("postgres.Merchants", err)
}

// Months keeps the months of edges' events.
func (Store) Months(ctx context.Context, now time.Time, ahead, kept int) error {
	_, err := postgres.Tx(ctx).Exec(ctx, "SELECT lumo_edge_event_months($1, $2, $3)", now, ahead, kept)
	return postgres.Fault("postgres.Months", err)
}

// Drop forgets rows of a kind. $1 is the time up to which they go, $2 the most at once;
// row-level security keeps it to the transaction's merchant.
func (Store) Drop(ctx context.Context, k retention.Kind, before time.Time, limit int) (int, error) {
	const op = "postgres.Drop"
	if k == retention.EdgeLog {
		var n int
		err := postgres.Tx(ctx).QueryRow(ctx, "SELECT lumo_fleet_log_drop($1, $2)", before, limit).Scan(&n)
		return n, postgres.Fault(op, err)
	}
	sql, ok := statements()[k]
	if !ok {
		return 0, fault.As(fault.Internal, op, errors.New("no statement for "+string(k)))
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, sql, before, limit)
	return int(tag.RowsAffected()), postgres.Fault(op, err)
}

// statements has one for each kind. Tables with a merchant name it first, for their indexes.
func statements() map[retention.Kind]string {
	const mine = "merchant_id = lumo_merchant() AND "
	return map[retention.Kind]string{
		retention.HookBodies: drop("hook_request", mine+"received_at < $1 AND state <> 'waiting'"),
		retention.Refused:    drop("hook_request", mine+"received_at < $1 AND state = 'refused'"),
		retention.FlowRefused: `
UPDATE flow_request
   SET body_enc = NULL
 WHERE ctid = ANY (ARRAY(
           SELECT ctid
             FROM flow_request
            WHERE merchant_id = lumo_merchant() AND received_at < $1 AND body_enc IS NOT NULL
              AND reason IN ('no_key', 'wrong_key')
            LIMIT $2))`,
		retention.FlowCalls:  drop("flow_request", mine+"received_at < $1"),
		retention.FlowKeys:   drop("flow_idempotency", mine+"expires_at < $1"),
		retention.HookEvents: drop("line_event", mine+"created_at < $1"),
		retention.Answers:    drop("idempotency_key", mine+"created_at < $1"),
		retention.Approvals:  drop("oauth_try", mine+"expires_at < $1"),
		retention.EdgeEvents: drop("edge_event_rest", mine+"id < lumo_ulid_floor($1)"),
		retention.Timeline:   drop("friend_event", mine+"id < lumo_ulid_floor($1)"),
		retention.ImportItems: drop("run_item", mine+`run_id IN (SELECT id
                                               FROM run
                                              WHERE merchant_id = lumo_merchant() AND coalesce(ended_at, created_at) < $1)`),
		retention.Hours:        drop("counter_hour", mine+"hour < $1"),
		retention.Sessions:     drop("session", "expires_at < $1"),
		retention.SignInTries:  drop("sign_in_try", "reset_at < $1"),
		retention.EdgeCodes:    drop("edge_code", "expires_at < $1"),
		retention.EdgeLeavings: drop("edge_kept", "created_at < $1"),
		retention.EdgeMinutes:  drop("edge_minute", "minute < $1"),
	}
}

func drop(table, where string) string {
	return "DELETE FROM " + table + " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " + table + " WHERE " + where +
		" LIMIT $2))"
}
