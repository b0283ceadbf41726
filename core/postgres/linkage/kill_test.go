package linkage_test

import (
	"context"
	"fmt"
	"testing"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/token"
)

// dying has a process do something until it dies at its n-th unit of work; false = it came to
// the end before.
func (w *world) dying(t *testing.T, n int, after bool, do func(context.Context, *mortal)) bool {
	t.Helper()
	ctx, die := context.WithCancel(t.Context())
	defer die()
	db := &mortal{DB: w.db, left: n, after: after, die: die}
	do(ctx, db)
	return db.left <= 0
}

// atEachUnit repeats something with other people until no process dies over it any more, before
// and after each unit stands, and tells how many units that were.
func atEachUnit(t *testing.T, once func(n int, after bool, person int) (died bool)) (people int) {
	t.Helper()
	for _, after := range []bool{false, true} {
		n := 1
		for died := true; died; n++ {
			if n > 40 {
				t.Fatal("it has no end")
			}
			people++
			died = once(n, after, people)
		}
		if n < 3 {
			t.Errorf("it was killed at %d units only", n-2)
		}
		t.Logf("killed at each of %d units", n-2)
	}
	return people
}

// The core dies over somebody who comes back from LINE Login, at every unit of work. Whoever
// scans again is linked; each thing is there once.
func TestAReturnFromLINELoginKilledAtAnyStepIsOneLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code(t, linkage.ByProfile)
	people := atEachUnit(t, func(n int, after bool, person int) bool {
		who, profile := lumo.LineUserID(user(person)), member(person, nil).ID
		w.vendors.befriend(who, true)
		first := w.scan(t, code, token.ClaimProfile, string(profile))
		died := w.dying(t, n, after, func(ctx context.Context, db *mortal) {
			_, _ = w.newService(t, db).Callback(ctx, linkage.Return{State: first.state, Code: string(who), Cookie: first.cookie})
		})
		again := w.scan(t, code, token.ClaimProfile, string(profile))
		w.back(t, again, who, again.cookie)
		l, f, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, profile)
		if err != nil || f.Line != who || l.Assurance != lumo.Proven {
			t.Errorf("killed at unit %d (after %t): got %+v %+v %v", n, after, l, f, err)
		}
		return died
	})
	w.standOnce(t, people, map[string]string{
		"links":        `SELECT count(*) FROM identity_link WHERE state = 'linked'`,
		"all links":    `SELECT count(*) FROM identity_link`,
		"friends":      `SELECT count(*) FROM friend WHERE linked`,
		"counted so":   `SELECT coalesce(sum(n), 0) FROM friend_total WHERE linked`,
		"linked steps": `SELECT count(*) FROM link_history WHERE step = 'linked'`,
		"of the code":  `SELECT coalesce(sum(links), 0) FROM qr_code_day`,
	})
}

// The core dies over a decision, and over its undoing, at every unit of work. Who decides again
// has what was decided, once.
func TestADecisionKilledAtAnyStepHoldsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people := atEachUnit(t, func(n int, after bool, person int) bool {
		who := lumo.LineUserID(user(person))
		first, second := lumo.ProfileID(fmt.Sprint("A", person)), lumo.ProfileID(fmt.Sprint("B", person))
		old := w.linked(t, who, first)
		item := w.claims(t, who, second)
		died := w.dying(t, n, after, func(ctx context.Context, db *mortal) {
			_ = w.newService(t, db).Decide(ctx, w.merchant, w.channel.ID, item.ID, linkage.UseSecond, lumo.MemberID{1})
		})
		if len(w.review(t)) == 1 {
			w.decide(t, item.ID, linkage.UseSecond)
		}
		if got := w.profileOf(t, old.Friend); got != second {
			t.Errorf("killed at unit %d (after %t): linked to %q", n, after, got)
		}
		diedToo := w.dying(t, n, after, func(ctx context.Context, db *mortal) {
			_ = w.newService(t, db).UndoDecision(ctx, w.merchant, w.channel.ID, item.ID, lumo.MemberID{1})
		})
		if len(w.review(t)) == 0 {
			if err := w.service.UndoDecision(t.Context(), w.merchant, w.channel.ID, item.ID, lumo.MemberID{1}); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.profileOf(t, old.Friend); got != first {
			t.Errorf("undone, killed at unit %d (after %t): linked to %q", n, after, got)
		}
		w.decide(t, item.ID, linkage.LeaveUnlinked)
		return died || diedToo
	})
	w.standOnce(t, people, map[string]string{
		"friends":          `SELECT count(*) FROM friend`,
		"undone decisions": `SELECT count(*) FROM link_history WHERE step = 'undone'`,
		"decisions":        `SELECT count(*) / 2 FROM link_history WHERE step = 'resolved'`,
		"conflicts":        `SELECT count(*) FROM link_history WHERE step = 'conflict'`,
	})
}

func (w *world) standOnce(t *testing.T, want int, all map[string]string) {
	t.Helper()
	for what, sql := range all {
		if n := w.count(t, sql); n != want {
			t.Errorf("%s: got %d, want %d", what, n, want)
		}
	}
}
