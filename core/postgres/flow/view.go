package flow

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

// answered is what became of a call: its delivery, and the stop that this waits in.
const answered = `
	LEFT JOIN delivery AS d ON d.merchant_id = r.merchant_id AND d.id = r.delivery_id
	LEFT JOIN LATERAL (
		SELECT h.name, h.stopped_at AS at
		FROM system_hold AS h
		WHERE h.resumed_at IS NULL AND d.state IN ('planned', 'deferred', 'quota_blocked')
		UNION ALL
		SELECT b.name, s.stopped_at
		FROM sending AS s
		LEFT JOIN member AS b ON b.merchant_id = s.merchant_id AND b.id = s.stopped_by
		WHERE s.merchant_id = r.merchant_id AND s.channel_id = r.channel_id AND s.stop_scope = 'everything'
			AND d.state IN ('planned', 'deferred', 'quota_blocked')
		LIMIT 1) AS held ON true`

// told is the result of a call as people read it, and why its reason.
const (
	told = `CASE
		WHEN r.outcome = 'refused' THEN 'refused'
		WHEN d.state IS NULL OR d.state = 'skipped' THEN 'not_sent'
		WHEN d.state = 'accepted' THEN 'sent'
		WHEN d.state = 'rejected' THEN 'failed'
		WHEN d.state = 'unknown_expired' THEN 'unconfirmed'
		WHEN d.state = 'unknown' OR d.state = 'sending' AND (d.last_try_at < now() - interval '5 seconds' OR d.tries > 1) THEN 'checking'
		WHEN d.state = 'sending' THEN 'sending'
		ELSE 'waiting' END`
	why = `CASE
		WHEN held.at IS NOT NULL THEN 'stopped'
		ELSE coalesce(d.reason, r.reason, CASE WHEN r.received_at - r.event_at > ` + late + ` THEN 'late_event' END) END`
	late = `interval '6 hours'` // flow.LateAfter
)

// chosen are the calls of a filter, whose values are $1 to $8. What became of a call is looked up
// only where that is asked for.
func chosen(f flow.Filter) (joins, where string) {
	result, reason := "''", "''"
	if f.State != "" || f.Reason != "" {
		joins, result, reason = answered, told, why
	}
	return joins, `
		WHERE r.merchant_id = $1 AND r.channel_id = $2
			AND ($3 = '' OR ` + result + ` = $3) AND ($4 = '' OR ` + reason + ` = $4) AND ($5 = '' OR r.flow_id = $5)
			AND ($6::uuid = $7::uuid OR r.id < $6::uuid) AND ($8::uuid = $7::uuid OR r.friend_id = $8)`
}

// selectRow joins a call with its delivery, with what came of that, and with the stop it waits in. A first call that is no
// longer kept is not named: nobody could open it.
const selectRow = `
	SELECT r.id, r.received_at, r.auth, coalesce(r.key_number, 0), coalesce(r.key_last4, ''), r.flow_id, r.step, r.message_id,
		r.profile_id, r.event_ref, r.friend_id, r.delivery_id, r.outcome, coalesce(r.reason, ''), r.reason_data, r.repeats,
		(SELECT p.id FROM flow_request AS p WHERE p.merchant_id = r.merchant_id AND p.id = r.duplicate_of),
		coalesce(f.display_name, ''), coalesce(m.name, ''), coalesce(d.state, ''),
		coalesce(d.state = 'sending' AND d.last_try_at < now() - interval '5 seconds' OR d.tries > 1, false),
		coalesce(d.reason, ''), coalesce(d.reason_data, '{}'), r.event_at, d.created_at, d.first_try_at, d.accepted_at,
		(SELECT min(e.occurred_at) FROM edge_event AS e WHERE e.merchant_id = d.merchant_id AND e.delivery_id = d.id
			AND e.type = 'open' AND e.counted),
		(SELECT min(e.occurred_at) FROM edge_event AS e WHERE e.merchant_id = d.merchant_id AND e.delivery_id = d.id
			AND e.type = 'click' AND e.counted),
		(SELECT o.sent_at FROM friend_event AS fe JOIN outbox AS o ON o.merchant_id = fe.merchant_id AND o.id = fe.outbox_id
			WHERE fe.merchant_id = d.merchant_id AND fe.friend_id = d.friend_id AND fe.kind = 'sent'
			AND fe.data ->> 'number' = d.number::text LIMIT 1),
		r.event_note, coalesce(w.state, ''), w.accepted_at,
		coalesce(held.name, ''), held.at, coalesce(k.name, ''), coalesce(d.line_request_id, ''), r.event_name,
		r.created_at
	FROM flow_request AS r
` + answered + `
	LEFT JOIN LATERAL (
		SELECT o.state, o.accepted_at
		FROM flow_request AS p
		JOIN delivery AS o ON o.merchant_id = p.merchant_id AND o.id = p.delivery_id
		WHERE p.merchant_id = r.merchant_id AND p.id = r.duplicate_of) AS w ON true
	LEFT JOIN friend AS f ON f.merchant_id = r.merchant_id AND f.id = r.friend_id
	LEFT JOIN message AS m ON m.merchant_id = r.merchant_id AND m.id = r.message_id
	LEFT JOIN klaviyo_flow AS k ON k.merchant_id = r.merchant_id AND k.channel_id = r.channel_id AND k.flow_id = r.flow_id `

// Rows lists calls, newest first.
func (s *Store) Rows(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f flow.Filter) ([]flow.Row, error) {
	const op = "postgres.flow.Rows"
	_, where := chosen(f)
	rows, err := postgres.Tx(ctx).Query(ctx, selectRow+where+`
		ORDER BY r.id DESC
		LIMIT $9`, m, c, f.State, f.Reason, f.FlowID, f.After, lumo.RequestID{}, f.Friend, f.Limit)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (flow.Row, error) { return scanRow(r, m, c) })
	return all, postgres.Fault(op, err)
}

// Count is how many calls a filter chooses.
func (s *Store) Count(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f flow.Filter) (n int64, err error) {
	joins, where := chosen(f)
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT count(*)
		FROM flow_request AS r`+joins+where, m, c, f.State, f.Reason, f.FlowID, lumo.RequestID{}, lumo.RequestID{}, f.Friend).
		Scan(&n)
	return n, postgres.Fault("postgres.flow.Count", err)
}

// Row reads one call, with what LINE got.
func (s *Store) Row(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RequestID) (flow.Row, error) {
	const op = "postgres.flow.Row"
	row, err := scanRow(postgres.Tx(ctx).QueryRow(ctx, selectRow+`
		WHERE r.merchant_id = $1 AND r.channel_id = $2 AND r.id = $3`, m, c, v), m, c)
	if err == nil && !row.EventAt.IsZero() {
		row.Usual, row.UsualOf, err = s.usual(ctx, row.Request)
	}
	if err != nil || row.Delivery == (lumo.DeliveryID{}) {
		return row, postgres.Fault(op, err)
	}
	sent, err := postgres.SentBodies(ctx, s.vault, m, []lumo.DeliveryID{row.Delivery})
	row.Sent = sent[row.Delivery]
	return row, fault.Wrap(op, err)
}

// usual is how long Klaviyo mostly takes from the event to the call, in a flow's last week.
func (s *Store) usual(ctx context.Context, r flow.Request) (time.Duration, int, error) {
	var seconds float64
	var of int
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM received_at - event_at)), 0), count(event_at)
		FROM flow_request
		WHERE merchant_id = $1 AND channel_id = $2 AND flow_id = $3 AND event_at IS NOT NULL
			AND received_at > $4::timestamptz - interval '7 days' AND received_at <= $4`, r.Merchant, r.Channel, r.FlowID, r.ReceivedAt).
		Scan(&seconds, &of)
	return time.Duration(seconds * float64(time.Second)), of, postgres.Fault("postgres.flow.usual", err)
}

func scanRow(row pgx.Row, m lumo.MerchantID, c lumo.ChannelID) (r flow.Row, err error) {
	r.Merchant, r.Channel = m, c
	var message *lumo.MessageID
	var friend *lumo.FriendID
	var delivery *lumo.DeliveryID
	var duplicate *lumo.RequestID
	var data, why []byte
	var event, planned, first, accepted, opened, clicked, recorded, firstSent, stopped *time.Time
	var by string
	err = row.Scan(&r.ID, &r.ReceivedAt, &r.Auth, &r.KeyNumber, &r.KeyLast4, &r.FlowID, &r.Step, &message, &r.Profile, &r.EventRef,
		&friend, &delivery, &r.Outcome, &r.Reason, &data, &r.Repeats, &duplicate, &r.FriendName, &r.MessageName, &r.State,
		&r.Stale, &r.Why, &why, &event, &planned, &first, &accepted, &opened, &clicked, &recorded, &r.EventNote, &r.First,
		&firstSent, &by, &stopped, &r.FlowName, &r.LINERequest, &r.EventName, &r.StoredAt)
	if err != nil {
		return r, err
	}
	r.Message, r.Friend, r.Delivery, r.DuplicateOf = value(message), value(friend), value(delivery), value(duplicate)
	r.FirstSentAt = value(firstSent)
	r.EventAt, r.PlannedAt, r.FirstTryAt, r.AcceptedAt = value(event), value(planned), value(first), value(accepted)
	r.OpenedAt, r.ClickedAt, r.RecordedAt = value(opened), value(clicked), value(recorded)
	if err := json.Unmarshal(data, &r.Data); err != nil {
		return r, err
	}
	if stopped != nil {
		r.Why, r.WhyData = edgeapi.Stopped.Code(), map[string]any{"time": stopped.UTC().Format(time.RFC3339)}
		if by != "" {
			r.WhyData["name"] = by
		}
		return r, nil
	}
	return r, json.Unmarshal(why, &r.WhyData)
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
