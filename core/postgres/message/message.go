// Package message keeps saved messages, their versions, pictures and automatic replies in
// PostgreSQL.
//
// Every method runs in the transaction of its context. What a message says is kept as text,
// byte for byte.
package message

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Vault seals columns under the merchant's keys.
type Vault interface {
	Seal(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, plain []byte) ([]byte, error)
	Open(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, sealed []byte) ([]byte, error)
}

// Store implements the stores of the message capability.
type Store struct{ vault Vault }

// New makes a store.
func New(v Vault) Store { return Store{vault: v} }

// Create stores a message that is a draft.
func (Store) Create(ctx context.Context, m lumo.MerchantID, v message.Message) error {
	const op = "postgres.message.Create"
	body, err := v.Body.Encode()
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO message (merchant_id, id, channel_id, name, body, revision, created_at, updated_at, updated_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)`, m, v.ID, v.Channel, v.Name, body, v.Revision, v.CreatedAt,
		v.Writer)
	return postgres.Fault(op, err)
}

// Save stores the next revision of the draft.
func (Store) Save(ctx context.Context, m lumo.MerchantID, v message.Message) error {
	const op = "postgres.message.Save"
	body, err := v.Body.Encode()
	if err != nil {
		return fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE message
		SET name = $3, body = $4, revision = $5, updated_at = $6, updated_by = $7
		WHERE merchant_id = $1 AND id = $2 AND revision = $5 - 1`, m, v.ID, v.Name, body, v.Revision, v.UpdatedAt,
		v.Writer)
	return changed(op, tag.RowsAffected(), err)
}

// changed is what became of a change to a revision.
func changed(op string, rows int64, err error) error {
	if err == nil && rows == 0 {
		return fault.New(fault.Stale, op, "Somebody saved a newer version. Load it and try again.")
	}
	return postgres.Fault(op, err)
}

// Publish stores a version of the draft's revision.
func (Store) Publish(ctx context.Context, m lumo.MerchantID, v message.Version, revision int, by lumo.MemberID) error {
	const op = "postgres.message.Publish"
	body, err := v.Body.Encode()
	if err != nil {
		return fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE message
		SET version = $3, published_revision = $4, updated_at = $5
		WHERE merchant_id = $1 AND id = $2 AND revision = $4 AND version = $3 - 1`, m, v.Message, v.Number, revision,
		v.PublishedAt)
	if err := changed(op, tag.RowsAffected(), err); err != nil {
		return err
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO message_version (merchant_id, message_id, version, name, body, published_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, m, v.Message, v.Number, v.Name, body, by, v.PublishedAt)
	return postgres.Fault(op, err)
}

// Archive puts a message away, or back.
func (Store) Archive(ctx context.Context, m lumo.MerchantID, v lumo.MessageID, archived bool, now time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE message
		SET archived_at = CASE WHEN $3 THEN $4::timestamptz END, updated_at = $4
		WHERE merchant_id = $1 AND id = $2`, m, v, archived, now)
	return postgres.Fault("postgres.message.Archive", err)
}

const columns = `m.id, m.channel_id, m.name, m.body, m.revision, m.version, m.revision <> m.published_revision,
	m.archived_at IS NOT NULL, m.created_at, m.updated_at,
	coalesce((SELECT w.name FROM member AS w WHERE w.merchant_id = m.merchant_id AND w.id = m.updated_by), '')`

// target are a message's fields for columns; body is decoded afterwards.
func target(v *message.Message, body *string) []any {
	return []any{&v.ID, &v.Channel, &v.Name, body, &v.Revision, &v.Version, &v.Changed, &v.Archived, &v.CreatedAt,
		&v.UpdatedAt, &v.UpdatedBy}
}

// Get reads a message with its draft.
func (Store) Get(ctx context.Context, m lumo.MerchantID, v lumo.MessageID) (found message.Message, err error) {
	const op = "postgres.message.Get"
	var body string
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT `+columns+`
		FROM message AS m
		WHERE m.merchant_id = $1 AND m.id = $2`, m, v).Scan(target(&found, &body)...)
	if err != nil {
		return found, postgres.Fault(op, err)
	}
	found.Body, err = message.Decode(body)
	return found, fault.Wrap(op, err)
}

// Version reads one version.
func (Store) Version(ctx context.Context, m lumo.MerchantID, v lumo.MessageID, number int) (message.Version, error) {
	const op = "postgres.message.Version"
	found := message.Version{Message: v, Number: number}
	var body string
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT name, body, created_at
		FROM message_version
		WHERE merchant_id = $1 AND message_id = $2 AND version = $3`, m, v, number).
		Scan(&found.Name, &body, &found.PublishedAt)
	if err != nil {
		return found, postgres.Fault(op, err)
	}
	found.Body, err = message.Decode(body)
	return found, fault.Wrap(op, err)
}

// History are all versions, newest first, with who published them and how often each was sent.
func (Store) History(ctx context.Context, m lumo.MerchantID, v lumo.MessageID) ([]message.Version, error) {
	const op = "postgres.message.History"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT v.version, v.name, v.body, v.created_at, coalesce(w.name, ''),
			(SELECT count(*)
			 FROM delivery AS d
			 WHERE d.merchant_id = $1 AND d.message_id = $2 AND d.message_version = v.version AND d.accepted_at IS NOT NULL)
		FROM message_version AS v
		LEFT JOIN member AS w ON w.merchant_id = v.merchant_id AND w.id = v.published_by
		WHERE v.merchant_id = $1 AND v.message_id = $2
		ORDER BY v.version DESC
		LIMIT 200`, m, v)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (message.Version, error) {
		one := message.Version{Message: v}
		var body string
		if err := r.Scan(&one.Number, &one.Name, &body, &one.PublishedAt, &one.PublishedBy, &one.Sends); err != nil {
			return one, err
		}
		var err error
		one.Body, err = message.Decode(body)
		return one, err
	})
	return all, postgres.Fault(op, err)
}

// List reads a page of a channel's messages with their figures, and counts them all.
func (Store) List(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p message.Page) ([]message.Row, int, error) {
	const op = "postgres.message.List"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
		SELECT `+columns+`, coalesce(d.sends, 0), d.last, coalesce(k.clickers, 0), coalesce(f.flows, 0)
		FROM message AS m
		LEFT JOIN LATERAL (
			SELECT count(*) AS sends, max(accepted_at) AS last
			FROM delivery
			WHERE merchant_id = $1 AND message_id = m.id AND accepted_at IS NOT NULL) AS d ON true
		LEFT JOIN LATERAL (
			SELECT count(DISTINCT e.delivery_id) AS clickers
			FROM delivery AS s
			JOIN edge_event AS e ON e.merchant_id = s.merchant_id AND e.delivery_id = s.id
			WHERE s.merchant_id = $1 AND s.message_id = m.id AND s.accepted_at IS NOT NULL AND e.type = 'click' AND e.counted) AS k
			ON true
		LEFT JOIN LATERAL (
			SELECT count(DISTINCT r.flow_id) AS flows
			FROM flow_request AS r
			WHERE r.merchant_id = $1 AND r.channel_id = $2 AND r.message_id = m.id AND r.flow_id <> ''
				AND r.id > lumo_ulid_floor(now() - interval '30 days')) AS f ON true
		WHERE m.merchant_id = $1 AND m.channel_id = $2 AND (m.archived_at IS NOT NULL) = $5
			AND ($3::uuid = '00000000-0000-0000-0000-000000000000' OR m.id < $3::uuid)
		ORDER BY m.id DESC
		LIMIT $4`, m, c, p.After, p.Limit, p.Archived)
	all, err := pgx.CollectRows(rows, scanRow)
	if err != nil {
		return nil, 0, postgres.Fault(op, err)
	}
	var total int
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT count(*)
		FROM message
		WHERE merchant_id = $1 AND channel_id = $2 AND (archived_at IS NOT NULL) = $3`, m, c, p.Archived).Scan(&total)
	return all, total, postgres.Fault(op, err)
}

func scanRow(r pgx.CollectableRow) (row message.Row, err error) {
	var body string
	var last *time.Time
	err = r.Scan(append(target(&row.Message, &body), &row.Sends, &last, &row.Clickers, &row.Flows)...)
	if err != nil {
		return row, err
	}
	if last != nil {
		row.LastSentAt = *last
	}
	row.Body, err = message.Decode(body)
	return row, err
}
