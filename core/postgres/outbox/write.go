package outbox

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/core/postgres"
	"lumo/shared/id"
)

const itemColumns = `o.id, o.channel_id, coalesce(o.friend_id, '00000000-0000-0000-0000-000000000000'), o.kind,
       coalesce(o.metric, ''), o.unique_id, o.profile_id, o.payload_enc, o.occurred_at, o.tries, o.revision`

// conditions are what makes an item one of a part, and what of its customer's properties, named
// p, an event of that part waits for. They stand in the statement, so that its plan can use them.
func conditions(part outbox.Part) (item, waits string) {
	switch part {
	case outbox.Retries:
		return "o.tries > 0", "p.tries = 0"
	case outbox.FirstProfiles:
		return "o.tries = 0 AND o.kind = 'profile'", "true"
	case outbox.FirstEvents:
		return "o.tries = 0 AND o.kind = 'event'", "true"
	}
	return "true", "false"
}

// Due reads what may be written now. An event waits while the properties of its customer do, or
// are about to go another way. A payload that cannot be opened is kept at once, so that it holds
// up nothing.
func (s *Store) Due(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, part outbox.Part, now time.Time,
	limit int) ([]outbox.Item, error) {
	item, waits := conditions(part)
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT `+itemColumns+`, 0
  FROM outbox o
 WHERE o.merchant_id = $1 AND o.klaviyo_account_id = $2 AND o.state = 'waiting' AND o.due_at <= $3
   AND o.job_place IS NULL AND `+item+`
   AND NOT (o.kind = 'event' AND EXISTS (
           SELECT 1
             FROM outbox p
            WHERE p.merchant_id = $1 AND p.klaviyo_account_id = $2 AND p.profile_id = o.profile_id
              AND p.kind = 'profile' AND p.state = 'waiting'
              AND (p.due_at > $3 OR p.job_place IS NOT NULL OR `+waits+`)))
 ORDER BY o.due_at, o.kind DESC, o.id
 LIMIT $4`, m, a, now, limit)
	return s.readable(ctx, m, a, rows)
}

// readable are the items of rows whose payload can be opened.
func (s *Store) readable(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, rows pgx.Rows) (
	[]outbox.Item, error) {
	var sealed [][]byte
	items, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (outbox.Item, error) {
		item := outbox.Item{NewItem: outbox.NewItem{Account: a}}
		var payload []byte
		err := r.Scan(&item.ID, &item.Channel, &item.Friend, &item.Kind, &item.Metric, &item.UniqueID,
			&item.Profile, &payload, &item.OccurredAt, &item.Tries, &item.Revision, &item.Place)
		sealed = append(sealed, payload)
		return item, err
	})
	if err != nil {
		return nil, postgres.Fault("postgres.readable", err)
	}
	readable := items[:0]
	for i, item := range items {
		if item.Payload, err = s.open(ctx, m, item.ID, sealed[i]); err != nil {
			if err := keep(ctx, m, item.ID); err != nil {
				return nil, err
			}
			continue
		}
		readable = append(readable, item)
	}
	return readable, nil
}

func keep(ctx context.Context, m lumo.MerchantID, row id.ID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE outbox
   SET state = 'kept', problem = 'unreadable', job_place = NULL
 WHERE merchant_id = $1 AND id = $2`, m, row)
	return postgres.Fault("postgres.keep", err)
}

// Finish stores how tries ended. What was sent counts only for the revision that was sent;
// a sent payload is dropped.
func (s *Store) Finish(ctx context.Context, m lumo.MerchantID, results []outbox.Result, now time.Time) error {
	n := len(results)
	ids, revisions, states, problems := make([]id.ID, n), make([]int32, n), make([]string, n), make([]string, n)
	dues, tries := make([]time.Time, n), make([]int32, n)
	for i, r := range results {
		ids[i], revisions[i], states[i], problems[i] = r.Item.ID, int32(r.Item.Revision), string(r.State), r.Problem
		if dues[i] = r.DueAt; r.State != outbox.Waiting {
			dues[i] = now
		}
		if r.Counts {
			tries[i] = 1
		}
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE outbox AS o
   SET state = t.state, problem = nullif(t.problem, ''), due_at = t.due_at, tries = o.tries + t.tries,
       sent_at = CASE WHEN t.state = 'sent' THEN $8::timestamptz END,
       payload_enc = CASE WHEN t.state = 'sent' THEN ''::bytea ELSE o.payload_enc END
  FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::int[])
       AS t (id, revision, state, problem, due_at, tries)
 WHERE o.merchant_id = $1 AND o.id = t.id AND o.revision = t.revision`,
		m, ids, revisions, states, problems, dues, tries, now)
	return postgres.Fault("postgres.Finish", err)
}

// Claim takes accounts that nobody holds. Leases run on the database's clock, the one that
// all processes share.
func (s *Store) Claim(ctx context.Context, owner string, life time.Duration, limit int) (
	[]outbox.Lease, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
UPDATE work
   SET owner = $1, lease_until = clock_timestamp() + $2, fence = fence + 1
 WHERE (merchant_id, channel_id, kind) IN (
           SELECT merchant_id, channel_id, kind
             FROM work
            WHERE kind = 'outbox' AND (lease_until IS NULL OR lease_until < clock_timestamp())
            ORDER BY due_at
            LIMIT $3
              FOR UPDATE SKIP LOCKED)
RETURNING merchant_id, channel_id, fence`, owner, life, limit)
	leases, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (l outbox.Lease, err error) {
		err = r.Scan(&l.Merchant, &l.Account, &l.Fence)
		return l, err
	})
	return leases, postgres.Fault("postgres.Claim", err)
}

// Extend keeps a lease; false = it went to somebody else.
func (s *Store) Extend(ctx context.Context, l outbox.Lease, owner string, life time.Duration) (bool, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE work
   SET lease_until = clock_timestamp() + $5
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'outbox' AND owner = $3 AND fence = $4`,
		l.Merchant, l.Account, owner, l.Fence, life)
	return tag.RowsAffected() == 1, postgres.Fault("postgres.Extend", err)
}

// Release gives a lease back.
func (s *Store) Release(ctx context.Context, l outbox.Lease, owner string) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE work
   SET owner = NULL, lease_until = NULL
 WHERE merchant_id = $1 AND channel_id = $2 AND kind = 'outbox' AND owner = $3 AND fence = $4`,
		l.Merchant, l.Account, owner, l.Fence)
	return postgres.Fault("postgres.Release", err)
}
