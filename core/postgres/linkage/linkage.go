// Package linkage stores identity links, their history and conflicts, the login states that
// came back, and the custom QR codes.
//
// Emails, phones and claims are sealed before they are written. Every method runs in the
// transaction of its context; that a friend and a profile have one link each on a channel
// is a unique index, so a second one is refused whoever writes it.
package linkage

import (
	"context"
	"encoding/json"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"

	"github.com/jackc/pgx/v5"
)

// Vault seals columns and makes blind indexes under the merchant's keys.
type Vault interface {
	Seal(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, plain []byte) (
		[]byte, error)
	Open(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, sealed []byte) (
		[]byte, error)
	BlindIndex(ctx context.Context, m lumo.MerchantID, kind, value string) ([]byte, error)
}

// Store implements the stores of the linkage capability.
type Store struct{ vault Vault }

// New makes a store.
func New(v Vault) *Store { return &Store{vault: v} }

const selectLink = `
SELECT id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance, version, linked_at
  FROM identity_link
 WHERE merchant_id = $1 AND state = 'linked'`

func scanLink(r pgx.Row) (l lumo.Link, err error) {
	err = r.Scan(&l.ID, &l.Channel, &l.Friend, &l.Account, &l.Profile, &l.Method, &l.Assurance,
		&l.Version, &l.LinkedAt)
	return l, err
}

// ByProfile reads the link of a profile on a channel.
func (s *Store) ByProfile(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p lumo.ProfileID) (
	lumo.Link, error) {
	l, err := scanLink(postgres.Tx(ctx).QueryRow(ctx, selectLink+`
   AND channel_id = $2 AND profile_id = $3`, m, c, string(p)))
	return l, found("This link does not exist.", "postgres.ByProfile", err)
}

// ByProfiles reads the links of many profiles on a channel.
func (s *Store) ByProfiles(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, all []lumo.ProfileID) (
	[]lumo.Link, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, selectLink+`
   AND channel_id = $2 AND profile_id = ANY($3)`, m, c, texts(all))
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (lumo.Link, error) { return scanLink(r) })
	return list, postgres.Fault("postgres.ByProfiles", err)
}

// ByFriend reads the link of a friend.
func (s *Store) ByFriend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (lumo.Link, error) {
	l, err := scanLink(postgres.Tx(ctx).QueryRow(ctx, selectLink+`
   AND friend_id = $2`, m, f))
	return l, found("This link does not exist.", "postgres.ByFriend", err)
}

// ByLineUser finds the merchant's friends with a LINE user id, on all channels.
func (s *Store) ByLineUser(ctx context.Context, m lumo.MerchantID, u lumo.LineUserID) (
	[]lumo.FriendID, error) {
	const op = "postgres.ByLineUser"
	index, err := s.vault.BlindIndex(ctx, m, "line_user", string(u))
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id
  FROM friend
 WHERE merchant_id = $1 AND line_user_bidx = $2
 ORDER BY id`, m, index)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[lumo.FriendID])
	return ids, postgres.Fault(op, err)
}

// KnownProfile tells whether any channel has a link to the profile.
func (s *Store) KnownProfile(ctx context.Context, m lumo.MerchantID, p lumo.ProfileID) (known bool, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT EXISTS (SELECT 1
                 FROM identity_link
                WHERE merchant_id = $1 AND profile_id = $2 AND state = 'linked')`, m, string(p)).Scan(&known)
	return known, postgres.Fault("postgres.KnownProfile", err)
}

// AddLink stores a new link.
func (s *Store) AddLink(ctx context.Context, m lumo.MerchantID, l linkage.NewLink) error {
	const op = "postgres.AddLink"
	email, phone, evidence, err := s.sealed(ctx, m, l.ID, l)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method,
                           assurance, evidence, email_enc, phone_enc, version, state, linked_at, created_at,
                           updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'linked', $13, $13, $13)`,
		m, l.ID, l.Channel, l.Friend, l.Account, string(l.Profile), l.Method, string(l.Assurance), evidence,
		email, phone, l.Version, l.LinkedAt)
	return postgres.Fault(op, err)
}

// sealed seals what a link was made with, for the row it will stand in.
func (s *Store) sealed(ctx context.Context, m lumo.MerchantID, row lumo.LinkID, l linkage.NewLink) (
	email, phone, evidence []byte, err error) {
	if l.Email != "" {
		email, err = s.vault.Seal(ctx, m, "identity_link", "email_enc", id.ID(row), []byte(l.Email))
		if err != nil {
			return nil, nil, nil, err
		}
	}
	if l.Phone != "" {
		phone, err = s.vault.Seal(ctx, m, "identity_link", "phone_enc", id.ID(row), []byte(l.Phone))
		if err != nil {
			return nil, nil, nil, err
		}
	}
	evidence, err = json.Marshal(l.Evidence)
	return email, phone, evidence, err
}

// Raise gives a standing link what a surer claim brought.
func (s *Store) Raise(ctx context.Context, m lumo.MerchantID, link lumo.LinkID, n linkage.NewLink) (
	lumo.Link, error) {
	const op = "postgres.Raise"
	email, phone, evidence, err := s.sealed(ctx, m, link, n)
	if err != nil {
		return lumo.Link{}, fault.Wrap(op, err)
	}
	l, err := scanLink(postgres.Tx(ctx).QueryRow(ctx, `
UPDATE identity_link
   SET assurance = $3, method = $4, evidence = $5, email_enc = coalesce($6, email_enc),
       phone_enc = coalesce($7, phone_enc), version = version + 1, updated_at = $8
 WHERE merchant_id = $1 AND id = $2 AND state = 'linked'
RETURNING id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance, version, linked_at`,
		m, link, string(n.Assurance), n.Method, evidence, email, phone, n.LinkedAt))
	return l, found("This link does not exist.", op, err)
}

// EndLink unlinks.
func (s *Store) EndLink(ctx context.Context, m lumo.MerchantID, l lumo.LinkID, now time.Time) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE identity_link
   SET state = 'unlinked', unlinked_at = $3, updated_at = $3
 WHERE merchant_id = $1 AND id = $2 AND state = 'linked'`, m, l, now)
	return one("This link does not exist.", "postgres.EndLink", tag.RowsAffected(), err)
}

// found says what is missing; other errors get their kind.
func found(sentence, op string, err error) error {
	err = postgres.Fault(op, err)
	if fault.Is(err, fault.NotFound) {
		return &fault.Error{Kind: fault.NotFound, Op: op, Message: sentence}
	}
	return err
}

// one makes sure that a statement changed its row.
func one(sentence, op string, rows int64, err error) error {
	if err == nil && rows == 0 {
		return &fault.Error{Kind: fault.NotFound, Op: op, Message: sentence}
	}
	return postgres.Fault(op, err)
}

// value is what a nullable column holds, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// orNull stores zero values as null.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
