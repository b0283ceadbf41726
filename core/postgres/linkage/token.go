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

// KeepToken stores a friend's newest token.
func (s *Store) KeepToken(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	token lumo.Secret, until time.Time) error {
	const op = "postgres.KeepToken"
	sealed, err := s.vault.Seal(ctx, m, "login_token", "token_enc", id.ID(f), []byte(token.Reveal()))
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO login_token (merchant_id, friend_id, channel_id, token_enc, expires_at)
VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (merchant_id, friend_id) DO UPDATE
   SET token_enc = excluded.token_enc, expires_at = excluded.expires_at, due_at = NULL`, m, f, c, sealed, until)
	return postgres.Fault(op, err)
}

// DropToken forgets a friend's token.
func (s *Store) DropToken(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM login_token
 WHERE merchant_id = $1 AND friend_id = $2`, m, f)
	return postgres.Fault("postgres.DropToken", err)
}

// TellAt notes when LINE is to be told of a friend.
func (s *Store) TellAt(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, at time.Time) (bool, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE login_token
   SET due_at = $3
 WHERE merchant_id = $1 AND friend_id = $2`, m, f, orNull(at))
	return tag.RowsAffected() == 1, postgres.Fault("postgres.TellAt", err)
}

// Tokens are those that are due, of friends who are not linked.
func (s *Store) Tokens(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time, limit int) (
	[]linkage.HeldToken, error) {
	const op = "postgres.Tokens"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT friend_id, token_enc
  FROM login_token
 WHERE merchant_id = $1 AND channel_id = $2 AND due_at <= $3
 ORDER BY due_at
 LIMIT $4`, m, c, now, limit)
	var sealed [][]byte
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t linkage.HeldToken, err error) {
		var one []byte
		err = r.Scan(&t.Friend, &one)
		sealed = append(sealed, one)
		return t, err
	})
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	for i, t := range list { // once the rows are read: the vault may have to read the merchant's keys
		plain, err := s.vault.Open(ctx, m, "login_token", "token_enc", id.ID(t.Friend), sealed[i])
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		list[i].Token = lumo.Secret(plain)
	}
	return list, nil
}

// DropStale removes tokens that LINE no longer takes, due ones of people who are linked
// again, and those of people who signed in a day ago and were not linked in the end.
func (s *Store) DropStale(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM login_token t
 WHERE t.merchant_id = $1 AND t.channel_id = $2
   AND (t.expires_at <= $3
        OR t.due_at IS NOT NULL AND EXISTS (
           SELECT 1
             FROM identity_link l
            WHERE l.merchant_id = $1 AND l.friend_id = t.friend_id AND l.state = 'linked')
        OR t.due_at IS NULL AND t.expires_at <= $3::timestamptz + interval '29 days' AND NOT EXISTS (
           SELECT 1
             FROM identity_link l
            WHERE l.merchant_id = $1 AND l.friend_id = t.friend_id AND l.state = 'linked'))`, m, c, now)
	return postgres.Fault("postgres.DropStale", err)
}
