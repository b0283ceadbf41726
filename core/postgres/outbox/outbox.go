// Package outbox stores what is to be written to Klaviyo, and who may write to an account.
//
// Payloads are sealed before they are written and dropped once Klaviyo has them. Every method
// runs in the transaction of its context; leases run without a merchant.
package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

var errUnreadable = errors.New("the sealed payload is not what was written")

// Vault seals columns under the merchant's key.
type Vault interface {
	Seal(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, plain []byte) (
		[]byte, error)
	Open(ctx context.Context, m lumo.MerchantID, table, column string, row id.ID, sealed []byte) (
		[]byte, error)
}

// Store implements the stores of the outbox capability.
type Store struct{ vault Vault }

// New makes a store.
func New(v Vault) *Store { return &Store{vault: v} }

// Tenant is whose transaction the context carries.
func (s *Store) Tenant(ctx context.Context) lumo.MerchantID { return postgres.Merchant(ctx) }

// Hold locks friends' rows, in the order of their ids, so that two who hold several do not wait for
// each other.
func (s *Store) Hold(ctx context.Context, m lumo.MerchantID, friends []lumo.FriendID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
SELECT
  FROM friend
 WHERE merchant_id = $1 AND id = ANY($2::uuid[])
 ORDER BY id
   FOR NO KEY UPDATE`, m, ids(friends))
	return postgres.Fault("postgres.Hold", err)
}

// Targets reads the linked ones among these friends, with what is written about them.
func (s *Store) Targets(ctx context.Context, m lumo.MerchantID, friends []lumo.FriendID) (
	map[lumo.FriendID]outbox.Target, error) {
	const op = "postgres.Targets"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT f.id, f.channel_id, f.line_user_enc, f.display_name, f.follow_status, f.consent, f.consent_at,
       coalesce(f.consent_source, ''),
       c.number, c.name, c.basic_id, coalesce(c.property_number, 1),
       l.id, l.klaviyo_account_id, l.profile_id, l.method, l.assurance, l.version, l.linked_at
  FROM unnest($2::uuid[]) AS n (id)
 CROSS JOIN LATERAL (
       SELECT id, channel_id, klaviyo_account_id, profile_id, method, assurance, version, linked_at
         FROM identity_link
        WHERE merchant_id = $1 AND friend_id = n.id AND state = 'linked'
        LIMIT 1) AS l
 CROSS JOIN LATERAL (
       SELECT id, channel_id, line_user_enc, display_name, follow_status, consent, consent_at, consent_source
         FROM friend
        WHERE merchant_id = $1 AND id = n.id
        LIMIT 1) AS f
  JOIN channel c ON c.merchant_id = $1 AND c.id = l.channel_id`, m, ids(friends))
	type found struct {
		outbox.Target
		user []byte
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t found, err error) {
		var consentAt *time.Time
		var number int64
		err = r.Scan(&t.Friend.ID, &t.Friend.Channel, &t.user, &t.Friend.DisplayName, &t.Friend.FollowStatus,
			&t.Friend.Consent, &consentAt, &t.ConsentSource, &number, &t.Channel.Name, &t.Channel.BasicID,
			&t.Channel.PropertyNumber, &t.Link.ID, &t.Link.Account, &t.Link.Profile, &t.Link.Method, &t.Link.Assurance,
			&t.Link.Version, &t.Link.LinkedAt)
		t.ConsentAt = value(consentAt)
		t.Channel.Merchant, t.Channel.ID, t.Channel.Number = m, t.Friend.Channel, uint32(number)
		t.Link.Friend, t.Link.Channel = t.Friend.ID, t.Friend.Channel
		return t, err
	})
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	out := make(map[lumo.FriendID]outbox.Target, len(list))
	for _, t := range list { // once the rows are read: the vault may have to read the merchant's keys
		user, err := s.vault.Open(ctx, m, "friend", "line_user_enc", id.ID(t.Friend.ID), t.user)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		t.Friend.Line = lumo.LineUserID(user)
		out[t.Friend.ID] = t.Target
	}
	return out, nil
}

func (s *Store) seal(ctx context.Context, m lumo.MerchantID, row id.ID, p outbox.Payload) ([]byte, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, fault.Wrap("postgres.seal", err)
	}
	return s.vault.Seal(ctx, m, "outbox", "payload_enc", row, plain)
}

func (s *Store) open(ctx context.Context, m lumo.MerchantID, row id.ID, sealed []byte) (
	p outbox.Payload, err error) {
	plain, err := s.vault.Open(ctx, m, "outbox", "payload_enc", row, sealed)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(plain, &p); err != nil {
		return p, fault.As(fault.Internal, "postgres.open", errUnreadable)
	}
	return p, nil
}

// Count tells how many items wait and how many are kept.
func (s *Store) Count(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (
	waiting, kept int64, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT (SELECT count(*)
          FROM outbox
         WHERE merchant_id = $1 AND klaviyo_account_id = $2 AND state = 'waiting')
       + (SELECT coalesce(sum(n), 0)
            FROM outbox_bundle
           WHERE merchant_id = $1 AND klaviyo_account_id = $2),
       (SELECT count(*)
          FROM outbox
         WHERE merchant_id = $1 AND klaviyo_account_id = $2 AND state = 'kept')`, m, a).
		Scan(&waiting, &kept)
	return waiting, kept, postgres.Fault("postgres.Count", err)
}

// ids gives the driver plain uuids.
func ids[T ~[16]byte](in []T) [][16]byte {
	out := make([][16]byte, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

// value is what a nullable column holds, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
