package postgres

import (
	"context"
	"embed"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"lumo/shared/fault"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migrations returns the embedded migration files.
func Migrations() (fs.FS, error) { return fs.Sub(embedded, "migrations") }

// Migrate brings the database at url to the newest schema. Replicas may start together:
// an advisory lock lets one migrate while the others wait.
func Migrate(ctx context.Context, url string) error {
	const op = "postgres.Migrate"
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return fault.As(fault.Unavailable, op, err)
	}
	defer pool.Close()
	files, err := Migrations()
	if err != nil {
		return fault.Wrap(op, err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fault.Wrap(op, err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = p.Up(ctx)
	return fault.Wrap(op, err)
}
