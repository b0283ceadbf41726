package tracking

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/tracking"
	"lumo/shared/id"
)

// Figures reads the numbers of Home.
func (Store) Figures(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) (
	tracking.Figures, error) {
	var f tracking.Figures
	err := postgres.Tx(ctx).QueryRow(ctx, `
WITH today AS (
    SELECT ($3::timestamptz AT TIME ZONE time_zone)::date AS day
      FROM merchant
     WHERE merchant_id = $1),
sums AS (
    SELECT k.kind, sum(k.n) FILTER (WHERE k.day = t.day) AS day, sum(k.n) AS month
      FROM counter k, today t
     WHERE k.merchant_id = $1 AND k.channel_id = $2
       AND k.day BETWEEN date_trunc('month', t.day::timestamp)::date AND t.day
     GROUP BY k.kind)
SELECT (SELECT coalesce(sum(n), 0)::bigint
          FROM friend_total
         WHERE merchant_id = $1 AND channel_id = $2 AND follow_status = 'following'),
       (SELECT coalesce(sum(n), 0)::bigint
          FROM friend_total
         WHERE merchant_id = $1 AND channel_id = $2 AND follow_status = 'following' AND linked),
       (SELECT count(*)
          FROM delivery
         WHERE merchant_id = $1 AND channel_id = $2 AND unsure AND state = 'unknown'),
       coalesce(max(month) FILTER (WHERE kind = 'blocked'), 0),
       coalesce(max(day) FILTER (WHERE kind = 'followed'), 0) - coalesce(max(day) FILTER (WHERE kind = 'blocked'), 0),
       coalesce(max(day) FILTER (WHERE kind = 'sent'), 0),
       coalesce(max(day) FILTER (WHERE kind = 'clicked'), 0),
       coalesce(max(day) FILTER (WHERE kind = 'linked'), 0),
       coalesce(max(day) FILTER (WHERE kind = 'not_sent'), 0),
       coalesce(max(day) FILTER (WHERE kind = 'failed'), 0)
  FROM sums`, m, c, now).Scan(&f.Friends, &f.Linked, &f.Today.Checking, &f.BlockedMonth, &f.Change,
		&f.Today.Sent, &f.Today.Clicked, &f.Today.Linked, &f.Today.NotSent, &f.Today.Failed)
	return f, postgres.Fault("postgres.Figures", err)
}

// Hours reads what happened in each hour of the merchant's day, up to the one that runs.
func (Store) Hours(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) (tracking.Hours, error) {
	const op = "postgres.Hours"
	var hour int
	h := tracking.Hours{}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
WITH local AS (
    SELECT time_zone, $3::timestamptz AT TIME ZONE time_zone AS now
      FROM merchant
     WHERE merchant_id = $1)
SELECT extract(hour FROM l.now)::int, coalesce(k.kind, ''),
       coalesce(extract(hour FROM k.hour AT TIME ZONE l.time_zone)::int, 0), coalesce(sum(k.n), 0)::bigint
  FROM local l
  LEFT JOIN counter_hour k
         ON k.merchant_id = $1 AND k.channel_id = $2 AND k.hour <= $3
        AND k.hour >= date_trunc('day', l.now) AT TIME ZONE l.time_zone
        AND k.kind IN ('sent', 'clicked', 'linked', 'not_sent')
 GROUP BY 1, 2, 3`, m, c, now)
	var kind string
	var at int
	var n int64
	found := map[string]map[int]int64{}
	_, err := pgx.ForEachRow(rows, []any{&hour, &kind, &at, &n}, func() error {
		if found[kind] == nil {
			found[kind] = map[int]int64{}
		}
		found[kind][at] += n
		return nil
	})
	for kind, into := range map[lumo.FactKind]*[]int64{lumo.FactSent: &h.Sent, lumo.FactClicked: &h.Clicked,
		lumo.FactLinked: &h.Linked, lumo.FactNotSent: &h.NotSent} {
		*into = make([]int64, hour+1)
		for at := range *into {
			(*into)[at] = found[string(kind)][at]
		}
	}
	return h, postgres.Fault(op, err)
}

// Feed reads the newest rows of all timelines of a channel, or those named.
func (Store) Feed(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, limit int, named []id.ID) (
	[]tracking.FeedItem, error) {
	const op = "postgres.Feed"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT e.id, e.occurred_at, e.kind, e.friend_id, f.display_name, e.data
  FROM friend_event e
  JOIN friend f ON f.merchant_id = e.merchant_id AND f.id = e.friend_id
 WHERE e.merchant_id = $1 AND e.channel_id = $2 AND e.kind <> 'consent'
   AND (cardinality($4::uuid[]) = 0 OR e.id = ANY($4))
 ORDER BY e.id DESC
 LIMIT $3`, m, c, limit, ids(named))
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (i tracking.FeedItem, err error) {
		err = r.Scan(&i.ID, &i.At, &i.Kind, &i.Friend, &i.FriendName, &i.Data)
		return i, err
	})
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	taps, err := tapFeed(ctx, m, c, limit, named)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	list = append(list, taps...)
	slices.SortFunc(list, func(a, b tracking.FeedItem) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return list[:min(limit, len(list))], nil
}

// looked is among how many of a merchant's newest events the feed of one channel looks for its
// own: one that had none for long must not make it read them all.
const looked = "5000"

// tapFeed reads the newest counted clicks and opens of a channel, or those named.
func tapFeed(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, limit int, named []id.ID) (
	[]tracking.FeedItem, error) {
	from, args := `(
       SELECT *
         FROM edge_event
        WHERE merchant_id = $1
        ORDER BY id DESC
        LIMIT `+looked+`)`, []any{m, c, limit}
	if len(named) > 0 {
		from, args = `(
       SELECT e.*
         FROM unnest($4::uuid[]) AS n (id)
        CROSS JOIN LATERAL (
              SELECT * FROM edge_event WHERE merchant_id = $1 AND id = n.id LIMIT 1) AS e)`, append(args, ids(named))
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT e.occurred_at, f.display_name,`+postgres.EdgeFactColumns+`
  FROM (SELECT *
          FROM `+from+` AS e
         WHERE e.channel_id = $2 AND `+postgres.IsEdgeFact+`
         ORDER BY e.id DESC
         LIMIT $3) AS e`+postgres.EdgeFactJoins+`
  JOIN friend f ON f.merchant_id = e.merchant_id AND f.id = d.friend_id`, args...)
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (i tracking.FeedItem, err error) {
		var e postgres.EdgeFact
		err = r.Scan(append([]any{&i.At, &i.FriendName}, e.Columns()...)...)
		i.ID, i.Kind, i.Friend, i.Data = e.Event, e.Kind(), e.Friend, e.Data()
		return i, err
	})
}

// notice is one thing that may need a person, and how often it stands.
type notice struct {
	code   string
	number int64
	detail string
}

// Attention reads what needs a person now.
func (Store) Attention(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) (
	[]tracking.Notice, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT 'line_needs_you' AS code, 1::bigint AS n, coalesce(problem, '') AS detail
  FROM channel
 WHERE merchant_id = $1 AND id = $2 AND state IN ('needs_you', 'reconnect', 'off')
 UNION ALL
SELECT 'klaviyo_reconnect', (SELECT count(*)
                               FROM outbox o
                              WHERE o.merchant_id = $1 AND o.klaviyo_account_id = a.id AND o.state = 'waiting')
                            + (SELECT coalesce(sum(b.n), 0)
                                 FROM outbox_bundle b
                                WHERE b.merchant_id = $1 AND b.klaviyo_account_id = a.id),
       coalesce(a.problem, '')
  FROM klaviyo_account a
 WHERE a.merchant_id = $1 AND a.state = 'reconnect'
 UNION ALL
SELECT 'klaviyo_kept', count(*), coalesce(min(problem), '')
  FROM outbox
 WHERE merchant_id = $1 AND channel_id = $2 AND state = 'kept'
HAVING count(*) > 0
 UNION ALL
SELECT 'needs_review', count(*), ''
  FROM link_conflict
 WHERE merchant_id = $1 AND channel_id = $2 AND state = 'open'
HAVING count(*) > 0
 UNION ALL
SELECT 'hooks_kept', count(*), ''
  FROM hook_request
 WHERE merchant_id = $1 AND channel_id = $2 AND state = 'kept'
HAVING count(*) > 0
 UNION ALL
SELECT 'deliveries_kept', count(*), ''
  FROM delivery
 WHERE merchant_id = $1 AND channel_id = $2 AND hold = 'kept'
HAVING count(*) > 0
 UNION ALL
SELECT 'unconfirmed', count(*), ''
  FROM delivery
 WHERE merchant_id = $1 AND channel_id = $2 AND state = 'unknown_expired'
   AND updated_at > $3::timestamptz - interval '7 days'
HAVING count(*) > 0
 UNION ALL
SELECT 'edges_off', 1, ''
 WHERE NOT EXISTS (
           SELECT 1
             FROM edge
            WHERE revoked_at IS NULL AND last_seen_at > $3::timestamptz - interval '10 seconds')`, m, c, now)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (tracking.Notice, error) {
		var n notice
		err := r.Scan(&n.code, &n.number, &n.detail)
		return n.notice(), err
	})
	return list, postgres.Fault("postgres.Attention", err)
}

func (n notice) notice() tracking.Notice {
	out := tracking.Notice{Code: n.code, Data: map[string]any{"n": n.number}}
	if n.detail != "" {
		out.Data["problem"] = n.detail
	}
	return out
}

// Checklist tells which steps of the first run are done, in their order.
func (Store) Checklist(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]tracking.Step, error) {
	var line, klaviyo, tested, flow bool
	var own *string
	err := postgres.Tx(ctx).QueryRow(ctx, `
SELECT EXISTS (SELECT 1
                 FROM channel
                WHERE merchant_id = $1 AND id = $2 AND state = 'working'),
       EXISTS (SELECT 1
                 FROM klaviyo_account
                WHERE merchant_id = $1 AND state <> 'off'),
       (SELECT f.display_name
          FROM friend f
          JOIN identity_link l ON l.merchant_id = f.merchant_id AND l.friend_id = f.id AND l.state = 'linked'
         WHERE f.merchant_id = $1 AND f.channel_id = $2 AND f.tester AND f.follow_status = 'following'
         ORDER BY l.linked_at DESC
         LIMIT 1),
       EXISTS (SELECT 1
                 FROM delivery
                WHERE merchant_id = $1 AND channel_id = $2 AND logical_kind = 'test' AND state = 'accepted'),
       EXISTS (SELECT 1
                 FROM flow_request
                WHERE merchant_id = $1 AND channel_id = $2 AND outcome = 'accepted')
       OR EXISTS (SELECT 1
                    FROM friend_event
                   WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'sent' AND source = 'flow')`, m, c).
		Scan(&line, &klaviyo, &own, &tested, &flow)
	return []tracking.Step{{Name: "line", Done: line}, {Name: "klaviyo", Done: klaviyo},
		{Name: "link_yourself", Done: own != nil, Friend: value(own)}, {Name: "test_message", Done: tested},
		{Name: "first_flow", Done: flow}}, postgres.Fault("postgres.Checklist", err)
}
