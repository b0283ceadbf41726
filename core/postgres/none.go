package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lumo/shared/fault"
)

// none is the transaction where there is none: it refuses, so that a store called outside
// of a transaction fails plainly instead of crashing or writing somewhere by itself.
type none struct{}

func refused() error {
	return fault.As(fault.Internal, "postgres.Tx", errors.New("no transaction is open"))
}

func (none) Begin(context.Context) (pgx.Tx, error) { return nil, refused() }
func (none) Commit(context.Context) error          { return refused() }
func (none) Rollback(context.Context) error        { return refused() }
func (none) Conn() *pgx.Conn                       { return nil }
func (none) LargeObjects() pgx.LargeObjects        { return pgx.LargeObjects{} }

func (none) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, refused()
}

func (none) SendBatch(context.Context, *pgx.Batch) pgx.BatchResults { return noResults{} }

func (none) Prepare(context.Context, string, string) (*pgconn.StatementDescription, error) {
	return nil, refused()
}

func (none) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, refused()
}

func (none) Query(context.Context, string, ...any) (pgx.Rows, error) { return nil, refused() }
func (none) QueryRow(context.Context, string, ...any) pgx.Row        { return noResults{} }

type noResults struct{}

func (noResults) Scan(...any) error                { return refused() }
func (noResults) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, refused() }
func (noResults) Query() (pgx.Rows, error)         { return nil, refused() }
func (noResults) QueryRow() pgx.Row                { return noResults{} }
func (noResults) Close() error                     { return refused() }
func (noResults) Tx() pgx.Tx                       { return none{} }
