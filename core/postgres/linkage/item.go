package linkage

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// AddItems stores items of a run. A LINE user id is sealed for its run. Tables that grew much by
// the run are measured, so that its next steps find their rows by the right indexes.
func (s *Store) AddItems(ctx context.Context, m lumo.MerchantID, r lumo.RunID, items []linkage.Item) error {
	const op = "postgres.AddItems"
	if len(items) == 0 {
		return nil
	}
	c, err := s.itemColumnsOf(ctx, m, r, items)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO run_item (merchant_id, run_id, n, result, profile_id, other_profile_id, friend_id, link_id, user_enc,
                      twin, claim, version)
SELECT $1, $2, *
  FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::bytea[], $10::bytea[],
              $11::text[], $12::int[])`, m, r, c.n, c.result, c.profile, c.other, c.friend, c.link, c.user, c.twin,
		c.claim, c.version)
	if err == nil {
		_, err = postgres.Tx(ctx).Exec(ctx, `SELECT lumo_measure()`)
	}
	return postgres.Fault(op, err)
}

// itemColumns are items turned sideways.
type itemColumns struct {
	n                             []int64
	result, profile, other, claim []string
	friend                        []*lumo.FriendID
	link                          []*lumo.LinkID
	user, twin                    [][]byte
	version                       []int
}

func (s *Store) itemColumnsOf(ctx context.Context, m lumo.MerchantID, r lumo.RunID, items []linkage.Item) (
	c itemColumns, err error) {
	for _, i := range items {
		var user []byte
		if i.User != "" {
			if user, err = s.vault.Seal(ctx, m, "run_item", "user_enc", id.ID(r), []byte(i.User)); err != nil {
				return c, err
			}
		}
		c.n, c.result = append(c.n, i.N), append(c.result, string(i.Result))
		c.profile, c.other = append(c.profile, string(i.Profile)), append(c.other, string(i.Other))
		c.friend, c.link = append(c.friend, orNull(i.Friend)), append(c.link, orNull(i.Link))
		c.user, c.twin = append(c.user, user), append(c.twin, i.Twin)
		c.claim, c.version = append(c.claim, claimText(i.Claim)), append(c.version, i.Version)
	}
	return c, nil
}

func claimText(c linkage.ClaimKind) string {
	if c == linkage.ClaimNone {
		return ""
	}
	return string(c)
}

// SetItems stores items of a run anew. Of somebody whom LINE does not know nothing is kept.
func (s *Store) SetItems(ctx context.Context, m lumo.MerchantID, r lumo.RunID, items []linkage.Item) error {
	const op = "postgres.SetItems"
	if len(items) == 0 {
		return nil
	}
	n := len(items)
	numbers, results, others, friends := make([]int64, n), make([]string, n), make([]string, n), make([]*lumo.FriendID, n)
	for k, i := range items {
		numbers[k], results[k], others[k], friends[k] = i.N, string(i.Result), string(i.Other), orNull(i.Friend)
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE run_item AS i
   SET result = t.result, other_profile_id = t.other, friend_id = t.friend,
       user_enc = CASE WHEN t.result <> 'unreachable' THEN i.user_enc END
  FROM unnest($3::bigint[], $4::text[], $5::text[], $6::uuid[]) AS t (n, result, other, friend)
 WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.n = t.n`, m, r, numbers, results, others, friends)
	return postgres.Fault(op, err)
}

const selectItems = `
SELECT n, result, profile_id, other_profile_id, friend_id, link_id, user_enc, twin, claim, version
  FROM run_item
 WHERE merchant_id = $1 AND run_id = $2`

func (s *Store) items(ctx context.Context, m lumo.MerchantID, r lumo.RunID, op, more string, args ...any) (
	[]linkage.Item, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectItems+more, append([]any{m, r}, args...)...)
	type sealed struct {
		linkage.Item
		user []byte
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (i sealed, err error) {
		var friend *lumo.FriendID
		var link *lumo.LinkID
		err = r.Scan(&i.N, &i.Result, &i.Profile, &i.Other, &friend, &link, &i.user, &i.Twin, &i.Claim, &i.Version)
		i.Friend, i.Link = value(friend), value(link)
		return i, err
	})
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	items := make([]linkage.Item, len(list))
	for n, i := range list {
		items[n] = i.Item
		if len(i.user) == 0 {
			continue
		}
		plain, err := s.vault.Open(ctx, m, "run_item", "user_enc", id.ID(r), i.user)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		items[n].User = lumo.LineUserID(plain)
	}
	return items, nil
}

// Items are a run's items after a number, of some results.
func (s *Store) Items(ctx context.Context, m lumo.MerchantID, r lumo.RunID, results []linkage.ItemResult,
	after int64, limit int) ([]linkage.Item, error) {
	wanted := make([]string, len(results))
	for n, v := range results {
		wanted[n] = string(v)
	}
	return s.items(ctx, m, r, "postgres.Items", `
   AND n > $3 AND (cardinality($4::text[]) = 0 OR result = ANY($4))
 ORDER BY n
 LIMIT $5`, after, wanted, limit)
}

// Made are a run's items that made a link.
func (s *Store) Made(ctx context.Context, m lumo.MerchantID, r lumo.RunID, after int64, limit int) (
	[]linkage.Item, error) {
	return s.items(ctx, m, r, "postgres.Made", `
   AND n > $3 AND link_id IS NOT NULL
 ORDER BY n
 LIMIT $4`, after, limit)
}

// Twins are the items of a run with one of these keys.
func (s *Store) Twins(ctx context.Context, m lumo.MerchantID, r lumo.RunID, keys [][]byte) ([]linkage.Item, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return s.items(ctx, m, r, "postgres.Twins", `
   AND twin = ANY($3)
 ORDER BY n`, keys)
}

// UserKeys are the blind indexes of LINE user ids.
func (s *Store) UserKeys(ctx context.Context, m lumo.MerchantID, users []lumo.LineUserID) ([][]byte, error) {
	keys := make([][]byte, len(users))
	for n, u := range users {
		var err error
		if keys[n], err = s.vault.BlindIndex(ctx, m, "line_user", string(u)); err != nil {
			return nil, fault.Wrap("postgres.UserKeys", err)
		}
	}
	return keys, nil
}

// KnownUsers are friends and erased people of a channel, by their keys.
func (s *Store) KnownUsers(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, keys [][]byte) (
	map[string]linkage.KnownUser, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT line_user_bidx, '00000000-0000-0000-0000-000000000000'::uuid, true
  FROM friend_tombstone
 WHERE merchant_id = $1 AND channel_id = $2 AND line_user_bidx = ANY($3)
 UNION ALL
SELECT line_user_bidx, id, false
  FROM friend
 WHERE merchant_id = $1 AND channel_id = $2 AND line_user_bidx = ANY($3)`, m, c, keys)
	known := map[string]linkage.KnownUser{}
	var key []byte
	var one linkage.KnownUser
	_, err := pgx.ForEachRow(rows, []any{&key, &one.Friend, &one.Erased}, func() error {
		if old, ok := known[string(key)]; !ok || old.Erased { // who came back is a friend again
			known[string(key)] = one
		}
		return nil
	})
	return known, postgres.Fault("postgres.KnownUsers", err)
}

// Follower is the newest run of a kind that names another one.
func (s *Store) Follower(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kind, param string,
	of lumo.RunID) (v lumo.RunID, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT id
  FROM run
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = $3 AND params ->> $4 = $5
 ORDER BY id DESC
 LIMIT 1`, m, c, kind, param, of.String()).Scan(&v)
	return v, found("This run does not exist.", "postgres.Follower", err)
}

// SetUndone notes that an import was taken back, and closes the conflicts that it raised.
func (s *Store) SetUndone(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RunID, now time.Time) error {
	const op = "postgres.SetUndone"
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE run
   SET undone_at = $3
 WHERE merchant_id = $1 AND id = $2`, m, r, now)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
UPDATE link_conflict
   SET state = 'resolved', decision = 'gone', resolved_at = $4
 WHERE merchant_id = $1 AND channel_id = $2 AND state = 'open' AND evidence ->> 'run' = $3`, m, c, r.String(), now)
	return postgres.Fault(op, err)
}

// FriendNames are the names of friends.
func (s *Store) FriendNames(ctx context.Context, m lumo.MerchantID, f []lumo.FriendID) (
	map[lumo.FriendID]string, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id, display_name
  FROM friend
 WHERE merchant_id = $1 AND id = ANY($2::uuid[])`, m, f)
	names := map[lumo.FriendID]string{}
	var friend lumo.FriendID
	var name string
	_, err := pgx.ForEachRow(rows, []any{&friend, &name}, func() error {
		names[friend] = name
		return nil
	})
	return names, postgres.Fault("postgres.FriendNames", err)
}
