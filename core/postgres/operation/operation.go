// Package operation reads what whoever runs the system must know: how much waits, who holds
// what, and whether the database is as it must be. It changes nothing and reads no row's
// content.
package operation

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

// Backlog is what waits, of all merchants together.
type Backlog struct {
	Outbox        map[string]int64 // waiting, kept
	OutboxOldest  time.Time        // zero = nothing waits
	Deliveries    map[string]int64 // open ones, by state
	DeliveryFirst time.Time        // since when the oldest is due; zero = none is open
	Hooks         map[string]int64 // waiting, kept
}

// ReadBacklog looks at every merchant in turn: nobody but the merchant's own transaction sees
// a merchant's rows.
func ReadBacklog(ctx context.Context, db *postgres.DB) (Backlog, error) {
	b := Backlog{Outbox: map[string]int64{"waiting": 0, "kept": 0}, Deliveries: map[string]int64{},
		Hooks: map[string]int64{"waiting": 0, "kept": 0}}
	merchants, err := merchants(ctx, db)
	if err != nil {
		return b, err
	}
	for _, m := range merchants {
		if err := db.InTenant(ctx, m, func(ctx context.Context) error { return b.add(ctx, m) }); err != nil {
			return b, err
		}
	}
	return b, nil
}

func merchants(ctx context.Context, db *postgres.DB) (list []lumo.MerchantID, err error) {
	err = db.InSystem(ctx, func(ctx context.Context) error {
		rows, _ := postgres.Tx(ctx).Query(ctx, `SELECT DISTINCT merchant_id FROM number`)
		list, err = pgx.CollectRows(rows, pgx.RowTo[lumo.MerchantID])
		return postgres.Fault("operation.merchants", err)
	})
	return list, err
}

func (b *Backlog) add(ctx context.Context, m lumo.MerchantID) error {
	for _, q := range []struct {
		sql    string
		to     map[string]int64
		oldest *time.Time
	}{
		{`SELECT state, count(*), min(created_at) FROM outbox
		   WHERE merchant_id = $1 AND state IN ('waiting', 'kept') GROUP BY state`, b.Outbox, &b.OutboxOldest},
		{`SELECT 'waiting', sum(n), min(created_at) FROM outbox_bundle
		   WHERE merchant_id = $1 HAVING count(*) > 0`, b.Outbox, &b.OutboxOldest},
		{`SELECT state, count(*), min(due_at) FROM delivery
		   WHERE merchant_id = $1 AND due_at IS NOT NULL GROUP BY state`, b.Deliveries, &b.DeliveryFirst},
		{`SELECT state, count(*), min(received_at) FROM hook_request
		   WHERE merchant_id = $1 AND state IN ('waiting', 'kept') GROUP BY state`, b.Hooks, nil},
	} {
		rows, _ := postgres.Tx(ctx).Query(ctx, q.sql, m)
		var state string
		var n int64
		var first time.Time
		_, err := pgx.ForEachRow(rows, []any{&state, &n, &first}, func() error {
			q.to[state] += n
			if q.oldest != nil && state != "kept" && (q.oldest.IsZero() || first.Before(*q.oldest)) {
				*q.oldest = first
			}
			return nil
		})
		if err != nil {
			return postgres.Fault("operation.add", err)
		}
	}
	return nil
}

// Lease is how the turns of one kind of background work stand.
type Lease struct {
	Kind    string
	Held    int64 // somebody works on them
	Due     int64 // nobody does, and it is time
	Resting int64
	Overdue float64 // seconds that the oldest due one waits
}

// Leases reads the turns of all background work.
func Leases(ctx context.Context, db *postgres.DB) (list []Lease, err error) {
	err = db.InSystem(ctx, func(ctx context.Context) error {
		rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT kind, count(*) FILTER (WHERE held), count(*) FILTER (WHERE NOT held AND due),
       count(*) FILTER (WHERE NOT held AND NOT due),
       coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE NOT held AND due)), 0)::float8
  FROM (SELECT kind, due_at, coalesce(lease_until > now(), false) AS held, due_at <= now() AS due FROM work) AS w
 GROUP BY kind`)
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Lease])
		return postgres.Fault("operation.Leases", err)
	})
	return list, err
}

// Database is what a core needs to be true of its database.
type Database struct {
	Major       int    // PostgreSQL's version
	Bypassing   bool   // the application's role is above row-level security
	Open        string // a table whose rows every merchant would see; empty = none
	Migrated    int64  // newest migration there
	Newest      int64  // newest migration of this program
	Clock       time.Time
	MaxConns    int
	ReplicaOnly bool // it takes no writes
}

// ReadDatabase asks the database about itself.
func ReadDatabase(ctx context.Context, db *postgres.DB) (d Database, err error) {
	const op = "operation.ReadDatabase"
	if d.Newest, err = postgres.NewestMigration(); err != nil {
		return d, err
	}
	err = db.InSystem(ctx, func(ctx context.Context) error {
		err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT current_setting('server_version_num')::int / 10000, r.rolsuper OR r.rolbypassrls, clock_timestamp(),
       current_setting('max_connections')::int, pg_is_in_recovery(),
       coalesce((SELECT c.relname
                   FROM pg_policy p
                   JOIN pg_class c ON c.oid = p.polrelid
                  WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)
                  ORDER BY c.relname
                  LIMIT 1), '')
  FROM pg_roles r
 WHERE r.rolname = current_user`).Scan(&d.Major, &d.Bypassing, &d.Clock, &d.MaxConns, &d.ReplicaOnly, &d.Open)
		return postgres.Fault(op, err)
	})
	if err != nil {
		return d, err
	}
	d.Migrated, err = postgres.AppliedMigration(ctx, db)
	return d, err
}

// errUndo ends a transaction that must leave nothing.
var errUndo = errors.New("undo")

// Try runs fn and undoes whatever it wrote.
func Try(ctx context.Context, db *postgres.DB, fn func(context.Context) error) error {
	err := db.InSystem(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		return fault.As(fault.Internal, "operation.Try", errUndo)
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}
