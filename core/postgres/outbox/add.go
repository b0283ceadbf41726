package outbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Add stores events. The first with a unique id stands; later ones answer its id.
func (s *Store) Add(ctx context.Context, m lumo.MerchantID, items []outbox.NewItem, now time.Time) (
	[]id.ID, error) {
	const op = "postgres.Add"
	c, err := s.columnsOf(ctx, m, items)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
INSERT INTO outbox (merchant_id, state, due_at, created_at, kind, id, klaviyo_account_id, channel_id, friend_id,
                    metric, unique_id, profile_id, payload_enc, occurred_at)
SELECT $1, 'waiting', $2, $2, 'event', *
  FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::bytea[],
              $11::timestamptz[])
    ON CONFLICT (merchant_id, klaviyo_account_id, unique_id) DO NOTHING
RETURNING id`, m, now, c.id, c.account, c.channel, c.friend, c.metric, c.unique, c.profile, c.payload, c.at)
	added, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	out := make([]id.ID, len(items))
	for i, item := range items {
		out[i] = item.ID
	}
	if len(added) == len(items) {
		return out, nil
	}
	return out, s.earlier(ctx, m, items, out)
}

// earlier replaces ids of items that are there already by those they have.
func (s *Store) earlier(ctx context.Context, m lumo.MerchantID, items []outbox.NewItem, out []id.ID) error {
	const op = "postgres.earlier"
	var accounts [][16]byte
	var unique []string
	for _, item := range items {
		accounts, unique = append(accounts, item.Account), append(unique, item.UniqueID)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT o.id
  FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS t (account, unique_id, place)
 CROSS JOIN LATERAL (
       SELECT id
         FROM outbox
        WHERE merchant_id = $1 AND klaviyo_account_id = t.account AND unique_id = t.unique_id
        LIMIT 1) AS o
 ORDER BY t.place`, m, accounts, unique)
	found, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		return postgres.Fault(op, err)
	}
	if copy(out, found) != len(items) {
		return fault.As(fault.Internal, op, errors.New("an item is neither new nor there"))
	}
	return nil
}

// columns are items turned sideways.
type columns struct {
	id, account, channel    [][16]byte
	friend                  []*[16]byte
	metric, unique, profile []string
	payload                 [][]byte
	at                      []time.Time
}

func (s *Store) columnsOf(ctx context.Context, m lumo.MerchantID, items []outbox.NewItem) (c columns, err error) {
	for _, item := range items {
		sealed, err := s.seal(ctx, m, item.ID, item.Payload)
		if err != nil {
			return c, err
		}
		friend := [16]byte(item.Friend)
		c.id, c.account = append(c.id, item.ID), append(c.account, item.Account)
		c.channel, c.friend = append(c.channel, item.Channel), append(c.friend, &friend)
		c.metric, c.unique = append(c.metric, item.Metric), append(c.unique, item.UniqueID)
		c.profile, c.payload = append(c.profile, string(item.Profile)), append(c.payload, sealed)
		c.at = append(c.at, item.OccurredAt)
	}
	return c, nil
}

// Put stores a profile item or replaces an earlier one.
func (s *Store) Put(ctx context.Context, m lumo.MerchantID, item outbox.NewItem, now time.Time) error {
	return s.PutAll(ctx, m, []outbox.NewItem{item}, now)
}

// PutAll stores profile items or replaces earlier ones. What other friends left to be written
// about the same customers is dropped: only the newest is so, and nothing older may overtake it.
// A ciphertext names its row, so those that are there already are sealed once more, for the rows
// that they have.
func (s *Store) PutAll(ctx context.Context, m lumo.MerchantID, items []outbox.NewItem, now time.Time) error {
	const op = "postgres.PutAll"
	if err := dropOthers(ctx, m, items); err != nil {
		return fault.Wrap(op, err)
	}
	for rest := items; len(rest) > 0; {
		there, err := s.insertProfiles(ctx, m, rest, now)
		if err != nil {
			return fault.Wrap(op, err)
		}
		if rest, err = s.replace(ctx, m, there, now); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return nil
}

// dropOthers drops what friends other than those of the items left to be written about the items'
// customers.
func dropOthers(ctx context.Context, m lumo.MerchantID, items []outbox.NewItem) error {
	var accounts, channels, friends [][16]byte
	var profiles []string
	for _, item := range items {
		accounts, channels = append(accounts, item.Account), append(channels, item.Channel)
		friends, profiles = append(friends, item.Friend), append(profiles, string(item.Profile))
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM outbox
 WHERE merchant_id = $1
   AND id IN (SELECT o.id
                FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) AS t (account, channel, friend, profile)
               CROSS JOIN LATERAL (
                     SELECT id
                       FROM outbox
                      WHERE merchant_id = $1 AND klaviyo_account_id = t.account AND profile_id = t.profile
                        AND kind = 'profile' AND state <> 'sent' AND channel_id = t.channel
                        AND friend_id IS DISTINCT FROM t.friend
                     OFFSET 0) AS o)`, m, accounts, channels, friends, profiles)
	return postgres.Fault("postgres.dropOthers", err)
}

// insertProfiles stores profile items, and answers those that have a row already.
func (s *Store) insertProfiles(ctx context.Context, m lumo.MerchantID, items []outbox.NewItem, now time.Time) (
	there []outbox.NewItem, err error) {
	c, err := s.columnsOf(ctx, m, items)
	if err != nil {
		return nil, err
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
INSERT INTO outbox (merchant_id, state, due_at, created_at, kind, id, klaviyo_account_id, channel_id, friend_id,
                    unique_id, profile_id, payload_enc, occurred_at)
SELECT $1, 'waiting', $2, $2, 'profile', *
  FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bytea[],
              $10::timestamptz[])
    ON CONFLICT (merchant_id, klaviyo_account_id, unique_id) DO NOTHING
RETURNING id`, m, now, c.id, c.account, c.channel, c.friend, c.unique, c.profile, c.payload, c.at)
	added, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil || len(added) == len(items) {
		return nil, postgres.Fault("postgres.insertProfiles", err)
	}
	return without(items, added), nil
}

// without are the items that are not among those stored.
func without(items []outbox.NewItem, stored []id.ID) (rest []outbox.NewItem) {
	for _, item := range items {
		if !slices.Contains(stored, item.ID) {
			rest = append(rest, item)
		}
	}
	return rest
}

// replace has rows of profile items say what these do. It answers those whose row went away
// meanwhile: they have to be stored anew.
func (s *Store) replace(ctx context.Context, m lumo.MerchantID, items []outbox.NewItem, now time.Time) (
	gone []outbox.NewItem, err error) {
	const op = "postgres.replace"
	if len(items) == 0 {
		return nil, nil
	}
	names, accounts := make([]string, len(items)), make([]lumo.AccountID, len(items))
	for i, item := range items {
		names[i], accounts[i] = item.UniqueID, item.Account
	}
	rows, err := s.profileRows(ctx, m, accounts, names)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	var there []outbox.NewItem
	for _, item := range items {
		row, found := rows[item.Account.String()+item.UniqueID]
		if !found {
			gone = append(gone, item)
			continue
		}
		item.ID = row
		there = append(there, item)
	}
	c, err := s.columnsOf(ctx, m, there)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
UPDATE outbox AS o
   SET payload_enc = t.payload, occurred_at = t.at, state = 'waiting', tries = 0, due_at = $2, problem = NULL,
       sent_at = NULL, revision = o.revision + 1
  FROM unnest($3::uuid[], $4::bytea[], $5::timestamptz[]) AS t (id, payload, at)
 WHERE o.merchant_id = $1 AND o.id = t.id`, m, now, c.id, c.payload, c.at)
	return gone, postgres.Fault(op, err)
}

// profileRows locks the rows of profile items and names them by account and unique id.
func (s *Store) profileRows(ctx context.Context, m lumo.MerchantID, accounts []lumo.AccountID, names []string) (
	map[string]id.ID, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id, klaviyo_account_id, unique_id
  FROM outbox
 WHERE merchant_id = $1 AND klaviyo_account_id = ANY($2::uuid[]) AND unique_id = ANY($3)
 ORDER BY id
   FOR UPDATE`, m, accounts, names)
	found := map[string]id.ID{}
	var row id.ID
	var account lumo.AccountID
	var name string
	_, err := pgx.ForEachRow(rows, []any{&row, &account, &name}, func() error {
		found[account.String()+name] = row
		return nil
	})
	return found, err
}

// Leads are the scan with this id and the follows since a time that Klaviyo was not told
// of. A scan that nobody was known for until now enters the friend's timeline here.
func (s *Store) Leads(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, scan id.ID,
	since, now time.Time) ([]outbox.Lead, error) {
	const op = "postgres.Leads"
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO friend_event (merchant_id, id, friend_id, channel_id, kind, source, occurred_at, data, ref, created_at)
SELECT e.merchant_id, e.id, $2, e.channel_id, 'scanned', 'qr', e.occurred_at,
       jsonb_build_object('code', coalesce(q.name, '')), $4, $5
  FROM edge_event e
  LEFT JOIN qr_code q ON q.merchant_id = e.merchant_id AND q.channel_id = e.channel_id AND q.number = e.subject
 WHERE e.merchant_id = $1 AND e.id = $3 AND e.type = 'scan' AND e.class = 'person'
    ON CONFLICT (merchant_id, id) DO NOTHING`, m, f, scan, scan.String(), now)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id, channel_id, kind, source, ref, occurred_at, data
  FROM friend_event
 WHERE merchant_id = $1 AND friend_id = $2 AND outbox_id IS NULL
   AND (kind = 'scanned' AND id = $3 OR kind = 'followed' AND occurred_at >= $4)
 ORDER BY occurred_at, id`, m, f, scan, since)
	leads, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (outbox.Lead, error) {
		lead := outbox.Lead{Fact: lumo.Fact{Merchant: m, Friend: f}}
		err := r.Scan(&lead.Row, &lead.Fact.Channel, &lead.Fact.Kind, &lead.Fact.Source,
			&lead.Fact.Ref, &lead.Fact.OccurredAt, &lead.Fact.Data)
		return lead, err
	})
	return leads, postgres.Fault(op, err)
}

// Told notes on timeline rows which items tell Klaviyo of them.
func (s *Store) Told(ctx context.Context, m lumo.MerchantID, rows, items []id.ID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE friend_event e
   SET outbox_id = t.item
  FROM unnest($2::uuid[], $3::uuid[]) AS t (row, item)
 WHERE e.merchant_id = $1 AND e.id = t.row
   AND t.item <> '00000000-0000-0000-0000-000000000000'`, m, ids(rows), ids(items))
	return postgres.Fault("postgres.Told", err)
}
