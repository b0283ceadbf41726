package channel

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Friend reads one friend.
func (s *Store) Friend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (lumo.Friend, error) {
	r, err := s.friendRow(ctx, m, f)
	return r.Friend, err
}

// Upsert finds a person's row or makes it, and locks it. The sealed id of a row that is
// there is never written again: it is sealed to that row.
func (s *Store) Upsert(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, user lumo.LineUserID,
	fresh lumo.FriendID, now time.Time) (channel.FriendRow, error) {
	const op = "postgres.Upsert"
	index, err := s.vault.BlindIndex(ctx, m, userIndex, string(user))
	if err != nil {
		return channel.FriendRow{}, fault.Wrap(op, err)
	}
	sealed, err := s.vault.Seal(ctx, m, "friend", "line_user_enc", id.ID(fresh), []byte(user))
	if err != nil {
		return channel.FriendRow{}, fault.Wrap(op, err)
	}
	var f lumo.FriendID
	err = postgres.Tx(ctx).QueryRow(ctx, `
INSERT INTO friend (merchant_id, id, channel_id, line_user_enc, line_user_bidx, follow_status,
                    follow_changed_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, 'not_friend', 'epoch', $6, $6)
    ON CONFLICT (merchant_id, channel_id, line_user_bidx) DO UPDATE SET updated_at = $6
RETURNING id`, m, fresh, c, sealed, index, now).Scan(&f)
	if err != nil {
		return channel.FriendRow{}, postgres.Fault(op, err)
	}
	row, err := s.friendRow(ctx, m, f)
	row.New = f == fresh
	return row, fault.Wrap(op, err)
}

const selectFriend = `
SELECT id, channel_id, line_user_enc, display_name, picture_url, language, follow_status,
       follow_changed_at, follow_event, followed_at, blocked_at, consent, consent_at, consent_source,
       tester, profile_read_at IS NOT NULL
  FROM friend`

func (s *Store) friendRow(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (
	channel.FriendRow, error) {
	r, err := s.scanFriend(ctx, m, postgres.Tx(ctx).QueryRow(ctx, selectFriend+`
 WHERE merchant_id = $1 AND id = $2`, m, f))
	return r, found("This friend does not exist.", "postgres.friendRow", err)
}

// FriendsByID are those of the ids that exist.
func (s *Store) FriendsByID(ctx context.Context, m lumo.MerchantID, all []lumo.FriendID) (
	map[lumo.FriendID]lumo.Friend, error) {
	const op = "postgres.FriendsByID"
	rows, _ := postgres.Tx(ctx).Query(ctx, selectFriend+`
 WHERE merchant_id = $1 AND id = ANY($2::uuid[])`, m, all)
	sealed, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (sealedFriend, error) {
		return scanSealed(r)
	})
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	out := make(map[lumo.FriendID]lumo.Friend, len(sealed))
	for _, f := range sealed { // only now: opening may ask the database for the key
		r, err := s.open(ctx, m, f)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		out[r.ID] = r.Friend
	}
	return out, nil
}

type scanner interface{ Scan(dest ...any) error }

// sealedFriend is a row of selectFriend before its LINE user id is opened.
type sealedFriend struct {
	channel.FriendRow
	user []byte
}

// scanFriend reads the columns of selectFriend and opens the LINE user id.
func (s *Store) scanFriend(ctx context.Context, m lumo.MerchantID, from scanner) (
	channel.FriendRow, error) {
	f, err := scanSealed(from)
	if err != nil {
		return channel.FriendRow{}, err
	}
	return s.open(ctx, m, f)
}

func (s *Store) open(ctx context.Context, m lumo.MerchantID, f sealedFriend) (channel.FriendRow, error) {
	user, err := s.vault.Open(ctx, m, "friend", "line_user_enc", id.ID(f.ID), f.user)
	f.Line = lumo.LineUserID(user)
	return f.FriendRow, err
}

func scanSealed(from scanner) (r sealedFriend, err error) {
	var picture, language, source *string
	var followed, blocked, consent *time.Time
	err = from.Scan(&r.ID, &r.Channel, &r.user, &r.DisplayName, &picture, &language,
		&r.Follow.Status, &r.Follow.At, &r.Follow.Event, &followed, &blocked, &r.Follow.Consent, &consent,
		&source, &r.Tester, &r.Named)
	if err != nil {
		return r, err
	}
	r.PictureURL, r.Language = value(picture), value(language)
	r.Follow.FollowedAt, r.Follow.BlockedAt = value(followed), value(blocked)
	r.Follow.ConsentAt, r.Follow.ConsentSource = value(consent), value(source)
	r.FollowStatus, r.Consent = r.Follow.Status, r.Follow.Consent
	r.FollowedAt, r.BlockedAt = r.Follow.FollowedAt, r.Follow.BlockedAt
	return r, nil
}

// Update writes what may change about a friend.
func (s *Store) Update(ctx context.Context, m lumo.MerchantID, r channel.FriendRow, now time.Time) error {
	tag, err := postgres.Tx(ctx).Exec(ctx, `
UPDATE friend
   SET display_name = $3, picture_url = $4, language = $5, follow_status = $6, follow_changed_at = $7,
       follow_event = $8, followed_at = $9, blocked_at = $10, consent = $11, consent_at = $12,
       consent_source = $13, updated_at = $14,
       profile_read_at = CASE WHEN $15 THEN coalesce(profile_read_at, $14) ELSE profile_read_at END
 WHERE merchant_id = $1 AND id = $2`,
		m, r.ID, r.DisplayName, orNull(r.PictureURL), orNull(r.Language), string(r.Follow.Status), r.Follow.At,
		r.Follow.Event, orNull(r.Follow.FollowedAt), orNull(r.Follow.BlockedAt), string(r.Follow.Consent),
		orNull(r.Follow.ConsentAt), orNull(r.Follow.ConsentSource), now, r.Named)
	return one("This friend does not exist.", "postgres.Update", tag.RowsAffected(), err)
}

// Unnamed are followers whom LINE was never asked about.
func (s *Store) Unnamed(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, limit int) (
	[]channel.FriendRow, error) {
	const op = "postgres.Unnamed"
	rows, err := postgres.Tx(ctx).Query(ctx, selectFriend+`
 WHERE merchant_id = $1 AND channel_id = $2 AND profile_read_at IS NULL AND follow_status = 'following'
 ORDER BY id
 LIMIT $3`, m, c, limit)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	defer rows.Close()
	var list []channel.FriendRow
	for rows.Next() {
		r, err := s.scanFriend(ctx, m, rows)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		list = append(list, r)
	}
	return list, postgres.Fault(op, rows.Err())
}
