package channel

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const itemColumns = `
       f.id, f.channel_id, f.display_name, coalesce(f.picture_url, ''), coalesce(f.language, ''),
       f.follow_status, f.consent, f.tester, f.followed_at, f.blocked_at, f.last_sent_at, f.last_clicked_at,
       coalesce(l.profile_id, '')`

const friendsAndLinks = `
  FROM friend f
  LEFT JOIN identity_link l
    ON l.merchant_id = f.merchant_id AND l.friend_id = f.id AND l.state = 'linked'`

const friendFilter = `
 WHERE f.merchant_id = @merchant AND f.channel_id = @channel
   AND (@status = '' OR f.follow_status = @status)
   AND (@linked::boolean IS NULL OR (l.id IS NOT NULL) = @linked)
   AND (@name = '' OR f.display_name ILIKE @name)
   AND (@line::bytea IS NULL OR f.line_user_bidx = @line)
   AND (@profile = '' OR l.profile_id = @profile)`

// Friends reads one page of a channel's friends, newest first, and counts all that match.
func (s *Store) Friends(ctx context.Context, m lumo.MerchantID, q channel.FriendQuery) (
	channel.FriendList, error) {
	const op = "postgres.Friends"
	args, err := s.friendArgs(ctx, m, q)
	if err != nil {
		return channel.FriendList{}, fault.Wrap(op, err)
	}
	var list channel.FriendList
	err = postgres.Tx(ctx).QueryRow(ctx, "SELECT count(*)"+friendsAndLinks+friendFilter, args).
		Scan(&list.Total)
	if err != nil {
		return channel.FriendList{}, postgres.Fault(op, err)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, "SELECT"+itemColumns+friendsAndLinks+friendFilter+`
   AND (@before::uuid IS NULL OR f.id < @before)
 ORDER BY f.id DESC
 LIMIT @limit + 1`, args)
	list.Items, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (channel.FriendItem, error) {
		return scanItem(r)
	})
	if len(list.Items) > q.Limit {
		list.Items = list.Items[:q.Limit]
		list.Next = id.ID(list.Items[q.Limit-1].ID)
	}
	return list, postgres.Fault(op, err)
}

func (s *Store) friendArgs(ctx context.Context, m lumo.MerchantID, q channel.FriendQuery) (
	pgx.NamedArgs, error) {
	args := pgx.NamedArgs{"merchant": m, "channel": q.Channel, "status": string(q.Status),
		"linked": q.Linked, "name": "", "line": []byte(nil), "profile": string(q.Profile),
		"before": orNull(q.Before), "limit": q.Limit}
	if q.Name != "" {
		args["name"] = "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Name) + "%"
	}
	if q.Line != "" {
		index, err := s.vault.BlindIndex(ctx, m, userIndex, string(q.Line))
		if err != nil {
			return nil, err
		}
		args["line"] = index
	}
	return args, nil
}

func scanItem(r scanner, more ...any) (channel.FriendItem, error) {
	var i channel.FriendItem
	var followed, blocked, sent, clicked *time.Time
	err := r.Scan(append([]any{&i.ID, &i.Channel, &i.DisplayName, &i.PictureURL, &i.Language,
		&i.FollowStatus, &i.Consent, &i.Tester, &followed, &blocked, &sent, &clicked, &i.Profile}, more...)...)
	i.FollowedAt, i.BlockedAt = value(followed), value(blocked)
	i.LastSentAt, i.LastClickedAt = value(sent), value(clicked)
	i.Linked = i.Profile != ""
	return i, err
}

// Page reads what the page of one friend shows.
func (s *Store) Page(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (channel.FriendPage, error) {
	const op = "postgres.Page"
	var p channel.FriendPage
	var consent, linked *time.Time
	var link *lumo.LinkID
	var box channel.LinkBox
	var evidence []byte
	item, err := scanItem(postgres.Tx(ctx).QueryRow(ctx, "SELECT"+itemColumns+`,
       f.consent_at, coalesce(f.consent_source, ''), l.id, coalesce(l.method, ''),
       coalesce(l.assurance, ''), coalesce(l.evidence, '{}'), l.linked_at`+friendsAndLinks+`
 WHERE f.merchant_id = $1 AND f.id = $2`, m, f),
		&consent, &p.ConsentSource, &link, &box.Method, &box.Assurance, &evidence, &linked)
	if err != nil {
		return channel.FriendPage{}, found("friend", op, err)
	}
	p.FriendItem, p.ConsentAt = item, value(consent)
	if link != nil {
		box.ID, box.Profile, box.LinkedAt = *link, item.Profile, value(linked)
		err = json.Unmarshal(evidence, &box.Evidence)
		p.Link = &box
	}
	return p, fault.Wrap(op, err)
}

// Timeline reads one page of what happened to and by a friend, newest first.
func (s *Store) Timeline(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, q channel.PageQuery) (
	channel.Timeline, error) {
	const op = "postgres.Timeline"
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT e.id, e.occurred_at, e.kind, e.source, e.data, coalesce(o.state, '')
  FROM friend_event e
  LEFT JOIN outbox o
    ON o.merchant_id = e.merchant_id AND o.id = e.outbox_id
 WHERE e.merchant_id = $1 AND e.friend_id = $2
   AND ($3::timestamptz IS NULL OR (e.occurred_at, e.id) < ($3, $4))
 ORDER BY e.occurred_at DESC, e.id DESC
 LIMIT $5`, m, f, orNull(q.At), q.Before, q.Limit+1)
	var t channel.Timeline
	var err error
	t.Items, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (channel.Entry, error) {
		var e channel.Entry
		var data []byte
		var outbox string
		if err := r.Scan(&e.ID, &e.At, &e.Kind, &e.Source, &data, &outbox); err != nil {
			return e, err
		}
		e.Recorded = recorded(e.Kind, outbox)
		return e, json.Unmarshal(data, &e.Data)
	})
	if len(t.Items) > q.Limit {
		t.Items = t.Items[:q.Limit]
		last := t.Items[q.Limit-1]
		t.Next, t.NextAt = id.ID(last.ID), last.At
	}
	return t, postgres.Fault(op, err)
}

// recorded says whether Klaviyo has an entry, from the outbox row it made.
func recorded(kind lumo.FactKind, outbox string) string {
	switch {
	case !channel.Exported(kind):
		return ""
	case outbox == "sent":
		return channel.RecordedYes
	case outbox == "waiting":
		return channel.RecordedWaiting
	case outbox == "kept":
		return channel.RecordedNo
	}
	return channel.RecordedNotLinked
}
