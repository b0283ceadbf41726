package channel

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

// Standing are the friends among these people, by LINE user id.
func (s *Store) Standing(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, users []lumo.LineUserID) (
	map[lumo.LineUserID]channel.FriendRow, error) {
	const op = "postgres.Standing"
	indexes := make([][]byte, len(users))
	byIndex := make(map[string]lumo.LineUserID, len(users))
	for i, u := range users {
		index, err := s.vault.BlindIndex(ctx, m, userIndex, string(u))
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		indexes[i], byIndex[string(index)] = index, u
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT line_user_bidx, id, follow_status, consent
  FROM friend
 WHERE merchant_id = $1 AND channel_id = $2 AND line_user_bidx = ANY($3)`, m, c, indexes)
	found := make(map[lumo.LineUserID]channel.FriendRow, len(users))
	var index []byte
	var r channel.FriendRow
	_, err := pgx.ForEachRow(rows, []any{&index, &r.ID, &r.Follow.Status, &r.Follow.Consent}, func() error {
		r.Channel, r.Line = c, byIndex[string(index)]
		r.FollowStatus, r.Consent = r.Follow.Status, r.Follow.Consent
		found[r.Line] = r
		return nil
	})
	return found, postgres.Fault(op, err)
}

// Checked notes that LINE's list showed friends.
func (s *Store) Checked(ctx context.Context, m lumo.MerchantID, f []lumo.FriendID, at time.Time) error {
	if len(f) == 0 {
		return nil
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE friend
   SET checked_at = $3
 WHERE merchant_id = $1 AND id = ANY($2::uuid[])`, m, f, at)
	return postgres.Fault("postgres.Checked", err)
}

// Unchecked are friends whom LINE's list did not show since a time: those once seen following, or
// all.
func (s *Store) Unchecked(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, all bool, since time.Time,
	after lumo.FriendID, limit int) ([]channel.FriendRow, error) {
	const op = "postgres.Unchecked"
	rows, _ := postgres.Tx(ctx).Query(ctx, selectFriend+`
 WHERE merchant_id = $1 AND channel_id = $2 AND id > $3 AND ($6 OR follow_status IN ('following', 'blocked'))
   AND (checked_at IS NULL OR checked_at < $4)
 ORDER BY id
 LIMIT $5`, m, c, after, since, limit, all)
	sealed, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (sealedFriend, error) { return scanSealed(r) })
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	list := make([]channel.FriendRow, len(sealed))
	for i, f := range sealed {
		if list[i], err = s.open(ctx, m, f); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	return list, nil
}

// ConsentChangedAt is when a friend's consent last became another.
func (s *Store) ConsentChangedAt(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (time.Time, error) {
	var at *time.Time
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT max(consent_at)
  FROM friend
 WHERE merchant_id = $1 AND channel_id = $2`, m, c).Scan(&at)
	return value(at), postgres.Fault("postgres.ConsentChangedAt", err)
}
