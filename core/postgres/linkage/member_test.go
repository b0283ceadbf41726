package linkage_test

import (
	"testing"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// by is the member who acts in these tests.
var by = lumo.MemberID(id.New(7, [10]byte{7}))

func TestAMemberLinksAFriendAndTakesItBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	friend := w.met(t, string(yuki))
	made, err := w.service.LinkByMember(t.Context(), w.merchant, w.channel.ID, friend, hana, by)
	if err != nil || made.Step.IsZero() || made.InReview {
		t.Fatalf("link: got %+v %v", made, err)
	}
	link, _, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, hana)
	if err != nil || link.Friend != friend || link.Method != linkage.MethodConsole || link.Assurance != lumo.Claimed {
		t.Fatalf("the link is %+v, %v", link, err)
	}
	if err := w.service.UndoStep(t.Context(), w.merchant, w.channel.ID, made.Step, by); err != nil {
		t.Fatal(err)
	}
	names, lines := w.steps(t, friend)
	if got := w.profileOf(t, friend); got != "" || len(names) != 3 {
		t.Errorf("after the undo: linked to %q, steps %v", got, names)
	}
	for _, l := range lines {
		if l.ActorKind != "member" || l.Actor != by {
			t.Errorf("step %s is by %s %v, want the member", l.Step, l.ActorKind, l.Actor)
		}
	}
}

func TestAMemberOverwritesNoLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.linked(t, yuki, hana)
	made, err := w.service.LinkByMember(t.Context(), w.merchant, w.channel.ID, w.met(t, string(mio)), hana, by)
	if err != nil || !made.InReview || !made.Step.IsZero() {
		t.Fatalf("link: got %+v %v", made, err)
	}
	if got := w.profileOf(t, old.Friend); got != hana {
		t.Errorf("the standing link leads to %q now", got)
	}
	if list := w.review(t); len(list) != 1 || list[0].Kind != linkage.TwoFriends || list[0].Method != linkage.MethodConsole {
		t.Errorf("review has %+v", list)
	}
}

func TestAMemberLinksNobodyToWhoIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vendors.missing[hana] = true
	for p, kind := range map[lumo.ProfileID]fault.Kind{hana: fault.NotFound, "a/b": fault.Invalid} {
		_, err := w.service.LinkByMember(t.Context(), w.merchant, w.channel.ID, w.met(t, string(yuki)), p, by)
		if !fault.Is(err, kind) {
			t.Errorf("%s: got %v, want %s", p, err, kind)
		}
	}
}
