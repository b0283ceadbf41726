package linkage_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/channel"
	"lumo/core/linkage"
	"lumo/core/lumo"
	store "lumo/core/postgres/linkage"
	runstore "lumo/core/postgres/run"
	"lumo/core/run"
	"lumo/shared/fault"
	"lumo/shared/token"
)

const property = "LINE User ID"

// far is Klaviyo and LINE as an import sees them: a segment's members, customers by their
// values, and whom LINE knows.
type far struct {
	mu        sync.Mutex // guards the rest
	members   []lumo.Profile
	customers []lumo.Profile
	knows     map[lumo.LineUserID]bool
	asked     int // people LINE was asked about
	pages     int
	size      int           // more than zero: as many members, made as they are read
	pause     time.Duration // after so many of those pages as Klaviyo gives at once
	fail      func(page int) error
}

func (f *far) Segments(context.Context, lumo.MerchantID, lumo.AccountID) ([]linkage.Segment, error) {
	return []linkage.Segment{{ID: "Old1", Name: "Old tool"}}, nil
}

func (f *far) SegmentSize(context.Context, lumo.MerchantID, lumo.AccountID, string) (int64, error) {
	return int64(len(f.members)), nil
}

func (f *far) SegmentMembers(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, _, after string, limit int) (
	linkage.MemberPage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pages++
	if f.fail != nil {
		if err := f.fail(f.pages); err != nil {
			return linkage.MemberPage{}, err
		}
	}
	from, _ := strconv.Atoi(after)
	if f.size > 0 {
		end := min(from+limit, f.size)
		page := linkage.MemberPage{}
		for n := from; n < end; n++ {
			page.Members = append(page.Members, member(n, user(n)))
		}
		if end < f.size {
			page.Next = strconv.Itoa(end)
		}
		if f.pages%pagesAtOnce == 0 {
			page.Wait = f.pause
		}
		return page, nil
	}
	end := min(from+limit, len(f.members))
	page := linkage.MemberPage{Members: f.members[from:end]}
	if end < len(f.members) {
		page.Next = strconv.Itoa(end)
	}
	return page, nil
}

func (f *far) FindProfiles(_ context.Context, _ lumo.MerchantID, _ lumo.AccountID, field string, values []string) (
	found []lumo.Profile, _ time.Duration, _ error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.customers {
		value := map[string]string{linkage.FieldID: string(p.ID), linkage.FieldEmail: strings.ToLower(p.Email),
			linkage.FieldPhone: p.Phone}[field]
		if slices.Contains(values, value) {
			found = append(found, p)
		}
	}
	return found, 0, nil
}

func (f *far) Reachable(_ context.Context, _ lumo.MerchantID, _ lumo.ChannelID, users []lumo.LineUserID) ([]bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]bool, len(users))
	for n, u := range users {
		f.asked++
		out[n] = f.knows[u]
	}
	return out, nil
}

// member is a customer with a LINE id.
func member(n int, value any) lumo.Profile {
	p := lumo.Profile{ID: lumo.ProfileID(fmt.Sprintf("P%06d", n)), Properties: map[string]any{}}
	if value != nil {
		p.Properties[property] = value
	}
	return p
}

func user(n int) string { return fmt.Sprintf("U%032x", n) }

func (h *heard) RunChanged(context.Context, run.Run) {}

func (h *heard) LinksMade(_ context.Context, _ lumo.MerchantID, f []lumo.FriendID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.many += len(f)
	return nil
}

func (h *heard) RecordAll(ctx context.Context, _ lumo.MerchantID, facts []lumo.Fact) error {
	for _, f := range facts {
		if err := h.Record(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) newRuns(t *testing.T, owner string) *run.Service {
	t.Helper()
	s, err := run.New(run.Config{Tenants: w.db, Store: runstore.Store{}, Turns: runstore.Store{}, Watcher: w.heard,
		Auditor: w.heard, NewID: w.newID, Now: w.clock, Log: slog.New(slog.NewJSONHandler(w.logs, nil)), Owner: owner})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) newImporter(t *testing.T, runs *run.Service) *linkage.Importer {
	t.Helper()
	ls := store.New(w.vault)
	if w.far == nil {
		w.far = &far{knows: map[lumo.LineUserID]bool{}}
	}
	s, err := linkage.NewImporter(linkage.ImportConfig{Links: w.service, Items: ls, Many: ls, Auto: ls, Segments: w.far,
		Prober: w.far, Runs: runs, Outbox: w.outbox, Facts: w.facts, Log: slog.New(slog.NewJSONHandler(w.logs, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for kind, worker := range s.Workers() {
		runs.Handle(kind, worker)
	}
	return s
}

// finish works until nothing is due.
func (w *world) finish(t *testing.T, s *run.Service) {
	t.Helper()
	for range 300 {
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

// met is a friend who is known already.
func (w *world) met(t *testing.T, u string) lumo.FriendID {
	t.Helper()
	var f lumo.Friend
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) (err error) {
		f, err = w.channels.UpsertFriend(ctx, w.merchant, w.channel.ID, lumo.Contact{User: lumo.LineUserID(u), Name: "Friend",
			Source: "webhook", Seen: &lumo.FollowSeen{Status: lumo.Following, At: w.clock()}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f.ID
}

func (w *world) checked(t *testing.T) run.Run {
	t.Helper()
	r, err := w.imports.Check(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{1},
		linkage.Segment{ID: "Old1", Name: "Old tool"}, property)
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, w.runs)
	return w.run(t, r.ID)
}

func (w *world) run(t *testing.T, v lumo.RunID) run.Run {
	t.Helper()
	r, err := w.runs.Run(t.Context(), w.merchant, w.channel.ID, v)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) counted(t *testing.T, r run.Run, state run.State, want map[string]int64) {
	t.Helper()
	got := map[string]int64{}
	for name, n := range r.Counts {
		if n != 0 {
			got[name] = n
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || r.State != state {
		t.Errorf("%s is %s, counts (-want +got):\n%s", r.Kind, r.State, diff)
	}
}

func (w *world) then(t *testing.T, do func(context.Context, lumo.MerchantID, lumo.ChannelID, lumo.RunID, lumo.MemberID) (
	run.Run, error), v lumo.RunID) run.Run {
	t.Helper()
	r, err := do(t.Context(), w.merchant, w.channel.ID, v, lumo.MemberID{1})
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, w.runs)
	return w.run(t, r.ID)
}

func TestAnImportIsCheckedLinkedAndUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proven := w.linked(t, yuki, hana)
	first, _, moved := w.met(t, user(1)), w.met(t, user(2)), w.met(t, user(3))
	gone := w.met(t, user(4))
	w.erase(t, gone)
	w.far.members = []lumo.Profile{member(1, user(1)), member(2, " "+user(2)+" "), member(3, user(3)),
		member(4, user(4)), member(5, "not an id"), member(6, 7), member(7, nil), member(8, user(80)), member(9, user(81)),
		member(10, string(yuki)), {ID: hana, Properties: map[string]any{property: string(yuki)}},
		member(11, user(82)), member(12, user(82)), member(13, user(2))}
	w.far.knows[lumo.LineUserID(user(80))], w.far.knows[lumo.LineUserID(user(82))] = true, true

	before := w.count(t, `SELECT (SELECT count(*) FROM friend) + (SELECT count(*) FROM identity_link) + (SELECT count(*) FROM link_conflict)`)
	check := w.checked(t)
	w.counted(t, check, run.Done, map[string]int64{"will_link": 2, "already": 1, "malformed": 2, "unreachable": 1,
		"review": 3, "unknown": 4, "empty": 1})
	if w.far.asked != 0 {
		t.Error("LINE was asked before anybody agreed")
	}
	check = w.then(t, w.imports.Probe, check.ID)
	w.counted(t, check, run.Done, map[string]int64{"will_link": 3, "already": 1, "malformed": 2, "unreachable": 2,
		"review": 5, "empty": 1})
	if after := w.count(t, `SELECT (SELECT count(*) FROM friend) + (SELECT count(*) FROM identity_link) + (SELECT count(*) FROM link_conflict)`); after != before {
		t.Error("checking changed something")
	}

	link := w.then(t, w.imports.Link, check.ID)
	w.counted(t, link, run.Done, map[string]int64{"linked": 3, "review": 5})
	if w.heard.many != 3 {
		t.Errorf("Klaviyo was told of %d customers, want 3", w.heard.many)
	}
	l, f, err := w.service.ByProfile(t.Context(), w.merchant, w.channel.ID, "P000001")
	if err != nil || l.Assurance != lumo.Matched || l.Method != linkage.MethodImport || f.ID != first {
		t.Errorf("got %+v %v", l, err)
	}
	if p := w.profileOf(t, proven.Friend); p != hana {
		t.Errorf("a proven link gave way to an import: %s", p)
	}
	kinds := map[linkage.ConflictKind]int{}
	for _, item := range w.review(t) {
		kinds[item.Kind]++
	}
	if kinds[linkage.TwoProfiles] != 3 || len(kinds) != 1 {
		t.Errorf("conflicts: got %v, want one with the proven link and two between two customers", kinds)
	}
	if _, err := w.imports.Link(t.Context(), w.merchant, w.channel.ID, check.ID, lumo.MemberID{1}); !fault.Is(err, fault.Conflict) {
		t.Errorf("linking the same check twice: got %v", err)
	}

	// One link is changed by a person: it stays when the import is taken back.
	step, err := w.service.Unlink(t.Context(), w.merchant, w.channel.ID, moved, lumo.MemberID{1})
	if err == nil {
		err = w.service.UndoStep(t.Context(), w.merchant, w.channel.ID, step, lumo.MemberID{1})
	}
	if err != nil {
		t.Fatal(err)
	}
	w.heard.kept = nil
	undo := w.then(t, w.imports.Undo, link.ID)
	w.counted(t, undo, run.Done, map[string]int64{"undone": 2, "kept": 1})
	if w.profileOf(t, first) != "" || w.profileOf(t, moved) != "P000003" || w.profileOf(t, proven.Friend) != hana {
		t.Error("the wrong links were taken back")
	}
	if diff := cmp.Diff([]string{property, property}, w.heard.kept); diff != "" {
		t.Errorf("the old tool's property did not stay: %s", diff)
	}
	if n := len(w.review(t)); n != 0 {
		t.Errorf("%d conflicts of the import are left", n)
	}
	if _, err := w.imports.Undo(t.Context(), w.merchant, w.channel.ID, link.ID, lumo.MemberID{1}); !fault.Is(err, fault.Conflict) {
		t.Errorf("undoing twice: got %v", err)
	}
}

func (w *world) erase(t *testing.T, f lumo.FriendID) {
	t.Helper()
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		return channelStore(w).Erase(ctx, w.merchant, f, w.clock())
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAConflictBetweenTwoCustomersIsDecidedForEither(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	friend := w.met(t, user(1))
	w.far.members = []lumo.Profile{member(1, user(1)), member(2, user(1))}
	check := w.checked(t)
	w.counted(t, check, run.Done, map[string]int64{"review": 2})
	w.then(t, w.imports.Link, check.ID)
	if p := w.profileOf(t, friend); p != "" {
		t.Fatalf("one of two was chosen by itself: %s", p)
	}
	list := w.review(t)
	if len(list) != 1 {
		t.Fatalf("%d items need review, want 1", len(list))
	}
	w.decide(t, list[0].ID, linkage.UseFirst)
	if p := w.profileOf(t, friend); p != "P000001" {
		t.Errorf("got %q", p)
	}
	if err := w.service.UndoDecision(t.Context(), w.merchant, w.channel.ID, list[0].ID, lumo.MemberID{1}); err != nil {
		t.Fatal(err)
	}
	w.decide(t, list[0].ID, linkage.LeaveUnlinked)
	w.far.members = w.far.members[1:]
	w.counted(t, w.checked(t), run.Done, map[string]int64{"left": 1})
}

func TestAnImportGoesOnAfterItsProcessDiedAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const all = 450
	for n := range all {
		w.met(t, user(n))
		w.far.members = append(w.far.members, member(n, user(n)))
	}
	dying, die := context.WithCancel(t.Context())
	w.far.fail = func(page int) error {
		if page == 3 {
			die()
			return context.Canceled
		}
		return nil
	}
	r, err := w.imports.Check(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{1}, linkage.Segment{ID: "Old1"}, property)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.runs.Once(dying)
	if got := w.run(t, r.ID); got.State != run.Running || got.Done != 200 {
		t.Fatalf("killed in the middle: %s, %d done", got.State, got.Done)
	}
	other := w.newRuns(t, "core-2")
	imports := w.newImporter(t, other)
	w.pass(2 * time.Minute)
	w.finish(t, other)
	w.counted(t, w.run(t, r.ID), run.Done, map[string]int64{"will_link": all})
	link, err := imports.Link(t.Context(), w.merchant, w.channel.ID, r.ID, lumo.MemberID{1})
	if err != nil {
		t.Fatal(err)
	}
	dying, die = context.WithCancel(t.Context())
	w.heard.facts = nil
	w.heard.onFact = func(n int) {
		if n == 300 {
			die()
		}
	}
	_, _ = w.runs.Once(dying)
	if n := w.count(t, `SELECT count(*) FROM identity_link`); n != 200 {
		t.Fatalf("killed in the middle of a step: %d links, want those of the step before", n)
	}
	w.heard.onFact = nil
	w.pass(2 * time.Minute)
	w.finish(t, other)
	w.counted(t, w.run(t, link.ID), run.Done, map[string]int64{"linked": all})
	if n := w.count(t, `SELECT count(*) FROM identity_link WHERE state = 'linked'`); n != all {
		t.Errorf("%d links, want each once", n)
	}
	if n := w.count(t, `SELECT count(*) FROM link_history WHERE step = 'linked'`); n != all {
		t.Errorf("%d steps in the history, want each once", n)
	}
}

func TestTwoImportsTakeTurnsAndAStormOf429OnlyDelays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 250 {
		w.met(t, user(n))
		w.far.members = append(w.far.members, member(n, user(n)))
	}
	w.far.fail = func(page int) error {
		if page%3 != 0 { // two of three are refused
			return fault.New(fault.Limited, "fake", "slow down")
		}
		return nil
	}
	var both []run.Run
	for range 2 {
		r, err := w.imports.Check(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{1}, linkage.Segment{ID: "Old1"}, property)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, r)
	}
	if _, err := w.runs.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first, second := w.run(t, both[0].ID), w.run(t, both[1].ID); first.State != run.Running ||
		first.Waits != run.WaitsVendor || second.State != run.Waiting {
		t.Fatalf("got %s waiting for %q, and %s", first.State, first.Waits, second.State)
	}
	for range 40 {
		w.pass(15 * time.Second)
		if _, err := w.runs.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range both {
		w.counted(t, w.run(t, r.ID), run.Done, map[string]int64{"will_link": 250})
	}
}

func TestIDsOfAnotherProviderStopAfterASample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 250 {
		w.far.members = append(w.far.members, member(n, user(n)))
	}
	check := w.checked(t)
	w.counted(t, check, run.Done, map[string]int64{"unknown": 250})
	check = w.then(t, w.imports.Probe, check.ID)
	w.counted(t, check, run.Paused, map[string]int64{"unknown": 150, "unreachable": 100})
	if check.Waits != run.WaitsSample || w.far.asked != 100 || !linkage.Doubtful(check) {
		t.Errorf("waits for %q after %d questions", check.Waits, w.far.asked)
	}
	if _, err := w.runs.Resume(t.Context(), w.merchant, w.channel.ID, check.ID, lumo.MemberID{1}); err != nil {
		t.Fatal(err)
	}
	w.finish(t, w.runs)
	check = w.run(t, check.ID)
	w.counted(t, check, run.Done, map[string]int64{"unreachable": 250})
	if n := w.count(t, `SELECT count(*) FROM run_item WHERE user_enc IS NOT NULL`); n != 0 {
		t.Errorf("%d LINE ids of strangers are kept", n)
	}
	if check.Done != 250 || *check.Total != 250 {
		t.Errorf("done %d of %d", check.Done, *check.Total)
	}
}

func TestAnOldCheckLinksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.met(t, user(1))
	w.far.members = []lumo.Profile{member(1, user(1))}
	check := w.checked(t)
	w.pass(25 * time.Hour)
	if _, err := w.imports.Link(t.Context(), w.merchant, w.channel.ID, check.ID, lumo.MemberID{1}); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
	check = w.checked(t)
	link := w.then(t, w.imports.Link, check.ID)
	w.pass(31 * 24 * time.Hour)
	if _, err := w.imports.Undo(t.Context(), w.merchant, w.channel.ID, link.ID, lumo.MemberID{1}); !fault.Is(err, fault.Conflict) {
		t.Errorf("undoing after 30 days: got %v", err)
	}
}

func TestPropertiesAreSuggestedWithShortenedSamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := member(1, user(7))
	p.Properties["Favourite Tea"], p.Properties["uid"] = "Sencha", user(8)
	w.far.members = []lumo.Profile{p, member(2, user(9)), member(3, "broken")}
	got, err := w.imports.Properties(t.Context(), w.merchant, w.channel.ID, "Old1")
	want := []linkage.Property{{Name: property, Samples: []string{"U000…07", "U000…09", "U000…09"}, LineIDs: 2, Looked: 3},
		{Name: "uid", Samples: []string{"U000…08"}, LineIDs: 1, Looked: 3}}
	want[0].Samples[2] = "br…"
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// owns tells a friend's own email or phone, as a file would.
func (w *world) owns(t *testing.T, f lumo.FriendID, kind channel.ContactKind, value string) {
	t.Helper()
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		_, err := channelStore(w).SetContact(ctx, w.merchant, w.channel.ID, f,
			channel.OwnContact{Kind: kind, Value: value, Source: channel.ContactCSV, At: w.clock()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAutomaticLinkingLinksExactUniqueMatchesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const email, phone = channel.ContactEmail, channel.ContactPhone
	w.far.customers = []lumo.Profile{{ID: "A", Email: "Yuki@shop.example"}, {ID: "B", Phone: "+819012345678"},
		{ID: "C", Email: "mio@shop.example"}, {ID: "D", Phone: "+819000000000"}, {ID: "E", Email: "late@shop.example"}}
	one, two, three := w.met(t, user(1)), w.met(t, user(2)), w.met(t, user(3))
	both, nobody := w.met(t, user(4)), w.met(t, user(5))
	w.owns(t, one, email, "yuki@shop.example")
	w.owns(t, two, phone, "+819012345678") // a family's phone
	w.owns(t, three, phone, "+819012345678")
	w.owns(t, both, email, "mio@shop.example") // one customer by email, another by phone
	w.owns(t, both, phone, "+819000000000")
	w.owns(t, nobody, email, "nobody@shop.example")
	if err := w.imports.LookUp(t.Context(), w.merchant, w.channel.ID); err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, `SELECT count(*) FROM identity_link`); n != 0 {
		t.Fatal("linked while it is off")
	}
	r, err := w.imports.CheckAutomatic(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{1}, true, true)
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, w.runs)
	w.counted(t, w.run(t, r.ID), run.Done, map[string]int64{"will_link": 1, "review": 3, "nobody": 1})
	if _, err := w.imports.SetAutomatic(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{1},
		linkage.Automatic{Email: true}); !fault.Is(err, fault.Conflict) {
		t.Errorf("turned on without a check: got %v", err)
	}
	link := w.then(t, w.imports.TurnOn, r.ID)
	w.counted(t, link, run.Done, map[string]int64{"linked": 1, "review": 3})
	l, err := w.service.ByFriend(t.Context(), w.merchant, one)
	if err != nil || l.Profile != "A" || l.Method != linkage.MethodAuto || l.Assurance != lumo.Matched {
		t.Errorf("got %+v %v", l, err)
	}
	kinds := map[linkage.ConflictKind]int{}
	for _, item := range w.review(t) {
		kinds[item.Kind]++
	}
	if diff := cmp.Diff(map[linkage.ConflictKind]int{linkage.SharedPhone: 1, linkage.TwoProfiles: 1}, kinds); diff != "" {
		t.Error(diff)
	}
	// From now on whoever's value becomes known is looked up.
	late, again := w.met(t, user(6)), w.met(t, user(7))
	w.owns(t, late, email, "late@shop.example")
	w.owns(t, again, email, "yuki@shop.example")
	if err := w.imports.LookUp(t.Context(), w.merchant, w.channel.ID); err != nil {
		t.Fatal(err)
	}
	if w.profileOf(t, late) != "E" || w.profileOf(t, again) != "" || w.profileOf(t, one) != "A" {
		t.Error("the wrong friends are linked")
	}
	if n := w.count(t, `SELECT count(*) FROM friend_contact WHERE looked_at IS NULL`); n != 0 {
		t.Errorf("%d values were not looked up", n)
	}
	if n := len(w.review(t)); n != 3 {
		t.Errorf("%d items need review, want one more: the email of somebody linked", n)
	}
	if _, err := w.imports.SetAutomatic(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{1}, linkage.Automatic{}); err != nil {
		t.Fatal(err)
	}
	off := w.met(t, user(8))
	w.far.customers = append(w.far.customers, lumo.Profile{ID: "F", Email: "off@shop.example"})
	w.owns(t, off, email, "off@shop.example")
	if err := w.imports.LookUp(t.Context(), w.merchant, w.channel.ID); err != nil || w.profileOf(t, off) != "" {
		t.Errorf("linked after it was turned off, %v", err)
	}
}

func TestWhatAFriendTypesIntoAFormIsTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.scan(t, w.code(t, linkage.ByEmail), token.ClaimForm, " Mio@Shop.Example")
	asked := w.back(t, s, mio, s.cookie)
	if asked.Outcome != linkage.AskLink {
		t.Fatalf("got %v", asked.Outcome)
	}
	got, err := w.service.Confirm(t.Context(), asked.Confirm)
	if err != nil || got.Outcome != linkage.NoLongerWorks { // Klaviyo does not know her yet
		t.Fatalf("got %v %v", got.Outcome, err)
	}
	if n := w.count(t, `SELECT count(*) FROM friend_contact WHERE kind = 'email' AND source = 'form'`); n != 1 {
		t.Fatalf("%d emails are kept, want hers", n)
	}
	w.far.customers = []lumo.Profile{{ID: "M", Email: "mio@shop.example"}}
	r, err := w.imports.CheckAutomatic(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{1}, true, false)
	if err != nil {
		t.Fatal(err)
	}
	w.finish(t, w.runs)
	link := w.then(t, w.imports.TurnOn, r.ID)
	w.counted(t, link, run.Done, map[string]int64{"linked": 1})
}
