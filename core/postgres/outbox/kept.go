package outbox

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/core/postgres"
	"lumo/shared/id"
)

// Moved sends what waits for a profile, or was refused for it, to another one.
func (s *Store) Moved(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, from, to lumo.ProfileID,
	now time.Time) error {
	const op = "postgres.Moved"
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE outbox
   SET profile_id = $4, state = 'waiting', problem = NULL, due_at = $5
 WHERE merchant_id = $1 AND friend_id = $2 AND profile_id = $3 AND kind = 'event'
   AND (state = 'waiting' OR state = 'kept' AND problem IN ('profile_missing', 'duplicate_profile'))`,
		m, f, string(from), string(to), now)
	if err != nil {
		return postgres.Fault(op, err)
	}
	return s.DropProfile(ctx, m, f, from)
}

// DropProfile drops what was to be written about a friend's properties at a profile.
func (s *Store) DropProfile(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, p lumo.ProfileID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM outbox
 WHERE merchant_id = $1 AND friend_id = $2 AND profile_id = $3 AND kind = 'profile'`, m, f, string(p))
	return postgres.Fault("postgres.DropProfile", err)
}

// aside is the condition of items that were kept, or dismissed. It stands in the statement, so
// that its plan can use the index of those few.
func aside(in outbox.State) string {
	if in == outbox.Dismissed {
		return "state = 'dismissed'"
	}
	return "state = 'kept'"
}

// Kept are items in a state, newest first.
func (s *Store) Kept(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, in outbox.State, before id.ID, limit int) (
	[]outbox.KeptItem, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT o.id, o.channel_id, f.id, coalesce(f.display_name, ''), o.kind, coalesce(o.metric, ''), o.profile_id,
       coalesce(o.problem, ''), o.tries, o.occurred_at, o.created_at
  FROM outbox o
  LEFT JOIN friend f ON f.merchant_id = o.merchant_id AND f.id = o.friend_id
 WHERE o.merchant_id = $1 AND o.klaviyo_account_id = $2 AND o.`+aside(in)+` AND ($3::uuid IS NULL OR o.id < $3)
 ORDER BY o.id DESC
 LIMIT $4`, m, a, orNull(before), limit)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (k outbox.KeptItem, err error) {
		var friend *lumo.FriendID
		err = r.Scan(&k.ID, &k.Channel, &friend, &k.FriendName, &k.Kind, &k.Metric, &k.Profile, &k.Problem,
			&k.Tries, &k.OccurredAt, &k.CreatedAt)
		k.Friend = value(friend)
		return k, err
	})
	return list, postgres.Fault("postgres.Kept", err)
}

// KeptTotal counts items in a state.
func (s *Store) KeptTotal(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, in outbox.State) (n int64, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT count(*)
  FROM outbox
 WHERE merchant_id = $1 AND klaviyo_account_id = $2 AND `+aside(in), m, a).Scan(&n)
	return n, postgres.Fault("postgres.KeptTotal", err)
}

// Again has kept items tried once more.
func (s *Store) Again(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, item id.ID, now time.Time) (
	int64, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE outbox
   SET state = 'waiting', problem = NULL, due_at = $4, tries = 0
 WHERE merchant_id = $1 AND klaviyo_account_id = $2 AND state = 'kept' AND ($3::uuid IS NULL OR id = $3)`,
		m, a, orNull(item), now)
	return tag.RowsAffected(), postgres.Fault("postgres.Again", err)
}

// Move takes items from one state to another.
func (s *Store) Move(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, item id.ID, from, to outbox.State) (
	int64, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE outbox
   SET state = $4
 WHERE merchant_id = $1 AND klaviyo_account_id = $2 AND `+aside(from)+` AND ($3::uuid IS NULL OR id = $3)`,
		m, a, orNull(item), string(to))
	return tag.RowsAffected(), postgres.Fault("postgres.Move", err)
}

// orNull stores a zero id as null.
func orNull(v id.ID) *[16]byte {
	if v.IsZero() {
		return nil
	}
	plain := [16]byte(v)
	return &plain
}
