package linkage_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/linkage"
	"lumo/core/lumo"
	store "lumo/core/postgres/linkage"
	"lumo/core/run"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// reviewer decides many conflicts of the world.
func (w *world) reviewer(t *testing.T) *linkage.Reviewer {
	t.Helper()
	ls := store.New(w.vault)
	r := &linkage.Reviewer{Links: w.service, Conflicts: ls, Items: ls, Runs: w.runs}
	for kind, worker := range r.Workers() {
		w.runs.Handle(kind, worker)
	}
	return r
}

// contest is a customer with a link of one level, and another friend who claims to be the same
// with another.
func (w *world) contest(t *testing.T, n int, stands, claims lumo.Assurance) (first, second lumo.FriendID, item id.ID) {
	t.Helper()
	profile := member(n, nil).ID
	first, second = w.met(t, user(2*n)), w.met(t, user(2*n+1))
	link, conflict := lumo.LinkID(w.newID()), w.newID()
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		ls := store.New(w.vault)
		err := ls.AddLink(ctx, w.merchant, linkage.NewLink{Evidence: map[string]any{}, Link: lumo.Link{ID: link,
			Channel: w.channel.ID, Friend: first, Account: w.channel.KlaviyoAccount, Profile: profile, Method: "qr",
			Assurance: stands, Version: 1, LinkedAt: w.clock()}})
		if err != nil {
			return err
		}
		_, err = ls.AddConflict(ctx, w.merchant, linkage.Conflict{ID: conflict, Channel: w.channel.ID, Kind: linkage.TwoFriends,
			Friend: second, OtherFriend: first, Profile: profile, Standing: link, Method: "qr", Assurance: claims,
			CreatedAt: w.clock()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return first, second, conflict
}

// The same rule decides many: what is clear is decided, each in its history; what is not, and
// what somebody decided meanwhile, stays; and all of it is taken back at once.
func TestManyConflictsAreDecidedByOneRuleAndTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reviews := w.reviewer(t)
	const each = 30 // more than a step
	var first, second, even [each]lumo.FriendID
	var byHand id.ID
	for n := range each {
		first[n], _, _ = w.contest(t, 3*n, lumo.Proven, lumo.Claimed)
		_, second[n], byHand = w.contest(t, 3*n+1, lumo.Matched, lumo.Proven)
		even[n], _, _ = w.contest(t, 3*n+2, lumo.Proven, lumo.Proven)
	}
	forecast, err := reviews.Forecast(t.Context(), w.merchant, w.channel.ID, linkage.Pick{}, linkage.RuleSurer)
	if want := (linkage.Forecast{Total: 3 * each, UseFirst: each, UseSecond: each, Left: each}); err != nil || forecast != want {
		t.Fatalf("got %+v %v want %+v", forecast, err, want)
	}
	if n := w.count(t, `SELECT count(*) FROM link_conflict WHERE state = 'open'`); n != 3*each {
		t.Fatalf("the check decided %d", 3*each-n)
	}
	r, err := reviews.DecideMany(t.Context(), w.merchant, w.channel.ID, linkage.Pick{}, linkage.RuleSurer, lumo.MemberID{1})
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	w.contest(t, 3*each, lumo.Matched, lumo.Proven) // comes while it works: not meant
	w.decide(t, byHand, linkage.LeaveUnlinked)      // somebody is faster
	w.finish(t, w.runs)
	w.counted(t, w.run(t, r.ID), run.Done, map[string]int64{"use_first": each, "use_second": each - 1, "left": each})
	for n := range each {
		if w.profileOf(t, first[n]) != member(3*n, nil).ID || w.profileOf(t, even[n]) != member(3*n+2, nil).ID {
			t.Fatalf("item %d: a link that should stand does not", n)
		}
		if got := w.profileOf(t, second[n]); n < each-1 && got != member(3*n+1, nil).ID {
			t.Fatalf("item %d: the surer side has %q", n, got)
		}
	}
	if n := len(w.review(t)); n != each+1 {
		t.Errorf("%d wait, want those the rule is not clear about and the late one", n)
	}
	if n := w.count(t, `SELECT count(*) FROM link_history WHERE step = 'resolved'`); n != 2*each {
		t.Errorf("%d decisions stand in histories, want %d", n, 2*each)
	}
	back := w.then(t, reviews.UndoMany, r.ID)
	w.counted(t, back, run.Done, map[string]int64{"undone": 2*each - 1})
	for n := range each - 1 {
		if got := w.profileOf(t, second[n]); got != "" {
			t.Fatalf("item %d: after the undo the second side has %q", n, got)
		}
	}
	if n := len(w.review(t)); n != 3*each {
		t.Errorf("%d wait after the undo", n)
	}
	if _, err := reviews.UndoMany(t.Context(), w.merchant, w.channel.ID, r.ID, lumo.MemberID{1}); !fault.Is(err, fault.Conflict) {
		t.Errorf("undone twice: %v", err)
	}
}

func TestChosenConflictsAloneAreDecidedAndRulesAreClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reviews := w.reviewer(t)
	one, _, chosen := w.contest(t, 1, lumo.Claimed, lumo.Proven)
	other, _, _ := w.contest(t, 2, lumo.Claimed, lumo.Proven)
	pick := linkage.Pick{Items: []id.ID{chosen}}
	r, err := reviews.DecideMany(t.Context(), w.merchant, w.channel.ID, pick, linkage.RuleLeave, lumo.MemberID{1})
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, w.runs)
	w.counted(t, w.run(t, r.ID), run.Done, map[string]int64{"leave_unlinked": 1})
	if w.profileOf(t, one) != "" || w.profileOf(t, other) == "" {
		t.Error("the wrong one was decided")
	}
	for name, bad := range map[string]struct {
		pick linkage.Pick
		rule linkage.Rule
	}{"no rule": {pick, "guess"}, "nothing chosen": {linkage.Pick{Items: []id.ID{}}, linkage.RuleKeep}} {
		if _, err := reviews.DecideMany(t.Context(), w.merchant, w.channel.ID, bad.pick, bad.rule, lumo.MemberID{1}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// Two claim one customer: when the first claim has won, the second is about another link,
	// and no rule but "leave" decides it.
	_, third, _ := w.contest(t, 3, lumo.Matched, lumo.Claimed)
	fourth := w.met(t, user(400))
	err = w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		var standing lumo.LinkID
		l, err := w.service.ByFriend(ctx, w.merchant, w.friendOf(t, member(3, nil).ID))
		if err == nil {
			standing = l.ID
			_, err = store.New(w.vault).AddConflict(ctx, w.merchant, linkage.Conflict{ID: w.newID(), Channel: w.channel.ID,
				Kind: linkage.TwoFriends, Friend: fourth, OtherFriend: l.Friend, Profile: l.Profile, Standing: standing,
				Method: "qr", Assurance: lumo.Proven, CreatedAt: w.clock()})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err = reviews.DecideMany(t.Context(), w.merchant, w.channel.ID, linkage.Pick{Kind: linkage.TwoFriends}, linkage.RuleSurer,
		lumo.MemberID{1})
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, w.runs)
	if diff := cmp.Diff(map[string]int64{"use_second": 2, "left": 1}, w.run(t, r.ID).Counts); diff != "" {
		t.Error(diff)
	}
	if got := w.profileOf(t, third); got != member(3, nil).ID {
		t.Errorf("the first claim has %q", got)
	}
}

// friendOf is who is linked to a customer.
func (w *world) friendOf(t *testing.T, p lumo.ProfileID) lumo.FriendID {
	t.Helper()
	l, _, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, p)
	if err != nil {
		t.Fatal(err)
	}
	return l.Friend
}

// A process dies after it decided a few and before that was counted: the next one counts them,
// and decides none twice.
func TestDecisionsOfAStepThatDiedAreCountedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reviews := w.reviewer(t)
	const all = 30
	for n := range all {
		w.contest(t, n, lumo.Matched, lumo.Proven)
	}
	r, err := reviews.DecideMany(t.Context(), w.merchant, w.channel.ID, linkage.Pick{}, linkage.RuleSurer, lumo.MemberID{1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reviews.Workers()[linkage.RunReview].Prepare(t.Context(), w.run(t, r.ID)); err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, `SELECT count(*) FROM link_conflict WHERE state = 'resolved'`); n == 0 || n == all {
		t.Fatalf("%d were decided before the death, so this proves nothing", n)
	}
	w.finish(t, w.runs)
	w.counted(t, w.run(t, r.ID), run.Done, map[string]int64{"use_second": all})
	if n := w.count(t, `SELECT count(*) FROM link_history WHERE step = 'resolved'`); n != all {
		t.Errorf("%d decisions, want %d", n, all)
	}
}
