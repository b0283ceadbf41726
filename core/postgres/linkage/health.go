package linkage

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
)

// Settings reads what a merchant chose; without any the defaults hold.
func (s *Store) Settings(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (linkage.Settings, error) {
	var v linkage.Settings
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT goal_percent, unlink_words
  FROM linking_setting
 WHERE merchant_id = $1 AND channel_id = $2`, m, c).Scan(&v.GoalPercent, &v.UnlinkWords)
	if errors.Is(err, pgx.ErrNoRows) {
		return linkage.DefaultSettings(), nil
	}
	return v, postgres.Fault("postgres.Settings", err)
}

// SetSettings stores what a merchant chose.
func (s *Store) SetSettings(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v linkage.Settings,
	now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO linking_setting (merchant_id, channel_id, goal_percent, unlink_words, updated_at)
VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (merchant_id, channel_id) DO UPDATE
   SET goal_percent = $3, unlink_words = $4, updated_at = $5`, m, c, v.GoalPercent, texts(v.UnlinkWords), now)
	return postgres.Fault("postgres.SetSettings", err)
}

// Reach counts friends who can be reached, and those of them who are linked.
func (s *Store) Reach(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	reachable, linked int64, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT count(*), count(l.friend_id)
  FROM friend f
  LEFT JOIN identity_link l
    ON l.merchant_id = f.merchant_id AND l.friend_id = f.id AND l.state = 'linked'
 WHERE f.merchant_id = $1 AND f.channel_id = $2 AND f.follow_status = 'following'`, m, c).
		Scan(&reachable, &linked)
	return reachable, linked, postgres.Fault("postgres.Reach", err)
}

// Funnels are the numbers of each method that a channel uses. Who got an email with a code
// nobody but Klaviyo knows; a form invites by showing its button.
func (s *Store) Funnels(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]linkage.Funnel, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
WITH linked AS (
    SELECT method, count(*) AS n
      FROM identity_link
     WHERE merchant_id = $1 AND channel_id = $2 AND state = 'linked'
     GROUP BY method)
SELECT 'qr', -1::bigint, coalesce(sum(scans), 0)::bigint, coalesce(sum(friends), 0)::bigint,
       coalesce((SELECT n FROM linked WHERE method = 'qr'), 0)
  FROM qr_code
 WHERE merchant_id = $1 AND channel_id = $2 AND form_id IS NULL
HAVING count(*) > 0
 UNION ALL
SELECT 'form', sum(f.shown)::bigint, sum(q.scans)::bigint, sum(q.friends)::bigint,
       coalesce((SELECT n FROM linked WHERE method = 'form'), 0)
  FROM form f
  JOIN qr_code q ON q.merchant_id = f.merchant_id AND q.id = f.qr_code_id
 WHERE f.merchant_id = $1 AND f.channel_id = $2
HAVING count(*) > 0
 UNION ALL
SELECT method, -1, -1, -1, n
  FROM linked
 WHERE method NOT IN ('qr', 'form')`, m, c)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (f linkage.Funnel, err error) {
		err = r.Scan(&f.Method, &f.Invited, &f.Scanned, &f.Friends, &f.Linked)
		return f, err
	})
	return list, postgres.Fault("postgres.Funnels", err)
}

// LinkedDays is how many friends were linked at the end of each day, oldest first.
func (s *Store) LinkedDays(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time, days int) (
	[]linkage.DayCount, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
WITH zone AS (
    SELECT time_zone, ($3::timestamptz AT TIME ZONE time_zone)::date AS today
      FROM merchant
     WHERE merchant_id = $1),
step AS (
    SELECT greatest((at AT TIME ZONE time_zone)::date, today - $4::int) AS day, sum(n) AS n
      FROM zone, (SELECT linked_at AS at, 1 AS n
                    FROM identity_link
                   WHERE merchant_id = $1 AND channel_id = $2
                   UNION ALL
                  SELECT unlinked_at, -1
                    FROM identity_link
                   WHERE merchant_id = $1 AND channel_id = $2 AND unlinked_at IS NOT NULL) AS change
     GROUP BY 1)
SELECT d::date, coalesce(sum(step.n) OVER (ORDER BY d), 0)::bigint
  FROM zone, generate_series((today - $4::int)::timestamp, today::timestamp, interval '1 day') AS d
  LEFT JOIN step ON step.day = d::date
 ORDER BY d`, m, c, now, days-1)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d linkage.DayCount, err error) {
		err = r.Scan(&d.Day, &d.N)
		return d, err
	})
	return list, postgres.Fault("postgres.LinkedDays", err)
}
