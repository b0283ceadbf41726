package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lumo/shared/id"
	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

const (
	friendsOnly  = "friends" // as an argument: no more than linking and searching among a million
	joinPeople   = 200
	searchRepeat = 20
	joinName     = "Join %d"
)

// friendFigures measure a shop with a million friends, half of them linked: how long a person
// waits from the yes at LINE to the page that says that she is linked, follow webhook
// included, and how long a member waits for a page of the list, by every kind of question.
func friendFigures(ctx context.Context, s *stack.Stack, console *seed.Console, sim *seed.Sim, shop seed.Shop, out io.Writer) error {
	begun := time.Now()
	var tag struct{ ID string }
	if err := console.Post(ctx, "/channels/"+shop.Channel+"/tags", map[string]string{"name": "Bench"}, &tag); err != nil {
		return err
	}
	if err := fillFriends(ctx, s.DatabaseURL(), shop, tag.ID); err != nil {
		return err
	}
	fmt.Fprintf(out, "a million friends and half a million links after %s\n", time.Since(begun).Round(time.Second))
	joins := make([]time.Duration, joinPeople)
	for n := range joins {
		var err error
		if joins[n], err = joinPerson(ctx, sim, shop, n); err != nil {
			return err
		}
	}
	slices.Sort(joins)
	bench(out, "link_join_p50_ms", milliseconds(quantile(joins, 0.50)), "ms")
	bench(out, "link_join_p99_ms", milliseconds(quantile(joins, 0.99)), "ms")
	slowest, err := searchFriends(ctx, console, shop, tag.ID, out)
	if err != nil {
		return err
	}
	bench(out, "friends_search_p95_ms", milliseconds(slowest), "ms")
	return nil
}

// fillFriends loads as a restore would: in sets, triggers off, the index over names made
// afterwards, totals counted once.
func fillFriends(ctx context.Context, database string, shop seed.Shop, tag string) error {
	c, err := id.ParseWith(id.Channel, shop.Channel)
	if err != nil {
		return err
	}
	code, err := id.ParseWith(id.QRCode, shop.Code.ID)
	if err != nil {
		return err
	}
	label, err := id.ParseWith(id.Tag, tag)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	fill := strings.NewReplacer("$channel", "'"+uuid.UUID(c).String()+"'", "$code", "'"+uuid.UUID(code).String()+"'",
		"$tag", "'"+uuid.UUID(label).String()+"'")
	for _, sql := range []string{"SET session_replication_role = replica", "SET maintenance_work_mem = '256MB'",
		"DROP INDEX friend_name_grams_idx", millionFriends, millionNames, halfLinked, someTagged, noTotals, millionTotals,
		"CREATE INDEX friend_name_grams_idx ON friend_name USING gin (lumo_grams(channel_id, display_name)) WITH (fastupdate = off)",
		"VACUUM ANALYZE"} {
		if _, err := conn.Exec(ctx, fill.Replace(sql)); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

const millionFriends = `
INSERT INTO friend (merchant_id, id, channel_id, line_user_enc, line_user_bidx, display_name, follow_status, linked,
                    tester, qr_code_id, follow_changed_at, followed_at, consent, consent_at, consent_source, created_at, updated_at)
SELECT c.merchant_id, lumo_ulid(timestamptz '2025-01-01' + make_interval(secs => n * 50)), c.id, 'x',
       decode(md5(n::text), 'hex'),
       (ARRAY['山田','佐藤','鈴木','高橋','田中','Smith','Chen','สมชาย'])[1 + n % 8] || ' ' ||
       (ARRAY['花子','太郎','美緒','Yuki','Mio','Ken','Aya'])[1 + n % 7] || CASE WHEN n % 1000 = 0 THEN ' 珍' ELSE '' END,
       CASE WHEN n % 12 = 0 THEN 'blocked' ELSE 'following' END, n % 2 = 0, n % 50000 = 0,
       CASE WHEN n % 10 = 0 THEN $code::uuid END, now(),
       timestamptz '2025-01-01' + make_interval(secs => n * 50),
       CASE WHEN n % 12 = 0 THEN 'withdrawn' ELSE 'given' END, now(), 'friend_added', now(), now()
  FROM channel c, generate_series(0, 999999) AS n
 WHERE c.id = $channel`

const millionNames = `
INSERT INTO friend_name
SELECT merchant_id, id, channel_id, display_name
  FROM friend
 WHERE channel_id = $channel AND line_user_enc = 'x'`

const halfLinked = `
INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance,
                           state, linked_at, created_at, updated_at)
SELECT f.merchant_id, gen_random_uuid(), f.channel_id, f.id, c.klaviyo_account_id, 'P' || row_number() OVER (), 'qr',
       'proven', 'linked', now(), now(), now()
  FROM friend f
  JOIN channel c ON c.merchant_id = f.merchant_id AND c.id = f.channel_id
 WHERE f.channel_id = $channel AND f.linked AND f.line_user_enc = 'x'`

const someTagged = `
INSERT INTO friend_tag (merchant_id, tag_id, friend_id, source, created_at)
SELECT merchant_id, $tag, id, 'hand', now()
  FROM friend
 WHERE channel_id = $channel AND line_user_enc = 'x' AND line_user_bidx < '\x08'`

const noTotals = `DELETE FROM friend_total WHERE channel_id = $channel`

const millionTotals = `
INSERT INTO friend_total
SELECT merchant_id, channel_id, follow_status, consent, linked, 0, count(*)
  FROM friend
 WHERE channel_id = $channel
 GROUP BY 1, 2, 3, 4, 5`

// joinPerson has a new customer scan the code of her email and agree at LINE, and measures from
// there to the last page.
func joinPerson(ctx context.Context, sim *seed.Sim, shop seed.Shop, n int) (time.Duration, error) {
	var person, profile struct{ ID string }
	if err := sim.Post(ctx, "/people", map[string]string{"name": fmt.Sprintf(joinName, n), "language": "ja"}, &person); err != nil {
		return 0, err
	}
	address := fmt.Sprintf("join%d@customer.example", n)
	if err := sim.Post(ctx, "/klaviyo/profiles", map[string]string{"email": address}, &profile); err != nil {
		return 0, err
	}
	link, err := seed.Scanned(ctx, sim, shop.Code, profile.ID)
	if err != nil {
		return 0, err
	}
	opened, err := sim.Scan(ctx, person.ID, link)
	if err != nil || opened[len(opened)-1].Login == nil {
		return 0, errors.Join(err, errors.New("a scan did not lead to LINE Login"))
	}
	begun := time.Now()
	done, err := sim.Consent(ctx, person.ID, opened[len(opened)-1].Login.Request, "follow_first")
	took := time.Since(begun)
	if err != nil {
		return 0, err
	}
	if last := done[len(done)-1]; last.Status != 200 || len(last.Forms) > 0 {
		return 0, fmt.Errorf("after the consent: %d %s", last.Status, last.Text)
	}
	return took, nil
}

// searchFriends asks for pages of the list as a member does: one after the other, each the
// page after the last. It answers how long the slowest kind of question takes.
func searchFriends(ctx context.Context, console *seed.Console, shop seed.Shop, tag string, out io.Writer) (
	slowest time.Duration, err error) {
	const early = "2025-01-20T00:00:00Z"
	questions := []map[string]any{{}, {"text": "山田"}, {"text": "花"}, {"text": "珍"}, {"text": "田 太郎"}, {"text": "smith yu"},
		{"text": "鰻重"}, {"text": "nobody@shop.example"}, {"text": "090-9999-0000"}, {"linked": "yes"},
		{"linked": "no", "state": "blocked"}, {"consent": "withdrawn"}, {"text": "珍", "state": "blocked"},
		{"from": "2026-03-01T00:00:00Z"}, {"until": early}, {"until": early, "state": "blocked"}, {"tag": tag},
		{"tag": tag, "until": early}, {"qr_code": shop.Code.ID}, {"qr_code": shop.Code.ID, "until": early}, {"tester": "yes"},
		{"text": "U0123456789abcdef0123456789abcdef"}}
	for _, question := range questions {
		asked := fmt.Sprint(question)
		if question["text"] == nil {
			question["text"] = ""
		}
		var took []time.Duration
		for range searchRepeat {
			var page struct{ Next string }
			begun := time.Now()
			err := console.Post(ctx, "/channels/"+shop.Channel+"/friends/search", question, &page)
			if err != nil {
				return 0, fmt.Errorf("%v: %w", question, err)
			}
			took = append(took, time.Since(begun))
			if page.Next != "" {
				question["cursor"] = page.Next
			}
		}
		slices.Sort(took)
		p95 := quantile(took, 0.95)
		fmt.Fprintf(out, "friends by %s: p95 %s\n", asked, p95.Round(time.Millisecond/10))
		slowest = max(slowest, p95)
	}
	return slowest, nil
}
