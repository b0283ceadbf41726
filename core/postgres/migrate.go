package postgres

import (
	"context"
	"embed"
	"io/fs"
	"time"

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

// NewestMigration is the version that this program's schema has.
func NewestMigration() (newest int64, err error) {
	const op = "postgres.NewestMigration"
	files, err := Migrations()
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fault.Wrap(op, err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}

// AppliedMigration is the version that the database's schema has.
func AppliedMigration(ctx context.Context, db *DB) (version int64, err error) {
	err = db.InSystem(ctx, func(ctx context.Context) error {
		return Fault("postgres.AppliedMigration", Tx(ctx).QueryRow(ctx, `
SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&version))
	})
	return version, err
}

// Ready tells why this program cannot work on the database now. A schema that is newer is
// another replica's, and takes what this one writes.
func (db *DB) Ready(ctx context.Context) error {
	const op = "postgres.Ready"
	newest, err := NewestMigration()
	if err != nil {
		return err
	}
	applied, err := AppliedMigration(ctx, db)
	if err != nil {
		return err
	}
	if applied < newest {
		return fault.New(fault.Unavailable, op, "The database's schema is older than this core. Run lumo-core migrate.")
	}
	return nil
}

// Connections is how the pool stands.
type Connections struct {
	Used, Idle, Most int32
	Waits            int64 // acquisitions that had to wait
	Waited           time.Duration
}

// Connections reads the pool.
func (db *DB) Connections() Connections {
	s := db.pool.Stat()
	return Connections{Used: s.AcquiredConns(), Idle: s.IdleConns(), Most: s.MaxConns(),
		Waits: s.EmptyAcquireCount(), Waited: s.EmptyAcquireWaitTime()}
}
