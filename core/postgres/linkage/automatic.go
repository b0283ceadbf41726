package linkage

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Automatic reads by what friends are linked by themselves; without a choice by nothing.
func (s *Store) Automatic(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (a linkage.Automatic, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT email, phone, ask_email
  FROM automatic_linking
 WHERE merchant_id = $1 AND channel_id = $2`, m, c).Scan(&a.Email, &a.Phone, &a.AskEmail)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, nil
	}
	return a, postgres.Fault("postgres.Automatic", err)
}

// SetAutomatic stores by what friends are linked by themselves.
func (s *Store) SetAutomatic(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, a linkage.Automatic,
	now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO automatic_linking (merchant_id, channel_id, email, phone, ask_email, updated_at)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (merchant_id, channel_id) DO UPDATE
   SET email = $3, phone = $4, ask_email = $5, updated_at = $6`, m, c, a.Email, a.Phone, a.AskEmail, now)
	return postgres.Fault("postgres.SetAutomatic", err)
}

// CountOwners is how many friends have an own value of these kinds.
func (s *Store) CountOwners(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kinds []linkage.ClaimKind) (
	n int64, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT count(DISTINCT friend_id)
  FROM friend_contact
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = ANY($3)`, m, c, texts(kinds)).Scan(&n)
	return n, postgres.Fault("postgres.CountOwners", err)
}

// A value of a channel, with the first other friend who has the same.
const selectValue = `
SELECT k.friend_id, k.kind, k.value_enc,
       (SELECT o.friend_id
          FROM friend_contact o
         WHERE o.merchant_id = k.merchant_id AND o.channel_id = k.channel_id AND o.kind = k.kind
           AND o.value_bidx = k.value_bidx AND o.friend_id <> k.friend_id
         ORDER BY o.friend_id
         LIMIT 1)
  FROM friend_contact k
 WHERE k.merchant_id = $1 AND k.channel_id = $2 AND k.kind = ANY($3)`

// OwnValues are those of the next friends after one.
func (s *Store) OwnValues(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kinds []linkage.ClaimKind,
	after lumo.FriendID, friends int) ([]linkage.OwnValue, error) {
	return s.values(ctx, m, "postgres.OwnValues", `
   AND k.friend_id IN (SELECT friend_id
                         FROM friend_contact
                        WHERE merchant_id = $1 AND channel_id = $2 AND kind = ANY($3) AND friend_id > $4
                        GROUP BY friend_id
                        ORDER BY friend_id
                        LIMIT $5)
 ORDER BY k.friend_id, k.kind`, m, c, texts(kinds), after, friends)
}

// DueValues are those that Klaviyo was not asked about, of one friend side by side.
func (s *Store) DueValues(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kinds []linkage.ClaimKind,
	limit int) ([]linkage.OwnValue, error) {
	return s.values(ctx, m, "postgres.DueValues", `
   AND k.looked_at IS NULL
 ORDER BY k.friend_id, k.kind
 LIMIT $4`, m, c, texts(kinds), limit)
}

func (s *Store) values(ctx context.Context, m lumo.MerchantID, op, more string, args ...any) (
	[]linkage.OwnValue, error) {
	type sealed struct {
		linkage.OwnValue
		value []byte
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, selectValue+more, args...)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (v sealed, err error) {
		var other *lumo.FriendID
		err = r.Scan(&v.Friend, &v.Kind, &v.value, &other)
		v.Other = value(other)
		return v, err
	})
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	values := make([]linkage.OwnValue, len(list))
	for n, v := range list {
		plain, err := s.vault.Open(ctx, m, "friend_contact", string(v.Kind), id.ID(v.Friend), v.value)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		values[n] = v.OwnValue
		values[n].Value = string(plain)
	}
	return values, nil
}

// SetLooked notes what came of friends' own values.
func (s *Store) SetLooked(ctx context.Context, m lumo.MerchantID, looked []linkage.LookedUp, now time.Time) error {
	batch := &pgx.Batch{}
	for _, l := range looked {
		batch.Queue(`
UPDATE friend_contact
   SET looked_at = $5, found = $4
 WHERE merchant_id = $1 AND friend_id = $2 AND kind = $3`, m, l.Friend, string(l.Kind), string(l.Result), now)
	}
	return postgres.Fault("postgres.SetLooked", postgres.Tx(ctx).SendBatch(ctx, batch).Close())
}

// SetLookedBy notes for the friends of a check that Klaviyo was asked; whoever is linked by it
// is noted apart.
func (s *Store) SetLookedBy(ctx context.Context, m lumo.MerchantID, check lumo.RunID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE friend_contact k
   SET looked_at = $3, found = i.result
  FROM run_item i
 WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.result NOT IN ('will_link', 'review')
   AND k.merchant_id = $1 AND k.friend_id = i.friend_id AND k.updated_at <= $3`, m, check, now)
	return postgres.Fault("postgres.SetLookedBy", err)
}
