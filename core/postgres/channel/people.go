package channel

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// ByUser finds a friend by LINE user id.
func (s *Store) ByUser(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, u lumo.LineUserID) (
	f lumo.FriendID, err error) {
	const op = "postgres.ByUser"
	index, err := s.vault.BlindIndex(ctx, m, userIndex, string(u))
	if err != nil {
		return f, fault.Wrap(op, err)
	}
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT id
  FROM friend
 WHERE merchant_id = $1 AND channel_id = $2 AND line_user_bidx = $3`, m, c, index).Scan(&f)
	return f, found("This friend does not exist.", op, err)
}

// CameBy notes the code that led a friend here; the first one stays.
func (s *Store) CameBy(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, code lumo.CodeID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE friend
   SET qr_code_id = $3
 WHERE merchant_id = $1 AND id = $2 AND qr_code_id IS NULL`, m, f, code)
	return postgres.Fault("postgres.CameBy", err)
}

// SetTester marks friends of a channel for test sends.
func (s *Store) SetTester(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, friends []lumo.FriendID,
	yes bool) (int, error) {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE friend
   SET tester = $4
 WHERE merchant_id = $1 AND channel_id = $2 AND id = ANY($3::uuid[]) AND tester <> $4`, m, c, friends, yes)
	return int(tag.RowsAffected()), postgres.Fault("postgres.SetTester", err)
}

// Contacts are a friend's own email and phone.
func (s *Store) Contacts(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) ([]channel.OwnContact, error) {
	const op = "postgres.Contacts"
	type sealed struct {
		Kind, Source string
		Value        []byte
		At           time.Time
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT kind, source, value_enc, updated_at
  FROM friend_contact
 WHERE merchant_id = $1 AND friend_id = $2
 ORDER BY kind`, m, f)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sealed])
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	var all []channel.OwnContact
	for _, one := range found {
		plain, err := s.vault.Open(ctx, m, "friend_contact", one.Kind, id.ID(f), one.Value)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		all = append(all, channel.OwnContact{Kind: channel.ContactKind(one.Kind), Value: string(plain),
			Source: one.Source, At: one.At})
	}
	return all, nil
}

// SetContact stores a friend's own email or phone. What LINE Login told is not replaced by
// what anybody else says.
func (s *Store) SetContact(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	v channel.OwnContact) (changed bool, err error) {
	const op = "postgres.SetContact"
	sealed, err := s.vault.Seal(ctx, m, "friend_contact", string(v.Kind), id.ID(f), []byte(v.Value))
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	index, err := s.vault.BlindIndex(ctx, m, string(v.Kind), v.Value)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO friend_contact AS k (merchant_id, friend_id, kind, channel_id, value_enc, value_bidx, source,
                                 created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
    ON CONFLICT (merchant_id, friend_id, kind) DO UPDATE
   SET value_enc = $5, value_bidx = $6, source = $7, updated_at = $8, looked_at = NULL, found = NULL
 WHERE k.value_bidx <> $6 AND (k.source <> 'line_login' OR $7 = 'line_login')`,
		m, f, string(v.Kind), c, sealed, index, v.Source, v.At)
	return tag.RowsAffected() == 1, postgres.Fault(op, err)
}

// Erased tells when a person was erased who has not come back since.
func (s *Store) Erased(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, u lumo.LineUserID) (
	time.Time, error) {
	const op = "postgres.Erased"
	index, err := s.vault.BlindIndex(ctx, m, userIndex, string(u))
	if err != nil {
		return time.Time{}, fault.Wrap(op, err)
	}
	var at *time.Time
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT max(t.erased_at)
  FROM friend_tombstone t
 WHERE t.merchant_id = $1 AND t.channel_id = $2 AND t.line_user_bidx = $3
   AND NOT EXISTS (SELECT
                     FROM friend f
                    WHERE f.merchant_id = $1 AND f.channel_id = $2 AND f.line_user_bidx = $3)`,
		m, c, index).Scan(&at)
	return value(at), postgres.Fault(op, err)
}

// Tombstone tells when a friend was erased.
func (s *Store) Tombstone(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID) (
	at time.Time, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT erased_at
  FROM friend_tombstone
 WHERE merchant_id = $1 AND channel_id = $2 AND id = $3`, m, c, f).Scan(&at)
	return at, found("This friend does not exist.", "postgres.Tombstone", err)
}

// erasing is what goes with a person, in an order that references allow. $1 is the merchant,
// $2 the friend, $3 the time.
func erasing() []string {
	return []string{`
INSERT INTO friend_tombstone (merchant_id, id, channel_id, line_user_bidx, erased_at)
SELECT merchant_id, id, channel_id, line_user_bidx, $3
  FROM friend
 WHERE merchant_id = $1 AND id = $2`, `
WITH bundle AS (
    SELECT bundle_id, count(*) AS n
      FROM delivery
     WHERE merchant_id = $1 AND friend_id = $2 AND bundle_id IS NOT NULL AND $3::timestamptz IS NOT NULL
     GROUP BY bundle_id)
UPDATE delivery_bundle b
   SET remaining = b.remaining - bundle.n
  FROM bundle
 WHERE b.merchant_id = $1 AND b.id = bundle.bundle_id`, `
UPDATE delivery
   SET state = CASE WHEN state IN ('planned', 'deferred', 'quota_blocked') THEN 'skipped'
                    WHEN state IN ('sending', 'unknown') THEN 'unknown_expired' ELSE state END,
       reason = CASE WHEN state IN ('planned', 'deferred', 'quota_blocked', 'sending', 'unknown')
                     THEN 'erased' ELSE reason END,
       input_enc = NULL, body_enc = NULL, bundle_id = NULL, summary_enc = NULL, profile_id = '', updated_at = $3
 WHERE merchant_id = $1 AND friend_id = $2`, `
DELETE FROM delivery_bundle
 WHERE merchant_id = $1 AND remaining <= 0 AND $2::uuid IS NOT NULL AND $3::timestamptz IS NOT NULL`, `
UPDATE flow_request
   SET body_enc = NULL, profile_id = '', friend_id = NULL
 WHERE merchant_id = $1 AND friend_id = $2 AND $3::timestamptz IS NOT NULL`, `
DELETE FROM hook_request h
 USING line_event l, friend_event e
 WHERE h.merchant_id = $1 AND l.merchant_id = $1 AND e.merchant_id = $1 AND e.friend_id = $2
   AND l.channel_id = e.channel_id AND l.webhook_event_id = e.ref AND h.id = l.request_id
   AND h.state = 'done' AND $3::timestamptz IS NOT NULL`, `
DELETE FROM outbox
 WHERE merchant_id = $1 AND friend_id = $2 AND $3::timestamptz IS NOT NULL`, `
DELETE FROM link_conflict
 WHERE merchant_id = $1 AND (friend_id = $2 OR other_friend_id = $2) AND $3::timestamptz IS NOT NULL`, `
UPDATE run_item i
   SET friend_id = NULL, profile_id = '', other_profile_id = '', user_enc = NULL, twin = NULL, result = 'erased'
  FROM friend f
 WHERE f.merchant_id = $1 AND f.id = $2 AND i.merchant_id = $1
   AND (i.friend_id = f.id OR i.twin = f.line_user_bidx) AND $3::timestamptz IS NOT NULL`, `
DELETE FROM login_state
 WHERE merchant_id = $1 AND friend_id = $2 AND $3::timestamptz IS NOT NULL`, `
UPDATE friend_event
   SET friend_id = NULL, ref = '', outbox_id = NULL,
       data = jsonb_strip_nulls(jsonb_build_object('reason', data -> 'reason', 'message', data -> 'message'))
 WHERE merchant_id = $1 AND friend_id = $2 AND kind IN ('not_sent', 'failed') AND $3::timestamptz IS NOT NULL`, `
DELETE FROM friend_event
 WHERE merchant_id = $1 AND friend_id = $2 AND $3::timestamptz IS NOT NULL`, `
SELECT lumo_forget_links($1, $2)
 WHERE $3::timestamptz IS NOT NULL`, `
DELETE FROM friend_tag
 WHERE merchant_id = $1 AND friend_id = $2 AND $3::timestamptz IS NOT NULL`, `
DELETE FROM friend_activity
 WHERE merchant_id = $1 AND friend_id = $2 AND $3::timestamptz IS NOT NULL`, `
DELETE FROM friend
 WHERE merchant_id = $1 AND id = $2 AND $3::timestamptz IS NOT NULL`}
}

// Erase removes a person everywhere and leaves a tombstone.
func (s *Store) Erase(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, now time.Time) error {
	const op = "postgres.Erase"
	batch := &pgx.Batch{}
	for _, sql := range erasing() {
		batch.Queue(sql, m, f, now)
	}
	results := postgres.Tx(ctx).SendBatch(ctx, batch)
	for range batch.Len() {
		if _, err := results.Exec(); err != nil {
			return errors.Join(postgres.Fault(op, err), results.Close())
		}
	}
	return postgres.Fault(op, results.Close())
}
