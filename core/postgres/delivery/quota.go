package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

// Look keeps a lease from being claimed until the transaction ends, and reads what a sender
// must know before a batch: stops, rules, the month. Its lock lets the lease be renewed: whoever
// claims asks for more. All of it goes to the database in one message.
func (s *Store) Look(ctx context.Context, l delivery.Lease) (at delivery.Situation, err error) {
	const op = "postgres.delivery.Look"
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT 1
		FROM work
		WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'send' AND owner = $3 AND fence = $4
		FOR KEY SHARE`, l.Merchant, l.Channel, l.Owner, l.Fence).QueryRow(func(row pgx.Row) error {
		var one int
		err := row.Scan(&one)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.New(fault.Stale, op, "the lease belongs to another owner")
		}
		return err
	})
	return s.situation(ctx, batch, l.Merchant, l.Channel)
}

// situation sends a batch and reads with it what a sender must know.
func (s *Store) situation(ctx context.Context, batch *pgx.Batch, m lumo.MerchantID, c lumo.ChannelID) (
	at delivery.Situation, err error) {
	queueSending(batch, m, c, &at.Stop, &at.Rules)
	var renew bool
	batch.Queue(`
		SELECT o.time_zone, c.quota_limit, c.quota_used, c.quota_read_at, q.read_at,
			coalesce(q.base, 0), coalesce(q.since, 0), coalesce(q.held, 0), q.blocked_at,
			CASE WHEN c.quota_limit IS NULL THEN 0 ELSE coalesce((
				SELECT sum(d.n)
				FROM sent_day AS d
				WHERE d.merchant_id = $1 AND d.channel_id = $2 AND d.route = 'flow'
					AND d.day >= date_trunc('month', now() AT TIME ZONE o.time_zone)::date), 0) END,
			h.stopped_at, h.resumed_at
		FROM channel AS c
		JOIN merchant AS o ON o.merchant_id = c.merchant_id
		LEFT JOIN quota AS q ON q.merchant_id = c.merchant_id AND q.channel_id = c.id
		LEFT JOIN system_hold AS h ON h.one
		WHERE c.merchant_id = $1 AND c.id = $2`, m, c).QueryRow(func(row pgx.Row) (err error) {
		renew, err = s.scanMonth(row, &at)
		return err
	})
	err = postgres.Fault("postgres.delivery.situation", postgres.Tx(ctx).SendBatch(ctx, batch).Close())
	if err != nil || !renew {
		return at, err
	}
	return at, s.rebase(ctx, m, c, &at.Quota)
}

// scanMonth reads the month. renew says that LINE's figure is newer than our own count's.
func (s *Store) scanMonth(row pgx.Row, at *delivery.Situation) (renew bool, err error) {
	var limit *int64
	var zone string
	var asked, taken, blocked, held, resumed *time.Time
	q := &at.Quota
	err = row.Scan(&zone, &limit, &q.LINE, &asked, &taken, &q.Base, &q.Since, &q.Held, &blocked, &q.Flows, &held, &resumed)
	if err != nil {
		return false, err
	}
	at.Zone = s.zones.of(zone)
	at.Hold.At, at.Hold.ResumedAt = read(held), read(resumed)
	q.ReadAt, q.BlockedAt = read(asked), read(blocked)
	q.Limit, q.Unlimited = read(limit), limit == nil // also while LINE was never asked
	if q.Unlimited {                                 // nothing is counted at sending, and what was while there was a limit is old
		q.Base, q.Since, q.Held = q.LINE, 0, 0
	}
	return !q.Unlimited && (taken == nil || asked != nil && !taken.Equal(*asked)), nil
}

// rebase takes LINE's new figure. LINE counts with some delay: what was accepted shortly before
// is trusted to our own count, so that no limit is overrun; after ten quiet minutes, and in a
// new month, LINE's figure stands alone.
func (s *Store) rebase(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, q *delivery.Quota) error {
	err := postgres.Tx(ctx).QueryRow(ctx, `
		INSERT INTO quota AS q (merchant_id, channel_id, month, base, read_at)
		VALUES ($1, $2, date_trunc('month', now() AT TIME ZONE 'Asia/Tokyo')::date, $3, $4)
		ON CONFLICT (merchant_id, channel_id) DO UPDATE
		SET month = EXCLUDED.month, since = 0, read_at = EXCLUDED.read_at,
			base = CASE
				WHEN q.month <> EXCLUDED.month OR q.last_accepted_at IS NULL
					OR q.last_accepted_at < EXCLUDED.read_at - interval '10 minutes' THEN EXCLUDED.base
				ELSE greatest(EXCLUDED.base, q.base + q.since) END
		RETURNING q.base, q.since, q.held`, m, c, q.LINE, q.ReadAt).Scan(&q.Base, &q.Since, &q.Held)
	return postgres.Fault("postgres.delivery.rebase", err)
}

// Month reads the month so far.
func (s *Store) Month(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, _ time.Time) (
	delivery.Situation, []delivery.RouteDay, error) {
	const op = "postgres.delivery.Month"
	at, err := s.situation(ctx, &pgx.Batch{}, m, c)
	if err == nil && at.Quota.Unlimited {
		at.Quota.Since, err = s.acceptedSince(ctx, m, c, at.Quota.ReadAt)
	}
	if err != nil {
		return at, nil, err
	}
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT d.day::timestamp AT TIME ZONE 'UTC', d.route, d.n
		FROM sent_day AS d
		JOIN merchant AS o ON o.merchant_id = d.merchant_id
		WHERE d.merchant_id = $1 AND d.channel_id = $2
			AND d.day >= date_trunc('month', now() AT TIME ZONE o.time_zone)::date
		ORDER BY d.day, d.route`, m, c)
	if err != nil {
		return at, nil, postgres.Fault(op, err)
	}
	days, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d delivery.RouteDay, err error) {
		return d, r.Scan(&d.Day, &d.Route, &d.N)
	})
	return at, days, postgres.Fault(op, err)
}

// acceptedSince counts what LINE accepted this month after a time.
func (s *Store) acceptedSince(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, since time.Time) (n int64, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT count(*)
		FROM delivery
		WHERE merchant_id = $1 AND channel_id = $2 AND accepted_at > $3
			AND accepted_at >= date_trunc('month', now() AT TIME ZONE 'Asia/Tokyo') AT TIME ZONE 'Asia/Tokyo'`, m, c, since).Scan(&n)
	return n, postgres.Fault("postgres.delivery.acceptedSince", err)
}

// WaitingForLimit counts what waits for messages of the month. Broadcasts stay planned at the
// limit: they are not touched one by one.
func (s *Store) WaitingForLimit(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, broadcasts bool) (
	w delivery.LimitWaiting, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE rank = 0), count(*) FILTER (WHERE rank = 1)
		FROM delivery
		WHERE merchant_id = $1 AND channel_id = $2 AND due_at IS NOT NULL AND hold IS NULL
			AND (state = 'quota_blocked' OR $3 AND rank = 1 AND state IN ('planned', 'deferred'))`, m, c, broadcasts).
		Scan(&w.Flow, &w.Broadcast)
	return w, postgres.Fault("postgres.delivery.WaitingForLimit", err)
}

// NoteLimit notes since when something waits for messages of the month.
func (s *Store) NoteLimit(ctx context.Context, l delivery.Lease, everything bool) (bool, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE quota
		SET blocked_at = now()
		WHERE merchant_id = $1 AND channel_id = $2 AND blocked_at IS NULL
			AND EXISTS (
				SELECT
				FROM delivery
				WHERE merchant_id = $1 AND channel_id = $2 AND (rank = 1 OR $3) AND due_at IS NOT NULL
					AND state IN ('planned', 'deferred', 'quota_blocked'))`, l.Merchant, l.Channel, everything)
	return tag.RowsAffected() == 1, postgres.Fault("postgres.delivery.NoteLimit", err)
}

// ForgetLimit notes that there are messages again.
func (s *Store) ForgetLimit(ctx context.Context, l delivery.Lease) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE quota
		SET blocked_at = NULL
		WHERE merchant_id = $1 AND channel_id = $2`, l.Merchant, l.Channel)
	return postgres.Fault("postgres.delivery.ForgetLimit", err)
}

// HurryLimit makes what waits for messages of the month due now.
func (s *Store) HurryLimit(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE delivery
		SET due_at = $3
		WHERE merchant_id = $1 AND channel_id = $2 AND due_at > $3 AND state = 'quota_blocked'`, m, c, now)
	return postgres.Fault("postgres.delivery.HurryLimit", err)
}
