package account

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const selectFilter = `
SELECT id, member_id, channel_id, list, name, filter, created_at
  FROM saved_filter
 WHERE merchant_id = $1 AND member_id = $2`

func scanFilter(r pgx.CollectableRow) (f account.SavedFilter, err error) {
	var values []byte
	if err = r.Scan(&f.ID, &f.Member, &f.Channel, &f.List, &f.Name, &values, &f.CreatedAt); err != nil {
		return f, err
	}
	return f, json.Unmarshal(values, &f.Values)
}

// AddFilter stores a filter, where the merchant has the channel.
func (s *Store) AddFilter(ctx context.Context, m lumo.MerchantID, f account.SavedFilter) error {
	const op = "postgres.account.AddFilter"
	values, err := json.Marshal(f.Values)
	if err != nil {
		return fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO saved_filter (merchant_id, id, member_id, channel_id, list, name, filter, created_at, updated_at)
SELECT merchant_id, $2, $3, id, $5, $6, $7, $8, $8
  FROM channel
 WHERE merchant_id = $1 AND id = $4`, m, f.ID, f.Member, f.Channel, f.List, f.Name, values, f.CreatedAt)
	return changedOne(op, tag.RowsAffected(), err)
}

// changedOne makes a statement that found nothing a thing that is not there.
func changedOne(op string, n int64, err error) error {
	if err == nil && n == 0 {
		err = pgx.ErrNoRows
	}
	return postgres.Fault(op, err)
}

// Filters are a member's filters of a list, by name.
func (s *Store) Filters(ctx context.Context, who account.Membership, c lumo.ChannelID, list string) ([]account.SavedFilter, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectFilter+` AND channel_id = $3 AND list = $4
 ORDER BY lower(name)`, who.Merchant, who.Member, c, list)
	all, err := pgx.CollectRows(rows, scanFilter)
	return all, postgres.Fault("postgres.account.Filters", err)
}

// Filter reads one of a member's filters.
func (s *Store) Filter(ctx context.Context, who account.Membership, v id.ID) (account.SavedFilter, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectFilter+` AND id = $3`, who.Merchant, who.Member, v)
	f, err := pgx.CollectExactlyOneRow(rows, scanFilter)
	return f, postgres.Fault("postgres.account.Filter", err)
}

// UpdateFilter renames a filter.
func (s *Store) UpdateFilter(ctx context.Context, m lumo.MerchantID, f account.SavedFilter, now time.Time) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE saved_filter
   SET name = $4, updated_at = $5
 WHERE merchant_id = $1 AND member_id = $2 AND id = $3`, m, f.Member, f.ID, f.Name, now)
	return changedOne("postgres.account.UpdateFilter", tag.RowsAffected(), err)
}

// RemoveFilter forgets one of a member's filters.
func (s *Store) RemoveFilter(ctx context.Context, who account.Membership, v id.ID) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM saved_filter
 WHERE merchant_id = $1 AND member_id = $2 AND id = $3`, who.Merchant, who.Member, v)
	return changedOne("postgres.account.RemoveFilter", tag.RowsAffected(), err)
}
