package channel

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/id"
)

// tapped are the counted clicks and opens of a friend. Nothing happens to a delivery before
// there is one, so each is looked for in the months since.
const tapped = `
  FROM delivery s
  JOIN edge_event e ON e.merchant_id = s.merchant_id AND e.delivery_id = s.id
   AND e.id >= lumo_ulid_floor(s.created_at - interval '1 hour')
 WHERE s.merchant_id = $1 AND s.friend_id = $2 AND ` + postgres.IsEdgeFact

// Timeline reads one page of what happened to and by a friend, newest first.
func (s *Store) Timeline(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, q channel.TimelineQuery) (
	channel.Timeline, error) {
	const op = "postgres.Timeline"
	var t channel.Timeline
	written, err := written(ctx, m, f, q)
	if err != nil {
		return t, postgres.Fault(op, err)
	}
	taps, err := taps(ctx, m, f, q)
	if err != nil {
		return t, postgres.Fault(op, err)
	}
	t.Items = append(written, taps...)
	slices.SortFunc(t.Items, func(a, b channel.Entry) int {
		return cmp.Or(b.At.Compare(a.At), bytes.Compare(b.ID[:], a.ID[:]))
	})
	if len(t.Items) > q.Limit {
		t.Items = t.Items[:q.Limit]
		last := t.Items[q.Limit-1]
		t.Next, t.NextAt = id.ID(last.ID), last.At
	}
	return t, s.withBodies(ctx, m, t.Items)
}

// withBodies adds to what was sent the bodies that LINE took.
func (s *Store) withBodies(ctx context.Context, m lumo.MerchantID, all []channel.Entry) error {
	sent := map[lumo.DeliveryID]*channel.Entry{}
	for i, e := range all {
		text, _ := e.Data["delivery"].(string)
		d, err := id.ParseWith(id.Delivery, text)
		if e.Kind == lumo.FactSent && err == nil {
			sent[lumo.DeliveryID(d)] = &all[i]
		}
	}
	bodies, err := postgres.SentBodies(ctx, s.vault, m, slices.Collect(maps.Keys(sent)))
	for d, body := range bodies {
		sent[d].Sent = body
	}
	return err
}

// written are the lines that stand in the timeline itself, with the outbox rows they made.
func written(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, q channel.TimelineQuery) ([]channel.Entry, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT e.id, e.occurred_at, e.kind, e.source, e.data, coalesce(o.state, ''), coalesce(o.problem, '')
  FROM friend_event e
  LEFT JOIN outbox o
    ON o.merchant_id = e.merchant_id AND o.id = e.outbox_id
 WHERE e.merchant_id = $1 AND e.friend_id = $2
   AND ($3::timestamptz IS NULL OR (e.occurred_at, e.id) < ($3, $4))
   AND (cardinality($6::text[]) = 0 OR e.kind = ANY($6))
 ORDER BY e.occurred_at DESC, e.id DESC
 LIMIT $5`, m, f, orNull(q.At), q.Before, q.Limit+1, append([]string{}, q.Kinds...))
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (channel.Entry, error) {
		var e channel.Entry
		var data []byte
		var outbox string
		if err := r.Scan(&e.ID, &e.At, &e.Kind, &e.Source, &data, &outbox, &e.Problem); err != nil {
			return e, err
		}
		e.Recorded = recorded(e.Kind, outbox)
		return e, json.Unmarshal(data, &e.Data)
	})
}

// taps are the lines that events make, each with its row in the outbox, found by what it is
// called there. One that has none yet waits in a bundle, if there is one as old.
func taps(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, q channel.TimelineQuery) ([]channel.Entry, error) {
	wanted := append([]string{}, q.Kinds...)
	if len(wanted) > 0 && !slices.Contains(wanted, string(lumo.FactClicked)) && !slices.Contains(wanted, string(lumo.FactOpened)) {
		return nil, nil
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT e.occurred_at, EXISTS (
           SELECT
             FROM identity_link i
             JOIN outbox_bundle b ON b.merchant_id = $1 AND b.klaviyo_account_id = i.klaviyo_account_id
            WHERE i.merchant_id = $1 AND i.friend_id = $2 AND i.state = 'linked' AND i.linked_at <= e.created_at
              AND b.created_at <= e.created_at),`+postgres.EdgeFactColumns+`
  FROM (SELECT e.*`+tapped+`
           AND ($3::timestamptz IS NULL OR (e.occurred_at, e.id) < ($3, $4))
           AND (cardinality($6::text[]) = 0
                OR CASE e.type WHEN 'click' THEN 'clicked' ELSE 'opened' END = ANY($6))
         ORDER BY e.occurred_at DESC, e.id DESC
         LIMIT $5) AS e`+postgres.EdgeFactJoins, m, f, orNull(q.At), q.Before, q.Limit+1, wanted)
	var names []string
	var waits []bool
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (e channel.Entry, err error) {
		var fact postgres.EdgeFact
		var waiting bool
		err = r.Scan(append([]any{&e.At, &waiting}, fact.Columns()...)...)
		e.ID, e.Kind, e.Source, e.Data = lumo.EventID(fact.Event), fact.Kind(), "edge", fact.Data()
		names, waits = append(names, fact.Name()), append(waits, waiting)
		return e, err
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	states, err := told(ctx, m, names)
	for i := range found {
		state := states[names[i]]
		if state.state == "" && waits[i] {
			state.state = "waiting"
		}
		found[i].Recorded, found[i].Problem = recorded(found[i].Kind, state.state), state.problem
	}
	return found, err
}

// toldState is how far a row of the outbox got.
type toldState struct{ state, problem string }

// told finds rows of the outbox by their unique ids, at whichever account.
func told(ctx context.Context, m lumo.MerchantID, names []string) (map[string]toldState, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT o.unique_id, o.state, coalesce(o.problem, '')
  FROM klaviyo_account a
 CROSS JOIN unnest($2::text[]) AS n (name)
 CROSS JOIN LATERAL (
       SELECT unique_id, state, problem
         FROM outbox
        WHERE merchant_id = $1 AND klaviyo_account_id = a.id AND unique_id = n.name
        LIMIT 1) AS o
 WHERE a.merchant_id = $1`, m, names)
	out := map[string]toldState{}
	var name string
	var s toldState
	_, err := pgx.ForEachRow(rows, []any{&name, &s.state, &s.problem}, func() error {
		out[name] = s
		return nil
	})
	return out, err
}

// recorded says whether Klaviyo has an entry, from the outbox row it made.
func recorded(kind lumo.FactKind, outbox string) string {
	switch {
	case !channel.Exported(kind):
		return ""
	case outbox == "sent":
		return channel.RecordedYes
	case outbox == "waiting":
		return channel.RecordedWaiting
	case outbox == "kept", outbox == "dismissed":
		return channel.RecordedNo
	}
	return channel.RecordedNotLinked
}

// Months counts a friend's timeline by month.
func (s *Store) Months(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, zone string) (
	[]channel.Month, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT to_char(month, 'YYYY-MM'), count(*), (month + interval '1 month') AT TIME ZONE $3
  FROM (SELECT date_trunc('month', occurred_at AT TIME ZONE $3) AS month
          FROM (SELECT occurred_at
                  FROM friend_event
                 WHERE merchant_id = $1 AND friend_id = $2
                 UNION ALL
                SELECT e.occurred_at`+tapped+`) AS e) AS e
 GROUP BY month
 ORDER BY month DESC`, m, f, zone)
	months, err := pgx.CollectRows(rows, pgx.RowToStructByPos[channel.Month])
	return months, postgres.Fault("postgres.Months", err)
}
