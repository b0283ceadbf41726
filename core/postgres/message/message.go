// Package message keeps saved messages and their versions in PostgreSQL.
package message

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

// Store implements message.Store.
type Store struct{}

// Create stores a message and its first version.
func (s Store) Create(ctx context.Context, m lumo.MerchantID, v message.Message) error {
	const op = "postgres.message.Create"
	blocks, err := json.Marshal(v.Blocks)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO message (merchant_id, id, channel_id, name, blocks, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`, m, v.ID, v.Channel, v.Name, blocks, v.Version, v.CreatedAt)
	if err != nil {
		return postgres.Fault(op, err)
	}
	return s.keepVersion(ctx, m, v, blocks)
}

func (s Store) keepVersion(ctx context.Context, m lumo.MerchantID, v message.Message, blocks []byte) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO message_version (merchant_id, message_id, version, name, blocks, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, m, v.ID, v.Version, v.Name, blocks, v.UpdatedAt)
	return postgres.Fault("postgres.message.keepVersion", err)
}

// Replace stores the next version.
func (s Store) Replace(ctx context.Context, m lumo.MerchantID, v message.Message) error {
	const op = "postgres.message.Replace"
	blocks, err := json.Marshal(v.Blocks)
	if err != nil {
		return fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE message
		SET name = $3, blocks = $4, version = $5, updated_at = $6
		WHERE merchant_id = $1 AND id = $2 AND version = $5 - 1`, m, v.ID, v.Name, blocks, v.Version, v.UpdatedAt)
	if err != nil {
		return postgres.Fault(op, err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.Stale, op, "Somebody saved a newer version. Load it and try again.")
	}
	return s.keepVersion(ctx, m, v, blocks)
}

const columns = `id, channel_id, name, blocks, version, state = 'archived', created_at, updated_at`

// Get reads the newest version.
func (Store) Get(ctx context.Context, m lumo.MerchantID, v lumo.MessageID) (message.Message, error) {
	return one("postgres.message.Get", postgres.Tx(ctx).QueryRow(ctx, `
		SELECT `+columns+`
		FROM message
		WHERE merchant_id = $1 AND id = $2`, m, v))
}

// Version reads one version.
func (Store) Version(ctx context.Context, m lumo.MerchantID, v lumo.MessageID, version int) (message.Message, error) {
	return one("postgres.message.Version", postgres.Tx(ctx).QueryRow(ctx, `
		SELECT m.id, m.channel_id, v.name, v.blocks, v.version, m.state = 'archived', m.created_at, v.created_at
		FROM message AS m
		JOIN message_version AS v ON v.merchant_id = m.merchant_id AND v.message_id = m.id
		WHERE m.merchant_id = $1 AND m.id = $2 AND v.version = $3`, m, v, version))
}

func one(op string, row pgx.Row) (message.Message, error) {
	v, err := scan(row)
	return v, postgres.Fault(op, err)
}

func scan(row pgx.Row) (v message.Message, err error) {
	var blocks []byte
	if err := row.Scan(&v.ID, &v.Channel, &v.Name, &blocks, &v.Version, &v.Archived, &v.CreatedAt, &v.UpdatedAt); err != nil {
		return message.Message{}, err
	}
	return v, json.Unmarshal(blocks, &v.Blocks)
}

// List reads a page of a channel's messages and counts them all.
func (Store) List(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p message.Page) ([]message.Message, int, error) {
	const op = "postgres.message.List"
	rows, err := postgres.Tx(ctx).Query(ctx, `
		SELECT `+columns+`
		FROM message
		WHERE merchant_id = $1 AND channel_id = $2 AND state = 'published' AND ($3::uuid = $4::uuid OR id < $3::uuid)
		ORDER BY id DESC
		LIMIT $5`, m, c, p.After, lumo.MessageID{}, p.Limit)
	if err != nil {
		return nil, 0, postgres.Fault(op, err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (message.Message, error) { return scan(r) })
	if err != nil {
		return nil, 0, postgres.Fault(op, err)
	}
	var total int
	err = postgres.Tx(ctx).QueryRow(ctx, `
		SELECT count(*)
		FROM message
		WHERE merchant_id = $1 AND channel_id = $2 AND state = 'published'`, m, c).Scan(&total)
	return all, total, postgres.Fault(op, err)
}
