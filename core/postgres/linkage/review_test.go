package linkage_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

// linked links a person to a customer by a code.
func (w *world) linked(t *testing.T, who lumo.LineUserID, p lumo.ProfileID) lumo.Link {
	t.Helper()
	s := w.scan(t, w.code(t, linkage.ByProfile), token.ClaimProfile, string(p))
	w.vendors.befriend(who, true)
	if got := w.back(t, s, who, s.cookie); got.Outcome != linkage.Linked {
		t.Fatalf("link: got %v", got.Outcome)
	}
	l, _, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, p)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// claims lets a person claim to be a customer whom a link contradicts.
func (w *world) claims(t *testing.T, who lumo.LineUserID, p lumo.ProfileID) linkage.ReviewItem {
	t.Helper()
	w.vendors.befriend(who, true)
	s := w.scan(t, w.code(t, linkage.ByProfile), token.ClaimProfile, string(p))
	asked := w.back(t, s, who, s.cookie)
	if asked.Outcome != linkage.AskLink {
		t.Fatalf("claim: got %v", asked.Outcome)
	}
	got, err := w.service.Confirm(t.Context(), asked.Confirm)
	if err != nil || got.Outcome != linkage.InReview {
		t.Fatalf("confirm: got %v %v", got.Outcome, err)
	}
	list := w.review(t)
	if len(list) == 0 {
		t.Fatal("nothing needs review")
	}
	return list[len(list)-1]
}

func (w *world) review(t *testing.T) []linkage.ReviewItem {
	t.Helper()
	list, total, err := w.service.ReviewList(t.Context(), w.merchant, w.channel.ID, linkage.ReviewQuery{Limit: 100})
	if err != nil || int(total) != len(list) {
		t.Fatalf("review: %d of %d, %v", len(list), total, err)
	}
	return list
}

func (w *world) decide(t *testing.T, item id.ID, d linkage.Decision) {
	t.Helper()
	if err := w.service.Decide(t.Context(), w.merchant, w.channel.ID, item, d, lumo.MemberID{1}); err != nil {
		t.Fatal(err)
	}
}

// profileOf is whom a person is linked to; empty = nobody.
func (w *world) profileOf(t *testing.T, f lumo.FriendID) lumo.ProfileID {
	t.Helper()
	l, err := w.service.ByFriend(t.Context(), w.merchant, f)
	if err != nil && !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	return l.Profile
}

func (w *world) steps(t *testing.T, f lumo.FriendID) (names []string, all []linkage.HistoryLine) {
	t.Helper()
	all, err := w.service.History(t.Context(), w.merchant, w.channel.ID, f)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range all {
		names = append(names, h.Step)
	}
	return names, all
}

func TestTwoCustomersForOneFriendAreDecidedAndUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.count(t, `
INSERT INTO member (merchant_id, id, email_enc, email_bidx, name, role, password_hash, created_at, updated_at)
VALUES ($1, $2, '', '', 'Sato', 'owner', '', now(), now())
RETURNING 1`, w.merchant, lumo.MemberID{1})
	old := w.linked(t, yuki, hana)
	item := w.claims(t, yuki, sora)
	if item.Kind != linkage.TwoProfiles || w.profileOf(t, old.Friend) != hana {
		t.Fatalf("got %v, linked to %s", item.Kind, w.profileOf(t, old.Friend))
	}
	w.decide(t, item.ID, linkage.UseSecond)
	if got := w.profileOf(t, old.Friend); got != sora {
		t.Fatalf("decided: linked to %q", got)
	}
	if n := len(w.review(t)); n != 0 {
		t.Errorf("%d items are left", n)
	}
	if err := w.service.UndoDecision(t.Context(), w.merchant, w.channel.ID, item.ID, lumo.MemberID{1}); err != nil {
		t.Fatal(err)
	}
	if got := w.profileOf(t, old.Friend); got != hana {
		t.Errorf("undone: linked to %q", got)
	}
	if n := len(w.review(t)); n != 1 {
		t.Errorf("%d items wait after the undo, want the one", n)
	}
	names, all := w.steps(t, old.Friend)
	for _, h := range all {
		if want := map[string]string{"member": "Sato"}[h.ActorKind]; h.ActorName != want {
			t.Errorf("%s by a %s: named %q, want %q", h.Step, h.ActorKind, h.ActorName, want)
		}
	}
	want := map[string]int{"linked": 2, "unlinked": 2, "conflict": 1, "resolved": 1, "undone": 1}
	got := map[string]int{}
	for _, n := range names {
		got[n]++
	}
	for step, n := range want {
		if got[step] != n {
			t.Errorf("history has %d %s, want %d: %v", got[step], step, n, names)
		}
	}
}

func TestTwoFriendsForOneCustomerEachChoiceHoldsOneLink(t *testing.T) {
	t.Parallel()
	for decision, want := range map[linkage.Decision][2]lumo.ProfileID{
		linkage.UseFirst:      {hana, ""},
		linkage.UseSecond:     {"", hana},
		linkage.LeaveUnlinked: {"", ""},
		linkage.UnlinkOld:     {"", ""},
	} {
		w := newWorld(t)
		old := w.linked(t, yuki, hana)
		item := w.claims(t, mio, hana)
		if item.Kind != linkage.TwoFriends || item.OtherFriend != old.Friend {
			t.Fatalf("got %+v", item)
		}
		w.decide(t, item.ID, decision)
		got := [2]lumo.ProfileID{w.profileOf(t, old.Friend), w.profileOf(t, item.Friend)}
		if got != want {
			t.Errorf("%s: got %v, want %v", decision, got, want)
		}
		if err := w.service.UndoDecision(t.Context(), w.merchant, w.channel.ID, item.ID, lumo.MemberID{1}); err != nil {
			t.Fatal(err)
		}
		if got := [2]lumo.ProfileID{w.profileOf(t, old.Friend), w.profileOf(t, item.Friend)}; got[0] != hana || got[1] != "" {
			t.Errorf("%s, undone: got %v", decision, got)
		}
	}
}

func TestADecisionIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linked(t, yuki, hana)
	item := w.claims(t, yuki, sora)
	w.decide(t, item.ID, linkage.UseFirst)
	err := w.service.Decide(t.Context(), w.merchant, w.channel.ID, item.ID, linkage.UseSecond, lumo.MemberID{1})
	if !fault.Is(err, fault.Conflict) || fault.MessageOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

func TestComparingNamesTheSurerSideAndAGoneCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linked(t, yuki, hana)
	item := w.claims(t, yuki, sora)
	w.vendors.profiles[sora] = lumo.Profile{Email: "sora@shop.example", FirstName: "Sora"}
	got, err := w.service.Compare(t.Context(), w.merchant, w.channel.ID, item.ID)
	if err != nil || got.Second.Profile.FirstName != "Sora" || !got.First.Linked || got.Recommended != linkage.Undecided {
		t.Fatalf("got %+v %v", got, err)
	}
	w.pass(11 * time.Minute) // what was read is kept for ten
	w.vendors.missing[hana] = true
	got, err = w.service.Compare(t.Context(), w.merchant, w.channel.ID, item.ID)
	if err != nil || !got.First.ProfileGone || got.Recommended != linkage.UseSecond || got.Reason != "other_gone" {
		t.Errorf("gone: got %+v %v", got, err)
	}
}

func TestLaterPutsAnItemBehindTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linked(t, yuki, hana)
	first := w.claims(t, yuki, sora)
	w.pass(time.Minute)
	second := w.claims(t, mio, hana)
	w.pass(time.Minute)
	if err := w.service.Later(t.Context(), w.merchant, w.channel.ID, first.ID); err != nil {
		t.Fatal(err)
	}
	if list := w.review(t); len(list) != 2 || list[0].ID != second.ID || list[1].ID != first.ID {
		t.Errorf("got %v", list)
	}
}

func TestPagesOfReviewHoldEachItemOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linked(t, yuki, hana)
	first := w.claims(t, yuki, sora)
	w.claims(t, mio, hana) // at the same moment
	w.pass(time.Minute)
	if err := w.service.Later(t.Context(), w.merchant, w.channel.ID, first.ID); err != nil {
		t.Fatal(err)
	}
	var got []id.ID
	q := linkage.ReviewQuery{Limit: 1}
	for {
		page, total, err := w.service.ReviewList(t.Context(), w.merchant, w.channel.ID, q)
		if err != nil || total != 2 {
			t.Fatalf("%d in all, %v", total, err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page[0].ID)
		q.At, q.After = page[0].Place(), page[0].ID
	}
	whole := w.review(t)
	if len(got) != 2 || got[0] != whole[0].ID || got[1] != first.ID {
		t.Errorf("pages: got %v, want %v then %v", got, whole[0].ID, first.ID)
	}
}

func TestAnUnlinkingIsUndoneFromHistoryAndLINEIsNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.linked(t, yuki, hana)
	step, err := w.service.Unlink(t.Context(), w.merchant, w.channel.ID, l.Friend, lumo.MemberID{1})
	if err != nil {
		t.Fatal(err)
	}
	w.pass(5 * time.Second)
	if err := w.service.UndoStep(t.Context(), w.merchant, w.channel.ID, step, lumo.MemberID{1}); err != nil {
		t.Fatal(err)
	}
	if got := w.profileOf(t, l.Friend); got != hana {
		t.Errorf("linked to %q", got)
	}
	w.pass(time.Minute)
	w.lookAfter(t)
	if len(w.vendors.taken) != 0 {
		t.Error("LINE was told of an unlinking that was taken back")
	}
	if err := w.service.UndoStep(t.Context(), w.merchant, w.channel.ID, step, lumo.MemberID{1}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second undo: got %v", err)
	}
}

func (w *world) lookAfter(t *testing.T) {
	t.Helper()
	if err := w.service.LookAfter(t.Context(), w.merchant, w.channel.ID); err != nil {
		t.Fatal(err)
	}
}

func TestLINEIsToldOfAnUnlinkingAfterTheUndo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.linked(t, yuki, hana)
	if _, err := w.service.Unlink(t.Context(), w.merchant, w.channel.ID, l.Friend, lumo.MemberID{1}); err != nil {
		t.Fatal(err)
	}
	w.pass(9 * time.Second)
	w.lookAfter(t)
	if len(w.vendors.taken) != 0 {
		t.Fatal("LINE was told before the undo was over")
	}
	w.pass(2 * time.Second)
	w.lookAfter(t)
	w.lookAfter(t)
	if len(w.vendors.taken) != 1 || w.vendors.taken[0].Reveal() != "token-of-"+string(yuki) {
		t.Errorf("LINE was told %d times", len(w.vendors.taken))
	}
	if n := w.count(t, `SELECT count(*) FROM login_token`); n != 0 {
		t.Error("the token is still kept")
	}
}

func TestAFriendUnlinksByAWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.linked(t, yuki, hana)
	say := func(text string) {
		err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
			return w.service.UnlinkByWord(ctx, w.merchant, w.channel.ID, l.Friend, text)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	say("unlinked is not the word")
	if got := w.profileOf(t, l.Friend); got != hana {
		t.Fatal("another text unlinked")
	}
	say("  Unlink\n")
	if got := w.profileOf(t, l.Friend); got != "" {
		t.Errorf("still linked to %q", got)
	}
	names, all := w.steps(t, l.Friend)
	if len(names) == 0 || names[0] != "unlinked" || all[0].ActorKind != "customer" {
		t.Errorf("got %v", names)
	}
}

func TestAMergedProfileTakesItsLinkAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.linked(t, yuki, hana)
	w.vendors.merged[hana] = sora
	request := lumo.EdgeRequest{Merchant: w.merchant, Subject: id.ID(l.Account), Body: []byte(hana),
		Header: map[string]string{"Klaviyo-Signature": "bad"}}
	if got, err := w.service.HandleEdge(t.Context(), request); err != nil || got.Status != 401 {
		t.Fatalf("forged: got %d %v", got.Status, err)
	}
	if w.profileOf(t, l.Friend) != hana {
		t.Fatal("a forged notice moved the link")
	}
	request.Header["Klaviyo-Signature"] = "good"
	for range 2 { // Klaviyo repeats itself
		if got, err := w.service.HandleEdge(t.Context(), request); err != nil || got.Status != 200 {
			t.Fatalf("got %d %v", got.Status, err)
		}
	}
	if got := w.profileOf(t, l.Friend); got != sora {
		t.Errorf("linked to %q", got)
	}
	if len(w.heard.moved) != 1 || w.heard.moved[0].Profile != sora || w.heard.moved[0].Version != 2 {
		t.Errorf("the outbox heard %+v", w.heard.moved)
	}
	if names, _ := w.steps(t, l.Friend); names[0] != "moved" {
		t.Errorf("history: %v", names)
	}
}

func TestANoticeMovesNothingThatKlaviyoDoesNotConfirm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.linked(t, yuki, hana)
	got, err := w.service.HandleEdge(t.Context(), lumo.EdgeRequest{Merchant: w.merchant, Auth: lumo.AuthVerified,
		Subject: id.ID(l.Account), Body: []byte(hana)})
	if err != nil || got.Status != 200 || w.profileOf(t, l.Friend) != hana {
		t.Errorf("got %d %v, linked to %s", got.Status, err, w.profileOf(t, l.Friend))
	}
}

func TestAMergeOfTwoLinkedCustomersAsksWhichFriend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.linked(t, yuki, hana)
	second := w.linked(t, mio, sora)
	if err := w.service.ProfileMoved(t.Context(), w.merchant, hana, sora); err != nil {
		t.Fatal(err)
	}
	if a, b := w.profileOf(t, first.Friend), w.profileOf(t, second.Friend); a != "" || b != sora {
		t.Errorf("got %q and %q", a, b)
	}
	if h := w.heard; len(h.ended) != 0 || len(h.gone) != 1 || !slices.Contains(h.told, second.Friend) {
		t.Errorf("ended %+v, gone %+v, told of %v", h.ended, h.gone, h.told)
	}
	list := w.review(t)
	if len(list) != 1 || list[0].Kind != linkage.TwoFriends || list[0].Friend != first.Friend {
		t.Fatalf("got %+v", list)
	}
	w.decide(t, list[0].ID, linkage.UseSecond)
	if a, b := w.profileOf(t, first.Friend), w.profileOf(t, second.Friend); a != sora || b != "" {
		t.Errorf("decided: got %q and %q", a, b)
	}
}

// A lower level never replaces a higher: the surer link goes along to the customer who is left,
// and people are asked about the other.
func TestAMergeOfTwoLinkedCustomersLeavesTheSurerLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	surer := w.linked(t, yuki, hana)
	w.vendors.byEmail["mio@shop.example"] = sora
	asked := w.back(t, w.scan(t, w.code(t, linkage.ByEmail), token.ClaimEmail, "mio@shop.example"), mio, "")
	if got, err := w.service.Confirm(t.Context(), asked.Confirm); err != nil || got.Outcome != linkage.Linked {
		t.Fatalf("got %+v %v", got, err)
	}
	lower, _, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, sora)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.service.ProfileMoved(t.Context(), w.merchant, hana, sora); err != nil {
		t.Fatal(err)
	}
	if a, b := w.profileOf(t, surer.Friend), w.profileOf(t, lower.Friend); a != sora || b != "" {
		t.Errorf("got %q and %q", a, b)
	}
	list := w.review(t)
	if len(list) != 1 || list[0].Kind != linkage.TwoFriends || list[0].Friend != lower.Friend ||
		list[0].OtherFriend != surer.Friend {
		t.Fatalf("got %+v", list)
	}
	w.decide(t, list[0].ID, linkage.UseSecond)
	if a, b := w.profileOf(t, surer.Friend), w.profileOf(t, lower.Friend); a != "" || b != sora {
		t.Errorf("decided: got %q and %q", a, b)
	}
}

// What an old friend's end takes away from a merged profile, Klaviyo takes away from the one that
// it is now: the friend who is linked there gets the properties back.
func TestAMergeOfAnUnlinkedCustomerWritesTheLinkedOnesPropertiesAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.linked(t, yuki, sora)
	w.heard.told = nil
	if err := w.service.ProfileMoved(t.Context(), w.merchant, hana, sora); err != nil {
		t.Fatal(err)
	}
	if got := w.profileOf(t, l.Friend); got != sora || !slices.Equal(w.heard.told, []lumo.FriendID{l.Friend}) {
		t.Errorf("linked to %q, told of %v", got, w.heard.told)
	}
}

// Who opens the email of before a merge means the customer that Klaviyo names today.
func TestAnOldProfileIDMeansWhomItWasMergedInto(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.linked(t, yuki, sora)
	w.vendors.merged[hana] = sora
	if got := w.back(t, w.scan(t, w.code(t, linkage.ByProfile), token.ClaimProfile, string(hana)), mio, ""); got.Outcome != linkage.AskLink {
		t.Fatalf("got %+v", got)
	}
	item := w.claims(t, mio, hana)
	if item.Profile != sora || item.OtherFriend != old.Friend || w.profileOf(t, old.Friend) != sora {
		t.Errorf("got %+v", item)
	}
}

// Erasing takes what needs review with it, whichever side of it the person was on.
func TestReviewIsReadableOnceAPersonOfItIsErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.linked(t, yuki, hana)
	w.claims(t, mio, hana)
	stays := w.linked(t, lumo.LineUserID(user(1)), sora)
	other := w.claims(t, lumo.LineUserID(user(2)), sora)
	w.erase(t, old.Friend)
	if list := w.review(t); len(list) != 1 || list[0].ID != other.ID || list[0].OtherFriend != stays.Friend {
		t.Errorf("got %+v", list)
	}
	w.erase(t, other.Friend)
	if list := w.review(t); len(list) != 0 {
		t.Errorf("got %+v", list)
	}
}

func TestADeletedCustomerIsFoundAgainByTheirEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vendors.byEmail["yuki@shop.example"] = hana
	s := w.scan(t, w.code(t, linkage.ByEmail), token.ClaimEmail, "yuki@shop.example")
	asked := w.back(t, s, yuki, s.cookie)
	if _, err := w.service.Confirm(t.Context(), asked.Confirm); err != nil {
		t.Fatal(err)
	}
	l, _, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, hana)
	if err != nil {
		t.Fatal(err)
	}
	w.vendors.missing[hana] = true
	if _, err := w.service.Recheck(t.Context(), w.merchant, l.Account, hana); err == nil {
		w.vendors.byEmail["yuki@shop.example"] = sora
	}
	w.vendors.byEmail["yuki@shop.example"] = sora
	if got, err := w.service.Recheck(t.Context(), w.merchant, l.Account, hana); err != nil || got != sora {
		t.Fatalf("got %s %v", got, err)
	}
	if got := w.profileOf(t, l.Friend); got != sora {
		t.Errorf("linked to %q", got)
	}
}
