package channel_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
)

func (f *facts) RecordAll(ctx context.Context, _ lumo.MerchantID, all []lumo.Fact) error {
	for _, one := range all {
		if err := f.Record(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// ProfileByEmail knows one customer, whom nobody here is known as.
func (f *facts) ProfileByEmail(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, email string) (
	lumo.Profile, error) {
	if email == "only@klaviyo.example" {
		return lumo.Profile{ID: "01KLAVIYO"}, nil
	}
	return lumo.Profile{}, fault.New(fault.NotFound, "test", "nobody")
}

func (f *facts) ProfileByPhone(context.Context, lumo.MerchantID, lumo.AccountID, string) (lumo.Profile, error) {
	return lumo.Profile{}, fault.New(fault.NotFound, "test", "nobody")
}

func (f *facts) Profile(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, p lumo.ProfileID) (lumo.Profile, error) {
	return lumo.Profile{ID: p}, nil
}

func (f *facts) Erased(_ context.Context, _ lumo.Channel, l lumo.Link) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.erased = append(f.erased, l.Profile)
	return nil
}

// meet makes a friend who follows.
func (w *world) meet(t *testing.T, c channel.Channel, user lumo.LineUserID, name string) lumo.FriendID {
	t.Helper()
	var f lumo.Friend
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) (err error) {
		f, err = w.service.UpsertFriend(ctx, w.merchant, c.ID, lumo.Contact{User: user, Name: name, Source: "qr",
			Seen: &lumo.FollowSeen{Status: lumo.Following, At: w.clock()}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f.ID
}

func (w *world) found(t *testing.T, q channel.FriendQuery, text string) []lumo.FriendID {
	t.Helper()
	list, err := w.people.Search(t.Context(), w.merchant, q, text)
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.people.CountFound(t.Context(), w.merchant, q, text)
	if err != nil || n != int64(len(list.Items)) {
		t.Errorf("%q: counted %d, %v want %d", text, n, err, len(list.Items))
	}
	var out []lumo.FriendID
	for _, i := range list.Items {
		out = append(out, i.ID)
	}
	return out
}

func TestSearchFindsNamesInAnyScriptAndContactsInAnyNotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	hana := w.meet(t, c, yuki, "山田 花子")
	taro := w.meet(t, c, mio, "ﾀﾛｳ Smith 100%")
	for _, told := range []struct {
		f    lumo.FriendID
		told channel.Told
	}{{hana, channel.Told{Email: " Hana@Shop.Example ", Source: channel.ContactAPI}},
		{taro, channel.Told{Phone: "090-1234-5678", Source: channel.ContactCSV}}} {
		if err := w.people.SetContacts(t.Context(), w.merchant, c.ID, told.f, channel.Actor{}, told.told); err != nil {
			t.Fatal(err)
		}
	}
	q := channel.FriendQuery{Channel: c.ID}
	for text, want := range map[string]lumo.FriendID{
		"花": hana, "山田": hana, "田 花": hana, "タロウ": taro, "smith": taro, "ＳＭＩＴＨ": taro, "h 100%": taro,
		"HANA@shop.example": hana, "+81 90 1234 5678": taro, "09012345678": taro, "０９０－１２３４－５６７８": taro,
		string(mio): taro, hana.String(): hana, "100%": taro,
	} {
		if got := w.found(t, q, text); len(got) != 1 || got[0] != want {
			t.Errorf("%q: got %v want %v", text, got, want)
		}
	}
	for _, text := range []string{"鈴", "0_%", "nobody@shop.example", "080-1111-2222", "%"} {
		want := 0
		if text == "%" {
			want = 1
		}
		if got := w.found(t, q, text); len(got) != want {
			t.Errorf("%q: got %v want %d", text, got, want)
		}
	}
}

// Thirteen digits may be a phone number, the number of an order or of a member that a person has
// in the name: whoever has them is found, a phone first.
func TestDigitsFindAPhoneOrElseAName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	const digits = "4901234567894"
	hana := w.meet(t, c, yuki, "Hana "+digits)
	q := channel.FriendQuery{Channel: c.ID}
	if channel.Phone(digits, "JP") == "" {
		t.Fatal("these digits are no phone number")
	}
	for _, text := range []string{digits, " " + digits, digits[4:], "090"} {
		want := 1
		if text == "090" {
			want = 0
		}
		if got := w.found(t, q, text); len(got) != want || want == 1 && got[0] != hana {
			t.Errorf("%q: got %v want %d", text, got, want)
		}
	}
	taro := w.meet(t, c, mio, "Taro")
	if err := w.people.SetContacts(t.Context(), w.merchant, c.ID, taro, channel.Actor{},
		channel.Told{Phone: digits, Source: channel.ContactAPI}); err != nil {
		t.Fatal(err)
	}
	if got := w.found(t, q, digits); len(got) != 1 || got[0] != taro {
		t.Errorf("somebody's phone: got %v want %v", got, taro)
	}
	// What was found by a name goes on by it, page by page.
	other := w.meet(t, c, user(3), "Sora 5"+digits)
	first, err := w.people.Search(t.Context(), w.merchant, channel.FriendQuery{Channel: c.ID,
		PageQuery: channel.PageQuery{Limit: 1}}, digits[1:])
	if err != nil || len(first.Items) != 1 || first.Items[0].ID != other || first.Next.IsZero() {
		t.Fatalf("first page: got %+v, %v", first, err)
	}
	next, err := w.people.Search(t.Context(), w.merchant, channel.FriendQuery{Channel: c.ID,
		PageQuery: channel.PageQuery{Limit: 1, Before: first.Next}}, digits[1:])
	if err != nil || len(next.Items) != 1 || next.Items[0].ID != hana || !next.Next.IsZero() {
		t.Errorf("next page: got %+v, %v", next, err)
	}
}

// The index over names is the dearest to write: it is left alone by all but a name.
func TestOnlyANameWritesTheIndexOverNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	a := w.addKlaviyo(t, 1)
	f := w.meet(t, c, yuki, "山田 花子")
	if n := w.count(t, `SELECT count(*) FROM pg_indexes WHERE tablename = 'friend' AND indexdef LIKE '%lumo_grams%'`); n != 0 {
		t.Fatal("the index over names is one of what changes with each link")
	}
	before := w.nameWritten(t, f)
	w.exec(t, w.merchant, `
INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance,
                           state, linked_at, created_at, updated_at)
VALUES ($1, gen_random_uuid(), $2, $3, $4, '01P', 'qr', 'proven', 'linked', now(), now(), now())`, w.merchant, c.ID, f, a)
	w.deliver(t, c, event("unfollow", "E9", yuki, w.clock().Add(time.Second)))
	if n := w.count(t, `SELECT count(*) FROM friend WHERE linked AND follow_status = 'blocked'`); n != 1 {
		t.Fatal("the friend did not change")
	}
	if got := w.nameWritten(t, f); got != before {
		t.Errorf("a link and a block wrote the name again")
	}
	w.exec(t, w.merchant, `UPDATE friend SET display_name = '佐藤 花' WHERE merchant_id = $1 AND id = $2`, w.merchant, f)
	q := channel.FriendQuery{Channel: c.ID}
	if got := w.found(t, q, "佐藤"); len(got) != 1 {
		t.Errorf("the new name finds %v", got)
	}
	if got := w.found(t, q, "山田"); len(got) != 0 {
		t.Errorf("the old name finds %v", got)
	}
}

// nameWritten is the transaction that last wrote a friend's name for searching.
func (w *world) nameWritten(t *testing.T, f lumo.FriendID) int {
	t.Helper()
	return w.count(t, `SELECT xmin::text::bigint FROM friend_name WHERE friend_id = $1`, f)
}

func TestFiltersNarrowAndTotalsStand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	a := w.addKlaviyo(t, 1)
	hana := w.meet(t, c, yuki, "Hana")
	w.pass(time.Hour)
	taro := w.meet(t, c, mio, "Taro")
	w.deliver(t, c, event("unfollow", "E1", mio, w.clock().Add(time.Second)))
	w.exec(t, w.merchant, `
INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance,
                           state, linked_at, created_at, updated_at)
VALUES ($1, gen_random_uuid(), $2, $3, $4, '01LINKED', 'qr', 'proven', 'linked', now(), now(), now())`,
		w.merchant, c.ID, hana, a)
	yes, no := true, false
	for name, one := range map[string]struct {
		q    channel.FriendQuery
		want []lumo.FriendID
	}{
		"all, newest first": {channel.FriendQuery{}, []lumo.FriendID{taro, hana}},
		"blocked":           {channel.FriendQuery{Status: lumo.Blocked}, []lumo.FriendID{taro}},
		"linked":            {channel.FriendQuery{Linked: &yes}, []lumo.FriendID{hana}},
		"not linked":        {channel.FriendQuery{Linked: &no}, []lumo.FriendID{taro}},
		"consent":           {channel.FriendQuery{Consent: lumo.ConsentGiven}, []lumo.FriendID{hana}},
		"linked, blocked":   {channel.FriendQuery{Linked: &yes, Status: lumo.Blocked}, nil},
		"followed since":    {channel.FriendQuery{From: w.clock()}, []lumo.FriendID{taro}},
		"profile":           {channel.FriendQuery{Profile: "01LINKED"}, []lumo.FriendID{hana}},
	} {
		one.q.Channel = c.ID
		list, err := w.people.Friends(t.Context(), w.merchant, one.q)
		if err != nil || len(list.Items) != len(one.want) || list.Total == nil || *list.Total != int64(len(one.want)) {
			t.Errorf("%s: got %+v %v", name, list, err)
			continue
		}
		for i, f := range one.want {
			if list.Items[i].ID != f {
				t.Errorf("%s: wrong order", name)
			}
		}
	}
	w.exec(t, w.merchant, `UPDATE identity_link SET state = 'unlinked' WHERE merchant_id = $1`, w.merchant)
	if list, err := w.people.Friends(t.Context(), w.merchant, channel.FriendQuery{Channel: c.ID, Linked: &yes}); err != nil ||
		*list.Total != 0 {
		t.Errorf("after unlinking: got %v %v", list.Total, err)
	}
}

func TestTagsAreGivenTakenMergedAndBroughtBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	hana, taro := w.meet(t, c, yuki, "Hana"), w.meet(t, c, mio, "Taro")
	ctx, by := t.Context(), channel.Actor{}
	add := func(name string) channel.Tag {
		tag, err := w.people.AddTag(ctx, w.merchant, c.ID, by, name, 3)
		if err != nil {
			t.Fatal(err)
		}
		return tag
	}
	tea, matcha := add("Tea"), add("Matcha")
	if _, err := w.people.AddTag(ctx, w.merchant, c.ID, by, " tea ", 1); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same name again: got %v", err)
	}
	label := func(tag channel.Tag, on bool, want int, f ...lumo.FriendID) {
		t.Helper()
		if n, err := w.people.Label(ctx, w.merchant, c.ID, tag.ID, f, channel.TagByHand, on); err != nil || n != want {
			t.Errorf("label: got %d, %v want %d", n, err, want)
		}
	}
	friends := func(tag channel.Tag, want int) {
		t.Helper()
		got, err := w.people.Tag(ctx, w.merchant, c.ID, tag.ID)
		list, err2 := w.people.Friends(ctx, w.merchant, channel.FriendQuery{Channel: c.ID, Tag: tag.ID})
		if err != nil || err2 != nil || got.Friends != int64(want) || len(list.Items) != want || *list.Total != int64(want) {
			t.Errorf("%s: got %d and %d friends, %v %v want %d", tag.Name, got.Friends, len(list.Items), err, err2, want)
		}
	}
	label(tea, true, 2, hana, taro)
	label(tea, true, 0, hana)
	label(matcha, true, 1, hana)
	if _, err := w.people.Merge(ctx, w.merchant, c.ID, by, tea.ID, matcha.ID); err != nil {
		t.Fatal(err)
	}
	friends(matcha, 2)
	if _, err := w.people.Label(ctx, w.merchant, c.ID, tea.ID, nil, channel.TagByHand, true); !fault.Is(err, fault.Conflict) {
		t.Errorf("an archived tag: got %v", err)
	}
	if _, err := w.people.Archive(ctx, w.merchant, c.ID, by, tea.ID, false); err != nil {
		t.Fatal(err)
	}
	friends(matcha, 1)
	friends(tea, 2)
	label(tea, false, 1, taro)
	friends(tea, 1)
	if n := count(w.facts.kinds(), lumo.FactTagged); n != 3 {
		t.Errorf("%d tagged facts, want 3", n)
	}
}

func TestErasedPersonLeavesATombstoneAndComesBackAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	a := w.addKlaviyo(t, 1)
	w.exec(t, w.merchant, `UPDATE channel SET klaviyo_account_id = $2 WHERE merchant_id = $1`, w.merchant, a)
	w.deliver(t, c, event("follow", "E1", yuki, w.clock()))
	hana := w.meet(t, c, yuki, "Hana")
	w.exec(t, w.merchant, `
INSERT INTO identity_link (merchant_id, id, channel_id, friend_id, klaviyo_account_id, profile_id, method, assurance,
                           state, linked_at, created_at, updated_at)
VALUES ($1, $2, $2, $3, $4, '01LINKED', 'qr', 'proven', 'linked', now(), now(), now())`, w.merchant, c.ID, hana, a)
	w.exec(t, w.merchant, `
INSERT INTO link_history (merchant_id, id, link_id, step, actor_kind, created_at)
VALUES ($1, gen_random_uuid(), $2, 'linked', 'customer', now())`, w.merchant, c.ID)
	for state, n := range map[string]int{"planned": 1, "accepted": 2} {
		w.exec(t, w.merchant, `
INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, state, input_enc, body_enc,
                      summary_enc, due_at, received_at, created_at, updated_at)
VALUES ($1, gen_random_uuid(), $2, $3, 'flow', gen_random_uuid(), $4, $5, 'x', 'x', 'x', now(), now(), now(), now())`,
			w.merchant, n, c.ID, hana, state)
	}
	if err := w.people.Erase(t.Context(), w.merchant, c.ID, hana, channel.Actor{}, "hana"); !fault.Is(err, fault.Invalid) {
		t.Fatalf("another name: got %v", err)
	}
	w.pass(time.Minute)
	if err := w.people.Erase(t.Context(), w.merchant, c.ID, hana, channel.Actor{}, "Hana"); err != nil {
		t.Fatal(err)
	}
	for what, sql := range map[string]string{
		"friend": `SELECT count(*) FROM friend`, "timeline": `SELECT count(*) FROM friend_event`,
		"links": `SELECT count(*) FROM identity_link`, "history": `SELECT count(*) FROM link_history`,
		"bytes of deliveries": `SELECT count(*) FROM delivery WHERE body_enc IS NOT NULL OR summary_enc IS NOT NULL OR input_enc IS NOT NULL`,
		"deliveries that go":  `SELECT count(*) FROM delivery WHERE state = 'planned' OR reason <> 'erased'`,
		"webhook bodies":      `SELECT count(*) FROM hook_request WHERE state = 'done' AND id IN (SELECT request_id FROM line_event WHERE webhook_event_id = 'gone')`,
	} {
		if n := w.count(t, sql); n != 0 {
			t.Errorf("%s: %d left", what, n)
		}
	}
	if len(w.facts.erased) != 1 || w.facts.erased[0] != "01LINKED" {
		t.Errorf("told Klaviyo of %v", w.facts.erased)
	}
	page, err := w.people.Page(t.Context(), w.merchant, c.ID, hana)
	if err != nil || !page.ErasedAt.Equal(w.clock()) || page.DisplayName != "" {
		t.Errorf("tombstone: got %+v %v", page, err)
	}
	// What LINE says of an erased person counts for nothing, until they follow anew.
	w.deliver(t, c, event("message", "E2", yuki, w.clock().Add(time.Second)),
		event("follow", "E3", yuki, w.clock().Add(-time.Second)), event("unfollow", "E4", yuki, w.clock().Add(time.Second)))
	if n := w.count(t, `SELECT count(*) FROM friend`); n != 0 {
		t.Fatalf("the erased person is back")
	}
	w.deliver(t, c, event("follow", "E5", yuki, w.clock().Add(2*time.Second)))
	list, err := w.people.Friends(t.Context(), w.merchant, channel.FriendQuery{Channel: c.ID})
	if err != nil || len(list.Items) != 1 || list.Items[0].ID == hana || list.Items[0].DisplayName != "" || *list.Total != 1 {
		t.Errorf("a new follow: got %+v %v", list, err)
	}
}

func TestHistoryOfLinksGoesWithAnErasedPersonAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	hana := w.meet(t, c, yuki, "Hana")
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, "SELECT lumo_forget_links($1, $2)", w.merchant, hana)
		return err
	})
	if err == nil {
		t.Error("somebody who is there was forgotten")
	}
}

func TestViewersSeeContactsMasked(t *testing.T) {
	t.Parallel()
	for value, want := range map[channel.OwnContact]string{
		{Kind: channel.ContactEmail, Value: "hana@shop.example"}: "h***@…",
		{Kind: channel.ContactPhone, Value: "+819012345678"}:     "+81…78",
	} {
		if got := channel.Masked(value); got != want {
			t.Errorf("got %s want %s", got, want)
		}
	}
}

func FuzzContactsAreNormalisedOnce(f *testing.F) {
	for _, text := range []string{"090-1234-5678", "+81 90 1234 5678", " A@B.example", "０９０１２３４５６７８", "a@b", "@", "+"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if phone := channel.Phone(text, "JP"); phone != "" && channel.Phone(phone, "US") != phone {
			t.Errorf("%q becomes %q, and that another", text, phone)
		}
		if email := channel.Email(text); email != "" && channel.Email(email) != email {
			t.Errorf("%q becomes %q, and that another", text, email)
		}
	})
}

func TestFileOfContactsTagsAndTestFriendsSaysWhatItCouldNotTake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	hana, taro := w.meet(t, c, yuki, "Hana"), w.meet(t, c, mio, "Taro")
	if _, err := w.people.AddTag(t.Context(), w.merchant, c.ID, channel.Actor{}, "VIP", 1); err != nil {
		t.Fatal(err)
	}
	text := "\ufeffFriend,line_user_id,email,phone,tags,test_friend\r\n" +
		hana.String() + ",,HANA@shop.example,,vip;unknown,yes\r\n" +
		"," + string(mio) + ",,090-1234-5678,,\r\n" +
		",U00000000000000000000000000000000,a@b.example,,,\r\n" +
		taro.String() + ",,no email,12,,\r\n" + "too,few\r\n"
	got, err := w.people.ImportCSV(t.Context(), w.merchant, c.ID, channel.Actor{}, text)
	if err != nil || got.Rows != 4 {
		t.Fatalf("got %+v %v", got, err)
	}
	want := []channel.LineProblem{{Line: 2, Code: "tag"}, {Line: 4, Code: "nobody"}, {Line: 5, Code: "email"},
		{Line: 5, Code: "phone"}, {Line: 6, Code: "columns"}}
	if len(got.Problems) != len(want) {
		t.Fatalf("got %v want %v", got.Problems, want)
	}
	for i := range want {
		if got.Problems[i] != want[i] {
			t.Errorf("got %v want %v", got.Problems[i], want[i])
		}
	}
	for text, f := range map[string]lumo.FriendID{"hana@shop.example": hana, "+819012345678": taro} {
		if found := w.found(t, channel.FriendQuery{Channel: c.ID}, text); len(found) != 1 || found[0] != f {
			t.Errorf("%s: got %v", text, found)
		}
	}
	list, err := w.people.Friends(t.Context(), w.merchant, channel.FriendQuery{Channel: c.ID, Tester: true})
	if err != nil || len(list.Items) != 1 || list.Items[0].ID != hana || len(list.Items[0].Tags) != 1 {
		t.Errorf("test friends: got %+v %v", list, err)
	}
	if _, err := w.people.ImportCSV(t.Context(), w.merchant, c.ID, channel.Actor{}, "name\nHana"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a file without friends: got %v", err)
	}
}

// "Jump to date" lists by when people followed, which is not when they were first known: each once,
// over pages, however many followed at the same moment.
func TestFriendsOfATimeAreListedByThatTimePageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect(t)
	base := w.clock().Add(-24 * time.Hour).Truncate(time.Second)
	want := make([]lumo.FriendID, 7)
	for n := range want {
		f := w.meet(t, c, user(n), "Friend")
		want[n] = f // the first known followed last
		at := base.Add(-time.Duration(n/2) * time.Hour)
		w.exec(t, w.merchant, `UPDATE friend SET followed_at = $2 WHERE merchant_id = $1 AND id = $3`, w.merchant, at, f)
	}
	for n := 0; n+1 < len(want)-1; n += 2 { // at the same moment, the one who was known last comes first
		want[n], want[n+1] = want[n+1], want[n]
	}
	w.meet(t, c, user(20), "Later")
	var got []lumo.FriendID
	q := channel.FriendQuery{Channel: c.ID, Until: base.Add(time.Minute), PageQuery: channel.PageQuery{Limit: 3}}
	for pages := 1; ; pages++ {
		list, err := w.people.Friends(t.Context(), w.merchant, q)
		if err != nil || pages > 3 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, f := range list.Items {
			got = append(got, f.ID)
		}
		if list.Next.IsZero() {
			break
		}
		q.Before, q.At = list.Next, list.NextAt
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v want %v", got, want)
	}
	err := w.people.Each(t.Context(), w.merchant, channel.FriendQuery{Channel: c.ID, From: base.Add(-time.Hour)},
		func(items []channel.FriendItem) error {
			if len(items) != 5 || items[0].DisplayName != "Later" {
				t.Errorf("got %d, %+v", len(items), items[0])
			}
			return nil
		})
	if err != nil {
		t.Error(err)
	}
}
