package delivery

import (
	"context"

	"github.com/jackc/pgx/v5"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/id"
)

// TestFriends are an account's test friends.
func (s *Store) TestFriends(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, limit int) ([]delivery.TestFriend, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT id, display_name, follow_status = 'following'
		FROM friend
		WHERE merchant_id = $1 AND channel_id = $2 AND tester
		ORDER BY follow_status = 'following' DESC, id DESC
		LIMIT $3`, m, c, limit)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (f delivery.TestFriend, err error) {
		return f, r.Scan(&f.ID, &f.Name, &f.Reachable)
	})
	return all, postgres.Fault("postgres.delivery.TestFriends", err)
}

// OfTest are the deliveries of one test.
func (s *Store) OfTest(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, test id.ID) ([]delivery.TestDelivery, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT d.id, d.friend_id, coalesce(f.display_name, ''), d.state, coalesce(d.reason, ''), d.reason_data
		FROM delivery AS d
		LEFT JOIN friend AS f ON f.merchant_id = d.merchant_id AND f.id = d.friend_id
		WHERE d.merchant_id = $1 AND d.channel_id = $2 AND d.logical_kind = 'test' AND d.logical_id = $3
		ORDER BY d.id`, m, c, test)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d delivery.TestDelivery, err error) {
		return d, r.Scan(&d.ID, &d.Friend, &d.Name, &d.State, &d.Reason, &d.Data)
	})
	return all, postgres.Fault("postgres.delivery.OfTest", err)
}
