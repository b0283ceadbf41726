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
	c, err := s.linkColumnsOf(ctx, m, links)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
INSERT INTO identity_link (merchant_id, state, id, channel_id, friend_id, klaviyo_account_id, profile_id, method,
                           assurance, evidence, email_enc, phone_enc, version, linked_at, created_at, updated_at)
SELECT $1, 'linked', id, channel, friend, account, profile, method, assurance, evidence::jsonb, email, phone, version,
       at, at, at
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
              $10::bytea[], $11::bytea[], $12::int[], $13::timestamptz[])
       AS t (id, channel, friend, account, profile, method, assurance, evidence, email, phone, version, at)
    ON CONFLICT DO NOTHING
RETURNING id`, m, c.id, c.channel, c.friend, c.account, c.profile, c.method, c.assurance, c.evidence, c.email,
		c.phone, c.version, c.at)
	stored := map[lumo.LinkID]bool{}
	var v lumo.LinkID
	_, err = pgx.ForEachRow(rows, []any{&v}, func() error {
		stored[v] = true
		return nil
	})
	added := make([]bool, len(links))
	for n, l := range links {
		added[n] = stored[l.ID]
	}
	return added, postgres.Fault(op, err)
}

// linkColumns are links turned sideways.
type linkColumns struct {
	id, channel, friend, account         []id.ID
	profile, method, assurance, evidence []string
	email, phone                         [][]byte
	version                              []int
	at                                   []time.Time
}

func (s *Store) linkColumnsOf(ctx context.Context, m lumo.MerchantID, links []linkage.NewLink) (c linkColumns, err error) {
	for _, l := range links {
		email, phone, evidence, err := s.sealed(ctx, m, l.ID, l)
		if err != nil {
			return c, err
		}
		c.id, c.channel = append(c.id, id.ID(l.ID)), append(c.channel, id.ID(l.Channel))
		c.friend, c.account = append(c.friend, id.ID(l.Friend)), append(c.account, id.ID(l.Account))
		c.profile, c.method = append(c.profile, string(l.Profile)), append(c.method, l.Method)
		c.assurance, c.evidence = append(c.assurance, string(l.Assurance)), append(c.evidence, string(evidence))
		c.email, c.phone = append(c.email, email), append(c.phone, phone)
		c.version, c.at = append(c.version, l.Version), append(c.at, l.LinkedAt)
	}
	return c, nil
}

// AddHistories writes steps of links' lives.
func (s *Store) AddHistories(ctx context.Context, m lumo.MerchantID, all []linkage.History) error {
	const op = "postgres.AddHistories"
	n := len(all)
	ids, links, actors := make([]id.ID, n), make([]lumo.LinkID, n), make([]*lumo.MemberID, n)
	steps, kinds, data, times := make([]string, n), make([]string, n), make([]string, n), make([]time.Time, n)
	for i, h := range all {
		if h.Data == nil {
			h.Data = map[string]any{}
		}
		text, err := json.Marshal(h.Data)
		if err != nil {
			return fault.Wrap(op, err)
		}
		ids[i], links[i], actors[i] = h.ID, h.Link, orNull(h.Actor)
		steps[i], kinds[i], data[i], times[i] = h.Step, h.ActorKind, string(text), h.Now
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO link_history (merchant_id, id, link_id, step, actor_kind, actor_id, data, created_at)
SELECT $1, id, link, step, kind, actor, data::jsonb, at
  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::timestamptz[])
       AS t (id, link, step, kind, actor, data, at)`, m, ids, links, steps, kinds, actors, data, times)
	return postgres.Fault(op, err)
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
