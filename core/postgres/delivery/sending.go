package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Sending reads an account's stop and rules; without a row the defaults hold.
func (s *Store) Sending(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
	stop delivery.Stop, rules delivery.Rules, err error) {
	batch := &pgx.Batch{}
	queueSending(batch, m, c, &stop, &rules)
	err = postgres.Tx(ctx).SendBatch(ctx, batch).Close()
	return stop, rules, postgres.Fault("postgres.delivery.Sending", err)
}

// queueSending is Sending as a part of a batch.
func queueSending(batch *pgx.Batch, m lumo.MerchantID, c lumo.ChannelID, stop *delivery.Stop, rules *delivery.Rules) {
	batch.Queue(`
		SELECT s.stop_scope, s.stopped_at, s.stopped_by, b.name, s.resumed_at, s.hold_seconds, s.reserve_percent,
			s.quiet_from, s.quiet_until, s.quiet_days, s.quiet_flows, s.quiet_broadcasts,
			s.cap_messages, s.cap_days, s.cap_flows, s.approval_over, s.typed_number_over
		FROM sending AS s
		LEFT JOIN member AS b ON b.merchant_id = s.merchant_id AND b.id = s.stopped_by
		WHERE s.merchant_id = $1 AND s.channel_id = $2`, m, c).QueryRow(func(row pgx.Row) (err error) {
		*stop, *rules, err = scanSending(row)
		return err
	})
}

func scanSending(row pgx.Row) (delivery.Stop, delivery.Rules, error) {
	r := delivery.DefaultRules()
	var scope, byName *string
	var at, resumed *time.Time
	var by *lumo.MemberID
	var seconds int64
	var from, until, messages, days *int
	var approval *int64
	err := row.Scan(&scope, &at, &by, &byName, &resumed, &seconds, &r.ReservePercent, &from, &until, &r.Quiet.Days,
		&r.Quiet.Flows, &r.Quiet.Broadcasts, &messages, &days, &r.Cap.Flows, &approval, &r.TypedNumberOver)
	if errors.Is(err, pgx.ErrNoRows) {
		return delivery.Stop{}, r, nil
	}
	stop := delivery.Stop{Scope: delivery.Scope(read(scope)), At: read(at), By: read(by), ByName: read(byName),
		ResumedAt: read(resumed)}
	r.TooLate = time.Duration(seconds) * time.Second
	r.Quiet.On, r.Quiet.From, r.Quiet.Until = from != nil, read(from), read(until)
	r.Cap.Messages, r.Cap.Days = read(messages), read(days)
	if approval != nil {
		r.ApprovalOver = *approval
	}
	return stop, r, err
}

// read is what a column holds, or the zero value.
func read[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// SetStop stops or resumes.
func (s *Store) SetStop(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, stop delivery.Stop) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO sending (merchant_id, channel_id, stop_scope, stopped_at, stopped_by, resumed_at, updated_at)
		VALUES ($1, $2, NULLIF($3, ''), $4, $5, $6, now())
		ON CONFLICT (merchant_id, channel_id) DO UPDATE
		SET stop_scope = EXCLUDED.stop_scope, stopped_at = EXCLUDED.stopped_at, stopped_by = EXCLUDED.stopped_by,
			resumed_at = EXCLUDED.resumed_at, updated_at = now()`,
		m, c, string(stop.Scope), moment(stop.At), stop.By, moment(stop.ResumedAt))
	return postgres.Fault("postgres.delivery.SetStop", err)
}

// SetRules replaces an account's rules.
func (s *Store) SetRules(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r delivery.Rules, now time.Time) error {
	var from, until, messages, days *int
	if q := r.Quiet; q.On {
		from, until = &q.From, &q.Until
	}
	if r.Cap.Messages > 0 {
		messages, days = &r.Cap.Messages, &r.Cap.Days
	}
	var approval *int64
	if r.ApprovalOver >= 0 {
		approval = &r.ApprovalOver
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO sending (merchant_id, channel_id, hold_seconds, reserve_percent, quiet_from, quiet_until, quiet_days,
			quiet_flows, quiet_broadcasts, cap_messages, cap_days, cap_flows, approval_over, typed_number_over, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (merchant_id, channel_id) DO UPDATE
		SET hold_seconds = EXCLUDED.hold_seconds, reserve_percent = EXCLUDED.reserve_percent,
			quiet_from = EXCLUDED.quiet_from, quiet_until = EXCLUDED.quiet_until, quiet_days = EXCLUDED.quiet_days,
			quiet_flows = EXCLUDED.quiet_flows, quiet_broadcasts = EXCLUDED.quiet_broadcasts,
			cap_messages = EXCLUDED.cap_messages, cap_days = EXCLUDED.cap_days, cap_flows = EXCLUDED.cap_flows,
			approval_over = EXCLUDED.approval_over, typed_number_over = EXCLUDED.typed_number_over,
			updated_at = EXCLUDED.updated_at`,
		m, c, int(r.TooLate/time.Second), r.ReservePercent, from, until, r.Quiet.Days, string(r.Quiet.Flows),
		string(r.Quiet.Broadcasts), messages, days, r.Cap.Flows, approval, r.TypedNumberOver, now)
	return postgres.Fault("postgres.delivery.SetRules", err)
}

// Prolong moves the time after which what waits is too late.
func (s *Store) Prolong(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by time.Duration) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE delivery
		SET too_late_at = too_late_at + make_interval(secs => $3)
		WHERE merchant_id = $1 AND channel_id = $2 AND logical_kind = 'flow'
			AND state IN ('planned', 'deferred', 'quota_blocked') AND too_late_at IS NOT NULL`, m, c, by.Seconds())
	return postgres.Fault("postgres.delivery.Prolong", err)
}

// EndQuiet has what waits for the end of quiet hours looked at anew. It was given the whole
// wait as time that does not count; what is left of it is taken back.
func (s *Store) EndQuiet(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE delivery
		SET hold = NULL, reason = NULL, reason_data = '{}', too_late_at = too_late_at - (due_at - $3::timestamptz),
			due_at = $3, updated_at = $3
		WHERE merchant_id = $1 AND channel_id = $2 AND hold = 'quiet_hours_wait' AND due_at > $3`, m, c, now)
	return postgres.Fault("postgres.delivery.EndQuiet", err)
}

// Waiting counts what has not gone out, by the flow or broadcast it belongs to.
func (s *Store) Waiting(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) (delivery.Waiting, error) {
	const op = "postgres.delivery.Waiting"
	var w delivery.Waiting
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT d.logical_kind,
			CASE d.logical_kind WHEN 'flow' THEN r.flow_id WHEN 'broadcast' THEN d.logical_id::text END,
			coalesce(k.name, ''), count(*), count(*) FILTER (WHERE d.too_late_at < $3)
		FROM delivery AS d
		LEFT JOIN flow_request AS r ON d.logical_kind = 'flow' AND r.merchant_id = d.merchant_id
			AND (r.id = d.logical_id OR r.again_id = d.logical_id)
		LEFT JOIN klaviyo_flow AS k ON k.merchant_id = d.merchant_id AND k.channel_id = d.channel_id AND k.flow_id = r.flow_id
		WHERE d.merchant_id = $1 AND d.channel_id = $2 AND d.due_at IS NOT NULL AND d.state <> 'sending'
		GROUP BY 1, 2, 3
		ORDER BY 4 DESC`, m, c, now)
	if err != nil {
		return w, postgres.Fault(op, err)
	}
	var kind, name string
	var ref *string
	var count, late int64
	_, err = pgx.ForEachRow(rows, []any{&kind, &ref, &name, &count, &late}, func() error {
		item := delivery.WaitingItem{Kind: kind, Ref: read(ref), Name: name, Count: count, Late: late}
		if v, err := uuid.Parse(item.Ref); err == nil && kind == delivery.KindBroadcast {
			item.Ref = id.ID(v).String()
		}
		if kind == delivery.KindBroadcast {
			w.Broadcast += count
		} else {
			w.Flow += count
		}
		w.Items = append(w.Items, item)
		return nil
	})
	return w, postgres.Fault(op, err)
}

// Drop marks what waits of an item. What may have reached LINE already is not dropped: only
// LINE can say what became of it.
func (s *Store) Drop(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, item delivery.WaitingItem, now time.Time) error {
	const op = "postgres.delivery.Drop"
	if item.Kind == delivery.KindBroadcast { // perhaps a million: one row tells the senders
		v, err := id.Parse(item.Ref)
		if err != nil {
			return fault.New(fault.Invalid, op, "This broadcast does not exist.")
		}
		_, err = postgres.Tx(ctx).Exec(ctx, `
			UPDATE logical_message
			SET dropped_at = coalesce(dropped_at, $4)
			WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'broadcast' AND id = $3`, m, c, v, now)
		return postgres.Fault(op, err)
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE delivery AS d
		SET hold = 'dropped', updated_at = $5
		WHERE d.merchant_id = $1 AND d.channel_id = $2 AND d.due_at IS NOT NULL AND d.logical_kind = $3 AND d.rank = 0
			AND d.state IN ('planned', 'deferred', 'quota_blocked')
			AND ($3 <> 'flow' OR EXISTS (
				SELECT
				FROM flow_request AS r
				WHERE r.merchant_id = d.merchant_id AND (r.id = d.logical_id OR r.again_id = d.logical_id) AND r.flow_id = $4))`,
		m, c, item.Kind, item.Ref, now)
	return postgres.Fault(op, err)
}

// Affected counts past messages that rules would have held back. A person's messages are
// counted in the order in which they came.
func (s *Store) Affected(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r delivery.Rules, since time.Time) (
	delivery.Affected, error) {
	const op = "postgres.delivery.Affected"
	var a delivery.Affected
	q := r.Quiet
	err := postgres.Tx(ctx).QueryRow(ctx, `
		WITH sent AS (
			SELECT d.friend_id, d.accepted_at, d.logical_kind,
				extract(hour FROM w.at) * 60 + extract(minute FROM w.at) AS minute, extract(isodow FROM w.at)::int AS day
			FROM delivery AS d
			JOIN merchant AS o ON o.merchant_id = d.merchant_id
			CROSS JOIN LATERAL (SELECT d.accepted_at AT TIME ZONE o.time_zone AS at) AS w
			WHERE d.merchant_id = $1 AND d.channel_id = $2 AND d.accepted_at >= $3
		), capped AS (
			SELECT count(*) OVER (PARTITION BY friend_id ORDER BY accepted_at
				RANGE BETWEEN make_interval(days => $9) PRECEDING AND CURRENT ROW) AS n, logical_kind
			FROM sent
		)
		SELECT (SELECT count(*) FROM sent),
			(SELECT count(*) FROM sent
			 WHERE $4 AND (logical_kind = 'flow' AND $7 <> 'send' OR logical_kind = 'broadcast' AND $8 <> 'send')
				AND (minute >= $5 AND (minute < $6 OR $6 < $5) AND ($11::int >> (day - 1)) & 1 = 1
					OR $6 < $5 AND minute < $6 AND ($11::int >> ((day + 5) % 7)) & 1 = 1)),
			(SELECT count(*) FROM capped
			 WHERE $10 > 0 AND n > $10 AND (logical_kind = 'broadcast' OR $12 AND logical_kind = 'flow'))`,
		m, c, since, q.On, q.From, q.Until, string(q.Flows), string(q.Broadcasts), max(r.Cap.Days, 1), r.Cap.Messages,
		q.Days, r.Cap.Flows).Scan(&a.Messages, &a.Quiet, &a.Capped)
	return a, postgres.Fault(op, err)
}
