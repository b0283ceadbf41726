package linkage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

// AddForm stores a new form and its public key.
func (s *Store) AddForm(ctx context.Context, m lumo.MerchantID, f linkage.Form) error {
	const op = "postgres.AddForm"
	words, err := json.Marshal(f.Texts)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO form (merchant_id, id, channel_id, qr_code_id, public_key, name, klaviyo_form, shows, texts, origins,
                  state, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'live', $11, $11)`,
		m, f.ID, f.Channel, f.Code, f.Key, f.Name, f.KlaviyoForm, f.Shows, words, texts(f.Origins), f.CreatedAt)
	if err != nil {
		return postgres.Fault(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO hook_route (public_key, merchant_id, kind, target_id, created_at)
VALUES ($1, $2, 'form', $3, $4)`, f.Key, m, f.ID, f.CreatedAt)
	return postgres.Fault(op, err)
}

// SetForm stores what a person decides about a form.
func (s *Store) SetForm(ctx context.Context, m lumo.MerchantID, f linkage.Form, now time.Time) error {
	const op = "postgres.SetForm"
	words, err := json.Marshal(f.Texts)
	if err != nil {
		return fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE form
   SET name = $3, klaviyo_form = $4, shows = $5, texts = $6, origins = $7,
       state = CASE WHEN $8 THEN 'live' ELSE 'paused' END, updated_at = $9
 WHERE merchant_id = $1 AND id = $2`, m, f.ID, f.Name, f.KlaviyoForm, f.Shows, words, texts(f.Origins),
		f.Live, now)
	return one("This form does not exist.", op, tag.RowsAffected(), err)
}

const selectForm = `
SELECT f.id, f.channel_id, f.qr_code_id, f.public_key, f.name, f.klaviyo_form, f.shows, f.texts, f.origins,
       f.state = 'live', f.submitted, f.shown, q.scans, q.friends, q.links, f.last_submit_at, f.page_url,
       f.page_state, f.page_checked_at, f.page_found_at, f.created_at, q.tags, q.welcome
  FROM form f
  JOIN qr_code q ON q.merchant_id = f.merchant_id AND q.id = f.qr_code_id
 WHERE f.merchant_id = $1`

func scanForm(r pgx.Row) (f linkage.Form, err error) {
	var words []byte
	var submitted, checked, seen *time.Time
	err = r.Scan(&f.ID, &f.Channel, &f.Code, &f.Key, &f.Name, &f.KlaviyoForm, &f.Shows, &words, &f.Origins,
		&f.Live, &f.Submitted, &f.Shown, &f.Tapped, &f.Friends, &f.Linked, &submitted, &f.PageURL,
		&f.PageState, &checked, &seen, &f.CreatedAt, &f.Tags, &f.Welcome)
	if err != nil {
		return f, err
	}
	f.LastSubmitAt, f.PageCheckedAt, f.PageFoundAt = value(submitted), value(checked), value(seen)
	return f, json.Unmarshal(words, &f.Texts)
}

// Forms lists a channel's forms, newest first.
func (s *Store) Forms(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]linkage.Form, error) {
	return s.forms(ctx, "postgres.Forms", selectForm+`
   AND f.channel_id = $2
 ORDER BY f.id DESC`, m, c)
}

func (s *Store) forms(ctx context.Context, op, sql string, args ...any) ([]linkage.Form, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, sql, args...)
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (linkage.Form, error) { return scanForm(r) })
	return list, postgres.Fault(op, err)
}

// Form reads one form.
func (s *Store) Form(ctx context.Context, m lumo.MerchantID, f lumo.FormID) (linkage.Form, error) {
	form, err := scanForm(postgres.Tx(ctx).QueryRow(ctx, selectForm+`
   AND f.id = $2`, m, f))
	return form, found("This form does not exist.", "postgres.Form", err)
}

// SetPage stores what a look at a page showed.
func (s *Store) SetPage(ctx context.Context, m lumo.MerchantID, f lumo.FormID, page string,
	state linkage.PageState, now time.Time) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE form
   SET page_found_at = CASE WHEN $4 = 'found' THEN $5::timestamptz WHEN page_url = $3 THEN page_found_at END,
       page_url = $3, page_state = $4, page_checked_at = $5
 WHERE merchant_id = $1 AND id = $2`, m, f, page, string(state), now)
	return one("This form does not exist.", "postgres.SetPage", tag.RowsAffected(), err)
}

// PagesDue are forms whose page was not looked at since a time.
func (s *Store) PagesDue(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, before time.Time,
	limit int) ([]linkage.Form, error) {
	return s.forms(ctx, "postgres.PagesDue", selectForm+`
   AND f.channel_id = $2 AND f.page_url <> '' AND f.page_checked_at < $3 AND f.state = 'live'
 ORDER BY f.page_checked_at
 LIMIT $4`, m, c, before, limit)
}
