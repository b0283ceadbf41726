package prooftest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/prooftest"
	"lumo/shared/event"
	"lumo/shared/id"
	"lumo/shared/token"
)

// planted are mistakes that would break what the engine promises, each with the scenario in
// which it shows. Those of the database's rules stand in core/postgres: a dropped policy, which
// is a missing tenant filter, is TestOneDroppedPolicyIsCaught.
func planted() map[string]bug {
	return map[string]bug{
		"a new retry key for each try": {"I2", storm, func(c *delivery.Config) { c.Pusher = newKeys{c.Pusher} }},
		"a body rendered again":        {"I2", storm, func(c *delivery.Config) { c.Pusher = &renderedAgain{Pusher: c.Pusher} }},
		"accepted before LINE said so": {"I2", storm, func(c *delivery.Config) { c.Store = hasty{c.Store} }},
		"a key after 24 hours":         {"I2", day, func(c *delivery.Config) { c.Store = trusting{c.Store} }},
		"a lease without its fence":    {"I4", replaced, func(c *delivery.Config) { c.Store = unfenced{c.Store} }},
		"401 after unknown is final": {"I4", denied, func(c *delivery.Config) {
			f := &final{Store: c.Store, Pusher: c.Pusher, denied: map[uuid.UUID]bool{}}
			c.Store, c.Pusher = f, f
		}},
	}
}

// bug is a planted mistake: the invariant that it breaks, and where that shows.
type bug struct {
	breaks   string
	scenario func(testing.TB, func(*delivery.Config)) []prooftest.Problem
	plant    func(*delivery.Config)
}

func TestPlantedBugsAreCaught(t *testing.T) {
	t.Parallel()
	for name, b := range planted() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := b.scenario(quiet{t}, b.plant)
			if !slices.ContainsFunc(problems, func(p prooftest.Problem) bool { return p.Invariant == b.breaks }) {
				t.Errorf("%s does not show it: %v", b.breaks, problems)
			}
		})
	}
}

// Without a bug the same scenarios have no problem.
func TestScenariosHoldWithoutBugs(t *testing.T) {
	t.Parallel()
	for name, scenario := range map[string]func(testing.TB, func(*delivery.Config)) []prooftest.Problem{
		"storm": storm, "denied": denied, "day": day, "replaced": replaced} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, p := range scenario(t, nil) {
				t.Error(p)
			}
		})
	}
}

// quiet lets a scenario go on where a planted bug makes it complain: the checks must find it.
type quiet struct{ testing.TB }

func (q quiet) Error(...any)          {}
func (q quiet) Errorf(string, ...any) {}

func (h *hanging) Push(ctx context.Context, k lumo.Keys, key uuid.UUID, body []byte) (r delivery.Result) {
	first := false
	h.once.Do(func() { first = true })
	if !first {
		return h.Pusher.Push(ctx, k, key, body)
	}
	close(h.began)
	<-h.goOn
	defer close(h.ended)
	return delivery.Result{Verdict: delivery.Refused, Status: 400}
}

// newKeys asks LINE under another key each time.
type newKeys struct{ delivery.Pusher }

func (p newKeys) Push(ctx context.Context, k lumo.Keys, _ uuid.UUID, body []byte) delivery.Result {
	return p.Pusher.Push(ctx, k, uuid.New(), body)
}

func (p newKeys) Multicast(ctx context.Context, k lumo.Keys, _ uuid.UUID, body []byte) delivery.Result {
	return p.Pusher.Multicast(ctx, k, uuid.New(), body)
}

// renderedAgain sends bytes that mean the same and are not.
type renderedAgain struct {
	delivery.Pusher
	mu sync.Mutex // guards n
	n  int
}

func (p *renderedAgain) Push(ctx context.Context, k lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	p.mu.Lock()
	p.n++
	spaces := bytes.Repeat([]byte{' '}, p.n)
	p.mu.Unlock()
	return p.Pusher.Push(ctx, k, key, append(bytes.Clone(body), spaces...))
}

// hasty writes down that LINE accepted what is only about to leave.
type hasty struct{ delivery.Store }

func (s hasty) Freeze(ctx context.Context, l delivery.Lease, all []delivery.Delivery) error {
	if err := s.Store.Freeze(ctx, l, all); err != nil {
		return err
	}
	var outcomes []delivery.Outcome
	for _, d := range all {
		outcomes = append(outcomes, delivery.Outcome{Delivery: d, State: delivery.Accepted})
	}
	_, err := s.Store.Settle(ctx, l, outcomes)
	return err
}

// trusting believes in every key, however old.
type trusting struct{ delivery.Store }

func (s trusting) Due(ctx context.Context, l delivery.Lease, q delivery.Due) ([]delivery.Delivery, error) {
	all, err := s.Store.Due(ctx, l, q)
	for i := range all {
		all[i].Expired = false
	}
	return all, err
}

func (s trusting) DueChunks(ctx context.Context, l delivery.Lease, now time.Time, limit int) ([]delivery.Chunk, error) {
	all, err := s.Store.DueChunks(ctx, l, now, limit)
	for i := range all {
		all[i].Expired = false
	}
	return all, err
}

// unfenced writes as if its lease were always the newest.
type unfenced struct{ delivery.Store }

func (s unfenced) Settle(ctx context.Context, l delivery.Lease, all []delivery.Outcome) ([]delivery.Outcome, error) {
	l.Fence = 1 << 62
	return s.Store.Settle(ctx, l, all)
}

// final takes a 401 for the end of a message, whatever went before.
type final struct {
	delivery.Store
	delivery.Pusher
	mu     sync.Mutex // guards denied
	denied map[uuid.UUID]bool
}

func (f *final) Push(ctx context.Context, k lumo.Keys, key uuid.UUID, body []byte) delivery.Result {
	r := f.Pusher.Push(ctx, k, key, body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.denied[key] = r.Status == 401
	return r
}

func (f *final) Settle(ctx context.Context, l delivery.Lease, all []delivery.Outcome) ([]delivery.Outcome, error) {
	f.mu.Lock()
	for i := range all {
		if f.denied[all[i].Delivery.Key] && all[i].State == delivery.Unknown {
			all[i].State = delivery.Rejected
		}
	}
	f.mu.Unlock()
	return f.Store.Settle(ctx, l, all)
}

// Two planners look whom a message was planned for before either writes. Without the
// database's own rule both plan everybody.
func TestSelectThenInsertIsCaught(t *testing.T) {
	t.Parallel()
	for name, racing := range map[string]bool{"the database's rule": false, "select then insert": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, 20)
			race := &selectThenInsert{both: make(chan struct{})}
			engines := make([]*prooftest.Engine, 2)
			for i, owner := range []string{"a", "b"} {
				engines[i] = s.engine(owner, func(c *delivery.Config) {
					if racing {
						c.Store = &selectThenInsert{Store: c.Store, both: race.both, first: i * 1000}
					}
				})
			}
			if racing {
				dropUnique(t, s.URL)
			}
			planTwice(t, s, engines)
			s.running(func() { s.until(s.rests) }, engines...)
			if found := s.problems(); racing != (len(found) > 0) {
				t.Errorf("found %v", found)
			}
		})
	}
}

// planTwice has two replicas plan the same message at once, as after a job that ran twice.
func planTwice(t *testing.T, s *scene, engines []*prooftest.Engine) {
	t.Helper()
	shop := s.Shops[0]
	if err := s.Broadcast(t.Context(), engines[0], shop, "twice", true, nil); err != nil {
		t.Fatal(err)
	}
	logical := s.Again("twice", shop.Friends)
	var group sync.WaitGroup
	for _, e := range engines {
		group.Go(func() {
			if _, err := e.PlanAll(t.Context(), logical, everyone(shop)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func everyone(shop *prooftest.Shop) iter.Seq2[delivery.Recipient, error] {
	return func(yield func(delivery.Recipient, error) bool) {
		for _, f := range shop.Friends {
			if !yield(delivery.Recipient{Friend: f.ID}, nil) {
				return
			}
		}
	}
}

func dropUnique(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "ALTER TABLE delivery DROP CONSTRAINT delivery_merchant_id_logical_kind_logical_id_friend_id_key")
	if err != nil {
		t.Fatal(err)
	}
}

// selectThenInsert looks first and writes then, which is a race: both looks come before either
// write.
type selectThenInsert struct {
	delivery.Store
	both  chan struct{}
	first int // number of its deliveries
}

func (s *selectThenInsert) AddAll(ctx context.Context, l delivery.Logical, ids []lumo.DeliveryID, to []delivery.Recipient,
	now time.Time) (int64, error) {
	var planned int
	err := postgres.Tx(ctx).QueryRow(ctx, `SELECT count(*) FROM delivery WHERE merchant_id = $1 AND logical_id = $2`, l.Merchant,
		l.ID).Scan(&planned)
	if err != nil || planned > 0 {
		return 0, err
	}
	select { // meet the other one
	case s.both <- struct{}{}:
	case <-s.both:
	}
	friends := make([]lumo.FriendID, len(to))
	for i, r := range to {
		friends[i] = r.Friend
	}
	tag, err := postgres.Tx(ctx).Exec(ctx, `
		INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, state, rank, due_at,
			received_at, created_at, updated_at)
		SELECT $1, t.id, $2 + t.place, $3, 'broadcast', $4, t.friend, 'planned', 1, now(), now(), now(), now()
		FROM unnest($5::uuid[], $6::uuid[]) WITH ORDINALITY AS t (id, friend, place)`, l.Merchant, 1_000_000+s.first, l.Channel,
		l.ID, ids, friends)
	return tag.RowsAffected(), err
}

// Taps come from people and from machines that look at links. Only people count.
func TestACountedCrawlerIsCaught(t *testing.T) {
	t.Parallel()
	agents := []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Line/15.0.0",
		"facebookexternalhit/1.1;line-poker/1.0",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	}
	for name, trusting := range map[string]bool{"told apart": false, "all are people": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, 10)
			e := s.engine("a", nil)
			s.everybody(e, "taps")
			s.running(func() { s.until(s.rests) }, e)
			people := 0
			for i, tapped := range s.tapped() {
				class := event.Classify(false, nil, []byte(agents[i%len(agents)]))
				if class == event.Person {
					people++
				}
				if trusting {
					class = event.Person
				}
				if _, err := e.Tracking.Ingest(t.Context(), lumo.Scope{}, []lumo.EdgeEvent{{ID: idAt(s.Clock.Now(), i),
					Event: event.Event{Type: event.Click, Class: class, Number: tapped.Channel, Subject: tapped.Subject, Link: tapped.Link}}}); err != nil {
					t.Fatal(err)
				}
			}
			problems, err := s.Taps(t.Context(), s.Shops[0], people)
			if err != nil || people == 0 || trusting != (len(problems) > 0) {
				t.Errorf("%d people: found %v, %v", people, problems, err)
			}
		})
	}
}

// tapped are the tracked links in the messages that people got, one a person.
func (s *scene) tapped() (all []token.Token) {
	s.t.Helper()
	link := regexp.MustCompile(`/c/([A-Za-z0-9_-]{42})`)
	for _, row := range s.LINE.Ledger() {
		var body struct{ To json.RawMessage }
		found := link.FindSubmatch(row.Body)
		if found == nil || json.Unmarshal(row.Body, &body) != nil || len(row.Delivered) != 1 {
			continue
		}
		tapped, _, err := token.Parse(string(found[1]))
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, tapped)
	}
	return all
}

func idAt(at time.Time, n int) id.ID { return id.New(at.UnixMilli(), [10]byte{9: byte(n)}) }
