package tracking

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/tracking"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// span is the common beginning of the questions below: the range as times, and what happened
// in it. An event's id begins with its time, so the range is found by the key.
//
// rushed are the deliveries all of whose links were followed within seconds, most likely by a
// machine: what happened until then is suspect. Whether it was so is judged by all events of the
// delivery, so that it does not depend on the range that is asked for. later are the first
// clicks of people after it.
const span = `
WITH span AS (
    SELECT time_zone AS zone, ($3::date)::timestamp AT TIME ZONE time_zone AS since,
           ($4::date + 1)::timestamp AT TIME ZONE time_zone AS until
      FROM merchant
     WHERE merchant_id = $1),
hasty AS (
    SELECT e.delivery_id
      FROM edge_event e, span s
     WHERE e.merchant_id = $1 AND e.channel_id = $2 AND e.type = 'click' AND e.class = 'person'
       AND e.delivery_id IS NOT NULL
       AND e.id >= lumo_ulid_floor(s.since - interval '` + rush + `')
       AND e.id < lumo_ulid_floor(s.until + interval '` + rush + `')
     GROUP BY e.delivery_id
    HAVING count(DISTINCT e.link) > 1),
rushed AS (
    SELECT t.delivery_id, max(t.at) AS until
      FROM (SELECT e.delivery_id, e.link, min(e.occurred_at) AS at
              FROM edge_event e
              JOIN hasty h ON h.delivery_id = e.delivery_id
             WHERE e.merchant_id = $1 AND e.type = 'click' AND e.class = 'person'
             GROUP BY e.delivery_id, e.link) AS t
      JOIN delivery d ON d.merchant_id = $1 AND d.id = t.delivery_id
     GROUP BY t.delivery_id, d.links
    HAVING d.links > 1 AND count(*) >= d.links AND max(t.at) - min(t.at) <= interval '` + rush + `'),
later AS (
    SELECT DISTINCT ON (e.delivery_id, e.link) e.id
      FROM edge_event e
      JOIN rushed r ON r.delivery_id = e.delivery_id
     WHERE e.merchant_id = $1 AND e.type = 'click' AND e.counted AND e.occurred_at > r.until
     ORDER BY e.delivery_id, e.link, e.occurred_at),
event AS (
    SELECT e.type, e.counted, e.delivery_id, e.link, e.occurred_at AS at, (e.occurred_at AT TIME ZONE s.zone)::date AS day,
           e.first OR l.id IS NOT NULL AS first,
           coalesce(e.occurred_at <= r.until AND (e.type = 'click' OR e.inferred), false) AS suspect
      FROM edge_event e
     CROSS JOIN span s
      LEFT JOIN rushed r ON r.delivery_id = e.delivery_id
      LEFT JOIN later l ON l.id = e.id
     WHERE e.merchant_id = $1 AND e.channel_id = $2 AND e.type IN ('click', 'open')
       AND e.id >= lumo_ulid_floor(s.since) AND e.id < lumo_ulid_floor(s.until)),
send AS (
    SELECT d.id, d.message_id, (d.accepted_at AT TIME ZONE s.zone)::date AS day
      FROM delivery d, span s
     WHERE d.merchant_id = $1 AND d.channel_id = $2 AND d.state = 'accepted'
       AND d.accepted_at >= s.since AND d.accepted_at < s.until),
unsent AS (
    SELECT e.id, e.kind, e.friend_id, e.data, e.occurred_at AS at, (e.occurred_at AT TIME ZONE s.zone)::date AS day
      FROM friend_event e, span s
     WHERE e.merchant_id = $1 AND e.channel_id = $2 AND e.kind IN ('not_sent', 'failed')
       AND e.occurred_at >= s.since AND e.occurred_at < s.until)`

// rush is how long a person takes at least to follow all links of a message, if there are two.
const rush = "5 seconds"

const eventSums = `
       count(*) FILTER (WHERE e.type = 'open' AND e.counted AND NOT e.suspect) AS opened,
       count(*) FILTER (WHERE e.type = 'click' AND e.counted AND NOT e.suspect) AS clicks,
       count(*) FILTER (WHERE e.type = 'click') AS raw,
       count(*) FILTER (WHERE e.type = 'click' AND e.counted AND e.suspect) AS suspect,
       count(*) FILTER (WHERE e.type = 'click' AND e.counted AND e.first AND NOT e.suspect) AS clickers`

// Statistics reads a channel's figures over some days.
func (s Store) Statistics(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d tracking.Days) (
	out tracking.Statistics, err error) {
	if out.Days, err = s.days(ctx, m, c, d); err != nil {
		return out, err
	}
	for _, day := range out.Days {
		out.Total.Add(day.Sums)
	}
	if out.Messages, err = s.messages(ctx, m, c, d); err != nil {
		return out, err
	}
	if out.Messages, err = s.unsent(ctx, m, c, d, out.Messages); err != nil {
		return out, err
	}
	if out.Reasons, err = s.reasons(ctx, m, c, d); err != nil {
		return out, err
	}
	if out.Links, err = s.linkSums(ctx, m, c, d); err != nil {
		return out, err
	}
	if out.Codes, err = s.codeSums(ctx, m, c, d); err != nil {
		return out, err
	}
	out.Hours, err = s.hours(ctx, m, c, d)
	return out, err
}

// hours are when in the week people click.
func (Store) hours(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d tracking.Days) ([]tracking.HourSums, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, span+`
SELECT extract(isodow FROM e.at AT TIME ZONE s.zone)::int, extract(hour FROM e.at AT TIME ZONE s.zone)::int, count(*)
  FROM event e, span s
 WHERE e.type = 'click' AND e.counted AND NOT e.suspect
 GROUP BY 1, 2
 ORDER BY 1, 2`, m, c, d.From, d.To)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[tracking.HourSums])
	return all, postgres.Fault("postgres.hours", err)
}

func (Store) days(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d tracking.Days) ([]tracking.DaySums, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, span+`,
sent AS (SELECT day, count(*) AS n FROM send GROUP BY day),
happened AS (SELECT e.day,`+eventSums+` FROM event e GROUP BY e.day),
failed AS (
    SELECT day, count(*) FILTER (WHERE kind = 'failed') AS failed, count(*) FILTER (WHERE kind = 'not_sent') AS not_sent
      FROM unsent
     GROUP BY day)
SELECT g.day::date, coalesce(s.n, 0), coalesce(f.failed, 0), coalesce(f.not_sent, 0),
       coalesce(h.opened, 0), coalesce(h.clicks, 0), coalesce(h.raw, 0), coalesce(h.suspect, 0), coalesce(h.clickers, 0)
  FROM generate_series($3::date, $4::date, interval '1 day') AS g (day)
  LEFT JOIN sent s ON s.day = g.day::date
  LEFT JOIN happened h ON h.day = g.day::date
  LEFT JOIN failed f ON f.day = g.day::date
 ORDER BY g.day`, m, c, d.From, d.To)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (v tracking.DaySums, err error) {
		return v, r.Scan(&v.Day, &v.Sent, &v.Failed, &v.NotSent, &v.Opened, &v.Clicks, &v.Raw, &v.Suspect, &v.Clickers)
	})
	return all, postgres.Fault("postgres.days", err)
}

// messages are the figures by saved message. What happened counts for the range in which it
// happened, whenever its message was sent.
func (Store) messages(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d tracking.Days) ([]tracking.MessageSums, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, span+`,
sent AS (SELECT message_id, count(*) AS n FROM send GROUP BY message_id),
happened AS (
    SELECT d.message_id,`+eventSums+`
      FROM event e
      JOIN delivery d ON d.merchant_id = $1 AND d.id = e.delivery_id
     GROUP BY d.message_id),
named AS (SELECT message_id FROM sent UNION SELECT message_id FROM happened)
SELECT n.message_id, coalesce(v.name, ''), coalesce(s.n, 0),
       coalesce(h.opened, 0), coalesce(h.clicks, 0), coalesce(h.raw, 0), coalesce(h.suspect, 0), coalesce(h.clickers, 0), l.figures, l.read_at
  FROM named n
  LEFT JOIN message v ON v.merchant_id = $1 AND v.id = n.message_id
  LEFT JOIN sent s ON s.message_id IS NOT DISTINCT FROM n.message_id
  LEFT JOIN happened h ON h.message_id IS NOT DISTINCT FROM n.message_id
  LEFT JOIN LATERAL (
       SELECT figures, read_at
         FROM line_figure
        WHERE merchant_id = $1 AND message_id = n.message_id AND from_day = greatest($3::date, $4::date - 29) AND to_day = $4::date) AS l ON true
 ORDER BY coalesce(s.n, 0) DESC, n.message_id
 LIMIT 500`, m, c, d.From, d.To)
	all, err := pgx.CollectRows(rows, scanMessageSums)
	return all, postgres.Fault("postgres.messages", err)
}

func scanMessageSums(r pgx.CollectableRow) (v tracking.MessageSums, err error) {
	var message *lumo.MessageID
	var figures []byte
	var read *time.Time
	err = r.Scan(&message, &v.Name, &v.Sent, &v.Opened, &v.Clicks, &v.Raw, &v.Suspect, &v.Clickers, &figures, &read)
	if err != nil {
		return v, err
	}
	v.Message = value(message)
	if figures != nil {
		v.LINE = &tracking.LineFigures{}
		err = json.Unmarshal(figures, v.LINE)
		v.LINE.ReadAt = *read
	}
	return v, err
}

// unsent adds to the figures by message what was not sent and what failed. Replies that never left
// are no deliveries, and calls for nobody led to none: what tells of all is the day's facts.
func (s Store) unsent(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d tracking.Days,
	sums []tracking.MessageSums) ([]tracking.MessageSums, error) {
	const op = "postgres.unsent"
	rows, _ := postgres.Tx(ctx).Query(ctx, span+`
SELECT coalesce(data ->> 'message', ''), count(*) FILTER (WHERE kind = 'failed'), count(*) FILTER (WHERE kind = 'not_sent')
  FROM unsent
 GROUP BY 1
 ORDER BY count(*) DESC, 1`, m, c, d.From, d.To)
	places := map[lumo.MessageID]int{}
	for i, one := range sums {
		places[one.Message] = i
	}
	var text string
	var failed, notSent int64
	var fresh []id.ID
	_, err := pgx.ForEachRow(rows, []any{&text, &failed, &notSent}, func() error {
		v, _ := id.ParseWith(id.Message, text) // none = a text written in Klaviyo
		i, ok := places[lumo.MessageID(v)]
		if !ok {
			i, places[lumo.MessageID(v)] = len(sums), len(sums)
			sums, fresh = append(sums, tracking.MessageSums{Message: lumo.MessageID(v)}), append(fresh, v)
		}
		sums[i].Failed, sums[i].NotSent = failed, notSent
		return nil
	})
	if err != nil || len(fresh) == 0 {
		return sums, postgres.Fault(op, err)
	}
	names, err := s.MessageNames(ctx, m, fresh)
	for _, v := range fresh {
		sums[places[lumo.MessageID(v)]].Name = names[v]
	}
	return sums, err
}

// reasons tell why messages were not sent, or failed, the most frequent first.
func (Store) reasons(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d tracking.Days) ([]tracking.ReasonSums, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, span+`
SELECT kind, coalesce(data ->> 'reason', ''), count(*)
  FROM unsent
 GROUP BY 1, 2
 ORDER BY 3 DESC, 1, 2`, m, c, d.From, d.To)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (v tracking.ReasonSums, err error) {
		return v, r.Scan(&v.Of, &v.Reason, &v.N)
	})
	return all, postgres.Fault("postgres.reasons", err)
}

// linkSums are the figures by address; one that differs from person to person counts for the
// one that the merchant wrote.
func (Store) linkSums(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d tracking.Days) ([]tracking.LinkSums, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, span+`,
happened AS (
    SELECT coalesce(l.stands_for, l.number) AS number,`+eventSums+`
      FROM event e
      JOIN tracked_link l ON l.merchant_id = $1 AND l.channel_id = $2 AND l.number = e.link
     WHERE e.type = 'click'
     GROUP BY 1)
SELECT h.number, l.target, h.clicks, h.raw, h.suspect, h.clickers
  FROM happened h
  JOIN tracked_link l ON l.merchant_id = $1 AND l.channel_id = $2 AND l.number = h.number
 ORDER BY h.clicks DESC, h.number
 LIMIT 500`, m, c, d.From, d.To)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (v tracking.LinkSums, err error) {
		var number int64
		err = r.Scan(&number, &v.Target, &v.Clicks, &v.Raw, &v.Suspect, &v.Clickers)
		v.Number = uint32(number)
		return v, err
	})
	return all, postgres.Fault("postgres.linkSums", err)
}

// codeSums are the figures by custom QR code, without those that forms show.
func (Store) codeSums(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, d tracking.Days) ([]tracking.CodeSums, error) {
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT q.id, q.name, sum(d.scans)::bigint, sum(d.friends)::bigint, sum(d.links)::bigint
  FROM qr_code q
  JOIN qr_code_day d ON d.merchant_id = q.merchant_id AND d.qr_code_id = q.id
 WHERE q.merchant_id = $1 AND q.channel_id = $2 AND q.form_id IS NULL AND d.day BETWEEN $3::date AND $4::date
 GROUP BY q.id, q.name
 ORDER BY sum(d.scans) DESC, q.id
 LIMIT 500`, m, c, d.From, d.To)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (v tracking.CodeSums, err error) {
		return v, r.Scan(&v.Code, &v.Name, &v.Scans, &v.Friends, &v.Links)
	})
	return all, postgres.Fault("postgres.codeSums", err)
}

// did are whom a figure counts, with the time of each of its ones.
func did(of tracking.Behind) string {
	return map[tracking.Behind]string{tracking.BehindSent: `
    SELECT d.friend_id, d.accepted_at AS at
      FROM send s
      JOIN delivery d ON d.merchant_id = $1 AND d.id = s.id, asked a
     WHERE (a.message IS NULL OR d.message_id = a.message) AND NOT (a.direct AND d.message_id IS NOT NULL)`,
		tracking.BehindOpened:  happenedTo + ` AND e.type = 'open'`,
		tracking.BehindClicked: happenedTo + ` AND e.type = 'click'`,
		tracking.BehindJoined: `
    SELECT f.id AS friend_id, f.followed_at AS at
      FROM friend f, span s, asked a
     WHERE f.merchant_id = $1 AND f.channel_id = $2 AND f.qr_code_id = a.code
       AND f.followed_at >= s.since AND f.followed_at < s.until`,
		tracking.BehindLinked: `
    SELECT l.friend_id, l.linked_at AS at
      FROM identity_link l, span s, asked a
     WHERE l.merchant_id = $1 AND l.channel_id = $2 AND l.evidence ->> 'code' = a.named
       AND l.linked_at >= s.since AND l.linked_at < s.until`}[of]
}

const happenedTo = `
    SELECT d.friend_id, e.at
      FROM event e
      JOIN delivery d ON d.merchant_id = $1 AND d.id = e.delivery_id
      LEFT JOIN tracked_link l ON l.merchant_id = $1 AND l.channel_id = $2 AND l.number = e.link, asked a
     WHERE e.counted AND NOT e.suspect
       AND (a.message IS NULL OR d.message_id = a.message) AND NOT (a.direct AND d.message_id IS NOT NULL)
       AND (a.link = 0 OR coalesce(l.stands_for, l.number) = a.link)`

// People reads who stands behind a figure, each once.
func (s Store) People(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, q tracking.PeopleQuery) (
	p tracking.People, err error) {
	if q.Of == tracking.BehindNotSent || q.Of == tracking.BehindFailed {
		return s.missed(ctx, m, c, q)
	}
	var after *time.Time
	if !q.At.IsZero() {
		after = &q.At
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, span+`,
asked AS (SELECT $5::uuid AS message, $6::boolean AS direct, $7::bigint AS link, $8::uuid AS code, $9::text AS named),
did (friend_id, at) AS (`+did(q.Of)+`),
people AS (SELECT friend_id, count(*) AS n, max(at) AS at FROM did GROUP BY friend_id)
SELECT p.friend_id, coalesce(f.display_name, ''), p.n, p.at, (SELECT count(*) FROM people)
  FROM people p
  LEFT JOIN friend f ON f.merchant_id = $1 AND f.id = p.friend_id
 WHERE $10::timestamptz IS NULL OR (p.at, p.friend_id) < ($10, $11::uuid)
 ORDER BY p.at DESC, p.friend_id DESC
 LIMIT $12`, m, c, q.Days.From, q.Days.To, orNull(q.Message), q.Direct, int64(q.Link), orNull(q.Code), q.Code.String(),
		after, q.Before, q.Limit+1)
	p.Items, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (v tracking.Person, err error) {
		err = r.Scan(&v.Friend, &v.Name, &v.N, &v.At, &p.Total)
		v.ID = id.ID(v.Friend)
		return v, err
	})
	if p.More = len(p.Items) > q.Limit; p.More {
		p.Items = p.Items[:q.Limit]
	}
	return p, postgres.Fault("postgres.People", err)
}

// missed reads who was sent nothing, or nothing that LINE took, each once, with what is known of
// the last time. Who is no friend is told apart by profile.
func (Store) missed(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, q tracking.PeopleQuery) (
	p tracking.People, err error) {
	const op = "postgres.missed"
	var after *time.Time
	if !q.At.IsZero() {
		after = &q.At
	}
	message := ""
	if q.Message != (lumo.MessageID{}) {
		message = q.Message.String()
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, span+`,
did AS (
    SELECT u.id, u.friend_id, u.data, u.at, coalesce(u.friend_id, md5(coalesce(u.data ->> 'profile', ''))::uuid) AS who
      FROM unsent u
     WHERE u.kind = $5 AND ($6 = '' OR u.data ->> 'message' = $6) AND NOT ($7 AND u.data ? 'message')
       AND ($8 = '' OR coalesce(u.data ->> 'reason', '') = $8)),
people AS (SELECT who, count(*) AS n, max(at) AS at FROM did GROUP BY who)
SELECT p.who, l.friend_id, coalesce(f.display_name, ''), l.data, p.n, p.at, (SELECT count(*) FROM people)
  FROM people p
 CROSS JOIN LATERAL (
       SELECT d.friend_id, d.data
         FROM did d
        WHERE d.who = p.who
        ORDER BY d.at DESC, d.id DESC
        LIMIT 1) AS l
  LEFT JOIN friend f ON f.merchant_id = $1 AND f.id = l.friend_id
 WHERE $9::timestamptz IS NULL OR (p.at, p.who) < ($9, $10::uuid)
 ORDER BY p.at DESC, p.who DESC
 LIMIT $11`, m, c, q.Days.From, q.Days.To, string(q.Of), message, q.Direct, q.Reason, after, q.Before, q.Limit+1)
	p.Items, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (v tracking.Person, err error) {
		var friend *lumo.FriendID
		err = r.Scan(&v.ID, &friend, &v.Name, &v.Data, &v.N, &v.At, &p.Total)
		v.Friend = value(friend)
		v.Profile, _ = v.Data["profile"].(string)
		v.Reason, _ = v.Data["reason"].(string)
		return v, err
	})
	if p.More = len(p.Items) > q.Limit; p.More {
		p.Items = p.Items[:q.Limit]
	}
	if err != nil {
		return p, postgres.Fault(op, err)
	}
	return p, calls(ctx, m, p.Items)
}

// calls finds the flows' calls behind what people missed, as long as they are kept.
func calls(ctx context.Context, m lumo.MerchantID, people []tracking.Person) error {
	asked := make([]id.ID, len(people))
	for i, one := range people {
		text, _ := one.Data["request"].(string)
		asked[i], _ = id.ParseWith(id.Request, text)
	}
	rows, _ := postgres.Tx(ctx).Query(ctx, `
SELECT id
  FROM flow_request
 WHERE merchant_id = $1 AND id = ANY($2::uuid[])`, m, ids(asked))
	kept, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	for i, v := range asked {
		if slices.Contains(kept, v) {
			people[i].Request = lumo.RequestID(v)
		}
	}
	return postgres.Fault("postgres.calls", err)
}

// LineFigures are LINE's own figures as last read; fault.NotFound = never.
func (Store) LineFigures(ctx context.Context, m lumo.MerchantID, v lumo.MessageID, d tracking.Days) (
	f tracking.LineFigures, err error) {
	const op = "postgres.LineFigures"
	var text []byte
	err = postgres.Tx(ctx).QueryRow(ctx, `
SELECT figures, read_at
  FROM line_figure
 WHERE merchant_id = $1 AND message_id = $2 AND from_day = $3 AND to_day = $4`, m, v, d.From, d.To).Scan(&text, &f.ReadAt)
	if err != nil {
		return f, postgres.Fault(op, err)
	}
	return f, fault.Wrap(op, json.Unmarshal(text, &f))
}

// SetLineFigures keeps what LINE said.
func (Store) SetLineFigures(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID, d tracking.Days,
	f tracking.LineFigures) error {
	const op = "postgres.SetLineFigures"
	text, err := json.Marshal(f)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO line_figure (merchant_id, channel_id, message_id, from_day, to_day, figures, read_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (merchant_id, message_id, from_day, to_day) DO UPDATE SET figures = $6, read_at = $7`,
		m, c, v, d.From, d.To, text, f.ReadAt)
	return postgres.Fault(op, err)
}
