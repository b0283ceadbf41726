package flow

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/id"
)

// Flows sums the calls of an account by flow. A flow that stopped calling stays as long as
// its days do.
func (s *Store) Flows(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) ([]flow.Flow, error) {
	const op = "postgres.flow.Flows"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		WITH call AS (
			SELECT r.flow_id, r.received_at, r.outcome, coalesce(d.reason, r.reason) AS reason, d.state, r.event_at, r.key_last4
			FROM flow_request AS r
			LEFT JOIN delivery AS d ON d.merchant_id = r.merchant_id AND d.id = r.delivery_id
			WHERE r.merchant_id = $1 AND r.channel_id = $2 AND r.received_at > $3::timestamptz - interval '7 days' AND r.flow_id <> ''
		), sum AS (
			SELECT flow_id, count(*) AS week, count(*) FILTER (WHERE reason = 'unlinked') AS unlinked,
				max(received_at) AS last_call, (array_agg(key_last4 ORDER BY received_at DESC))[1] AS key_last4,
				count(*) FILTER (WHERE received_at > $3::timestamptz - interval '24 hours') AS calls,
				count(*) FILTER (WHERE received_at > $3::timestamptz - interval '24 hours' AND state = 'accepted') AS sent,
				count(*) FILTER (WHERE received_at > $3::timestamptz - interval '24 hours'
					AND (outcome = 'skipped' AND reason <> 'duplicate' OR state = 'skipped')) AS not_sent,
				mode() WITHIN GROUP (ORDER BY reason) FILTER (WHERE received_at > $3::timestamptz - interval '24 hours'
					AND (outcome = 'skipped' AND reason <> 'duplicate' OR state = 'skipped')) AS top,
				count(*) FILTER (WHERE received_at > $3::timestamptz - interval '24 hours'
					AND (outcome = 'refused' OR state = 'rejected')) AS failed,
				count(event_at) AS measured,
				percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM received_at - event_at)) AS delay,
				count(*) FILTER (WHERE received_at - event_at > `+late+`
					AND received_at > $3::timestamptz - interval '24 hours') AS late
			FROM call
			GROUP BY flow_id
		), hour AS (
			SELECT flow_id, array_agg(hour) AS hours, array_agg(n) AS calls
			FROM (
				SELECT flow_id, floor(extract(epoch FROM $3::timestamptz - received_at) / 3600)::int AS hour, count(*) AS n
				FROM call
				WHERE received_at > $3::timestamptz - interval '24 hours'
				GROUP BY 1, 2) AS h
			GROUP BY flow_id
		), day AS (
			SELECT flow_id, avg(calls)::float8 AS usual, count(*)::int AS days,
				max(day::timestamp AT TIME ZONE o.time_zone) AS last_day
			FROM flow_day AS f
			JOIN merchant AS o ON o.merchant_id = f.merchant_id
			CROSS JOIN LATERAL (SELECT ($3::timestamptz AT TIME ZONE o.time_zone)::date AS today) AS t
			WHERE f.merchant_id = $1 AND channel_id = $2 AND calls > 0 AND day < t.today AND day >= t.today - 14
			GROUP BY flow_id
		)
		SELECT coalesce(s.flow_id, d.flow_id), coalesce(k.name, ''), coalesce(k.status, ''), k.seen_at, h.hours, h.calls,
			coalesce(s.calls, 0), coalesce(s.sent, 0), coalesce(s.not_sent, 0), coalesce(s.failed, 0), coalesce(s.top, ''),
			coalesce(s.last_call, d.last_day), coalesce(d.usual, 0), coalesce(d.days, 0), coalesce(s.delay, 0),
			coalesce(s.measured, 0), coalesce(s.late, 0), coalesce(s.unlinked, 0), coalesce(s.week, 0),
			coalesce(s.key_last4, '')
		FROM sum AS s
		FULL JOIN day AS d ON d.flow_id = s.flow_id
		LEFT JOIN hour AS h ON h.flow_id = s.flow_id
		LEFT JOIN klaviyo_flow AS k ON k.merchant_id = $1 AND k.channel_id = $2 AND k.flow_id = coalesce(s.flow_id, d.flow_id)
		ORDER BY coalesce(s.calls, 0) DESC, 1`, m, c, now)
	flows, err := pgx.CollectRows(rows, scanFlow)
	return flows, postgres.Fault(op, err)
}

func scanFlow(row pgx.CollectableRow) (f flow.Flow, err error) {
	var hours []int32
	var calls []int64
	var seen, last *time.Time
	var delay float64
	err = row.Scan(&f.ID, &f.Name, &f.Status, &seen, &hours, &calls, &f.Calls, &f.Sent, &f.NotSent, &f.Failed, &f.TopReason, &last,
		&f.Usual, &f.ActiveDays, &delay, &f.Measured, &f.LateCalls, &f.Unlinked, &f.Week, &f.KeyLast4)
	f.SeenAt, f.LastCallAt, f.Delay = value(seen), value(last), time.Duration(delay*float64(time.Second))
	for i, ago := range hours {
		if ago >= 0 && int(ago) < len(f.Hours) {
			f.Hours[len(f.Hours)-1-int(ago)] = calls[i]
		}
	}
	return f, err
}

// Refusals counts the calls that no key let in.
func (s *Store) Refusals(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, since time.Time) (r flow.Refusals, err error) {
	var at *time.Time
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT count(*), coalesce((array_agg(key_last4 ORDER BY received_at DESC) FILTER (WHERE key_last4 IS NOT NULL))[1], ''),
			max(received_at)
		FROM flow_request
		WHERE merchant_id = $1 AND channel_id = $2 AND received_at > $3 AND reason IN ('wrong_key', 'no_key')`, m, c, since).
		Scan(&r.Calls, &r.Last4, &at)
	r.At = value(at)
	return r, postgres.Fault("postgres.flow.Refusals", err)
}

// Quota is the month's limit as LINE last said it.
func (s *Store) Quota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (q flow.Quota, err error) {
	var at *time.Time
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT coalesce(quota_limit, 0), quota_used, quota_read_at
		FROM channel
		WHERE merchant_id = $1 AND id = $2`, m, c).Scan(&q.Limit, &q.Used, &at)
	q.ReadAt = value(at)
	return q, postgres.Fault("postgres.flow.Quota", err)
}

// AnyLink tells whether anybody is linked on an account.
func (s *Store) AnyLink(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (any bool, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM identity_link WHERE merchant_id = $1 AND channel_id = $2 AND state = 'linked')`, m, c).Scan(&any)
	return any, postgres.Fault("postgres.flow.AnyLink", err)
}

// Setup looks at calls of the last weeks and at the sums of those before. The audit log is
// searched only until the first call came.
func (s *Store) Setup(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (v flow.Setup, err error) {
	const op = "postgres.flow.Setup"
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT
			EXISTS (SELECT FROM flow_request
				WHERE merchant_id = $1 AND channel_id = $2 AND coalesce(reason, '') NOT IN ('wrong_key', 'no_key'))
			OR EXISTS (SELECT FROM flow_day WHERE merchant_id = $1 AND channel_id = $2 AND calls > refused),
			EXISTS (SELECT FROM flow_request AS r JOIN delivery AS d ON d.merchant_id = r.merchant_id AND d.id = r.delivery_id
				WHERE r.merchant_id = $1 AND r.channel_id = $2 AND d.state = 'accepted')
			OR EXISTS (SELECT FROM flow_day WHERE merchant_id = $1 AND channel_id = $2 AND sent > 0)`, m, c).
		Scan(&v.Called, &v.Sent)
	if err != nil || v.Called {
		v.Copied = v.Called
		return v, postgres.Fault(op, err)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `SELECT id FROM flow_key WHERE merchant_id = $1 AND channel_id = $2`, m, c)
	keys, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
		var key id.ID
		err := r.Scan(&key)
		return key.With(id.FlowKey), err
	})
	if err != nil {
		return v, postgres.Fault(op, err)
	}
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM audit
			WHERE merchant_id = $1 AND action = 'flow_key.reveal' AND target_kind = 'flow_key' AND target_id = ANY ($2))`, m, keys).
		Scan(&v.Copied)
	return v, postgres.Fault(op, err)
}

// Paused are the findings that keep quiet for now.
func (s *Store) Paused(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) ([]flow.Finding, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT code, subject
		FROM finding_pause
		WHERE merchant_id = $1 AND channel_id = $2 AND until > $3`, m, c, now)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (f flow.Finding, err error) {
		return f, r.Scan(&f.Code, &f.Subject)
	})
	return all, postgres.Fault("postgres.flow.Paused", err)
}

// Pause keeps a finding quiet until a time.
func (s *Store) Pause(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, code, subject string, until time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO finding_pause (merchant_id, channel_id, code, subject, until)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (merchant_id, channel_id, code, subject) DO UPDATE SET until = EXCLUDED.until`, m, c, code, subject, until)
	return postgres.Fault("postgres.flow.Pause", err)
}

// Seen notes how flows stand in Klaviyo. One that Klaviyo no longer lists is gone.
func (s *Store) Seen(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, all []lumo.KlaviyoFlow, now time.Time) error {
	var ids, names, states []string
	for _, f := range all {
		ids, names, states = append(ids, f.ID), append(names, f.Name), append(states, f.Status)
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
		WITH gone AS (
			UPDATE klaviyo_flow
			SET status = 'gone', seen_at = $6
			WHERE merchant_id = $1 AND channel_id = $2 AND flow_id <> ALL ($3) AND status <> 'gone')
		INSERT INTO klaviyo_flow (merchant_id, channel_id, flow_id, name, status, seen_at)
		SELECT $1, $2, t.id, t.name, t.status, $6
		FROM unnest($3::text[], $4::text[], $5::text[]) AS t (id, name, status)
		ON CONFLICT (merchant_id, channel_id, flow_id) DO UPDATE
		SET name = EXCLUDED.name, status = EXCLUDED.status, seen_at = EXCLUDED.seen_at`, m, c, ids, names, states, now)
	return postgres.Fault("postgres.flow.Seen", err)
}

// SumDays writes the sums of whole days of the merchant anew, as often as it is asked.
func (s *Store) SumDays(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, from time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO flow_day (merchant_id, channel_id, flow_id, day, calls, sent, not_sent, refused, failed)
		SELECT $1, $2, r.flow_id, (r.received_at AT TIME ZONE o.time_zone)::date, count(*),
			count(*) FILTER (WHERE d.state = 'accepted'),
			count(*) FILTER (WHERE r.outcome = 'skipped' AND r.reason <> 'duplicate' OR d.state = 'skipped'),
			count(*) FILTER (WHERE r.outcome = 'refused'),
			count(*) FILTER (WHERE d.state = 'rejected')
		FROM flow_request AS r
		JOIN merchant AS o ON o.merchant_id = r.merchant_id
		LEFT JOIN delivery AS d ON d.merchant_id = r.merchant_id AND d.id = r.delivery_id
		WHERE r.merchant_id = $1 AND r.channel_id = $2 AND r.flow_id <> ''
			AND r.received_at >= date_trunc('day', $3::timestamptz AT TIME ZONE o.time_zone) AT TIME ZONE o.time_zone
		GROUP BY 3, 4
		ON CONFLICT (merchant_id, channel_id, flow_id, day) DO UPDATE
		SET calls = EXCLUDED.calls, sent = EXCLUDED.sent, not_sent = EXCLUDED.not_sent, refused = EXCLUDED.refused,
			failed = EXCLUDED.failed`, m, c, from)
	return postgres.Fault("postgres.flow.SumDays", err)
}

// Days are the sums of days before one, the newest first; of a flow, or of all.
func (s *Store) Days(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, of string, before time.Time, limit int) (
	[]flow.Day, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT day::timestamp AT TIME ZONE 'UTC', sum(calls)::bigint, sum(sent)::bigint, sum(not_sent)::bigint,
			sum(refused + failed)::bigint
		FROM flow_day
		WHERE merchant_id = $1 AND channel_id = $2 AND day < $3::date AND ($4 = '' OR flow_id = $4)
		GROUP BY day
		ORDER BY day DESC
		LIMIT $5`, m, c, before, of, limit)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[flow.Day])
	return all, postgres.Fault("postgres.flow.Days", err)
}

// Unmeasured are the newest few calls of each flow whose event nobody asked for yet.
func (s *Store) Unmeasured(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, since time.Time, each int) (
	[]flow.Request, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT id, profile_id, event_ref, received_at
		FROM (
			SELECT id, profile_id, event_ref, received_at, row_number() OVER (PARTITION BY flow_id ORDER BY id DESC) AS n
			FROM flow_request
			WHERE merchant_id = $1 AND channel_id = $2 AND received_at > $3 AND NOT event_asked AND profile_id <> '' AND event_ref <> ''
		) AS r
		WHERE n <= $4`, m, c, since, each)
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r flow.Request, err error) {
		r.Merchant, r.Channel = m, c
		return r, row.Scan(&r.ID, &r.Profile, &r.EventRef, &r.ReceivedAt)
	})
	return all, postgres.Fault("postgres.flow.Unmeasured", err)
}

// Measure notes what a call's event was and when it happened.
func (s *Store) Measure(ctx context.Context, m lumo.MerchantID, r lumo.RequestID, e lumo.ReadEvent) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE flow_request
		SET event_at = $3, event_name = $4, event_asked = true
		WHERE merchant_id = $1 AND id = $2`, m, r, set(e.OccurredAt), e.Metric)
	return postgres.Fault("postgres.flow.Measure", err)
}

// Rounds implements flow.Rounds: what looks after flows has its own, and what reads events.
type Rounds struct{ kind string }

// The kinds of work.
const (
	watch  = "flow"
	events = "flow_event"
)

// Watches are the rounds of what looks after flows.
func Watches() Rounds { return Rounds{watch} }

// Reads are the rounds of what reads events.
func Reads() Rounds { return Rounds{events} }

// Claim takes the account that is due longest and that nobody holds.
func (k Rounds) Claim(ctx context.Context, owner string, now time.Time, lease time.Duration) (flow.Round, bool, error) {
	w, found, err := postgres.ClaimWork(ctx, k.kind, owner, now, lease)
	return flow.Round{Merchant: w.Merchant, Channel: w.Channel, Due: w.Due, Fence: w.Fence}, found, err
}

// Done gives an account back.
func (k Rounds) Done(ctx context.Context, r flow.Round, next time.Time) error {
	return postgres.DoneWork(ctx, postgres.Work{Merchant: r.Merchant, Channel: r.Channel, Kind: k.kind, Due: r.Due,
		Fence: r.Fence}, next)
}
