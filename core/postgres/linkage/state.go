package linkage

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Take stores a state once; false means that it was used before.
func (s *Store) Take(ctx context.Context, m lumo.MerchantID, st linkage.State) (bool, error) {
	const op = "postgres.Take"
	value, err := s.sealValue(ctx, m, st)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO login_state (merchant_id, id, channel_id, qr_code_id, claim, value_enc, state, taken_at,
                         expires_at, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (merchant_id, id) DO NOTHING`,
		m, st.ID, st.Channel, orNull(st.Code), string(st.Claim), value, string(st.Phase), st.TakenAt,
		st.ExpiresAt, orNull(st.EndedAt))
	return tag.RowsAffected() == 1, postgres.Fault(op, err)
}

func (s *Store) sealValue(ctx context.Context, m lumo.MerchantID, st linkage.State) ([]byte, error) {
	if st.Value == "" {
		return nil, nil
	}
	return s.vault.Seal(ctx, m, "login_state", "value_enc", st.ID, []byte(st.Value))
}

const selectState = `
SELECT id, channel_id, qr_code_id, claim, value_enc, friend_id, confirm_hash, state, taken_at, expires_at,
       ended_at
  FROM login_state`

func (s *Store) scanState(ctx context.Context, m lumo.MerchantID, r pgx.Row) (linkage.State, error) {
	var st linkage.State
	var code *lumo.CodeID
	var friend *lumo.FriendID
	var sealed []byte
	var ended *time.Time
	err := r.Scan(&st.ID, &st.Channel, &code, &st.Claim, &sealed, &friend, &st.ConfirmHash, &st.Phase,
		&st.TakenAt, &st.ExpiresAt, &ended)
	if err != nil {
		return linkage.State{}, err
	}
	st.Code, st.Friend, st.EndedAt = value(code), value(friend), value(ended)
	if len(sealed) > 0 {
		plain, err := s.vault.Open(ctx, m, "login_state", "value_enc", st.ID, sealed)
		st.Value = string(plain)
		return st, err
	}
	return st, nil
}

// State reads a state and locks it.
func (s *Store) State(ctx context.Context, m lumo.MerchantID, v id.ID) (linkage.State, error) {
	st, err := s.scanState(ctx, m, postgres.Tx(ctx).QueryRow(ctx, selectState+`
 WHERE merchant_id = $1 AND id = $2
   FOR UPDATE`, m, v))
	return st, found("This sign-in does not exist.", "postgres.State", err)
}

// Update writes what may change about a state. What it ended with is not kept.
func (s *Store) Update(ctx context.Context, m lumo.MerchantID, st linkage.State) error {
	const op = "postgres.Update"
	value, err := s.sealValue(ctx, m, st)
	if err != nil {
		return fault.Wrap(op, err)
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE login_state
   SET friend_id = $3, value_enc = $4, confirm_hash = $5, state = $6, expires_at = $7, ended_at = $8
 WHERE merchant_id = $1 AND id = $2`,
		m, st.ID, orNull(st.Friend), value, st.ConfirmHash, string(st.Phase), st.ExpiresAt, orNull(st.EndedAt))
	return one("This sign-in does not exist.", op, tag.RowsAffected(), err)
}

// Join marks the friend's states since a time as joined and tells the newest of them; false
// means that none was left to join.
func (s *Store) Join(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, since, now time.Time) (
	linkage.State, bool, error) {
	const op = "postgres.Join"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
UPDATE login_state
   SET joined_at = $4
 WHERE merchant_id = $1 AND friend_id = $2 AND taken_at >= $3 AND joined_at IS NULL AND claim <> 'unlink'
RETURNING id`, m, f, since, now)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil || len(ids) == 0 {
		return linkage.State{}, false, postgres.Fault(op, err)
	}
	newest := ids[0]
	for _, one := range ids[1:] {
		if one.String() > newest.String() {
			newest = one
		}
	}
	st, err := s.State(ctx, m, newest)
	return st, err == nil, fault.Wrap(op, err)
}

// FollowedSince tells whether LINE reported the friend's follow since a time.
func (s *Store) FollowedSince(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, since time.Time) (
	yes bool, err error) {
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT EXISTS (SELECT 1
                 FROM friend_event
                WHERE merchant_id = $1 AND friend_id = $2 AND kind = 'followed' AND occurred_at >= $3)`,
		m, f, since).Scan(&yes)
	return yes, postgres.Fault("postgres.FollowedSince", err)
}

// DropStates removes states that were taken before a time.
func (s *Store) DropStates(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, before time.Time) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
DELETE FROM login_state
 WHERE merchant_id = $1 AND channel_id = $2 AND taken_at < $3`, m, c, before)
	return postgres.Fault("postgres.DropStates", err)
}
