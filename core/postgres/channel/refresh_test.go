package channel_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	store "lumo/core/postgres/channel"
	runstore "lumo/core/postgres/run"
	"lumo/core/run"
	"lumo/shared/fault"
)

// far is LINE as a refresh sees it: who follows, and whether the account is verified.
type far struct {
	mu       sync.Mutex // guards the rest
	follow   []lumo.LineUserID
	verified bool
	asked    int
	fail     error
}

func (f *far) Followers(_ context.Context, _ lumo.Keys, after string, limit int) ([]lumo.LineUserID, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return nil, "", f.fail
	}
	if !f.verified {
		return nil, "", fault.New(fault.Forbidden, "test", "not verified")
	}
	from, _ := strconv.Atoi(after)
	end := min(from+limit, len(f.follow))
	if end == len(f.follow) {
		return f.follow[from:end], "", nil
	}
	return f.follow[from:end], strconv.Itoa(end), nil
}

func (f *far) Profile(_ context.Context, _ lumo.Keys, user lumo.LineUserID) (channel.Person, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.fail != nil {
		return channel.Person{}, f.fail
	}
	if !slices.Contains(f.follow, user) {
		return channel.Person{}, fault.New(fault.NotFound, "test", "nobody")
	}
	return channel.Person{Name: "Somebody"}, nil
}

func (f *far) set(change func(*far)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *facts) RunChanged(context.Context, run.Run) {}

// runs is long work on the world's friends, as one process does it.
func (w *world) runs(t *testing.T, f *far, owner string) *run.Service {
	t.Helper()
	return w.runsAt(t, f, owner)
}

func (w *world) runsAt(t *testing.T, f channel.Followers, owner string) *run.Service {
	t.Helper()
	s, err := run.New(run.Config{Tenants: w.db, Store: runstore.Store{}, Turns: runstore.Store{}, Watcher: w.facts,
		Auditor: w.facts, NewID: newIDs(), Now: w.clock, Log: slog.New(slog.NewJSONHandler(w.logs, nil)), Owner: owner})
	if err != nil {
		t.Fatal(err)
	}
	for kind, add := range map[string]bool{channel.RunConsent: false, channel.RunFollowers: true} {
		s.Handle(kind, &channel.Refresher{Service: w.service, Tenants: w.db, Store: store.New(w.vault), Followers: f,
			Now: w.clock, Add: add})
	}
	s.Handle(channel.RunBulk, channel.Bulk{People: w.people})
	return s
}

// finish works until nothing is due.
func (w *world) finish(t *testing.T, s *run.Service) {
	t.Helper()
	for range 200 {
		did, err := s.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !did {
			return
		}
	}
	t.Fatal("there is no end of it")
}

func user(n int) lumo.LineUserID { return lumo.LineUserID(fmt.Sprintf("U%032x", n)) }

// people makes a crowd who follows.
func (w *world) crowd(t *testing.T, c channel.Channel, n int) {
	t.Helper()
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		for i := range n {
			_, err := w.service.UpsertFriend(ctx, w.merchant, c.ID, lumo.Contact{User: user(i), Name: "Friend", Source: "qr",
				Seen: &lumo.FollowSeen{Status: lumo.Following, At: w.clock()}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConsentIsReadAgainFromTheListOrOneByOne(t *testing.T) {
	t.Parallel()
	for _, verified := range []bool{true, false} {
		t.Run(map[bool]string{true: "verified", false: "unverified"}[verified], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := w.connect(t)
			w.crowd(t, c, 230)
			made := w.count(t, `SELECT max(xmin::text::bigint) FROM friend`)
			w.deliver(t, c, event("unfollow", "E1", user(1), w.clock().Add(time.Second)))
			w.pass(time.Hour)
			f := &far{verified: verified}
			for i := range 230 {
				if i != 7 {
					f.follow = append(f.follow, user(i)) // 7 blocked us and 1 came back, both unheard
				}
			}
			s := w.runs(t, f, "core-1")
			r, err := s.Start(t.Context(), w.merchant, c.ID, channel.RunConsent, nil, lumo.MemberID{})
			if err != nil {
				t.Fatal(err)
			}
			w.finish(t, s)
			r, err = s.Run(t.Context(), w.merchant, c.ID, r.ID)
			want := map[string]int64{"given": 1, "withdrawn": 1, "unchanged": 228}
			if err != nil || r.State != run.Done || r.Done != 230 || fmt.Sprint(r.Counts) != fmt.Sprint(want) {
				t.Fatalf("got %+v %v want %v", r, err, want)
			}
			got, err := w.people.Consents(t.Context(), w.merchant, c.ID)
			if err != nil || got.Given != 229 || got.Withdrawn != 1 || got.Unknown != 0 {
				t.Errorf("got %+v %v", got, err)
			}
			if most := map[bool]int{true: 1, false: 230}[verified]; f.asked != most {
				t.Errorf("asked about %d people one by one, want %d", f.asked, most)
			}
			if n := w.count(t, `SELECT count(*) FROM friend WHERE consent_at = $1`, w.clock()); n != 2 {
				t.Errorf("%d friends changed by the refresh, want 2", n)
			}
			// Asked one by one, a friend of whom nothing changed is not written.
			if n := w.count(t, `SELECT count(*) FROM friend WHERE xmin::text::bigint <= $1`, made); !verified && n != 228 {
				t.Errorf("%d friends are as they were made, want 228", n)
			}
		})
	}
}

// Whose follow LINE never told us of is a friend of whom nothing is known. Where LINE hands out no
// list they are asked about too; whom LINE does not know either stays unknown.
func TestConsentThatWasNeverKnownIsAskedForOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.crowd(t, c, 2)
	var follows, nobody lumo.Friend
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) (err error) {
		if follows, err = w.service.UpsertFriend(ctx, w.merchant, c.ID, lumo.Contact{User: user(10), Source: "qr"}); err != nil {
			return err
		}
		nobody, err = w.service.UpsertFriend(ctx, w.merchant, c.ID, lumo.Contact{User: user(11), Source: "qr"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	f := &far{follow: []lumo.LineUserID{user(0), user(1), user(10)}}
	s := w.runs(t, f, "core-1")
	r, err := s.Start(t.Context(), w.merchant, c.ID, channel.RunConsent, nil, lumo.MemberID{})
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, s)
	r, err = s.Run(t.Context(), w.merchant, c.ID, r.ID)
	want := map[string]int64{"given": 1, "unchanged": 3}
	if err != nil || r.State != run.Done || r.Done != 4 || r.Total == nil || *r.Total != 4 || fmt.Sprint(r.Counts) != fmt.Sprint(want) {
		t.Fatalf("got %+v %v want %v", r, err, want)
	}
	for friend, want := range map[lumo.FriendID]string{follows.ID: "following given", nobody.ID: "not_friend unknown"} {
		page, err := w.people.Page(t.Context(), w.merchant, c.ID, friend)
		if got := fmt.Sprint(page.FollowStatus, " ", page.Consent); err != nil || got != want {
			t.Errorf("got %q %v, want %q", got, err, want)
		}
	}
}

func TestFollowersOfAVerifiedAccountAreBroughtIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.crowd(t, c, 3)
	gone := w.meet(t, c, user(4), "Gone")
	if err := w.people.Erase(t.Context(), w.merchant, c.ID, gone, channel.Actor{}, "Gone"); err != nil {
		t.Fatal(err)
	}
	f := &far{verified: true}
	for i := range 1200 {
		f.follow = append(f.follow, user(i))
	}
	s := w.runs(t, f, "core-1")
	r, err := s.Start(t.Context(), w.merchant, c.ID, channel.RunFollowers, nil, lumo.MemberID{})
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, s)
	r, err = s.Run(t.Context(), w.merchant, c.ID, r.ID)
	if err != nil || r.State != run.Done || r.Counts["added"] != 1196 || r.Counts["unchanged"] != 3 {
		t.Errorf("got %+v %v", r, err)
	}
	if n := w.count(t, `SELECT count(*) FROM friend`); n != 1199 {
		t.Errorf("%d friends, want all but the erased one", n)
	}
}

func TestLongWorkIsPausedTakenUpAndSurvivesItsProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	w.crowd(t, c, 450)
	f := &far{}
	for i := range 450 {
		f.follow = append(f.follow, user(i))
	}
	s := w.runs(t, f, "core-1")
	first, err := s.Start(t.Context(), w.merchant, c.ID, channel.RunConsent, nil, lumo.MemberID{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Start(t.Context(), w.merchant, c.ID, channel.RunConsent, nil, lumo.MemberID{})
	if err != nil {
		t.Fatal(err)
	}
	f.set(func(f *far) { f.fail = fault.New(fault.Limited, "test", "slow down") })
	if _, err := s.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := func(want run.State, waits string, v run.Run) run.Run {
		t.Helper()
		got, err := s.Run(t.Context(), w.merchant, c.ID, v.ID)
		if err != nil || got.State != want || got.Waits != waits {
			t.Errorf("got %s waiting for %q, %v want %s", got.State, got.Waits, err, want)
		}
		return got
	}
	state(run.Running, run.WaitsVendor, first)
	state(run.Waiting, "", second) // one account does one work at a time
	if _, err := s.Pause(t.Context(), w.merchant, c.ID, first.ID, lumo.MemberID{}); err != nil {
		t.Fatal(err)
	}
	f.set(func(f *far) { f.fail = nil })
	w.pass(time.Minute)
	w.finish(t, s)
	state(run.Paused, "", first)
	state(run.Done, "", second)
	if _, err := s.Resume(t.Context(), w.merchant, c.ID, first.ID, lumo.MemberID{}); err != nil {
		t.Fatal(err)
	}
	// A process that dies with the turn in its hands costs no more than the rest of its lease.
	dead, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.Once(dead); err == nil {
		t.Log("the turn was not taken")
	}
	other := w.runs(t, f, "core-2")
	w.pass(2 * time.Minute)
	w.finish(t, other)
	if got := state(run.Done, "", first); got.Done != *got.Total {
		t.Errorf("done %d of %d", got.Done, *got.Total)
	}
	if _, err := s.Stop(t.Context(), w.merchant, c.ID, first.ID, lumo.MemberID{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("stopping what has ended: got %v", err)
	}
}

func TestAllThatMatchAreChangedAndNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	const all, blocked = 1203, 2
	w.crowd(t, c, all)
	for n := range blocked {
		w.deliver(t, c, event("unfollow", fmt.Sprint("E", n), user(n), w.clock().Add(time.Second)))
	}
	tag, err := w.people.AddTag(t.Context(), w.merchant, c.ID, channel.Actor{}, "VIP", 1)
	if err != nil {
		t.Fatal(err)
	}
	params, err := channel.BulkParams(channel.FriendQuery{Channel: c.ID, Status: lumo.Following}, channel.BulkTag, tag.ID)
	if err != nil {
		t.Fatal(err)
	}
	s := w.runs(t, &far{}, "core-1")
	r, err := s.Start(t.Context(), w.merchant, c.ID, channel.RunBulk, params, lumo.MemberID{})
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, s)
	done, err := s.Run(t.Context(), w.merchant, c.ID, r.ID)
	if err != nil || done.State != run.Done || *done.Total != all-blocked || done.Counts["changed"] != all-blocked {
		t.Fatalf("the run is %+v, %v", done, err)
	}
	if n, err := w.people.Count(t.Context(), w.merchant, channel.FriendQuery{Channel: c.ID, Tag: tag.ID}); err != nil || n != all-blocked {
		t.Errorf("%d friends have the tag, %v", n, err)
	}
	params, _ = channel.BulkParams(channel.FriendQuery{Channel: c.ID, Tag: tag.ID}, channel.BulkUntag, tag.ID)
	if _, err := s.Start(t.Context(), w.merchant, c.ID, channel.RunBulk, params, lumo.MemberID{}); err != nil {
		t.Fatal(err)
	}
	w.finish(t, s) // what matches becomes less while it works
	if n, err := w.people.Count(t.Context(), w.merchant, channel.FriendQuery{Channel: c.ID, Tag: tag.ID}); err != nil || n != 0 {
		t.Errorf("%d friends still have the tag, %v", n, err)
	}
}

func TestASearchIsNoPartOfLongWork(t *testing.T) {
	t.Parallel()
	for _, q := range []channel.FriendQuery{{Email: "yuki@customer.example"}, {Phone: "+819012345678"}, {Name: "Yuki"}} {
		if _, err := channel.BulkParams(q, channel.BulkTester, lumo.TagID{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: got %v, want a refusal", q, err)
		}
	}
}
