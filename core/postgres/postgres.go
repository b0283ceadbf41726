// Package postgres is the one store: pool, tenant transactions, migrations.
//
// Whatever runs through it runs as the plain role lumo_app, inside a transaction that
// either names its merchant or says that it has none; row-level security does the rest.
// The transaction travels in the context, so that several capabilities can change
// together: the outermost caller commits, everybody below only takes part. SQL stands
// here and in the packages below, one for each capability, and nowhere else.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const appRole = "lumo_app"

// maxConns is enough for all parts of one core to work side by side. The driver's own default,
// four on a small machine, is used up by the listeners alone; pool_max_conns in the address
// sets another number.
const maxConns = 40

// maxAttempts is how often a transaction that lost to another one is begun again.
const maxAttempts = 5

// apartConns serve transactions begun while another one is open. They have connections of
// their own: were they to wait for the pool, transactions that fill it would wait for
// themselves.
const apartConns = 4

// DB is a pool of connections to one database.
type DB struct{ pool, apart *pgxpool.Pool }

// Open connects; every connection steps down to the application's role before it is used.
func Open(ctx context.Context, url string) (*DB, error) {
	const op = "postgres.Open"
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// the cause may hold the password
		return nil, fault.New(fault.Invalid, op, "LUMO_DATABASE_URL is not an address of a PostgreSQL database.")
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = maxConns
	}
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		// Statements here are short: to compile one for the machine takes longer than to run it.
		_, err := c.Exec(ctx, "SET jit = off; SET ROLE "+appRole)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fault.As(fault.Unavailable, op, err)
	}
	aside := config.Copy()
	aside.MinConns, aside.MaxConns = 0, apartConns
	apart, err := pgxpool.NewWithConfig(ctx, aside)
	if err != nil {
		pool.Close()
		return nil, fault.As(fault.Unavailable, op, err)
	}
	return &DB{pool: pool, apart: apart}, nil
}

// Close ends the pools when their connections came back.
func (db *DB) Close() {
	db.pool.Close()
	db.apart.Close()
}

// Ping tells whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	return fault.As(fault.Unavailable, "postgres.Ping", db.pool.Ping(ctx))
}

type unitKey struct{}

// unit is a transaction in progress: whose it is, and what waits for its commit.
type unit struct {
	tx       pgx.Tx
	merchant lumo.MerchantID // zero = global tables only
	after    []func()
}

// InTenant runs fn in a transaction that sees one merchant's rows. Inside another one of
// the same merchant it takes part in that; inside one of another merchant it is refused.
func (db *DB) InTenant(ctx context.Context, merchant lumo.MerchantID, fn func(context.Context) error) error {
	const op = "postgres.InTenant"
	if merchant == (lumo.MerchantID{}) {
		return fault.As(fault.Internal, op, errors.New("no merchant"))
	}
	if u, ok := ctx.Value(unitKey{}).(*unit); ok {
		if u.merchant != merchant {
			return fault.As(fault.Internal, op, errors.New("a transaction of another tenant is open"))
		}
		return fn(ctx)
	}
	return db.run(ctx, merchant, fn)
}

// InSystem runs fn in a transaction without tenant: global tables only. Inside a tenant's
// transaction it takes part in that.
func (db *DB) InSystem(ctx context.Context, fn func(context.Context) error) error {
	if _, ok := ctx.Value(unitKey{}).(*unit); ok {
		return fn(ctx)
	}
	return db.run(ctx, lumo.MerchantID{}, fn)
}

// Apart is ctx outside of any transaction, for short work that must not be undone with it.
func Apart(ctx context.Context) context.Context {
	if _, ok := ctx.Value(unitKey{}).(*unit); !ok {
		return ctx
	}
	return context.WithValue(ctx, unitKey{}, apartMark{})
}

// apartMark stands in ctx where a unit was: work begun under it uses connections of its own.
type apartMark struct{}

func (db *DB) run(ctx context.Context, merchant lumo.MerchantID, fn func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		err := db.once(ctx, merchant, fn)
		if err == nil || attempt == maxAttempts || !lost(err) {
			return err
		}
	}
}

func (db *DB) once(ctx context.Context, merchant lumo.MerchantID, fn func(context.Context) error) error {
	u := &unit{merchant: merchant}
	pool := db.pool
	if _, ok := ctx.Value(unitKey{}).(apartMark); ok {
		pool = db.apart
	}
	err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: begin(merchant)}, func(tx pgx.Tx) error {
		u.tx = tx
		return fn(context.WithValue(ctx, unitKey{}, u))
	})
	if err != nil {
		return translate("postgres.transaction", err)
	}
	for _, f := range u.after {
		f()
	}
	return nil
}

// Attempt runs fn as a part of ctx's transaction that can fail by itself: what it did is then
// undone, and the rest stands.
func (db *DB) Attempt(ctx context.Context, fn func(context.Context) error) error {
	const op = "postgres.Attempt"
	u, ok := ctx.Value(unitKey{}).(*unit)
	if !ok {
		return fault.As(fault.Internal, op, errors.New("no transaction is open"))
	}
	part := &unit{merchant: u.merchant}
	err := pgx.BeginFunc(ctx, u.tx, func(tx pgx.Tx) error {
		part.tx = tx
		return fn(context.WithValue(ctx, unitKey{}, part))
	})
	if err != nil {
		return translate(op, err)
	}
	u.after = append(u.after, part.after...)
	return nil
}

// begin opens a transaction and names its merchant in one message. The id stands in the text,
// as 16 bytes always print as hexadecimal digits.
func begin(m lumo.MerchantID) string {
	if m == (lumo.MerchantID{}) {
		return "BEGIN"
	}
	return fmt.Sprintf("BEGIN; SELECT set_config('lumo.merchant', '%s', true)", uuid.UUID(m))
}

// AfterCommit keeps f until the transaction stands; without one it runs at once. A
// transaction that fails drops it.
func (db *DB) AfterCommit(ctx context.Context, f func()) {
	if u, ok := ctx.Value(unitKey{}).(*unit); ok {
		u.after = append(u.after, f)
		return
	}
	f()
}

// Tx is the transaction of ctx. Outside of one every statement fails with a plain error.
func Tx(ctx context.Context) pgx.Tx {
	if u, ok := ctx.Value(unitKey{}).(*unit); ok {
		return u.tx
	}
	return none{}
}

// Merchant is whose transaction ctx carries; zero outside of a tenant's.
func Merchant(ctx context.Context) lumo.MerchantID {
	if u, ok := ctx.Value(unitKey{}).(*unit); ok {
		return u.merchant
	}
	return lumo.MerchantID{}
}

// Listen waits on one connection for notifications of a channel and hands each payload
// on, until ctx ends or the connection breaks; the caller begins again. The first payload is
// empty: what was notified before it may have passed unheard.
func (db *DB) Listen(ctx context.Context, channel string, handle func(payload string)) error {
	const op = "postgres.Listen"
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return fault.As(fault.Unavailable, op, err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return translate(op, err)
	}
	handle("")
	for {
		n, err := conn.Conn().WaitForNotification(ctx)
		if err != nil {
			return fault.As(fault.Unavailable, op, err)
		}
		handle(n.Payload)
	}
}

// Notify wakes listeners when the transaction of ctx commits.
func Notify(ctx context.Context, channel, payload string) error {
	_, err := Tx(ctx).Exec(ctx, "SELECT pg_notify($1, $2)", channel, payload)
	return Fault("postgres.Notify", err)
}

// Fault gives a driver's error its kind, by code and never by text.
func Fault(op string, err error) error {
	if err == nil {
		return nil
	}
	return translate(op, err)
}

func translate(op string, err error) error {
	var pg *pgconn.PgError
	var own *fault.Error
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fault.As(fault.NotFound, op, err)
	case errors.As(err, &own):
		return err // it was given its kind nearer to its cause
	case errors.As(err, &pg):
		return fault.As(kindOf(pg.Code), op, err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return fault.As(fault.Unavailable, op, err)
	}
	return fault.As(kindOfConnection(err), op, err)
}

// kindOfConnection tells a connection that broke from a mistake of ours.
func kindOfConnection(err error) fault.Kind {
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.As(err, &network), pgconn.SafeToRetry(err),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return fault.Unavailable
	}
	return fault.Internal
}

func kindOf(code string) fault.Kind {
	switch code {
	case "23505", "23P01": // unique, exclusion
		return fault.Conflict
	case "23503", "23502", "23514", "22P02", "22001", "22021", "22P05": // broken reference or value
		return fault.Invalid
	case "57P01", "57P02", "57P03", "53300", "40001", "40P01", "55P03": // shutdown, full, lost, locked
		return fault.Unavailable
	}
	return fault.Internal
}

// lost tells whether a transaction may simply be begun again.
func lost(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
