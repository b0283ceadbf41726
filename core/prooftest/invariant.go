package prooftest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/line/linetest"
	"lumo/core/lumo"
	"lumo/core/postgres"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/tracking"
)

// Problem is a broken invariant.
type Problem struct {
	Invariant string
	Text      string
}

func (p Problem) String() string { return p.Invariant + ": " + p.Text }

// findings gathers problems; of one kind the first few are enough.
type findings struct {
	all  []Problem
	kind map[string]int
}

func (f *findings) add(invariant, format string, args ...any) {
	if f.kind == nil {
		f.kind = map[string]int{}
	}
	if f.kind[invariant+format]++; f.kind[invariant+format] <= 3 {
		f.all = append(f.all, Problem{invariant, fmt.Sprintf(format, args...)})
	}
}

// Check is all invariants at rest: nothing waits, nothing runs.
func (w *World) Check(ctx context.Context) ([]Problem, error) {
	attempts := w.LINE.Attempts()
	found := w.OnceEach(attempts)
	found = append(found, SameBytes(attempts)...)
	found = append(found, w.Apart(attempts)...)
	found = append(found, Within(attempts)...)
	for _, check := range []func(context.Context) ([]Problem, error){w.Ended, w.Agree, w.Linked} {
		more, err := check(ctx)
		if err != nil {
			return found, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// OnceEach is I2 and I7: whoever shall get a message got it once, nobody else got it, and
// nothing was tried for those who blocked the account.
func (w *World) OnceEach(attempts []linetest.Sent) []Problem {
	var f findings
	got := map[string]map[string]int{}
	for _, row := range attempts {
		mark := markOf(row.Body)
		wanted := w.wanted[mark]
		if wanted == nil {
			f.add("I2", "LINE was sent %q, which nobody planned", mark)
			continue
		}
		for _, user := range row.To {
			if friend := wanted.Friends[lumo.LineUserID(user)]; friend == nil || friend.Blocked {
				f.add("I7", "%s was sent to somebody who must not get it", mark)
			}
		}
		if row.Result != linetest.Accepted {
			continue
		}
		if got[mark] == nil {
			got[mark] = map[string]int{}
		}
		for _, user := range row.Delivered {
			got[mark][user]++
		}
	}
	for mark, wanted := range w.wanted {
		for user, friend := range wanted.Friends {
			if n := got[mark][string(user)]; n != 1 && !friend.Blocked {
				f.add("I2", "%s arrived %d times at a friend", mark, n)
			}
		}
	}
	return f.all
}

// SameBytes is the other half of I2: each request has a key, and with a key always come the
// same bytes for the same people.
func SameBytes(attempts []linetest.Sent) []Problem {
	var f findings
	first := map[string]string{}
	for _, row := range attempts {
		key, sent := row.Channel+" "+row.RetryKey, row.API+" "+row.BodyHash
		if row.RetryKey == "" {
			f.add("I2", "a request came without a retry key")
		}
		if before, known := first[key]; known && before != sent {
			f.add("I2", "a retry key came again with other bytes")
		}
		first[key] = sent
	}
	return f.all
}

// Apart is I5: what an account sent is its own merchant's, for its own friends.
func (w *World) Apart(attempts []linetest.Sent) []Problem {
	var f findings
	shops := map[string]*Shop{}
	for _, s := range w.Shops {
		shops[s.MessagingID] = s
	}
	for _, row := range attempts {
		shop, wanted := shops[row.Channel], w.wanted[markOf(row.Body)]
		if wanted != nil && wanted.Shop != shop {
			f.add("I5", "%s went out through another merchant's account", wanted.Mark)
		}
		for _, user := range row.To {
			if shop == nil || shop.byLine[lumo.LineUserID(user)] == nil {
				f.add("I5", "an account sent to another merchant's friend")
			}
		}
	}
	return f.all
}

// Within is I8: LINE never had to say that it was too fast, or the month was used up.
func Within(attempts []linetest.Sent) []Problem {
	var f findings
	for _, row := range attempts {
		if row.Result == linetest.OverRate || row.Result == linetest.OverQuota {
			f.add("I8", "LINE refused a %s: %s", row.API, row.Result)
		}
	}
	return f.all
}

// Ended is I3 and I11: no delivery waits any more. What nobody can know about is unconfirmed,
// and Home says how many.
func (w *World) Ended(ctx context.Context) ([]Problem, error) {
	var f findings
	for _, s := range w.Shops {
		waits, err := w.number(ctx, s, `SELECT count(*) FROM delivery WHERE merchant_id = $1
			AND state NOT IN ('accepted', 'skipped', 'rejected', 'unknown_expired')`)
		if err != nil {
			return nil, err
		}
		if waits != 0 {
			f.add("I3", "%d deliveries of %s have not ended", waits, s.Name)
		}
		unsure, err := w.number(ctx, s, `SELECT count(*) FROM delivery WHERE merchant_id = $1 AND state = 'unknown_expired'`)
		if err != nil {
			return nil, err
		}
		shown, err := w.unconfirmed(ctx, s)
		if err != nil {
			return nil, err
		}
		if shown != unsure {
			f.add("I11", "Home says that %d of %d unconfirmed messages of %s need a person", shown, unsure, s.Name)
		}
	}
	return f.all, nil
}

// unconfirmed is how many messages Home says nobody confirmed.
func (w *World) unconfirmed(ctx context.Context, s *Shop) (n int64, err error) {
	err = w.in(ctx, s, func(ctx context.Context) error {
		notices, err := trackingstore.Store{}.Attention(ctx, s.Merchant, s.Channel.ID, w.Clock.Now())
		for _, v := range notices {
			if v.Code == "unconfirmed" {
				n, _ = v.Data["n"].(int64)
			}
		}
		return err
	})
	return n, err
}

// Sums are how many messages a shop sent, as each side says.
type Sums struct {
	LINE     int64 // people whose phones got one
	Database int64 // deliveries in the state accepted
	Console  int64 // statistics
	Counted  int64 // Home's counters
	Month    int64 // of the quota page
	Linked   int64 // of LINE's, people who are linked
	Klaviyo  int64 // "Sent" events
}

// Agree is I4 and I14: all sides say the same, and Klaviyo has each event once, at the right
// profile.
func (w *World) Agree(ctx context.Context) ([]Problem, error) {
	var f findings
	for _, s := range w.Shops {
		sums, err := w.Sums(ctx, s)
		if err != nil {
			return nil, err
		}
		if sums.Database != sums.LINE || sums.Console != sums.LINE || sums.Counted != sums.LINE || sums.Month != sums.LINE {
			f.add("I4", "%s: %+v", s.Name, sums)
		}
		if sums.Klaviyo != sums.Linked {
			f.add("I4", "%s: Klaviyo has %d sent events for %d messages", s.Name, sums.Klaviyo, sums.Linked)
		}
		f.all = append(f.all, w.events(s)...)
	}
	return f.all, nil
}

// Sums asks every side.
func (w *World) Sums(ctx context.Context, s *Shop) (sums Sums, err error) {
	for _, row := range w.LINE.Ledger() {
		if row.Channel != s.MessagingID {
			continue
		}
		for _, user := range row.Delivered {
			sums.LINE++
			if f := s.byLine[lumo.LineUserID(user)]; f != nil && f.Profile != "" {
				sums.Linked++
			}
		}
	}
	for _, e := range w.Klaviyo.Events(s.Site, "") {
		if e.Metric == "Sent LINE Message" {
			sums.Klaviyo++
		}
	}
	if sums.Database, err = w.number(ctx, s, `SELECT count(*) FROM delivery WHERE merchant_id = $1 AND state = 'accepted'`); err != nil {
		return sums, err
	}
	if sums.Counted, err = w.number(ctx, s, `SELECT coalesce(sum(n), 0)::bigint FROM counter WHERE merchant_id = $1
		AND kind = 'sent'`); err != nil {
		return sums, err
	}
	if sums.Month, err = w.number(ctx, s, `SELECT coalesce(sum(n), 0)::bigint FROM sent_day WHERE merchant_id = $1`); err != nil {
		return sums, err
	}
	now := time.Now() // the database's days
	reports := tracking.NewReports(w.DB, trackingstore.Store{}, nil, nil, w.Clock.Now)
	console, err := reports.Statistics(ctx, s.Merchant, s.Channel.ID, tracking.Days{From: now.AddDate(0, 0, -2), To: now.AddDate(0, 0, 4)})
	sums.Console = console.Total.Sent
	return sums, err
}

// events checks that each event is there once for each message, and of this shop's people.
func (w *World) events(s *Shop) []Problem {
	var f findings
	profiles := map[string]bool{}
	for i := range s.Friends {
		profiles[string(s.Friends[i].Profile)] = true
	}
	seen := map[string]bool{}
	for _, e := range w.Klaviyo.Events(s.Site, "") {
		if e.Metric != "Sent LINE Message" {
			continue
		}
		if !profiles[e.Profile] {
			f.add("I5", "%s told Klaviyo of a profile that is not its own", s.Name)
		}
		if seen[e.UniqueID] {
			f.add("I4", "Klaviyo has an event twice")
		}
		seen[e.UniqueID] = true
	}
	return f.all
}

// Silent is I6: what was logged names no person and no secret.
func (w *World) Silent(log []byte) []Problem {
	var f findings
	for _, s := range w.Shops {
		for i := range s.Friends[:min(len(s.Friends), 200)] {
			if bytes.Contains(log, []byte(s.Friends[i].Line)) {
				f.add("I6", "a LINE id stands in the log")
			}
		}
	}
	for _, word := range []string{masterKeyText(), "customer.example", "Bearer "} {
		if bytes.Contains(log, []byte(word)) {
			f.add("I6", "a secret or an address stands in the log")
		}
	}
	for _, c := range w.LINE.Accounts() {
		if bytes.Contains(log, []byte(c.MessagingSecret)) {
			f.add("I6", "a channel's secret stands in the log")
		}
	}
	return f.all
}

// Rest tells whether everything has come to rest: nothing waits for LINE or for Klaviyo.
func (w *World) Rest(ctx context.Context) (bool, error) {
	for _, s := range w.Shops {
		n, err := w.number(ctx, s, `
			SELECT (SELECT count(*) FROM (SELECT FROM delivery WHERE merchant_id = $1 AND due_at IS NOT NULL LIMIT 1) AS d)
				+ (SELECT count(*) FROM (SELECT FROM delivery WHERE merchant_id = $1 AND chunk_id IS NOT NULL LIMIT 1) AS c)
				+ (SELECT count(*) FROM (SELECT FROM delivery_bundle WHERE merchant_id = $1 LIMIT 1) AS b)
				+ (SELECT count(*) FROM (SELECT FROM outbox WHERE merchant_id = $1 AND state = 'waiting' LIMIT 1) AS o)
				+ (SELECT count(*) FROM (SELECT FROM outbox_bundle WHERE merchant_id = $1 LIMIT 1) AS e)`)
		if err != nil || n != 0 {
			return false, err
		}
	}
	return true, nil
}

// Hurry lets what waits for a retry be due now, as if the time had passed.
func (w *World) Hurry(ctx context.Context) error {
	for _, s := range w.Shops {
		for _, sql := range []string{
			`UPDATE delivery SET due_at = now() WHERE merchant_id = $1 AND due_at > now()`,
			`UPDATE delivery_chunk SET due_at = now() WHERE merchant_id = $1 AND due_at > now() AND state = 'unknown'`,
			`UPDATE outbox SET due_at = now() WHERE merchant_id = $1 AND due_at > now() AND state = 'waiting'`} {
			if err := w.Exec(ctx, s, sql); err != nil {
				return err
			}
		}
	}
	return nil
}

// Expire ends the leases of senders and writers, as ten seconds without a word would.
func (w *World) Expire(ctx context.Context) error {
	return w.DB.InSystem(ctx, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, `UPDATE work SET lease_until = now() - interval '1 second'
			WHERE kind IN ('send', 'outbox') AND owner IS NOT NULL`)
		return postgres.Fault("prooftest.Expire", err)
	})
}

// markOf is the first word of a message's text.
func markOf(body []byte) string {
	var b struct{ Messages []struct{ Text string } }
	if json.Unmarshal(body, &b) != nil || len(b.Messages) == 0 {
		return ""
	}
	mark, _, _ := strings.Cut(b.Messages[0].Text, " ")
	return mark
}

// States counts a shop's deliveries by state.
func (w *World) States(ctx context.Context, s *Shop) (map[string]int64, error) {
	states := map[string]int64{}
	err := w.in(ctx, s, func(ctx context.Context) error {
		rows, _ := postgres.Tx(ctx).Query(ctx, `SELECT state, count(*) FROM delivery WHERE merchant_id = $1 GROUP BY 1`, s.Merchant)
		var state string
		var n int64
		_, err := pgx.ForEachRow(rows, []any{&state, &n}, func() error {
			states[state] = n
			return nil
		})
		return err
	})
	return states, postgres.Fault("prooftest.States", err)
}

// Taps is I9: of all that asked for tracked links so many were people, and they alone count.
func (w *World) Taps(ctx context.Context, s *Shop, people int) ([]Problem, error) {
	var f findings
	counted, err := w.Counted(ctx, s, "clicked")
	if err == nil && counted != int64(people) {
		f.add("I9", "%d taps count, %d people tapped", counted, people)
	}
	return f.all, err
}

// Counted is how many facts of a kind a shop's counters have.
func (w *World) Counted(ctx context.Context, s *Shop, kind string) (int64, error) {
	return w.number(ctx, s, `SELECT coalesce(sum(n), 0)::bigint FROM counter WHERE merchant_id = $1 AND kind = $2`, kind)
}
