package fleet

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/fleet"
	"lumo/core/postgres"
	"lumo/shared/id"
)

// Note writes a line of the log.
func (s *Store) Note(ctx context.Context, e fleet.Entry) error {
	data := e.Data
	if data == nil {
		data = map[string]any{}
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO fleet_log (id, edge_id, operator_id, action, data, created_at)
VALUES ($1, $2, $3, $4, $5, $6)`, e.ID, orNull(e.Edge), orNull(e.Operator), e.Action, data, e.At)
	return postgres.Fault("postgres.Note", err)
}

// Log reads an edge's entries, or what operators did, newest first.
func (s *Store) Log(ctx context.Context, edge id.ID, limit int) ([]fleet.Entry, error) {
	const columns = `
SELECT id, edge_id, operator_id, action, data, created_at
  FROM fleet_log
 WHERE `
	const newest = `
 ORDER BY id DESC
 LIMIT $1`
	var rows pgx.Rows
	if edge.IsZero() {
		rows, _ = postgres.Tx(ctx).Query(ctx, columns+`(edge_id IS NULL OR operator_id IS NOT NULL)`+newest, limit)
	} else {
		rows, _ = postgres.Tx(ctx).Query(ctx, columns+`edge_id = $2`+newest, limit, edge)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (e fleet.Entry, err error) {
		var edge, operator *id.ID
		err = r.Scan(&e.ID, &edge, &operator, &e.Action, &e.Data, &e.At)
		if edge != nil {
			e.Edge = *edge
		}
		if operator != nil {
			e.Operator = *operator
		}
		return e, err
	})
	return list, postgres.Fault("postgres.Log", err)
}

// Took adds to an edge's minute.
func (s *Store) Took(ctx context.Context, edge id.ID, minute time.Time, events uint64) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO edge_minute AS m (edge_id, minute, events)
VALUES ($1, $2, $3)
    ON CONFLICT (edge_id, minute) DO UPDATE SET events = m.events + excluded.events`, edge, minute, int64(events))
	return postgres.Fault("postgres.Took", err)
}

// Minutes are those of an edge, or of all.
func (s *Store) Minutes(ctx context.Context, edge id.ID, since time.Time) (map[id.ID][]fleet.Minute, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT edge_id, minute, events, waiting, oldest_seconds
  FROM edge_minute
 WHERE ($1::uuid IS NULL OR edge_id = $1) AND minute >= $2
 ORDER BY edge_id, minute`, orNull(edge), since)
	out := map[id.ID][]fleet.Minute{}
	var of id.ID
	var at time.Time
	var events, waiting, oldest int64
	_, err := pgx.ForEachRow(rows, []any{&of, &at, &events, &waiting, &oldest}, func() error {
		out[of] = append(out[of], fleet.Minute{At: at, Events: uint64(events), Waiting: uint64(waiting),
			OldestSeconds: uint64(oldest)})
		return nil
	})
	return out, postgres.Fault("postgres.Minutes", err)
}

// orNull stores a zero id as null.
func orNull(v id.ID) *id.ID {
	if v == (id.ID{}) {
		return nil
	}
	return &v
}
