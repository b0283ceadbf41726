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
	"lumo/shared/event"
	"lumo/shared/id"
)

// clockSlack allows for the clocks of an edge and the core not being the same.
const clockSlack = time.Hour

// Deliveries finds what tracked links and beacons were sent with. Each number is looked up by
// itself: a plan made for a table that was small once would read all of it.
func (Store) Deliveries(ctx context.Context, m lumo.MerchantID, numbers []uint64) (
	map[uint64]tracking.Delivery, error) {
	out := map[uint64]tracking.Delivery{}
	if len(numbers) == 0 {
		return out, nil
	}
	plain := make([]int64, len(numbers))
	for i, n := range numbers {
		plain[i] = int64(n)
	}
	slices.Sort(plain)
	plain = slices.Compact(plain)
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT d.id, n.number, d.channel_id, f.id, l.klaviyo_account_id, c.opens_measured
  FROM unnest($2::bigint[]) AS n (number)
 CROSS JOIN LATERAL (
       SELECT id, channel_id, friend_id
         FROM delivery
        WHERE merchant_id = $1 AND number = n.number
        LIMIT 1) AS d
  JOIN channel c ON c.merchant_id = $1 AND c.id = d.channel_id
  LEFT JOIN LATERAL (
       SELECT id FROM friend WHERE merchant_id = $1 AND id = d.friend_id LIMIT 1) AS f ON true
  LEFT JOIN LATERAL (
       SELECT klaviyo_account_id
         FROM identity_link
        WHERE merchant_id = $1 AND friend_id = d.friend_id AND state = 'linked'
        LIMIT 1) AS l ON true`, m, plain)
	var d tracking.Delivery
	var number int64
	var friend *lumo.FriendID
	var account *lumo.AccountID
	_, err := pgx.ForEachRow(rows, []any{&d.ID, &number, &d.Channel, &friend, &account, &d.OpensMeasured}, func() error {
		d.Friend, d.Account = value(friend), value(account)
		out[uint64(number)] = d
		return nil
	})
	return out, postgres.Fault("postgres.Deliveries", err)
}

// Counted are the clicks and opens of these deliveries that counted. Nothing happens to a
// delivery before there is one, so older months are not looked at.
func (Store) Counted(ctx context.Context, m lumo.MerchantID, deliveries []lumo.DeliveryID) (
	[]tracking.Counted, error) {
	if len(deliveries) == 0 {
		return nil, nil
	}
	plain := ids(deliveries)
	slices.SortFunc(plain, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	plain = slices.Compact(plain)
	oldest := id.ID(plain[0]).Time().Add(-clockSlack)
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT e.delivery_id, e.type, e.link, e.occurred_at
  FROM unnest($2::uuid[]) AS d (id)
 CROSS JOIN LATERAL (
       SELECT delivery_id, type, link, occurred_at
         FROM edge_event
        WHERE merchant_id = $1 AND delivery_id = d.id AND counted AND id >= lumo_ulid_floor($3::timestamptz)
       OFFSET 0) AS e`, m, plain, oldest)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (tracking.Counted, error) {
		var c tracking.Counted
		var kind string
		var link int64
		err := r.Scan(&c.Delivery, &kind, &link, &c.At)
		c.Type, c.Link = typeOf(kind), uint32(link)
		return c, err
	})
	return list, postgres.Fault("postgres.Counted", err)
}

// AddEvents writes events in one statement: COPY is refused on tables with row-level
// security. Whoever calls holds the counting lock and has looked which are known.
func (Store) AddEvents(ctx context.Context, m lumo.MerchantID, events []tracking.Event, now time.Time) error {
	c := columnsOf(events)
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO edge_event (merchant_id, created_at, id, channel_id, type, class, subject, shared, link, counted,
                        first, inferred, delivery_id, edge_id, reason, occurred_at)
SELECT $1, $2, unnest($3::uuid[]), unnest($4::uuid[]), unnest($5::text[]), unnest($6::text[]), unnest($7::bigint[]),
       unnest($8::boolean[]), unnest($9::bigint[]), unnest($10::boolean[]), unnest($11::boolean[]),
       unnest($12::boolean[]), unnest($13::uuid[]), unnest($14::uuid[]), unnest($15::int[]),
       unnest($16::timestamptz[])`, m, now, c.id, c.channel, c.kind, c.class, c.subject, c.shared,
		c.link, c.counted, c.first, c.inferred, c.delivery, c.edge, c.reason, c.at)
	return postgres.Fault("postgres.AddEvents", err)
}

// columns are events turned sideways.
type columns struct {
	id, channel            [][16]byte
	kind, class            []string
	subject, link          []int64
	shared, counted, first []bool
	inferred               []bool
	delivery, edge         []*[16]byte
	reason                 []int32
	at                     []time.Time
}

func columnsOf(events []tracking.Event) (c columns) {
	for _, e := range events {
		c.id, c.channel = append(c.id, e.ID), append(c.channel, e.Channel)
		c.kind, c.class = append(c.kind, typeName(e.Event.Type)), append(c.class, className(e.Event.Class))
		c.subject, c.link = append(c.subject, int64(e.Subject())), append(c.link, int64(e.Event.Link))
		c.shared, c.counted = append(c.shared, e.Shared()), append(c.counted, e.Counted)
		c.first, c.inferred = append(c.first, e.First), append(c.inferred, e.Inferred)
		c.delivery, c.edge = append(c.delivery, orNull(e.Delivery.ID)), append(c.edge, orNull(e.Edge))
		c.reason, c.at = append(c.reason, int32(e.Event.Reason)), append(c.at, e.At)
	}
	return c
}

func typeName(t event.Type) string {
	switch t {
	case event.Click:
		return "click"
	case event.Open:
		return "open"
	case event.Scan:
		return "scan"
	case event.Form:
		return "form"
	}
	return "refused_hook"
}

func typeOf(name string) event.Type {
	for _, t := range []event.Type{event.Click, event.Open, event.Scan, event.Form} {
		if typeName(t) == name {
			return t
		}
	}
	return event.RefusedHook
}

func className(c event.Class) string {
	switch c {
	case event.Person:
		return "person"
	case event.Head:
		return "head"
	case event.Prefetch:
		return "prefetch"
	}
	return "crawler"
}
