// Package tracking stores edges' events, timelines, counters and tracked links, and reads
// the numbers of Home.
//
// Every method runs in the transaction of its context. Nothing personal stands in these
// tables beside the friend's id.
package tracking

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/tracking"
	"lumo/shared/event"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Store implements the store of the tracking capability. It has no state.
type Store struct{}

// countingLock is the first half of the advisory lock's key; the second is the merchant's.
const countingLock = 0x6c756d01

// Lock lets one transaction at a time count this merchant's events.
func (Store) Lock(ctx context.Context, m lumo.MerchantID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, "SELECT pg_advisory_xact_lock($1, hashtext($2))",
		countingLock, m.String())
	return postgres.Fault("postgres.Lock", err)
}

// Known tells which of these events are stored already.
func (Store) Known(ctx context.Context, m lumo.MerchantID, list []id.ID) (map[id.ID]bool, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id
  FROM edge_event
 WHERE merchant_id = $1 AND id = ANY($2::uuid[])`, m, ids(list))
	found, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	known := make(map[id.ID]bool, len(list))
	for _, v := range found {
		known[v] = true
	}
	return known, postgres.Fault("postgres.Known", err)
}

// Deliveries finds what tracked links and beacons were sent with.
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
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT d.id, d.number, d.channel_id, d.friend_id, d.message_id, d.logical_kind, c.opens_measured
  FROM delivery d
  JOIN channel c ON c.merchant_id = d.merchant_id AND c.id = d.channel_id
 WHERE d.merchant_id = $1 AND d.number = ANY($2::bigint[])`, m, plain)
	var d tracking.Delivery
	var number int64
	var message *lumo.MessageID
	_, err := pgx.ForEachRow(rows, []any{&d.ID, &number, &d.Channel, &d.Friend, &message,
		&d.Source, &d.OpensMeasured}, func() error {
		d.Number, d.Message = uint64(number), value(message)
		out[d.Number] = d
		return nil
	})
	return out, postgres.Fault("postgres.Deliveries", err)
}

// Counted are the clicks and opens of these deliveries that counted.
func (Store) Counted(ctx context.Context, m lumo.MerchantID, deliveries []lumo.DeliveryID) (
	[]tracking.Counted, error) {
	if len(deliveries) == 0 {
		return nil, nil
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT delivery_id, type, link, occurred_at
  FROM edge_event
 WHERE merchant_id = $1 AND delivery_id = ANY($2::uuid[]) AND counted`, m, ids(deliveries))
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
SELECT $1, $2, *
  FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bigint[], $8::boolean[], $9::bigint[],
              $10::boolean[], $11::boolean[], $12::boolean[], $13::uuid[], $14::uuid[], $15::int[],
              $16::timestamptz[])`, m, now, c.id, c.channel, c.kind, c.class, c.subject, c.shared,
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

// MessageNames are the names of saved messages by their outside ids.
func (Store) MessageNames(ctx context.Context, m lumo.MerchantID, messages []lumo.MessageID) (
	map[string]string, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id, name
  FROM message
 WHERE merchant_id = $1 AND id = ANY($2::uuid[])`, m, ids(messages))
	out := map[string]string{}
	var v lumo.MessageID
	var name string
	_, err := pgx.ForEachRow(rows, []any{&v, &name}, func() error {
		out[v.String()] = name
		return nil
	})
	return out, postgres.Fault("postgres.MessageNames", err)
}

// AddFacts writes timeline rows, and when a friend was last sent something or clicked.
func (Store) AddFacts(ctx context.Context, m lumo.MerchantID, rows []tracking.Row, now time.Time) (
	[]bool, error) {
	const op = "postgres.AddFacts"
	batch := &pgx.Batch{}
	for _, r := range rows {
		data, err := json.Marshal(orEmpty(r.Fact.Data))
		if err != nil {
			return nil, fault.As(fault.Invalid, op, err)
		}
		batch.Queue(`
INSERT INTO friend_event (merchant_id, id, friend_id, channel_id, kind, source, occurred_at, data, ref,
                          outbox_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (merchant_id, id) DO NOTHING`, m, r.ID, r.Fact.Friend, r.Fact.Channel,
			string(r.Fact.Kind), r.Fact.Source, r.Fact.OccurredAt, data, r.Fact.Ref, orNull(r.Outbox), now)
		if column := lastOf(r.Fact.Kind); column != "" {
			batch.Queue(`
UPDATE friend
   SET `+column+` = greatest(`+column+`, $3)
 WHERE merchant_id = $1 AND id = $2`, m, r.Fact.Friend, r.Fact.OccurredAt)
		}
	}
	fresh := make([]bool, len(rows))
	results := postgres.Tx(ctx).SendBatch(ctx, batch)
	defer results.Close()
	for i, r := range rows {
		tag, err := results.Exec()
		if err != nil {
			return nil, postgres.Fault(op, err)
		}
		fresh[i] = tag.RowsAffected() == 1
		if lastOf(r.Fact.Kind) == "" {
			continue
		}
		if _, err := results.Exec(); err != nil {
			return nil, postgres.Fault(op, err)
		}
	}
	return fresh, postgres.Fault(op, results.Close())
}

// lastOf is the column that says when a friend last met a fact of a kind.
func lastOf(k lumo.FactKind) string {
	switch k {
	case lumo.FactSent:
		return "last_sent_at"
	case lumo.FactClicked:
		return "last_clicked_at"
	}
	return ""
}

// Count adds to the counters of the merchant's days. Each connection adds to rows of its
// own slot, so that transactions seldom wait for each other.
func (Store) Count(ctx context.Context, m lumo.MerchantID, ticks []tracking.Tick) error {
	if len(ticks) == 0 {
		return nil
	}
	channels, kinds, times := make([][16]byte, len(ticks)), make([]string, len(ticks)), make([]time.Time, len(ticks))
	for i, t := range ticks {
		channels[i], kinds[i], times[i] = t.Channel, string(t.Kind), t.At
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO counter (merchant_id, channel_id, day, kind, slot, n)
SELECT $1, t.channel, (t.at AT TIME ZONE s.time_zone)::date AS day, t.kind,
       pg_backend_pid() % 64, count(*)
  FROM unnest($2::uuid[], $3::text[], $4::timestamptz[]) AS t (channel, kind, at)
  JOIN merchant s ON s.merchant_id = $1
 GROUP BY t.channel, day, t.kind
 ORDER BY t.channel, day, t.kind
    ON CONFLICT (merchant_id, channel_id, day, kind, slot) DO UPDATE SET n = counter.n + excluded.n`,
		m, channels, kinds, times)
	return postgres.Fault("postgres.Count", err)
}

// Scanned adds to codes' counters and answers whose login state a scan already is.
func (Store) Scanned(ctx context.Context, m lumo.MerchantID, scans []tracking.Event) (
	[]tracking.Scan, error) {
	const op = "postgres.Scanned"
	if len(scans) == 0 {
		return nil, nil
	}
	batch := &pgx.Batch{}
	byID := make(map[id.ID]tracking.Event, len(scans))
	list := make([]id.ID, len(scans))
	for i, e := range scans {
		byID[e.ID], list[i] = e, e.ID
		batch.Queue(`
UPDATE qr_code
   SET scans = scans + 1, last_scan_at = greatest(last_scan_at, $4)
 WHERE merchant_id = $1 AND channel_id = $2 AND number = $3`, m, e.Channel, int64(e.Subject()), e.At)
	}
	if err := postgres.Tx(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return nil, postgres.Fault(op, err)
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
	return found, postgres.Fault(op, err)
}

func typeName(t event.Type) string {
	switch t {
	case event.Click:
		return "click"
	case event.Open:
		return "open"
	case event.Scan:
		return "scan"
	}
	return "refused_hook"
}

func typeOf(name string) event.Type {
	for _, t := range []event.Type{event.Click, event.Open, event.Scan} {
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
