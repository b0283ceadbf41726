package channel_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/postgrestest"
	"lumo/core/run"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	refreshMemory = 400 << 20
	lineAnswers   = 32 * time.Millisecond // how long LINE takes to answer
	lineOpen      = 16                    // questions at once
	lineMost      = 2000                  // questions a second
	everyHundred  = 100                   // of so many, one blocked us unheard and one came back
)

// The consent of many is read again as fast as LINE answers, below its limit, in bounded memory.
func TestConsentOfManyIsReadAgainAtLINEsPace(t *testing.T) {
	t.Parallel()
	for _, verified := range []bool{true, false} {
		newWorld(t).refreshed(t, 3_000, verified)
	}
}

// BENCH consent_refresh_memory: the same with a million friends, half of them linked.
func TestSoakConsent(t *testing.T) {
	postgrestest.Soak(t)
	all := postgrestest.SoakSize("LUMO_SOAK_FRIENDS", 1_000_000)
	for name, verified := range map[string]bool{"from the list": true, "one by one": false} {
		t.Run(name, func(t *testing.T) {
			ours, lines := newWorld(t).refreshed(t, all, verified)
			fmt.Printf("BENCH consent_refresh_per_s %.0f /s (%s; %v by LINE's clock)\n", float64(all)/ours.Seconds(), name,
				lines.Round(time.Second))
		})
	}
	fmt.Printf("BENCH consent_refresh_memory %d MB\n", postgrestest.MostResident()>>20)
}

// refreshed reads the consent of so many again, and answers how long that took, and how long by
// LINE's clock.
func (w *world) refreshed(t *testing.T, all int, verified bool) (ours, lines time.Duration) {
	t.Helper()
	c := w.connect(t)
	w.bigCrowd(t, c, all)
	l := &pacedLINE{world: w, all: all, verified: verified}
	s := w.runsAt(t, l, "core-1")
	begun, from := time.Now(), w.clock()
	r, err := s.Start(t.Context(), w.merchant, c.ID, channel.RunConsent, nil, lumo.MemberID{})
	if err != nil {
		t.Fatal(err)
	}
	for !r.Ended() {
		did, err := s.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !did {
			w.pass(time.Second)
		}
		if r, err = s.Run(t.Context(), w.merchant, c.ID, r.ID); err != nil {
			t.Fatal(err)
		}
	}
	ours, lines = time.Since(begun), w.clock().Sub(from)
	each := int64(all / everyHundred)
	want := map[string]int64{"given": each, "withdrawn": each, "unchanged": int64(all) - 2*each}
	if r.State != run.Done || fmt.Sprint(r.Counts) != fmt.Sprint(want) {
		t.Fatalf("verified %v: got %s %v want %v", verified, r.State, r.Counts, want)
	}
	got, err := w.people.Consents(t.Context(), w.merchant, c.ID)
	if err != nil || got.Given != int64(all)-each || got.Withdrawn != each {
		t.Errorf("verified %v: consents are %+v %v", verified, got, err)
	}
	if l.refused > 0 {
		t.Errorf("verified %v: LINE refused %d questions as too many", verified, l.refused)
	}
	if rest := lines - l.took; rest > 2*time.Second {
		t.Errorf("verified %v: it took %v, of which LINE took %v: the rest is nobody's limit", verified, lines, l.took)
	}
	if most := postgrestest.MostResident(); most > refreshMemory {
		t.Errorf("%d MB were in use at most, want %d", most>>20, refreshMemory>>20)
	}
	return ours, lines
}

// pacedLINE is LINE with its limit, on the test's clock: each answer takes its time, so many at
// once; more questions in a second than it allows are refused.
type pacedLINE struct {
	world    *world
	all      int
	verified bool
	mu       sync.Mutex // guards the rest
	took     time.Duration
	second   int64
	asked    int
	refused  int
}

func (l *pacedLINE) answer(share time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took += share
	l.world.pass(share)
	if now := l.world.clock().Unix(); now != l.second {
		l.second, l.asked = now, 0
	}
	if l.asked++; l.asked > lineMost {
		l.refused++
		return fault.New(fault.Limited, "test", "too fast")
	}
	return nil
}

// follows says of a friend what LINE knows: 7 of a hundred blocked us unheard.
func follows(n int) bool { return n%everyHundred != 7 }

func (l *pacedLINE) Followers(_ context.Context, _ lumo.Keys, after string, limit int) ([]lumo.LineUserID, string, error) {
	if !l.verified {
		return nil, "", fault.New(fault.Forbidden, "test", "not verified")
	}
	if err := l.answer(lineAnswers); err != nil {
		return nil, "", err
	}
	from, _ := strconv.Atoi(after)
	end := min(from+limit, l.all)
	var page []lumo.LineUserID
	for n := from; n < end; n++ {
		if follows(n) {
			page = append(page, user(n))
		}
	}
	if end == l.all {
		return page, "", nil
	}
	return page, strconv.Itoa(end), nil
}

func (l *pacedLINE) Profile(_ context.Context, _ lumo.Keys, u lumo.LineUserID) (channel.Person, error) {
	if err := l.answer(lineAnswers / lineOpen); err != nil {
		return channel.Person{}, err
	}
	n, err := strconv.ParseInt(string(u[1:]), 16, 64)
	if err != nil || !follows(int(n)) {
		return channel.Person{}, fault.New(fault.NotFound, "test", "nobody")
	}
	return channel.Person{Name: "Somebody"}, nil
}

// bigCrowd makes friends by the thousand: 8 of a hundred had blocked us and are back, and half of
// all are linked. They have no names: to index those takes longest, and is the search's matter.
func (w *world) bigCrowd(t *testing.T, c channel.Channel, all int) {
	t.Helper()
	const each = 5000
	a := w.addKlaviyo(t, 1)
	for from := 0; from < all; from += each {
		err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
			friends, err := w.addCrowd(ctx, c, from, min(from+each, all))
			if err != nil {
				return err
			}
			return w.linkAll(ctx, c, a, friends[:len(friends)/2])
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// As if they had come long ago: what the planner knows is what it would know.
	conn, err := pgx.Connect(t.Context(), w.url)
	if err == nil {
		_, err = conn.Exec(t.Context(), "ANALYZE friend")
		conn.Close(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) addCrowd(ctx context.Context, c channel.Channel, from, to int) (ids []id.ID, err error) {
	var sealed, keys [][]byte
	var blocked []bool
	for n := from; n < to; n++ {
		v := id.New(w.clock().UnixMilli(), [10]byte{0, 0, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		one, err := w.vault.Seal(ctx, w.merchant, "friend", "line_user_enc", v, []byte(user(n)))
		if err != nil {
			return nil, err
		}
		key, err := w.vault.BlindIndex(ctx, w.merchant, "line_user", string(user(n)))
		if err != nil {
			return nil, err
		}
		ids, sealed, keys, blocked = append(ids, v), append(sealed, one), append(keys, key), append(blocked, n%everyHundred == 8)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO friend (merchant_id, channel_id, id, line_user_enc, line_user_bidx, display_name, follow_status,
                    follow_changed_at, followed_at, consent, consent_at, consent_source, created_at, updated_at)
SELECT $1, $2, t.id, t.sealed, t.key, '', CASE WHEN t.blocked THEN 'blocked' ELSE 'following' END, $7, $7,
       CASE WHEN t.blocked THEN 'withdrawn' ELSE 'given' END, $7, 'friend_added', now(), now()
  FROM unnest($3::uuid[], $4::bytea[], $5::bytea[], $6::boolean[]) AS t (id, sealed, key, blocked)`,
		w.merchant, c.ID, ids, sealed, keys, blocked, w.clock().Add(-time.Hour))
	return ids, postgres.Fault("test.crowd", err)
}

// linkAll links friends in one statement.
func (w *world) linkAll(ctx context.Context, c channel.Channel, a lumo.AccountID, friends []id.ID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance,
                           state, linked_at, created_at, updated_at)
SELECT $1, gen_random_uuid(), $2, friend, $3, 'P' || friend, 'qr', 'proven', 'linked', now(), now(), now()
  FROM unnest($4::uuid[]) AS friend`, w.merchant, c.ID, a, friends)
	return postgres.Fault("test.linkAll", err)
}
