package retention_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/postgres"
	"lumo/core/postgres/postgrestest"
	retentionstore "lumo/core/postgres/retention"
	"lumo/core/postgres/shoptest"
	"lumo/core/retention"
	"lumo/shared/id"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// daily is the run of one process of its own.
func daily(t *testing.T, s *shoptest.Shop) *retention.Service {
	t.Helper()
	return retention.New(retention.Config{Units: s.Open(t), Store: retentionstore.Store{}, Now: s.Clock.Now,
		Log: slog.New(slog.DiscardHandler)})
}

func run(t *testing.T, r *retention.Service) bool {
	t.Helper()
	did, err := r.Daily(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return did
}

// at is an id of another time.
func at(when time.Time) id.ID {
	var entropy [10]byte
	rand.Read(entropy[:]) // never fails
	return id.New(when.UnixMilli(), entropy)
}

const day = 24 * time.Hour

// rows are one kind each: how a row of an age is made, and how old it may grow.
func rows() map[string]struct {
	table, sql string
	keep       time.Duration
} {
	return map[string]struct {
		table, sql string
		keep       time.Duration
	}{
		"a hook's body": {"hook_request", `
INSERT INTO hook_request (merchant_id, id, kind, auth, body_enc, received_at, created_at, state)
VALUES ($1, $2, 'shopify', 'verified', 'x', $3, $3, 'done')`, 30 * day},
		"a refused hook": {"hook_request", `
INSERT INTO hook_request (merchant_id, id, kind, auth, body_enc, received_at, created_at, state)
VALUES ($1, $2, 'shopify', 'refused', 'x', $3, $3, 'refused')`, day},
		"a flow's call": {"flow_request", `
INSERT INTO flow_request (merchant_id, id, channel_id, received_at, auth, outcome, body_enc, created_at)
SELECT $1, $2, id, $3, 'verified', 'accepted', 'x', $3 FROM channel WHERE merchant_id = $1`, 14 * day},
		"a flow's key": {"flow_idempotency", `
INSERT INTO flow_idempotency (merchant_id, key, request_id, expires_at)
VALUES ($1, uuid_send($2), $2, $3::timestamptz + interval '35 days')`, 35 * day},
		"an event's id": {"line_event", `
INSERT INTO line_event (merchant_id, channel_id, webhook_event_id, request_id, type, occurred_at, created_at)
SELECT $1, id, 'e', $2, 'follow', $3, $3 FROM channel WHERE merchant_id = $1`, 30 * day},
		"an answer": {"idempotency_key", `
INSERT INTO idempotency_key (merchant_id, actor_id, key, request_hash, created_at)
VALUES ($1, $2, 'k', 'x', $3)`, day},
		"an edge's event": {"edge_event", `
INSERT INTO edge_event (merchant_id, id, channel_id, type, class, subject, occurred_at, created_at)
SELECT $1, $2, id, 'click', 'person', 1, $3, $3 FROM channel WHERE merchant_id = $1`, 395 * day},
		"what came of an import": {"run_item", `
WITH r AS (
    INSERT INTO run (merchant_id, id, channel_id, kind, state, created_at, ended_at)
    SELECT $1, $2, id, 'import', 'done', $3, $3 FROM channel WHERE merchant_id = $1
    RETURNING merchant_id, id)
INSERT INTO run_item (merchant_id, run_id, n, result)
SELECT merchant_id, id, 1, 'linked' FROM r`, 31 * day},
		"a line of a timeline": {"friend_event", `
INSERT INTO friend_event (merchant_id, id, friend_id, channel_id, kind, source, occurred_at, created_at)
SELECT $1, $2, id, channel_id, 'said', 'test', $3, $3 FROM friend WHERE merchant_id = $1`, 395 * day},
	}
}

func TestWhatIsOldIsForgottenAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, c := range rows() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shoptest.New(t)
			s.AddFriend(t, "Yuki", shoptest.LineUser)
			made := s.Clock.Now()
			s.Exec(t, c.sql, at(made), made)
			s.Clock.Advance(c.keep - 4*time.Hour)
			count := func() int {
				return shoptest.Get[int](t, s, "SELECT count(*) FROM "+c.table+" WHERE merchant_id = $1")
			}
			if !run(t, daily(t, s)) || count() != 1 {
				t.Fatalf("before its time: got %d rows", count())
			}
			s.Clock.Advance(2 * day)
			if !run(t, daily(t, s)) || count() != 0 {
				t.Errorf("after its time: got %d rows", count())
			}
		})
	}
}

// Charts of edges keep a day, what became of edges 13 months, what operators did for ever.
func TestTracesOfEdgesAreForgottenOperatorsActsAreNot(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	made := s.Clock.Now()
	s.Exec(t, "INSERT INTO edge_minute (edge_id, minute) VALUES ($1, $2)", made)
	for _, line := range []struct {
		action     string
		edge, done bool
	}{{"connected", true, false}, {"revoked", true, true}, {"modules_published", false, false}} {
		s.Exec(t, `
INSERT INTO fleet_log (id, edge_id, operator_id, action, created_at)
VALUES ($2, CASE WHEN $3 THEN $1::uuid END, CASE WHEN $4 THEN $1::uuid END, $5, $6)`, at(made), line.edge, line.done,
			line.action, made)
	}
	left := func() string {
		return shoptest.Get[string](t, s, `
SELECT (SELECT count(*) FROM edge_minute WHERE edge_id = $1) || ' ' || string_agg(action, ' ' ORDER BY action)
  FROM fleet_log`)
	}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{20 * time.Hour, "1 connected modules_published revoked"}, {2 * day, "0 connected modules_published revoked"},
		{400 * day, "0 modules_published revoked"}} {
		s.Clock.Advance(step.after)
		run(t, daily(t, s))
		if got := left(); got != step.want {
			t.Errorf("%s later: %s, want %s", step.after, got, step.want)
		}
	}
}

func TestRefusedCallsLoseTheirBodies(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	for _, reason := range []string{"wrong_key", "unlinked"} {
		s.Exec(t, `
INSERT INTO flow_request (merchant_id, id, channel_id, received_at, auth, outcome, reason, body_enc, created_at)
VALUES ($1, $2, $3, $4, 'verified', 'refused', $5, 'x', $4)`, s.ID(), s.Channel.ID, s.Clock.Now(), reason)
	}
	s.Clock.Advance(25 * time.Hour)
	run(t, daily(t, s))
	got := shoptest.Get[string](t, s, `
SELECT string_agg(reason, ',')
  FROM flow_request
 WHERE merchant_id = $1 AND body_enc IS NOT NULL`)
	if got != "unlinked" {
		t.Errorf("bodies are left of: %s", got)
	}
}

func TestOneOfManyReplicasRunsOnceADay(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	var group sync.WaitGroup
	did := make(chan bool, 6)
	for range cap(did) {
		r := daily(t, s)
		group.Go(func() { did <- run(t, r) })
	}
	group.Wait()
	close(did)
	n := 0
	for one := range did {
		if one {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d ran", n)
	}
	s.Clock.Advance(time.Hour)
	if run(t, daily(t, s)) {
		t.Error("a second run on one day")
	}
	s.Clock.Advance(day)
	if !run(t, daily(t, s)) {
		t.Error("no run on the next day")
	}
}

func TestABrokenRunIsTakenUp(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	claim := func() (got bool) {
		err := s.DB.InSystem(t.Context(), func(ctx context.Context) (err error) {
			got, err = retentionstore.Store{}.Claim(ctx, "retention", s.Clock.Now(), 30*time.Minute)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if !claim() || run(t, daily(t, s)) {
		t.Fatal("a run that another process has")
	}
	s.Clock.Advance(31 * time.Minute)
	if !run(t, daily(t, s)) {
		t.Error("a run that was broken off is not taken up")
	}
}

// months are the partitions there are.
func months(t *testing.T, s *shoptest.Shop) (names []string) {
	t.Helper()
	s.In(t, func(ctx context.Context) error {
		rows, err := postgres.Tx(ctx).Query(ctx, `
SELECT inhrelid::regclass::text
  FROM pg_inherits
 WHERE inhparent = 'edge_event'::regclass
 ORDER BY 1`)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return names
}

func TestMonthsAreThereAheadAndGoAfterThirteen(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t) // November 2026
	run(t, daily(t, s))
	got := months(t, s)
	want := []string{"edge_event_202611", "edge_event_202612", "edge_event_202701", "edge_event_rest"}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i, name := range want {
		if got[i] != name {
			t.Errorf("got %v", got)
		}
	}
	for _, when := range []time.Time{s.Clock.Now(), s.Clock.Now().AddDate(0, 0, 30), s.Clock.Now().AddDate(-1, 0, 0)} {
		s.Exec(t, `
INSERT INTO edge_event (merchant_id, id, channel_id, type, class, subject, occurred_at, created_at)
VALUES ($1, $2, $3, 'click', 'person', 1, $4, $4)`, at(when), s.Channel.ID, when)
	}
	places := shoptest.Get[string](t, s, `
SELECT string_agg(tableoid::regclass::text, ',' ORDER BY tableoid::regclass::text)
  FROM edge_event
 WHERE merchant_id = $1`)
	if places != "edge_event_202611,edge_event_202612,edge_event_rest" {
		t.Errorf("events lie in %s", places)
	}
	s.Clock.Advance(396 * day) // Christmas of 2027: 13 months and a month ahead of their end
	run(t, daily(t, s))
	for _, name := range months(t, s) {
		if name == "edge_event_202610" {
			t.Errorf("got %v", name)
		}
	}
	s.Clock.Advance(31 * day) // January 2028
	run(t, daily(t, s))
	if got := months(t, s)[0]; got != "edge_event_202612" {
		t.Errorf("the oldest month is %s", got)
	}
}

func TestMonthsAreClosedToOtherTenants(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	run(t, daily(t, s))
	s.Exec(t, `
INSERT INTO edge_event_202611 (merchant_id, id, channel_id, type, class, subject, occurred_at, created_at)
VALUES ($1, $2, $3, 'click', 'person', 1, $4, $4)`, s.ID(), s.Channel.ID, s.Clock.Now())
	seen := -1
	err := s.DB.InTenant(t.Context(), [16]byte(s.ID()), func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, "SELECT count(*) FROM edge_event_202611").Scan(&seen)
	})
	if err != nil || seen != 0 {
		t.Errorf("another merchant sees %d rows, %v", seen, err)
	}
	open := shoptest.Get[int](t, s, `
SELECT count(*)
  FROM pg_class
 WHERE relname ~ '^edge_event' AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)
   AND $1::uuid IS NOT NULL`)
	if open != 0 {
		t.Errorf("%d tables are open", open)
	}
}

func TestAMonthInTheRestStaysThere(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	s.Exec(t, `
INSERT INTO edge_event (merchant_id, id, channel_id, type, class, subject, occurred_at, created_at)
VALUES ($1, $2, $3, 'click', 'person', 1, $4, $4)`, s.ID(), s.Channel.ID, s.Clock.Now())
	run(t, daily(t, s))
	if got := months(t, s); len(got) != 3 || got[0] != "edge_event_202612" {
		t.Errorf("got %v", got)
	}
}
