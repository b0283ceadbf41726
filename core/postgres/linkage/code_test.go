package linkage_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

// greeting makes a code that says and labels something.
func (w *world) greetingCode(t *testing.T, by linkage.IdentifyBy) linkage.Code {
	t.Helper()
	c, err := w.service.CreateCode(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{}, linkage.NewCode{
		IdentifyBy: by, CodeContent: linkage.CodeContent{Name: "Email", Welcome: "Hello!",
			Tags: []lumo.TagID{lumo.TagID(id.New(1, [10]byte{7}))}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhomACodeLinksIsGreetedWhenTheyAreAFriend(t *testing.T) {
	t.Parallel()
	for _, followFirst := range []bool{true, false} {
		w := newWorld(t)
		s := w.scan(t, w.greetingCode(t, linkage.ByProfile), token.ClaimProfile, string(hana))
		if followFirst {
			w.follow(t, yuki, "E1")
		}
		w.back(t, s, yuki, s.cookie)
		if !followFirst {
			w.pass(time.Second)
			w.follow(t, yuki, "E1")
		}
		friends := 0
		for _, g := range w.heard.greet {
			if g.status == lumo.Following {
				friends++
			}
		}
		if friends != 1 {
			t.Errorf("follow first %v: greeted %d times as a friend: %+v", followFirst, friends, w.heard.greet)
		}
	}
}

func TestACounterGreetsWithoutALink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.greetingCode(t, linkage.ByNothing)
	s := w.scan(t, code, token.ClaimNone, "")
	w.vendors.befriend(yuki, true)
	if got := w.back(t, s, yuki, s.cookie); got.Outcome != linkage.Added {
		t.Fatalf("got %v", got.Outcome)
	}
	if len(w.heard.greet) != 1 || w.heard.greet[0].code != code.ID {
		t.Errorf("greeted %+v", w.heard.greet)
	}
	if n := w.count(t, `SELECT count(*) FROM identity_link`); n != 0 {
		t.Errorf("%d links were made", n)
	}
}

func TestAConflictGreetsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linked(t, yuki, hana)
	s := w.scan(t, w.greetingCode(t, linkage.ByProfile), token.ClaimProfile, string(sora))
	asked := w.back(t, s, yuki, s.cookie)
	if got, err := w.service.Confirm(t.Context(), asked.Confirm); err != nil || got.Outcome != linkage.InReview {
		t.Fatalf("got %v %v", got.Outcome, err)
	}
	if len(w.heard.greet) != 0 {
		t.Errorf("greeted %+v", w.heard.greet)
	}
}

func TestACodeCountsByTheDayOfTheShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // 24 November, noon in Tokyo
	code := w.code(t, linkage.ByProfile)
	s := w.scan(t, code, token.ClaimProfile, string(hana))
	w.back(t, s, yuki, s.cookie)
	w.pass(13 * time.Hour) // past midnight in Tokyo
	s = w.scan(t, code, token.ClaimProfile, string(sora))
	w.back(t, s, mio, s.cookie)
	days, err := w.service.CodeDays(t.Context(), w.merchant, w.channel.ID, code.ID, 30)
	if err != nil || len(days) != 2 {
		t.Fatalf("got %+v %v", days, err)
	}
	for i, want := range []string{"2026-11-24", "2026-11-25"} {
		if got := days[i].Day.Format(time.DateOnly); got != want || days[i].Links != 1 {
			t.Errorf("got %s %+v, want %s", got, days[i], want)
		}
	}
}

func TestACodeIsChangedAndPausedAndItsURLStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.code(t, linkage.ByEmail)
	content := linkage.CodeContent{Name: "  Winter ", Welcome: "Hi", ExpiresAt: w.clock().Add(time.Hour)}
	got, err := w.service.ChangeCode(t.Context(), w.merchant, w.channel.ID, code.ID, lumo.MemberID{}, content)
	if err != nil || got.Name != "Winter" || got.Live || got.Key != code.Key || got.IdentifyBy != linkage.ByEmail {
		t.Fatalf("got %+v %v", got, err)
	}
	for name, bad := range map[string]linkage.CodeContent{
		"name": {}, "welcome": {Name: "x", Welcome: strings.Repeat("あ", 5001)},
		"template": {Name: "x", Welcome: "Hello {{ first_name }}"},
	} {
		_, err := w.service.ChangeCode(t.Context(), w.merchant, w.channel.ID, code.ID, lumo.MemberID{}, bad)
		if !fault.Is(err, fault.Invalid) || len(fault.FieldsOf(err)) != 1 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTryingACodeGivesTheURLOfACustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vendors.byEmail["yuki@shop.example"] = hana
	code := w.code(t, linkage.ByProfile)
	got, err := w.service.TryCode(t.Context(), w.merchant, w.channel.ID, code.ID, " Yuki@shop.example ")
	if err != nil || got.URL != edgeURL+"/q/"+code.Key+"?k="+string(hana) {
		t.Errorf("got %+v %v", got, err)
	}
	_, err = w.service.TryCode(t.Context(), w.merchant, w.channel.ID, code.ID, "nobody@shop.example")
	if !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)["email"] == "" {
		t.Errorf("nobody: got %v", err)
	}
}

func TestAFormsClaimAsksAndLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vendors.byEmail["yuki@shop.example"] = hana
	form, err := w.service.CreateForm(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{}, linkage.FormContent{
		Name: "Sign-up", Shows: linkage.ShowBoth, Origins: []string{"Shop.example", "https://shop.example/page"}})
	if err != nil || len(form.Origins) != 1 || form.Origins[0] != "https://shop.example" {
		t.Fatalf("got %+v %v", form, err)
	}
	code := linkage.Code{Key: w.codeKey(t, form.Code)}
	s := w.scan(t, code, token.ClaimForm, "yuki@shop.example")
	asked := w.back(t, s, yuki, s.cookie)
	if asked.Outcome != linkage.AskLink {
		t.Fatalf("got %v: what a browser says is only a claim", asked.Outcome)
	}
	if got, err := w.service.Confirm(t.Context(), asked.Confirm); err != nil || got.Outcome != linkage.Linked {
		t.Fatalf("got %v %v", got.Outcome, err)
	}
	l, _, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, hana)
	if err != nil || l.Method != linkage.MethodForm || l.Assurance != lumo.Claimed {
		t.Errorf("got %+v %v", l, err)
	}
	if form, err = w.service.Form(t.Context(), w.merchant, w.channel.ID, form.ID); err != nil || form.Linked != 1 {
		t.Errorf("the form counts %d links, %v", form.Linked, err)
	}
	if list, err := w.service.Codes(t.Context(), w.merchant, w.channel.ID); err != nil || len(list) != 0 {
		t.Errorf("the form's own code stands among the QR codes: %v %v", list, err)
	}
}

func (w *world) codeKey(t *testing.T, c lumo.CodeID) (key string) {
	t.Helper()
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, "SELECT public_key FROM qr_code WHERE id = $1", c).Scan(&key)
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestCheckingAPageSaysWhetherTheScriptIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form, err := w.service.CreateForm(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{}, linkage.FormContent{
		Name: "Sign-up", Shows: linkage.ShowQR, Origins: []string{"https://shop.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for page, want := range map[string]linkage.PageState{
		"": linkage.PageUnreachable, "<html>": linkage.PageMissing,
		`<script src="https://e/f/aaaaaaaaaaaaaaaa.js">`: linkage.PageOther,
		`<script src="https://e/f/` + form.Key + `.js">`: linkage.PageFound,
	} {
		w.vendors.page = page
		got, err := w.service.CheckPage(t.Context(), w.merchant, w.channel.ID, form.ID, "shop.example/join")
		if err != nil || got.PageState != want || !got.OriginAllowed || got.PageURL != "https://shop.example/join" {
			t.Errorf("%s: got %+v %v", want, got, err)
		}
	}
	w.vendors.page = "<html>"
	w.pass(13 * time.Hour)
	w.lookAfter(t)
	if form, err = w.service.Form(t.Context(), w.merchant, w.channel.ID, form.ID); err != nil ||
		form.PageState != linkage.PageMissing {
		t.Errorf("looked again: got %s %v", form.PageState, err)
	}
}

func TestHealthCountsTheReachableAndTheDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.linked(t, yuki, hana)
	w.follow(t, mio, "E2")
	w.pass(24 * time.Hour)
	h, err := w.service.Health(t.Context(), w.merchant, w.channel.ID)
	if err != nil || h.Reachable != 2 || h.Linked != 1 || h.GoalPercent != 60 {
		t.Fatalf("got %+v %v", h, err)
	}
	if n := len(h.Days); n != 90 || h.Days[n-1].N != 1 || h.Days[n-3].N != 0 {
		t.Errorf("days: %d, %+v", n, h.Days[n-3:])
	}
	if len(h.Funnels) != 1 || h.Funnels[0].Method != "qr" || h.Funnels[0].Linked != 1 || h.Funnels[0].Invited != -1 {
		t.Errorf("got %+v", h.Funnels)
	}
	if _, err := w.service.ChangeSettings(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{},
		linkage.Settings{GoalPercent: 101}); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

// What a form hands on may be a number as the shop's country dials it.
func TestAFormsPhoneIsReadAsTheShopsCountryDialsIt(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]linkage.Outcome{"09012345678": linkage.Linked, "+819012345678": linkage.Linked,
		"819012345678": linkage.Linked, "12345": linkage.NoLongerWorks} {
		w := newWorld(t)
		w.vendors.byEmail["+819012345678"] = hana
		asked := w.back(t, w.scan(t, w.code(t, linkage.ByProfile), token.ClaimForm, typed), yuki, "")
		got, err := w.service.Confirm(t.Context(), asked.Confirm)
		if err != nil || got.Outcome != want {
			t.Errorf("%s: got %v %v want %v", typed, got.Outcome, err, want)
		}
		if l, _, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, hana); want == linkage.Linked &&
			(err != nil || l.Method != linkage.MethodForm || l.Assurance != lumo.Claimed) {
			t.Errorf("%s: linked %+v, %v", typed, l, err)
		}
	}
}

func TestAMembersOwnPhoneCodeIsNotOfferedToCustomers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, own := w.code(t, linkage.ByProfile), w.code(t, linkage.ByProfile)
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, "UPDATE qr_code SET own = true WHERE id = $1", own.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.service.Codes(t.Context(), w.merchant, w.channel.ID)
	if err != nil || len(list) != 1 || list[0].ID != code.ID {
		t.Errorf("got %v %v, want the customers' code alone", list, err)
	}
	if got, err := w.service.Code(t.Context(), w.merchant, w.channel.ID, own.ID); err != nil || !got.Own {
		t.Errorf("got %v %v", got, err)
	}
}

// A code may send what reads as it was written for whoever comes: published, not put away, and
// with a fallback for each variable.
func TestACodeSendsOnlyWhatCanBeKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	message := func(n byte, s linkage.Saved) lumo.MessageID {
		v := lumo.MessageID(id.New(1, [10]byte{n}))
		err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
			_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO message (merchant_id, id, channel_id, name, body, created_at, updated_at)
VALUES ($1, $2, $3, $4, '', now(), now())`, w.merchant, v, w.channel.ID, s.Name)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.vendors.saved[v] = s
		return v
	}
	good := message(1, linkage.Saved{Name: "Good", Version: 1})
	made := func(c linkage.CodeContent) (linkage.Code, error) {
		return w.service.CreateCode(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{},
			linkage.NewCode{IdentifyBy: linkage.ByNothing, CodeContent: c})
	}
	for want, bad := range map[string]linkage.CodeContent{
		"This message does not exist.":                   {Message: lumo.MessageID{9}},
		"Publish the message “Draft” first.":             {Message: message(2, linkage.Saved{Name: "Draft"})},
		"The message “Old” is put away. Choose another.": {Message: message(3, linkage.Saved{Name: "Old", Version: 1, Archived: true})},
		"A code cannot know first_name, size. Give it a fallback in the message “Personal”.": {Message: message(4,
			linkage.Saved{Name: "Personal", Version: 1, Empty: []string{"first_name", "size"}})},
		"Write a text, or choose a saved message.": {Message: good, Welcome: "Hi"},
	} {
		bad.Name = "Counter"
		_, err := made(bad)
		fields := fault.FieldsOf(err)
		if !fault.Is(err, fault.Invalid) || fields["message"]+fields["welcome"] != want {
			t.Errorf("got %v %v, want %q", err, fields, want)
		}
	}
	code, err := made(linkage.CodeContent{Name: "Counter", Message: good})
	if err != nil || code.Saved.Name != "Good" {
		t.Fatalf("got %+v %v", code, err)
	}
	w.vendors.saved[good] = linkage.Saved{Name: "Good", Version: 1, Archived: true}
	content := code.CodeContent
	content.Live = false
	code, err = w.service.ChangeCode(t.Context(), w.merchant, w.channel.ID, code.ID, lumo.MemberID{}, content)
	if err != nil || code.Live || !code.Saved.Archived {
		t.Errorf("a code is paused, whatever became of its message: got %+v %v", code, err)
	}
	content.Message, content.Welcome = lumo.MessageID{}, "Hi"
	code, err = w.service.ChangeCode(t.Context(), w.merchant, w.channel.ID, code.ID, lumo.MemberID{}, content)
	if err != nil || code.Saved.Name != "" {
		t.Errorf("a text instead: got %+v %v", code, err)
	}
	list, err := w.service.Codes(t.Context(), w.merchant, w.channel.ID)
	if err != nil || len(list) != 1 || list[0].Welcome != "Hi" || list[0].Message != (lumo.MessageID{}) {
		t.Errorf("got %+v %v", list, err)
	}
}
