package linkage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// AddConflict keeps a conflict once while it is open. What a person left unlinked is not
// asked again by a match alone.
func (s *Store) AddConflict(ctx context.Context, m lumo.MerchantID, c linkage.Conflict) (bool, error) {
	const op = "postgres.AddConflict"
	if c.Evidence == nil {
		c.Evidence = map[string]any{}
	}
	evidence, err := json.Marshal(c.Evidence)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO link_conflict (merchant_id, id, channel_id, friend_id, other_friend_id, link_id, profile_id, kind,
                           method, assurance, evidence, state, created_at, other_profile_id)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', $12, $13
 WHERE NOT EXISTS (SELECT 1
                     FROM link_conflict
                    WHERE merchant_id = $1 AND friend_id = $4 AND profile_id = $7
                      AND (state = 'open' OR decision = 'leave_unlinked' AND $10 = 'matched'))`,
		m, c.ID, c.Channel, c.Friend, orNull(c.OtherFriend), orNull(c.Standing), string(c.Profile),
		string(c.Kind), c.Method, string(c.Assurance), evidence, c.CreatedAt, string(c.OtherProfile))
	return tag.RowsAffected() == 1, postgres.Fault(op, err)
}

const conflictColumns = `
SELECT id, channel_id, kind, friend_id, other_friend_id, profile_id, link_id, method, assurance, evidence,
       created_at, deferred_at, decision, resolution, resolved_at, resolved_by, other_profile_id
  FROM link_conflict`

func scanConflict(r pgx.Row) (c linkage.Conflict, err error) {
	var other *lumo.FriendID
	var standing *lumo.LinkID
	var by *lumo.MemberID
	var deferred, decided *time.Time
	var evidence, resolution []byte
	err = r.Scan(&c.ID, &c.Channel, &c.Kind, &c.Friend, &other, &c.Profile, &standing, &c.Method,
		&c.Assurance, &evidence, &c.CreatedAt, &deferred, &c.Decision, &resolution, &decided, &by, &c.OtherProfile)
	if err != nil {
		return c, err
	}
	c.OtherFriend, c.Standing, c.DecidedBy = value(other), value(standing), value(by)
	c.DeferredAt, c.DecidedAt = value(deferred), value(decided)
	if err := json.Unmarshal(evidence, &c.Evidence); err != nil {
		return c, err
	}
	return c, json.Unmarshal(resolution, &c.Resolution)
}

// Conflicts are a page of the open ones, those put off last, and how many there are in all.
func (s *Store) Conflicts(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, q linkage.ReviewQuery) (
	list []linkage.Conflict, total int64, err error) {
	const op = "postgres.Conflicts"
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT count(*)
  FROM link_conflict
 WHERE merchant_id = $1 AND channel_id = $2 AND state = 'open' AND ($3 = '' OR kind = $3)`, m, c, string(q.Kind)).Scan(&total)
	if err != nil {
		return nil, 0, postgres.Fault(op, err)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, conflictColumns+`
 WHERE merchant_id = $1 AND channel_id = $2 AND state = 'open' AND ($3 = '' OR kind = $3)
   AND (coalesce(deferred_at, created_at), id) > ($5, $6)
 ORDER BY coalesce(deferred_at, created_at), id
 LIMIT $4`, m, c, string(q.Kind), q.Limit, q.At, q.After)
	list, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (linkage.Conflict, error) {
		return scanConflict(r)
	})
	return list, total, postgres.Fault(op, err)
}

// Conflict reads one and locks it.
func (s *Store) Conflict(ctx context.Context, m lumo.MerchantID, v id.ID) (linkage.Conflict, error) {
	c, err := scanConflict(postgres.Tx(ctx).QueryRow(ctx, conflictColumns+`
 WHERE merchant_id = $1 AND id = $2
   FOR UPDATE`, m, v))
	return c, found("This item does not exist.", "postgres.Conflict", err)
}

// Decide stores a decision; with none the conflict is open again.
func (s *Store) Decide(ctx context.Context, m lumo.MerchantID, c linkage.Conflict, now time.Time) error {
	const op = "postgres.Decide"
	resolution, err := json.Marshal(c.Resolution)
	if err != nil {
		return fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE link_conflict
   SET decision = $3, resolution = $4, resolved_by = $5, state = CASE WHEN $3 = '' THEN 'open' ELSE 'resolved' END,
       resolved_at = CASE WHEN $3 <> '' THEN $6::timestamptz END
 WHERE merchant_id = $1 AND id = $2`, m, c.ID, string(c.Decision), resolution, orNull(c.DecidedBy), now)
	return one("This item does not exist.", op, tag.RowsAffected(), err)
}

// Defer puts a conflict behind the others.
func (s *Store) Defer(ctx context.Context, m lumo.MerchantID, v id.ID, now time.Time) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE link_conflict
   SET deferred_at = $3
 WHERE merchant_id = $1 AND id = $2 AND state = 'open'`, m, v, now)
	return one("This item does not exist.", "postgres.Defer", tag.RowsAffected(), err)
}

// Settled closes open conflicts whose claim came true by another way.
func (s *Store) Settled(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, p lumo.ProfileID,
	now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE link_conflict
   SET state = 'resolved', decision = 'gone', resolved_at = $4
 WHERE merchant_id = $1 AND friend_id = $2 AND profile_id = $3 AND state = 'open'`, m, f, string(p), now)
	return postgres.Fault("postgres.Settled", err)
}
