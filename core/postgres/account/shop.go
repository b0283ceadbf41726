package account

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

// Merchants are all merchants, newest first: those with a member, or with anything that edges
// know.
func (s *Store) Merchants(ctx context.Context) ([]lumo.MerchantID, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT merchant_id
		FROM sign_in
		UNION
		SELECT merchant_id
		FROM number
		ORDER BY merchant_id DESC`)
	all, err := pgx.CollectRows(rows, pgx.RowTo[lumo.MerchantID])
	return all, postgres.Fault("postgres.account.Merchants", err)
}

// Shop counts what a merchant has.
func (s *Store) Shop(ctx context.Context, m lumo.MerchantID, now time.Time) (account.Shop, error) {
	out := account.Shop{Merchant: lumo.Merchant{ID: m}}
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT slug, name, created_at,
			(SELECT count(*) FROM channel WHERE merchant_id = $1),
			(SELECT coalesce(sum(n), 0)::bigint
			FROM friend_total
			WHERE merchant_id = $1 AND follow_status = 'following'),
			(SELECT coalesce(sum(n), 0)::bigint
			FROM friend_total
			WHERE merchant_id = $1 AND follow_status = 'following' AND linked),
			(SELECT coalesce(sum(n), 0)::bigint
			FROM counter
			WHERE merchant_id = $1 AND kind = 'sent'
				AND channel_id IN (SELECT id FROM channel WHERE merchant_id = $1)
				AND day > ($2::timestamptz AT TIME ZONE time_zone)::date - 30)
		FROM merchant
		WHERE merchant_id = $1`, m, now).
		Scan(&out.Slug, &out.Name, &out.CreatedAt, &out.Accounts, &out.Friends, &out.Linked, &out.Sent)
	return out, postgres.Fault("postgres.account.Shop", err)
}
