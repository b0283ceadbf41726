package linkage

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

// StandingOf are the standing links of friends, and of profiles on a channel.
func (s *Store) StandingOf(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, friends []lumo.FriendID,
	profiles []lumo.ProfileID) (map[lumo.FriendID]lumo.Link, map[lumo.ProfileID]lumo.Link, error) {
	const op = "postgres.StandingOf"
	byFriend, byProfile := map[lumo.FriendID]lumo.Link{}, map[lumo.ProfileID]lumo.Link{}
	rows, _ := postgres.Tx(ctx).Query(ctx, selectLink+`
   AND friend_id = ANY($2::uuid[])`, m, friends)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (lumo.Link, error) { return scanLink(r) })
	if err != nil {
		return nil, nil, postgres.Fault(op, err)
	}
	for _, l := range list {
		byFriend[l.Friend] = l
	}
	list, err = s.ByProfiles(ctx, m, c, profiles)
	for _, l := range list {
		byProfile[l.Profile] = l
	}
	return byFriend, byProfile, postgres.Fault(op, err)
}

// LeftUnlinked are pairs of these friends that a person left unlinked, on either side.
func (s *Store) LeftUnlinked(ctx context.Context, m lumo.MerchantID, friends []lumo.FriendID) (
	map[linkage.Pair]bool, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
WITH left_alone AS (
    SELECT c.friend_id, c.other_friend_id, c.profile_id, c.other_profile_id, l.profile_id AS stood
      FROM link_conflict c
      LEFT JOIN identity_link l ON l.merchant_id = c.merchant_id AND l.id = c.link_id
     WHERE c.merchant_id = $1 AND c.decision = 'leave_unlinked'
       AND (c.friend_id = ANY($2::uuid[]) OR c.other_friend_id = ANY($2::uuid[])))
SELECT friend_id, profile_id
  FROM left_alone
 UNION
SELECT other_friend_id, profile_id
  FROM left_alone
 WHERE other_friend_id IS NOT NULL
 UNION
SELECT friend_id, coalesce(nullif(other_profile_id, ''), stood)
  FROM left_alone
 WHERE other_friend_id IS NULL AND (other_profile_id <> '' OR stood IS NOT NULL)`, m, friends)
	pairs := map[linkage.Pair]bool{}
	var p linkage.Pair
	_, err := pgx.ForEachRow(rows, []any{&p.Friend, &p.Profile}, func() error {
		pairs[p] = true
		return nil
	})
	return pairs, postgres.Fault("postgres.LeftUnlinked", err)
}

// AddLinks stores links. One that contradicts a link that is there by now is left out.
func (s *Store) AddLinks(ctx context.Context, m lumo.MerchantID, links []linkage.NewLink) ([]bool, error) {
	const op = "postgres.AddLinks"
	batch := &pgx.Batch{}
	for _, l := range links {
		email, phone, evidence, err := s.sealed(ctx, m, l.ID, l)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		batch.Queue(`
INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method,
                           assurance, evidence, email_enc, phone_enc, version, state, linked_at, created_at,
                           updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'linked', $13, $13, $13)
    ON CONFLICT DO NOTHING`,
			m, l.ID, l.Channel, l.Friend, l.Account, string(l.Profile), l.Method, string(l.Assurance), evidence,
			email, phone, l.Version, l.LinkedAt)
	}
	added := make([]bool, len(links))
	results := postgres.Tx(ctx).SendBatch(ctx, batch)
	for n := range links {
		tag, err := results.Exec()
		if err != nil {
			return nil, errors.Join(postgres.Fault(op, err), results.Close())
		}
		added[n] = tag.RowsAffected() == 1
	}
	return added, postgres.Fault(op, results.Close())
}

// AddHistories writes steps of links' lives.
func (s *Store) AddHistories(ctx context.Context, m lumo.MerchantID, all []linkage.History) error {
	const op = "postgres.AddHistories"
	batch := &pgx.Batch{}
	for _, h := range all {
		data := []byte("{}")
		if h.Data != nil {
			var err error
			if data, err = json.Marshal(h.Data); err != nil {
				return fault.Wrap(op, err)
			}
		}
		batch.Queue(`
INSERT INTO link_history (merchant_id, id, link_id, step, actor_kind, actor_id, data, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, m, h.ID, h.Link, h.Step, h.ActorKind, orNull(h.Actor), data, h.Now)
	}
	return postgres.Fault(op, postgres.Tx(ctx).SendBatch(ctx, batch).Close())
}

// SettledAll closes open conflicts whose claims came true.
func (s *Store) SettledAll(ctx context.Context, m lumo.MerchantID, links []lumo.Link, now time.Time) error {
	friends, profiles := make([]lumo.FriendID, len(links)), make([]string, len(links))
	for n, l := range links {
		friends[n], profiles[n] = l.Friend, string(l.Profile)
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE link_conflict c
   SET state = 'resolved', decision = 'gone', resolved_at = $4
  FROM unnest($2::uuid[], $3::text[]) AS t (friend, profile)
 WHERE c.merchant_id = $1 AND c.friend_id = t.friend AND c.profile_id = t.profile AND c.state = 'open'`,
		m, friends, profiles, now)
	return postgres.Fault("postgres.SettledAll", err)
}
