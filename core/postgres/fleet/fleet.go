// Package fleet stores edges, the order of their configuration's changes and the core's own
// keys, and reads what edges need from the tables of other capabilities.
//
// Keys and codes of edges are stored as hashes, the core's keys under the master key. All
// methods of Store run without a merchant, those of Values inside a merchant's transaction.
package fleet

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Notification is the channel on which processes tell each other of changes.
const Notification = "lumo_fleet"

// orderLock lets one process at a time number changes.
const orderLock = 0x6c756d02

// Vault seals values that belong to no merchant under the master key.
type Vault interface {
	SealSystem(table, column, row string, plain []byte) ([]byte, error)
	OpenSystem(table, column, row string, sealed []byte) ([]byte, error)
}

// Store implements the stores of the fleet capability.
type Store struct{ vault Vault }

// New makes a store.
func New(v Vault) *Store { return &Store{vault: v} }

// AddCode stores a one-time code and drops old ones.
func (s *Store) AddCode(ctx context.Context, c fleet.Code, hash []byte) error {
	const op = "postgres.AddCode"
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM edge_code
 WHERE expires_at < $1::timestamptz - interval '7 days'`, c.CreatedAt)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO edge_code (code_hash, id, name, merchants, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)`, hash, c.ID, c.Name, merchants(c.Merchants), c.CreatedAt, c.ExpiresAt)
	return postgres.Fault(op, err)
}

// Code tells what became of a code.
func (s *Store) Code(ctx context.Context, code id.ID) (fleet.Code, error) {
	c := fleet.Code{ID: code}
	var edge *id.ID
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT name, coalesce(merchants, '{}'), created_at, expires_at, edge_id
  FROM edge_code
 WHERE id = $1`, code).Scan(&c.Name, &c.Merchants, &c.CreatedAt, &c.ExpiresAt, &edge)
	if edge != nil {
		c.Edge = *edge
	}
	return c, postgres.Fault("postgres.Code", err)
}

// merchants stores a scope: without any, null.
func merchants(list []lumo.MerchantID) [][16]byte {
	var out [][16]byte
	for _, m := range list {
		out = append(out, m)
	}
	return out
}

// Enrol uses a code up and adds the edge.
func (s *Store) Enrol(ctx context.Context, codeHash []byte, e fleet.Edge, keyHash []byte) (fleet.Edge, error) {
	const op = "postgres.Enrol"
	var name string
	err := postgres.Tx(ctx).QueryRow(ctx, `
UPDATE edge_code
   SET used_at = $2, edge_id = $3
 WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2
RETURNING name, coalesce(merchants, '{}')`, codeHash, e.CreatedAt, e.ID).Scan(&name, &e.Merchants)
	if err != nil {
		return e, postgres.Fault(op, err)
	}
	if name != "" {
		e.Name = name
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO edge (id, name, merchants, key_hash, created_at)
VALUES ($1, $2, $3, $4, $5)`, e.ID, e.Name, merchants(e.Merchants), keyHash, e.CreatedAt)
	return e, postgres.Fault(op, err)
}

const selectEdge = `
SELECT e.id, e.name, coalesce(e.merchants, '{}'), e.created_at, e.connected_at, e.last_seen_at, e.revoked_at,
       e.config_version, e.waiting_events, e.oldest_seconds, e.program, e.trouble, e.spool_bytes, e.spool_limit,
       e.modules_version, e.modules_refused, e.modules_refusal, e.modules_reason,
       (SELECT c.changed_at
          FROM edge_change c
         WHERE c.sequence > e.config_version
         ORDER BY c.sequence
         LIMIT 1)
  FROM edge e
 WHERE `

func scanEdge(r pgx.CollectableRow) (fleet.Edge, error) {
	var e fleet.Edge
	var connected, seen, revoked, behind *time.Time
	var version, waiting, oldest, bytes, limit, modules, refused int64
	var trouble int16
	var refusal string
	err := r.Scan(&e.ID, &e.Name, &e.Merchants, &e.CreatedAt, &connected, &seen, &revoked, &version, &waiting,
		&oldest, &e.Report.Program, &trouble, &bytes, &limit, &modules, &refused, &refusal, &e.Report.Detail,
		&behind)
	for _, one := range []struct {
		to   *time.Time
		from *time.Time
	}{{&e.ConnectedAt, connected}, {&e.LastSeenAt, seen}, {&e.RevokedAt, revoked}, {&e.BehindSince, behind}} {
		if one.from != nil {
			*one.to = *one.from
		}
	}
	e.Report.Version, e.Report.WaitingEvents, e.Report.OldestSeconds = uint64(version), uint64(waiting), uint64(oldest)
	e.Report.SpoolBytes, e.Report.SpoolLimit = uint64(bytes), uint64(limit)
	e.Report.Modules, e.Report.Refused = uint64(modules), uint64(refused)
	e.Report.Trouble, e.Report.Refusal = edgeapi.Trouble(trouble), edgeapi.ParseRefusal(refusal)
	return e, err
}

// ByKey finds an edge that is not revoked.
func (s *Store) ByKey(ctx context.Context, keyHash []byte) (fleet.Edge, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectEdge+`e.revoked_at IS NULL AND e.key_hash = $1`, keyHash)
	e, err := pgx.CollectExactlyOneRow(rows, scanEdge)
	return e, postgres.Fault("postgres.ByKey", err)
}

// Asked notes, once a minute, that an edge asks although it is revoked.
func (s *Store) Asked(ctx context.Context, keyHash []byte, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE edge
   SET last_seen_at = $2
 WHERE key_hash = $1 AND revoked_at < $2
   AND (last_seen_at IS NULL OR last_seen_at < greatest(revoked_at, $2::timestamptz - interval '1 minute'))`, keyHash, now)
	return postgres.Fault("postgres.Asked", err)
}

// Asking are revoked edges that were heard of since, oldest first.
func (s *Store) Asking(ctx context.Context, since time.Time) ([]fleet.Edge, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectEdge+`e.revoked_at < e.last_seen_at AND e.last_seen_at > $1
 ORDER BY e.id`, since)
	list, err := pgx.CollectRows(rows, scanEdge)
	return list, postgres.Fault("postgres.Asking", err)
}

// Edge finds an edge, revoked or not.
func (s *Store) Edge(ctx context.Context, edge id.ID) (fleet.Edge, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectEdge+`e.id = $1`, edge)
	e, err := pgx.CollectExactlyOneRow(rows, scanEdge)
	return e, postgres.Fault("postgres.Edge", err)
}

// Edges are all edges that are not revoked, oldest first.
func (s *Store) Edges(ctx context.Context) ([]fleet.Edge, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectEdge+`e.revoked_at IS NULL
 ORDER BY e.id`)
	list, err := pgx.CollectRows(rows, scanEdge)
	return list, postgres.Fault("postgres.Edges", err)
}

// Revoke ends an edge and has every process look at its streams.
func (s *Store) Revoke(ctx context.Context, edge id.ID, now time.Time) (bool, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE edge
   SET revoked_at = $2
 WHERE id = $1 AND revoked_at IS NULL`, edge, now)
	if err != nil || tag.RowsAffected() == 0 {
		return false, postgres.Fault("postgres.Revoke", err)
	}
	return true, postgres.Notify(ctx, Notification, fleet.Revoked)
}

// Connected notes the start of a connection.
func (s *Store) Connected(ctx context.Context, edge id.ID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE edge
   SET connected_at = CASE WHEN last_seen_at > $2::timestamptz - interval '5 seconds'
                           THEN coalesce(connected_at, $2) ELSE $2 END,
       last_seen_at = $2
 WHERE id = $1 AND revoked_at IS NULL`, edge, now)
	return postgres.Fault("postgres.Connected", err)
}

// Seen stores what an edge tells of itself.
func (s *Store) Seen(ctx context.Context, edge id.ID, r fleet.Report, now time.Time) (bool, error) {
	const op = "postgres.Seen"
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE edge
   SET last_seen_at = $2, config_version = $3, waiting_events = $4, oldest_seconds = $5, program = $6, trouble = $7,
       spool_bytes = $8, spool_limit = $9, modules_version = $10, modules_refused = $11, modules_refusal = $12,
       modules_reason = $13
 WHERE id = $1 AND revoked_at IS NULL`, edge, now, int64(r.Version), int64(r.WaitingEvents),
		int64(r.OldestSeconds), r.Program, int16(r.Trouble), int64(r.SpoolBytes), int64(r.SpoolLimit),
		int64(r.Modules), int64(r.Refused), r.Refusal.Code(), r.Detail)
	if err != nil || tag.RowsAffected() == 0 {
		return false, postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO edge_minute AS m (edge_id, minute, waiting, oldest_seconds)
VALUES ($1, date_trunc('minute', $2::timestamptz), $3, $4)
    ON CONFLICT (edge_id, minute) DO UPDATE
   SET waiting = greatest(m.waiting, excluded.waiting), oldest_seconds = greatest(m.oldest_seconds, excluded.oldest_seconds)
 WHERE m.waiting < excluded.waiting OR m.oldest_seconds < excluded.oldest_seconds`, edge, now,
		int64(r.WaitingEvents), int64(r.OldestSeconds))
	return true, postgres.Fault(op, err)
}

// Behind counts the living edges that have not applied a version.
func (s *Store) Behind(ctx context.Context, version uint64, seenAfter time.Time) (n int, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT count(*)
  FROM edge
 WHERE revoked_at IS NULL AND last_seen_at > $2 AND config_version < $1`, int64(version), seenAfter).Scan(&n)
	return n, postgres.Fault("postgres.Behind", err)
}

// Hook finds what a public key in a path names.
func (s *Store) Hook(ctx context.Context, kind, publicKey string) (m lumo.MerchantID, target id.ID, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT merchant_id, target_id
  FROM hook_route
 WHERE public_key = $1 AND kind = $2`, publicKey, kind).Scan(&m, &target)
	return m, target, postgres.Fault("postgres.Hook", err)
}

// Keep stores a record that cannot be taken; the first copy of it stands.
func (s *Store) Keep(ctx context.Context, k fleet.Kept) error {
	const op = "postgres.Keep"
	sealed, err := s.vault.SealSystem("edge_kept", "body_enc", k.ID.String(), k.Body)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO edge_kept (id, edge_id, kind, body_enc, problem, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (edge_id, id) DO NOTHING`, k.ID, k.Edge, int(k.Kind), sealed, k.Problem, k.At)
	return postgres.Fault(op, err)
}

// Aside counts what was kept of an edge, or of all.
func (s *Store) Aside(ctx context.Context, edge id.ID) ([]fleet.Aside, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT problem, count(*), max(created_at)
  FROM edge_kept
 WHERE edge_id = $1 OR $2
 GROUP BY problem
 ORDER BY count(*) DESC, problem`, edge, edge == id.ID{})
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[fleet.Aside])
	return all, postgres.Fault("postgres.Aside", err)
}

// Key answers the newest key of a kind; where there is none it stores the offered one.
func (s *Store) Key(ctx context.Context, kind string, offer fleet.CoreKey) (fleet.CoreKey, error) {
	const op = "postgres.Key"
	k, err := s.readKey(ctx, kind)
	if !fault.Is(err, fault.NotFound) {
		return k, err
	}
	sealed, err := s.vault.SealSystem("core_key", "private_enc", keyRow(kind, offer.Number), offer.Private)
	if err != nil {
		return fleet.CoreKey{}, fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO core_key (kind, number, private_enc, public, created_at)
VALUES ($1, $2, $3, $4, now())
    ON CONFLICT (kind, number) DO NOTHING`, kind, offer.Number, sealed, offer.Public)
	if err != nil {
		return fleet.CoreKey{}, postgres.Fault(op, err)
	}
	return s.readKey(ctx, kind) // another process's, where it was first
}

func (s *Store) readKey(ctx context.Context, kind string) (k fleet.CoreKey, err error) {
	const op = "postgres.readKey"
	var sealed []byte
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT number, private_enc, public
  FROM core_key
 WHERE kind = $1
 ORDER BY number DESC
 LIMIT 1`, kind).Scan(&k.Number, &sealed, &k.Public)
	if err != nil {
		return fleet.CoreKey{}, postgres.Fault(op, err)
	}
	k.Private, err = s.vault.OpenSystem("core_key", "private_enc", keyRow(kind, k.Number), sealed)
	if err != nil {
		return fleet.CoreKey{}, fault.As(fault.Internal, op,
			errors.New("the core's keys were sealed under another LUMO_MASTER_KEY"))
	}
	return k, nil
}

func keyRow(kind string, number int) string { return kind + "/" + strconv.Itoa(number) }
