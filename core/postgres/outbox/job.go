package outbox

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/core/postgres"
	"lumo/shared/id"
)

// Backlog counts what is due and in no job, up to a number.
func (s *Store) Backlog(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, now time.Time, most int) (
	n int, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT count(*)
  FROM (SELECT 1
          FROM outbox
         WHERE merchant_id = $1 AND klaviyo_account_id = $2 AND state = 'waiting' AND due_at <= $3 AND job_place IS NULL
         LIMIT $4) AS due`, m, a, now, most).Scan(&n)
	return n, postgres.Fault("postgres.Backlog", err)
}

// OpenJob is the account's job, if there is one.
func (s *Store) OpenJob(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (j outbox.Job, open bool, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT id, vendor_id, due_at, created_at
  FROM outbox_job
 WHERE merchant_id = $1 AND klaviyo_account_id = $2`, m, a).Scan(&j.ID, &j.Vendor, &j.DueAt, &j.CreatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return j, false, nil
	}
	return j, err == nil, postgres.Fault("postgres.OpenJob", err)
}

// StartJob puts items into a new job, in their order.
func (s *Store) StartJob(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, j outbox.Job, items []outbox.Item) error {
	const op = "postgres.StartJob"
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO outbox_job (merchant_id, id, klaviyo_account_id, due_at, created_at)
VALUES ($1, $2, $3, $4, $5)`, m, j.ID, a, j.DueAt, j.CreatedAt)
	if err != nil {
		return postgres.Fault(op, err)
	}
	rows := make([]id.ID, len(items))
	for i, item := range items {
		rows[i] = item.ID
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
UPDATE outbox AS o
   SET job_place = t.place, job_revision = o.revision
  FROM unnest($2::uuid[]) WITH ORDINALITY AS t (id, place)
 WHERE o.merchant_id = $1 AND o.id = t.id`, m, rows)
	return postgres.Fault(op, err)
}

// JobItems are the items of the account's job as they are now, by place. What they say now is
// what the job says of them from here on.
func (s *Store) JobItems(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) ([]outbox.Item, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
UPDATE outbox AS o
   SET job_revision = o.revision
 WHERE o.merchant_id = $1 AND o.klaviyo_account_id = $2 AND o.job_place IS NOT NULL
RETURNING `+itemColumns+`, o.job_place`, m, a)
	items, err := s.readable(ctx, m, a, rows)
	slices.SortFunc(items, func(a, b outbox.Item) int { return a.Place - b.Place })
	return items, err
}

// SetJob notes what Klaviyo calls a job, and when to look at it again.
func (s *Store) SetJob(ctx context.Context, m lumo.MerchantID, j outbox.Job) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE outbox_job
   SET vendor_id = $3, due_at = $4
 WHERE merchant_id = $1 AND id = $2`, m, j.ID, j.Vendor, j.DueAt)
	return postgres.Fault("postgres.SetJob", err)
}

// EndJob closes a job. What it said of an item is sent, unless Klaviyo had something against it:
// that is tried once more, alone. An item that says something else by now is due as it is. A job
// that is closed already changes nothing.
func (s *Store) EndJob(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, j outbox.Job, e outbox.Ending,
	now time.Time) ([]outbox.Result, error) {
	const op = "postgres.EndJob"
	tag, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM outbox_job
 WHERE merchant_id = $1 AND id = $2`, m, j.ID)
	if err != nil || tag.RowsAffected() == 0 {
		return nil, postgres.Fault(op, err)
	}
	byPlace, byProfile := problems(e.Faults)
	rows, _ := postgres.Tx(ctx).Query(ctx, `
UPDATE outbox AS o
   SET job_place = NULL, job_revision = NULL,
       state = CASE WHEN c.said AND NOT c.failed THEN 'sent' ELSE o.state END,
       sent_at = CASE WHEN c.said AND NOT c.failed THEN $3::timestamptz END,
       payload_enc = CASE WHEN c.said AND NOT c.failed THEN ''::bytea ELSE o.payload_enc END,
       tries = o.tries + CASE WHEN c.said THEN 1 ELSE 0 END,
       problem = CASE WHEN c.said AND c.failed THEN nullif(c.problem, '') END,
       due_at = CASE WHEN c.said AND c.failed THEN $3 ELSE o.due_at END
  FROM (SELECT i.id, i.job_revision = i.revision AS said,
               $4 OR p.problem IS NOT NULL OR f.problem IS NOT NULL AS failed, coalesce(p.problem, f.problem) AS problem
          FROM outbox i
          LEFT JOIN jsonb_each_text($5::jsonb) AS p (place, problem) ON p.place = i.job_place::text
          LEFT JOIN jsonb_each_text($6::jsonb) AS f (profile, problem) ON f.profile = i.profile_id
         WHERE i.merchant_id = $1 AND i.klaviyo_account_id = $2 AND i.job_place IS NOT NULL) AS c
 WHERE o.merchant_id = $1 AND o.id = c.id
RETURNING o.id, o.channel_id, coalesce(o.friend_id, '00000000-0000-0000-0000-000000000000'), o.state`,
		m, a, now, e.Refused, byPlace, byProfile)
	results, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (v outbox.Result, err error) {
		err = r.Scan(&v.Item.ID, &v.Item.Channel, &v.Item.Friend, &v.State)
		return v, err
	})
	return results, postgres.Fault(op, err)
}

// problems are those of a job's faults: by place, and by profile where that is named.
func problems(faults []outbox.JobFault) (byPlace, byProfile map[string]string) {
	byPlace, byProfile = map[string]string{}, map[string]string{}
	for _, f := range faults {
		if f.Profile != "" {
			byProfile[string(f.Profile)] = f.Problem()
			continue
		}
		byPlace[strconv.Itoa(f.Place)] = f.Problem()
	}
	return byPlace, byProfile
}
