package fleet

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/fleet"
	"lumo/core/postgres"
	"lumo/shared/bundle"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// modulesLock lets one transaction at a time change what is published.
const modulesLock = 0x6c756d03

// LockModules waits for whoever publishes now.
func (s *Store) LockModules(ctx context.Context) error {
	_, err := postgres.Tx(ctx).Exec(ctx, "SELECT pg_advisory_xact_lock($1)", modulesLock)
	return postgres.Fault("postgres.LockModules", err)
}

// AddSet stores a set that is not published yet.
func (s *Store) AddSet(ctx context.Context, set fleet.ModuleSet) error {
	var undoes *int64
	if set.Undoes > 0 {
		v := int64(set.Undoes)
		undoes = &v
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO module_set (version, manifest, signature, undoes, created_at)
VALUES ($1, $2, $3, $4, $5)`, int64(set.Version), set.Text, set.Signature, undoes, set.CreatedAt)
	return postgres.Fault("postgres.AddSet", err)
}

// Sets are all sets, newest first.
func (s *Store) Sets(ctx context.Context) ([]fleet.ModuleSet, error) {
	const op = "postgres.Sets"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT manifest, signature, coalesce(undoes, 0), created_at, published_at, published_by
  FROM module_set
 ORDER BY version DESC`)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (set fleet.ModuleSet, err error) {
		var undoes int64
		var published *time.Time
		var by *id.ID
		err = r.Scan(&set.Text, &set.Signature, &undoes, &set.CreatedAt, &published, &by)
		if err != nil {
			return set, err
		}
		set.Undoes = uint64(undoes)
		if published != nil {
			set.PublishedAt = *published
		}
		if by != nil {
			set.PublishedBy = *by
		}
		set.Manifest, err = bundle.ParseManifest(set.Text)
		return set, err
	})
	return list, postgres.Fault(op, err)
}

// PublishSet gives a set its time.
func (s *Store) PublishSet(ctx context.Context, version uint64, by id.ID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE module_set
   SET published_at = $2, published_by = $3
 WHERE version = $1 AND published_at IS NULL`, int64(version), now, orNull(by))
	return postgres.Fault("postgres.PublishSet", err)
}

// AddFile stores a file and drops those that nobody ever named.
func (s *Store) AddFile(ctx context.Context, hash string, file []byte, now time.Time) error {
	const op = "postgres.AddFile"
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM module_file f
 WHERE f.created_at < $1::timestamptz - interval '1 day'
   AND NOT EXISTS (SELECT 1
                     FROM module_set s
                    WHERE position(encode(f.sha256, 'hex') IN convert_from(s.manifest, 'UTF8')) > 0)`, now)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO module_file (sha256, file, created_at)
VALUES (decode($1, 'hex'), $2, $3)
    ON CONFLICT (sha256) DO UPDATE SET created_at = excluded.created_at`, hash, file, now)
	return postgres.Fault(op, err)
}

// File reads a file by its hash.
func (s *Store) File(ctx context.Context, hash string) (file []byte, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT file
  FROM module_file
 WHERE sha256 = decode($1, 'hex')`, hash).Scan(&file)
	return file, postgres.Fault("postgres.File", err)
}

// Missing answers which hashes have no file.
func (s *Store) Missing(ctx context.Context, hashes []string) ([]string, error) {
	const op = "postgres.Missing"
	for _, h := range hashes {
		if _, err := hex.DecodeString(h); err != nil {
			return nil, fault.As(fault.Invalid, op, err)
		}
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT h
  FROM unnest($1::text[]) AS h
 WHERE NOT EXISTS (SELECT 1
                     FROM module_file
                    WHERE sha256 = decode(h, 'hex'))`, hashes)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return list, postgres.Fault(op, err)
}
