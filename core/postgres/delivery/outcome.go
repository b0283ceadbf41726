package delivery

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

// Freeze commits deliveries to their bytes. The time of the first try is the database's: it
// decides for how long the key is trusted, on whatever machine.
func (s *Store) Freeze(ctx context.Context, l delivery.Lease, all []delivery.Delivery) error {
	const op = "postgres.delivery.Freeze"
	if len(all) == 0 {
		return nil
	}
	c, err := s.freezing(ctx, all)
	if err != nil {
		return fault.Wrap(op, err)
	}
	left, err := s.bundlesOf(ctx, l.Merchant, c.retried)
	if err != nil {
		return fault.Wrap(op, err)
	}
	batch, frozen := &pgx.Batch{}, int64(0)
	var bundle *uuid.UUID
	if all[0].Broadcast() {
		if bundle, err = s.queueBundle(ctx, batch, l.Merchant, all); err != nil {
			return fault.Wrap(op, err)
		}
	}
	queueFresh(batch)
	batch.Queue(`
		UPDATE delivery AS d
		SET state = 'sending', hold = NULL, retry_key = t.key, body_enc = t.body, bundle_id = $7, place = t.place,
			links = t.links, fence = $6, tries = d.tries + 1, first_try_at = coalesce(d.first_try_at, now()),
			last_try_at = now(), updated_at = now()
		FROM unnest((SELECT $2::uuid[]), (SELECT $3::uuid[]), (SELECT $4::bytea[]), (SELECT $5::smallint[]))
			WITH ORDINALITY AS t (id, key, body, links, place)
		WHERE d.merchant_id = $1 AND d.id = t.id AND d.fence <= $6`,
		l.Merchant, c.ids, c.keys, c.bodies, c.links, l.Fence, bundle).Exec(func(tag pgconn.CommandTag) error {
		frozen = tag.RowsAffected()
		return nil
	})
	queueUsual(batch)
	queueLeave(batch, l.Merchant, left)
	queueHold(batch, l, len(all)-len(c.retried), 0, 0)
	if err := postgres.Tx(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return postgres.Fault(op, err)
	}
	if int(frozen) != len(all) {
		return fault.New(fault.Stale, op, "a delivery belongs to a newer owner")
	}
	return nil
}

// freezing is deliveries turned sideways for one statement. Broadcasts have their bytes in a
// bundle, everything else in its own row, where it stays readable once it was accepted.
type freezing struct {
	ids     []lumo.DeliveryID
	keys    []uuid.UUID
	bodies  [][]byte
	links   []int16
	retried []lumo.DeliveryID
}

func (s *Store) freezing(ctx context.Context, all []delivery.Delivery) (c freezing, err error) {
	n := len(all)
	c = freezing{ids: make([]lumo.DeliveryID, n), keys: make([]uuid.UUID, n), bodies: make([][]byte, n), links: make([]int16, n)}
	for i, d := range all {
		if len(d.Body) == 0 {
			return c, fault.As(fault.Internal, "postgres.delivery.freezing", errBundle)
		}
		c.ids[i], c.keys[i], c.links[i] = d.ID, d.Key, int16(token.CountLinks(d.Body))
		if d.State == delivery.Unknown {
			c.retried = append(c.retried, d.ID)
		}
		if d.Broadcast() {
			continue
		}
		if c.bodies[i], err = s.pack(ctx, d.Merchant, "delivery", id.ID(d.ID), d.Body); err != nil {
			return c, err
		}
	}
	return c, nil
}

// outcomes are turned sideways for one statement.
type outcomes struct {
	ids                                     []lumo.DeliveryID
	states, reasons, data, requestID, holds []string
	dueAt                                   []*time.Time
	longer                                  []float64 // seconds
	ended                                   []bool
	bodies                                  [][]byte // of what leaves its bundle and goes on
}

func (s *Store) columns(ctx context.Context, all []delivery.Outcome) (c outcomes, err error) {
	for _, o := range all {
		data, err := json.Marshal(o.Data)
		if err != nil || o.Data == nil {
			data = []byte("{}")
		}
		c.ids = append(c.ids, o.Delivery.ID)
		c.states, c.reasons = append(c.states, string(o.State)), append(c.reasons, o.Reason)
		c.data, c.requestID = append(c.data, string(data)), append(c.requestID, o.RequestID)
		c.dueAt, c.ended = append(c.dueAt, moment(o.NextAt)), append(c.ended, !o.State.Waiting())
		c.holds, c.longer = append(c.holds, o.Hold), append(c.longer, o.Longer.Seconds())
		var body []byte
		if d := o.Delivery; d.Broadcast() && len(d.Body) > 0 && (o.State.Waiting() || o.State == delivery.UnknownExpired) {
			if body, err = s.pack(ctx, d.Merchant, "delivery", id.ID(d.ID), d.Body); err != nil {
				return c, err
			}
		}
		c.bodies = append(c.bodies, body)
	}
	return c, nil
}

// Settle records outcomes. Acceptance is a fact and needs no lease; every other change is
// refused to an owner who was replaced. What has ended stays as it ended. A key under which
// LINE took nothing counts as never tried. What LINE never confirmed keeps its bytes: a person
// may have them sent again.
func (s *Store) Settle(ctx context.Context, l delivery.Lease, all []delivery.Outcome) ([]delivery.Outcome, error) {
	const op = "postgres.delivery.Settle"
	c, err := s.columns(ctx, all)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	held, left := map[lumo.DeliveryID]bool{}, bundles{}
	batch := &pgx.Batch{}
	queueFresh(batch)
	batch.Queue(`
		WITH t AS (
			SELECT u.*, d.state IN ('sending', 'unknown') AS held, d.bundle_id AS bundle
			FROM unnest((SELECT $2::uuid[]), (SELECT $3::text[]), (SELECT $4::text[]), (SELECT $5::text[]), (SELECT $6::timestamptz[]),
				(SELECT $7::text[]), (SELECT $8::bool[]), (SELECT $10::text[]), (SELECT $11::float8[]), (SELECT $12::bytea[]))
				AS u (id, state, reason, data, due_at, request_id, ended, hold, longer, body)
			JOIN delivery AS d ON d.id = u.id
			WHERE d.merchant_id = $1
			ORDER BY d.id
			FOR NO KEY UPDATE OF d
		)
		UPDATE delivery AS d
		SET state = t.state, reason = NULLIF(t.reason, ''), reason_data = t.data::jsonb, hold = NULLIF(t.hold, ''),
			due_at = CASE WHEN NOT t.ended THEN coalesce(t.due_at, d.due_at) END,
			too_late_at = d.too_late_at + make_interval(secs => t.longer),
			unsure = t.state IN ('unknown', 'unknown_expired'),
			line_request_id = coalesce(NULLIF(t.request_id, ''), d.line_request_id),
			first_try_at = CASE WHEN t.state IN ('planned', 'deferred', 'quota_blocked') THEN NULL ELSE d.first_try_at END,
			accepted_at = CASE WHEN t.state = 'accepted' THEN now() ELSE d.accepted_at END,
			summary_enc = CASE WHEN t.state = 'accepted' AND d.rank = 0 THEN d.body_enc ELSE d.summary_enc END,
			body_enc = CASE WHEN NOT t.ended OR t.state = 'unknown_expired' THEN coalesce(t.body, d.body_enc) END,
			bundle_id = NULL,
			input_enc = CASE WHEN t.ended THEN NULL ELSE d.input_enc END, updated_at = now()
		FROM t
		WHERE d.merchant_id = $1 AND d.id = t.id AND d.state NOT IN ('accepted', 'skipped', 'rejected')
			AND (t.state = 'accepted' OR d.fence <= $9 AND d.state <> 'unknown_expired')
		RETURNING d.id, t.held, t.bundle`,
		l.Merchant, c.ids, c.states, c.reasons, c.data, c.dueAt, c.requestID, c.ended, l.Fence, c.holds, c.longer,
		c.bodies).Query(func(rows pgx.Rows) error {
		var v lumo.DeliveryID
		var was bool
		var bundle *uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{&v, &was, &bundle}, func() error {
			held[v] = was
			left.add(bundle)
			bundle = nil
			return nil
		})
		return err
	})
	queueUsual(batch)
	err = postgres.Tx(ctx).SendBatch(ctx, batch).Close()
	if err == nil {
		err = s.leaveBundles(ctx, l.Merchant, left)
	}
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	var changed []delivery.Outcome
	for _, o := range all {
		if was, ok := held[o.Delivery.ID]; ok {
			o.Held = was
			changed = append(changed, o)
		}
	}
	return changed, nil
}

// Count moves the month's numbers on by what LINE accepted and by what is no longer on its way.
func (s *Store) Count(ctx context.Context, l delivery.Lease, changed []delivery.Outcome) error {
	free, used := 0, 0
	routes := map[string]int{}
	for _, o := range changed {
		switch o.State {
		case delivery.Accepted:
			used++
			routes[o.Delivery.Kind]++
		case delivery.UnknownExpired:
			used++ // it may have arrived
		case delivery.Unknown, delivery.Sending:
			continue
		}
		if o.Held {
			free++
		}
	}
	batch := &pgx.Batch{}
	for route, n := range routes {
		batch.Queue(`
			INSERT INTO sent_day AS s (merchant_id, channel_id, day, route, n)
			SELECT $1, $2, (now() AT TIME ZONE time_zone)::date, $3, $4
			FROM merchant
			WHERE merchant_id = $1
			ON CONFLICT (merchant_id, channel_id, day, route) DO UPDATE SET n = s.n + EXCLUDED.n`,
			l.Merchant, l.Channel, route, n)
	}
	if queueHold(batch, l, -free, used, len(routes)); batch.Len() == 0 {
		return nil
	}
	return postgres.Fault("postgres.delivery.Count", postgres.Tx(ctx).SendBatch(ctx, batch).Close())
}

// queueHold moves the numbers of messages on their way and of those accepted since LINE's
// figure. It is a transaction's last statement, so that the row is locked for the commit alone;
// an account without a limit has no row.
func queueHold(batch *pgx.Batch, l delivery.Lease, held, accepted, routes int) {
	if held == 0 && accepted == 0 {
		return
	}
	batch.Queue(`
		UPDATE quota
		SET held = greatest(held + $3, 0), since = since + $4,
			last_accepted_at = CASE WHEN $5 > 0 THEN now() ELSE last_accepted_at END
		WHERE merchant_id = $1 AND channel_id = $2`, l.Merchant, l.Channel, held, accepted, routes)
}

// Fail notes that our own fault ended a try.
func (s *Store) Fail(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID, next time.Time, tries int) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE delivery
		SET failures = failures + 1, updated_at = now(),
			hold = CASE WHEN failures + 1 >= $4 THEN 'kept' ELSE hold END,
			due_at = CASE WHEN failures + 1 < $4 THEN $3::timestamptz END
		WHERE merchant_id = $1 AND id = $2 AND state IN ('planned', 'deferred', 'quota_blocked')`, m, d, next, tries)
	return postgres.Fault("postgres.delivery.Fail", err)
}
