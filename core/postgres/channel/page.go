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
       f.follow_status, f.consent, f.tester, f.followed_at, f.blocked_at,
       (SELECT a.last_sent_at FROM friend_activity a WHERE a.merchant_id = f.merchant_id AND a.friend_id = f.id),
       (SELECT a.last_clicked_at FROM friend_activity a WHERE a.merchant_id = f.merchant_id AND a.friend_id = f.id),
       coalesce(l.profile_id, ''),
       ARRAY(SELECT g.tag_id
               FROM friend_tag g
               JOIN tag t ON t.merchant_id = g.merchant_id AND t.id = g.tag_id
              WHERE g.merchant_id = f.merchant_id AND g.friend_id = f.id AND t.archived_at IS NULL
              ORDER BY g.created_at, g.tag_id)`

const withLink = `
  LEFT JOIN identity_link l
    ON l.merchant_id = f.merchant_id AND l.friend_id = f.id AND l.state = 'linked'`

// namedMost is how many friends with a word in their name are put in order at once. Where there
// are more, reading all in their order meets enough of them soon.
const namedMost = 2000

// filter is what a query asks for, as the text after FROM and its values. Each part appears
// only when it is asked for, so that the planner sees what the query is about.
type filter struct {
	from  string
	where strings.Builder
	args  pgx.NamedArgs
}

func (f *filter) and(sql string) { f.where.WriteString("\n   AND " + sql) }

func (f *filter) with(sql, name string, value any) {
	f.args[name] = value
	f.and(sql)
}

func (s *Store) filter(ctx context.Context, m lumo.MerchantID, q channel.FriendQuery) (*filter, error) {
	f := &filter{from: "\n  FROM friend f", args: pgx.NamedArgs{"merchant": m, "channel": q.Channel}}
	f.where.WriteString("\n WHERE f.merchant_id = @merchant AND f.channel_id = @channel")
	if q.Tag != (lumo.TagID{}) {
		f.from = "\n  FROM friend_tag g\n  JOIN friend f ON f.merchant_id = g.merchant_id AND f.id = g.friend_id"
		f.with("g.merchant_id = @merchant AND g.tag_id = @tag", "tag", q.Tag)
	}
	if q.Friend != (lumo.FriendID{}) {
		f.with("f.id = @friend", "friend", q.Friend)
	}
	if q.Status != "" {
		f.with("f.follow_status = @status", "status", string(q.Status))
	}
	if q.Linked != nil {
		f.with("f.linked = @linked", "linked", *q.Linked)
	}
	if q.Consent != "" {
		f.with("f.consent = @consent", "consent", string(q.Consent))
	}
	if q.Code != (lumo.CodeID{}) {
		f.with("f.qr_code_id = @code", "code", q.Code)
	}
	if q.Tester {
		f.and("f.tester")
	}
	if !q.From.IsZero() {
		f.with("f.followed_at >= @from", "from", q.From)
	}
	if !q.Until.IsZero() {
		f.with("f.followed_at < @until", "until", q.Until)
	}
	if q.Profile != "" {
		f.with(`f.id IN (SELECT friend_id
                  FROM identity_link
                 WHERE merchant_id = @merchant AND channel_id = @channel AND profile_id = @profile
                   AND state = 'linked')`, "profile", string(q.Profile))
	}
	if err := s.known(ctx, m, q, f); err != nil {
		return nil, err
	}
	return f, s.named(ctx, q, f)
}

// known narrows to whoever has a LINE user id, email or phone, by blind index.
func (s *Store) known(ctx context.Context, m lumo.MerchantID, q channel.FriendQuery, f *filter) error {
	if q.Line != "" {
		index, err := s.vault.BlindIndex(ctx, m, userIndex, string(q.Line))
		if err != nil {
			return err
		}
		f.with("f.line_user_bidx = @line", "line", index)
	}
	for kind, text := range map[channel.ContactKind]string{
		channel.ContactEmail: q.Email, channel.ContactPhone: q.Phone} {
		if text == "" {
			continue
		}
		index, err := s.vault.BlindIndex(ctx, m, string(kind), text)
		if err != nil {
			return err
		}
		f.with(`f.id IN (SELECT friend_id
                  FROM friend_contact
                 WHERE merchant_id = @merchant AND channel_id = @channel AND kind = '`+string(kind)+`'
                   AND value_bidx = @`+string(kind)+`)`, string(kind), index)
	}
	return nil
}

// named narrows to names that hold a word.
func (s *Store) named(ctx context.Context, q channel.FriendQuery, f *filter) error {
	if q.Name == "" {
		return nil
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT lumo_friends_named($1, $2, $3)`, q.Channel, q.Name, namedMost+1)
	found, err := pgx.CollectRows(rows, pgx.RowTo[lumo.FriendID])
	switch {
	case err != nil:
		return postgres.Fault("postgres.named", err)
	case len(found) > namedMost:
		f.with("strpos(lumo_name(f.display_name), lumo_name(@name)) > 0", "name", q.Name)
	default:
		f.with("f.id = ANY(@named::uuid[])", "named", append([]lumo.FriendID{}, found...))
	}
	return nil
}

// Friends reads one page of a channel's friends, newest first.
func (s *Store) Friends(ctx context.Context, m lumo.MerchantID, q channel.FriendQuery) (
	channel.FriendList, error) {
	const op = "postgres.Friends"
	f, err := s.filter(ctx, m, q)
	if err != nil {
		return channel.FriendList{}, fault.Wrap(op, err)
	}
	order, shown, after := "f.id DESC", "f.id DESC", "f.id < @before"
	switch {
	case q.ByTime():
		order, after = "f.followed_at DESC, f.id DESC", "(f.followed_at, f.id) < (@at, @before)"
		shown, f.args["at"] = order, q.At
	case q.Tag != (lumo.TagID{}):
		order, after = "g.friend_id DESC", "g.friend_id < @before"
	}
	if !q.Before.IsZero() {
		f.with(after, "before", q.Before)
	}
	f.args["limit"] = q.Limit + 1
	rows, _ := postgres.Tx(ctx).Query(ctx, `
WITH page AS MATERIALIZED (
    SELECT f.*`+f.from+f.where.String()+`
     ORDER BY `+order+`
     LIMIT @limit)
SELECT`+itemColumns+`
  FROM page f`+withLink+`
 ORDER BY `+shown, f.args)
	var list channel.FriendList
	list.Items, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (channel.FriendItem, error) {
		return scanItem(r)
	})
	if err != nil {
		return list, postgres.Fault(op, err)
	}
	if len(list.Items) > q.Limit {
		list.Items = list.Items[:q.Limit]
		last := list.Items[q.Limit-1]
		list.Next = id.ID(last.ID)
		if q.ByTime() {
			list.NextAt = last.FollowedAt
		}
	}
	list.Total, err = s.total(ctx, m, q, list)
	return list, fault.Wrap(op, err)
}

// total is how many match, where that is known without counting.
func (s *Store) total(ctx context.Context, m lumo.MerchantID, q channel.FriendQuery, list channel.FriendList) (
	*int64, error) {
	onlyTag := q
	onlyTag.Tag = lumo.TagID{}
	switch {
	case q.Counters(), onlyTag.Counters() && onlyTag.Status == "" && onlyTag.Linked == nil && onlyTag.Consent == "":
		n, err := s.Count(ctx, m, q)
		return &n, err
	case q.Before.IsZero() && list.Next.IsZero():
		n := int64(len(list.Items))
		return &n, nil
	}
	return nil, nil
}

// Count counts all that match: from the standing totals where they answer it, else one by one.
func (s *Store) Count(ctx context.Context, m lumo.MerchantID, q channel.FriendQuery) (n int64, err error) {
	const op = "postgres.Count"
	onlyTag := q
	onlyTag.Tag, onlyTag.PageQuery = lumo.TagID{}, channel.PageQuery{}
	switch {
	case q.Counters():
		err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT coalesce(sum(n), 0)::bigint
  FROM friend_total
 WHERE merchant_id = $1 AND channel_id = $2 AND ($3 = '' OR follow_status = $3)
   AND ($4 = '' OR consent = $4) AND ($5::boolean IS NULL OR linked = $5)`,
			m, q.Channel, string(q.Status), string(q.Consent), q.Linked).Scan(&n)
	case onlyTag == channel.FriendQuery{Channel: q.Channel}:
		err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT friends
  FROM tag
 WHERE merchant_id = $1 AND id = $2 AND channel_id = $3`, m, q.Tag, q.Channel).Scan(&n)
	default:
		f, err := s.filter(ctx, m, q)
		if err != nil {
			return 0, fault.Wrap(op, err)
		}
		err = postgres.Tx(ctx).QueryRow(ctx, "SELECT count(*)"+f.from+f.where.String(), f.args).Scan(&n)
		return n, postgres.Fault(op, err)
	}
	return n, found("This tag does not exist.", op, err)
}

func scanItem(r scanner, more ...any) (channel.FriendItem, error) {
	var i channel.FriendItem
	var followed, blocked, sent, clicked *time.Time
	err := r.Scan(append([]any{&i.ID, &i.Channel, &i.DisplayName, &i.PictureURL, &i.Language,
		&i.FollowStatus, &i.Consent, &i.Tester, &followed, &blocked, &sent, &clicked, &i.Profile,
		&i.Tags}, more...)...)
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
       coalesce(l.assurance, ''), coalesce(l.evidence, '{}'), l.linked_at
  FROM friend f`+withLink+`
 WHERE f.merchant_id = $1 AND f.id = $2`, m, f),
		&consent, &p.ConsentSource, &link, &box.Method, &box.Assurance, &evidence, &linked)
	if err != nil {
		return channel.FriendPage{}, found("This friend does not exist.", op, err)
	}
	p.FriendItem, p.ConsentAt = item, value(consent)
	if link != nil {
		box.ID, box.Profile, box.LinkedAt = *link, item.Profile, value(linked)
		err = json.Unmarshal(evidence, &box.Evidence)
		p.Link = &box
	}
	return p, fault.Wrap(op, err)
}
