// Package tracking stores edges' events, timelines, counters and tracked links, and reads
// the numbers of Home.
//
// Every method runs in the transaction of its context. Nothing personal stands in these
// tables beside the friend's id.
package tracking

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/tracking"
	"lumo/shared/event"
	"lumo/shared/id"
)

// Store implements the store of the tracking capability. It has no state.
type Store struct{}

// countingLock is the first half of the advisory lock's key, with the part's number added; the
// second is the merchant's.
const countingLock int32 = 0x6c757400

// Lock lets one transaction at a time count this part of a merchant's events. What it looks up is
// planned for the tables as they are: a plan kept from when they were small reads all of them for
// each event, until somebody analyses them.
func (Store) Lock(ctx context.Context, m lumo.MerchantID, part uint64) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
SELECT pg_advisory_xact_lock($1, hashtext($2)), set_config('plan_cache_mode', 'force_custom_plan', true)`,
		countingLock+int32(part), m.String())
	return postgres.Fault("postgres.Lock", err)
}

// Known tells which of these events are stored already. Each is looked up by itself, in its own
// month: a plan made for a table that was small once would read all of it.
func (Store) Known(ctx context.Context, m lumo.MerchantID, list []id.ID) (map[id.ID]bool, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT n.id
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
       SELECT
         FROM edge_event
        WHERE merchant_id = $1 AND id = n.id
        LIMIT 1) AS e`, m, ids(list))
	found, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	known := make(map[id.ID]bool, len(list))
	for _, v := range found {
		known[v] = true
	}
	return known, postgres.Fault("postgres.Known", err)
}

// Count adds to the counters of the merchant's days and hours. Each connection adds to rows of its
// own slot, so that transactions seldom wait for each other.
func (Store) Count(ctx context.Context, m lumo.MerchantID, ticks []tracking.Tick) error {
	if len(ticks) == 0 {
		return nil
	}
	var channels [][16]byte
	var kinds []string
	var times []time.Time
	for _, t := range ticks {
		channels, kinds = append(channels, t.Channel), append(kinds, string(t.Kind))
		times = append(times, t.At)
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
WITH tick AS (
    SELECT t.channel, t.kind, t.at AT TIME ZONE s.time_zone AS at, s.time_zone
      FROM unnest($2::uuid[], $3::text[], $4::timestamptz[]) AS t (channel, kind, at)
      JOIN merchant s ON s.merchant_id = $1),
hours AS (
    INSERT INTO counter_hour (merchant_id, channel_id, hour, kind, slot, n)
    SELECT $1, channel, date_trunc('hour', at) AT TIME ZONE time_zone AS hour, kind, pg_backend_pid() % 64, count(*)
      FROM tick
     GROUP BY channel, hour, kind
     ORDER BY channel, hour, kind
        ON CONFLICT (merchant_id, channel_id, hour, kind, slot) DO UPDATE SET n = counter_hour.n + excluded.n)
INSERT INTO counter (merchant_id, channel_id, day, kind, slot, n)
SELECT $1, channel, at::date AS day, kind, pg_backend_pid() % 64, count(*)
  FROM tick
 GROUP BY channel, day, kind
 ORDER BY channel, day, kind
    ON CONFLICT (merchant_id, channel_id, day, kind, slot) DO UPDATE SET n = counter.n + excluded.n`,
		m, channels, kinds, times)
	return postgres.Fault("postgres.Count", err)
}

// Scanned answers whose login state a scan already is.
func (Store) Scanned(ctx context.Context, m lumo.MerchantID, scans []tracking.Event) (
	[]tracking.Scan, error) {
	if len(scans) == 0 {
		return nil, nil
	}
	byID := make(map[id.ID]tracking.Event, len(scans))
	list := make([]id.ID, len(scans))
	for i, e := range scans {
		byID[e.ID], list[i] = e, e.ID
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT l.id, l.friend_id, coalesce(q.name, '')
  FROM login_state l
  LEFT JOIN qr_code q ON q.merchant_id = l.merchant_id AND q.id = l.qr_code_id
 WHERE l.merchant_id = $1 AND l.id = ANY($2::uuid[]) AND l.friend_id IS NOT NULL`, m, ids(list))
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (tracking.Scan, error) {
		var s tracking.Scan
		var state id.ID
		err := r.Scan(&state, &s.Friend, &s.Code)
		s.Event = byID[state]
		return s, err
	})
	return found, postgres.Fault("postgres.Scanned", err)
}

// CountScans adds to codes' counters, and to those of their days.
func (Store) CountScans(ctx context.Context, m lumo.MerchantID, scans []tracking.Event) error {
	if len(scans) == 0 {
		return nil
	}
	var channels [][16]byte
	var numbers []int64
	var times []time.Time
	for _, e := range scans {
		channels, numbers = append(channels, e.Channel), append(numbers, int64(e.Subject()))
		times = append(times, e.At)
	}
	const op = "postgres.CountScans"
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE qr_code q
   SET scans = q.scans + t.n, last_scan_at = greatest(q.last_scan_at, t.at)
  FROM (SELECT channel, number, count(*) AS n, max(at) AS at
          FROM unnest($2::uuid[], $3::bigint[], $4::timestamptz[]) AS s (channel, number, at)
         GROUP BY channel, number) AS t
 WHERE q.merchant_id = $1 AND q.channel_id = t.channel AND q.number = t.number`, m, channels, numbers, times)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO qr_code_day AS d (merchant_id, qr_code_id, day, scans)
SELECT q.merchant_id, q.id, (s.at AT TIME ZONE m.time_zone)::date, count(*)
  FROM unnest($2::uuid[], $3::bigint[], $4::timestamptz[]) AS s (channel, number, at)
  JOIN qr_code q ON q.merchant_id = $1 AND q.channel_id = s.channel AND q.number = s.number
  JOIN merchant m ON m.merchant_id = $1
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
    ON CONFLICT (merchant_id, qr_code_id, day) DO UPDATE SET scans = d.scans + excluded.scans`,
		m, channels, numbers, times)
	return postgres.Fault(op, err)
}

// CountForms adds to forms' counters what customers did on shop pages.
func (Store) CountForms(ctx context.Context, m lumo.MerchantID, events []tracking.Event) error {
	if len(events) == 0 {
		return nil
	}
	var channels [][16]byte
	var numbers []int64
	var shown []bool
	var times []time.Time
	for _, e := range events {
		channels, numbers = append(channels, e.Channel), append(numbers, int64(e.Event.Subject))
		shown, times = append(shown, e.Event.Link == event.FormShown), append(times, e.At)
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE form f
   SET submitted = f.submitted + t.submitted, shown = f.shown + t.shown,
       last_submit_at = greatest(f.last_submit_at, t.at)
  FROM (SELECT q.form_id, count(*) FILTER (WHERE NOT s.shown) AS submitted,
               count(*) FILTER (WHERE s.shown) AS shown, max(s.at) FILTER (WHERE NOT s.shown) AS at
          FROM unnest($2::uuid[], $3::bigint[], $4::boolean[], $5::timestamptz[]) AS s (channel, number, shown, at)
          JOIN qr_code q ON q.merchant_id = $1 AND q.channel_id = s.channel AND q.number = s.number
         GROUP BY q.form_id) AS t
 WHERE f.merchant_id = $1 AND f.id = t.form_id`, m, channels, numbers, shown, times)
	return postgres.Fault("postgres.CountForms", err)
}

// ids gives the driver plain uuids.
func ids[T ~[16]byte](in []T) [][16]byte {
	out := make([][16]byte, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

// orNull stores a zero id as null.
func orNull[T ~[16]byte](v T) *[16]byte {
	plain := [16]byte(v)
	if plain == ([16]byte{}) {
		return nil
	}
	return &plain
}

// value is what a nullable column holds, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func orEmpty(data map[string]any) map[string]any {
	if data == nil {
		return map[string]any{}
	}
	return data
}
