package tracking

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/tracking"
	"lumo/shared/event"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// MessageNames are the names of saved messages.
func (Store) MessageNames(ctx context.Context, m lumo.MerchantID, messages []id.ID) (
	map[id.ID]string, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id, name
  FROM message
 WHERE merchant_id = $1 AND id = ANY($2::uuid[])`, m, ids(messages))
	return texts("postgres.MessageNames", rows)
}

// Flows are Klaviyo's ids of the flows whose calls deliveries answer.
func (Store) Flows(ctx context.Context, m lumo.MerchantID, deliveries []id.ID) (
	map[id.ID]string, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT d.id, r.flow_id
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
       SELECT id, logical_kind, logical_id
         FROM delivery
        WHERE merchant_id = $1 AND id = n.id
        LIMIT 1) AS d
 CROSS JOIN LATERAL (
       SELECT flow_id
         FROM flow_request
        WHERE merchant_id = $1 AND (id = d.logical_id OR again_id = d.logical_id)
        LIMIT 1) AS r
 WHERE d.logical_kind = 'flow'`, m, ids(deliveries))
	return texts("postgres.Flows", rows)
}

// texts reads rows of an id and a text.
func texts(op string, rows pgx.Rows) (map[id.ID]string, error) {
	out := map[id.ID]string{}
	var v id.ID
	var text string
	_, err := pgx.ForEachRow(rows, []any{&v, &text}, func() error {
		out[v] = text
		return nil
	})
	return out, postgres.Fault(op, err)
}

// AddFacts writes timeline rows, and when friends were last sent something.
func (s Store) AddFacts(ctx context.Context, m lumo.MerchantID, rows []tracking.Row, now time.Time) (
	[]bool, error) {
	const op = "postgres.AddFacts"
	c, err := factColumnsOf(rows)
	if err != nil {
		return nil, fault.As(fault.Invalid, op, err)
	}
	result, _ := postgres.Tx(ctx).Query(ctx, `
INSERT INTO friend_event (merchant_id, created_at, id, friend_id, channel_id, kind, source, occurred_at, data, ref,
                          outbox_id)
SELECT $1, $2, f.id, f.friend, f.channel, f.kind, f.source, f.at, f.data::jsonb, f.ref, f.outbox
  FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::timestamptz[], $9::text[],
              $10::text[], $11::uuid[]) AS f (id, friend, channel, kind, source, at, data, ref, outbox)
    ON CONFLICT (merchant_id, id) DO NOTHING
RETURNING id`, m, now, c.id, c.friend, c.channel, c.kind, c.source, c.at, c.data, c.ref, c.outbox)
	added, err := pgx.CollectRows(result, pgx.RowTo[id.ID])
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	isNew := make(map[id.ID]bool, len(added))
	for _, v := range added {
		isNew[v] = true
	}
	fresh := make([]bool, len(rows))
	for i, r := range rows {
		fresh[i] = isNew[r.ID]
		delete(isNew, r.ID) // the same row twice is new once
	}
	return fresh, s.last(ctx, m, rows)
}

// factColumns are facts turned sideways.
type factColumns struct {
	id, channel             [][16]byte
	friend                  []*[16]byte // nil = nobody was found
	kind, source, data, ref []string
	at                      []time.Time
	outbox                  []*[16]byte
}

func factColumnsOf(rows []tracking.Row) (c factColumns, err error) {
	for _, r := range rows {
		data, err := json.Marshal(orEmpty(r.Fact.Data))
		if err != nil {
			return c, err
		}
		c.id, c.friend = append(c.id, r.ID), append(c.friend, orNull(r.Fact.Friend))
		c.channel, c.kind = append(c.channel, r.Fact.Channel), append(c.kind, string(r.Fact.Kind))
		c.source, c.at = append(c.source, r.Fact.Source), append(c.at, r.Fact.OccurredAt)
		c.data, c.ref = append(c.data, string(data)), append(c.ref, r.Fact.Ref)
		c.outbox = append(c.outbox, orNull(r.Outbox))
	}
	return c, nil
}

// last notes when friends were last sent something.
func (Store) last(ctx context.Context, m lumo.MerchantID, rows []tracking.Row) error {
	newest := map[[16]byte]time.Time{}
	for _, r := range rows {
		if r.Fact.Kind == lumo.FactSent {
			later(newest, r.Fact.Friend, r.Fact.OccurredAt)
		}
	}
	return active(ctx, m, "last_sent_at", newest)
}

// Clicked notes when friends clicked last.
func (Store) Clicked(ctx context.Context, m lumo.MerchantID, events []tracking.Event) error {
	newest := map[[16]byte]time.Time{}
	for _, e := range events {
		if e.Event.Type == event.Click {
			later(newest, e.Delivery.Friend, e.At)
		}
	}
	return active(ctx, m, "last_clicked_at", newest)
}

func later(newest map[[16]byte]time.Time, f lumo.FriendID, at time.Time) {
	if !at.Before(newest[f]) {
		newest[f] = at
	}
}

// active writes a column of friends in order of their ids, so that two transactions do not wait
// for each other in a circle.
func active(ctx context.Context, m lumo.MerchantID, column string, newest map[[16]byte]time.Time) error {
	if len(newest) == 0 {
		return nil
	}
	friends := slices.SortedFunc(maps.Keys(newest), func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	times := make([]time.Time, len(friends))
	for i, f := range friends {
		times[i] = newest[f]
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO friend_activity AS a (merchant_id, friend_id, `+column+`)
SELECT $1, unnest($2::uuid[]), unnest($3::timestamptz[])
    ON CONFLICT (merchant_id, friend_id) DO UPDATE
   SET `+column+` = greatest(a.`+column+`, excluded.`+column+`)`, m, friends, times)
	return postgres.Fault("postgres.active", err)
}
