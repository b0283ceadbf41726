package channel

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

const selectTag = `
SELECT t.id, t.channel_id, t.name, t.color, t.friends,
       (SELECT count(*)
          FROM friend_tag g
         WHERE g.merchant_id = t.merchant_id AND g.tag_id = t.id AND g.source = 'qr') AS qr,
       t.merged_into, t.archived_at, t.created_at
  FROM tag t`

func scanTag(r pgx.CollectableRow) (channel.Tag, error) {
	var t channel.Tag
	var into *lumo.TagID
	var archived *time.Time
	err := r.Scan(&t.ID, &t.Channel, &t.Name, &t.Color, &t.Friends, &t.QR, &into, &archived, &t.CreatedAt)
	t.MergedInto, t.ArchivedAt, t.Hand = value(into), value(archived), t.Friends-t.QR
	return t, err
}

// Tags are a channel's tags by name.
func (s *Store) Tags(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, archived bool) ([]channel.Tag, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectTag+`
 WHERE t.merchant_id = $1 AND t.channel_id = $2 AND (t.archived_at IS NOT NULL) = $3
 ORDER BY lumo_name(t.name)`, m, c, archived)
	all, err := pgx.CollectRows(rows, scanTag)
	return all, postgres.Fault("postgres.Tags", err)
}

// Tag reads one tag.
func (s *Store) Tag(ctx context.Context, m lumo.MerchantID, v lumo.TagID) (channel.Tag, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectTag+`
 WHERE t.merchant_id = $1 AND t.id = $2`, m, v)
	t, err := pgx.CollectExactlyOneRow(rows, scanTag)
	return t, found("This tag does not exist.", "postgres.Tag", err)
}

// AddTag stores a tag.
func (s *Store) AddTag(ctx context.Context, m lumo.MerchantID, t channel.Tag) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO tag (merchant_id, id, channel_id, name, color, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)`, m, t.ID, t.Channel, t.Name, t.Color, t.CreatedAt)
	return postgres.Fault("postgres.AddTag", err)
}

// UpdateTag writes what may change about a tag.
func (s *Store) UpdateTag(ctx context.Context, m lumo.MerchantID, t channel.Tag, now time.Time) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE tag
   SET name = $3, color = $4, merged_into = $5, archived_at = $6, updated_at = $7
 WHERE merchant_id = $1 AND id = $2`, m, t.ID, t.Name, t.Color, orNull(t.MergedInto), orNull(t.ArchivedAt), now)
	return one("This tag does not exist.", "postgres.UpdateTag", tag.RowsAffected(), err)
}

// MergeTag gives the friends of one tag another.
func (s *Store) MergeTag(ctx context.Context, m lumo.MerchantID, from, into lumo.TagID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO friend_tag (merchant_id, tag_id, friend_id, source, merged_from, created_at)
SELECT merchant_id, $3, friend_id, source, $2, $4
  FROM friend_tag
 WHERE merchant_id = $1 AND tag_id = $2
    ON CONFLICT DO NOTHING`, m, from, into, now)
	return postgres.Fault("postgres.MergeTag", err)
}

// UnmergeTag takes away what merging gave.
func (s *Store) UnmergeTag(ctx context.Context, m lumo.MerchantID, from, into lumo.TagID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM friend_tag
 WHERE merchant_id = $1 AND tag_id = $3 AND merged_from = $2`, m, from, into)
	return postgres.Fault("postgres.UnmergeTag", err)
}

// GiveTag puts a tag on friends of its channel and answers those who did not have it.
func (s *Store) GiveTag(ctx context.Context, m lumo.MerchantID, t lumo.TagID, friends []lumo.FriendID, source string,
	now time.Time) ([]lumo.FriendID, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
INSERT INTO friend_tag (merchant_id, tag_id, friend_id, source, created_at)
SELECT f.merchant_id, t.id, f.id, $4, $5
  FROM tag t
  JOIN friend f ON f.merchant_id = t.merchant_id AND f.channel_id = t.channel_id
 WHERE t.merchant_id = $1 AND t.id = $2 AND f.id = ANY($3::uuid[])
    ON CONFLICT DO NOTHING
RETURNING friend_id`, m, t, friends, source, now)
	given, err := pgx.CollectRows(rows, pgx.RowTo[lumo.FriendID])
	return given, postgres.Fault("postgres.GiveTag", err)
}

// TakeTag takes a tag off friends and answers those who had it.
func (s *Store) TakeTag(ctx context.Context, m lumo.MerchantID, t lumo.TagID, friends []lumo.FriendID) (
	[]lumo.FriendID, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
DELETE FROM friend_tag
 WHERE merchant_id = $1 AND tag_id = $2 AND friend_id = ANY($3::uuid[])
RETURNING friend_id`, m, t, friends)
	taken, err := pgx.CollectRows(rows, pgx.RowTo[lumo.FriendID])
	return taken, postgres.Fault("postgres.TakeTag", err)
}
