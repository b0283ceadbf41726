package tracking_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"lumo/core/lumo"
	"lumo/core/tracking"
)

func (s *shop) home(t *testing.T) tracking.Home {
	t.Helper()
	h, err := s.service.Home(t.Context(), s.Merchant, s.Channel.ID)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (s *shop) happened(t *testing.T, kind lumo.FactKind, at time.Time) {
	t.Helper()
	err := s.DB.InTenant(t.Context(), s.Merchant, func(ctx context.Context) error {
		return s.service.Record(ctx, lumo.Fact{Merchant: s.Merchant, Channel: s.Channel.ID, Friend: s.friend, Kind: kind,
			Source: "flow", Ref: s.ID().String(), OccurredAt: at})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHoursAreThoseOfTheMerchantsDay(t *testing.T) {
	t.Parallel()
	s := newShop(t) // noon in Tokyo
	now := s.Clock.Now()
	s.happened(t, lumo.FactSent, now.Add(-13*time.Hour)) // yesterday there, today in UTC
	s.happened(t, lumo.FactSent, now.Add(-12*time.Hour)) // midnight
	s.happened(t, lumo.FactSent, now)
	s.happened(t, lumo.FactSent, now)
	s.happened(t, lumo.FactNotSent, now.Add(-time.Hour))
	h := s.home(t)
	want := make([]int64, 13)
	want[0], want[12] = 1, 2
	if !slices.Equal(h.Hours.Sent, want) {
		t.Errorf("sent: got %v want %v", h.Hours.Sent, want)
	}
	if len(h.Hours.NotSent) != 13 || h.Hours.NotSent[11] != 1 || len(h.Hours.Clicked) != 13 {
		t.Errorf("got %+v", h.Hours)
	}
	if h.Figures.Today.Sent != 3 || h.Figures.Today.NotSent != 1 {
		t.Errorf("the day does not add up: %+v", h.Figures.Today)
	}
}

func TestFriendsChangeByWhoCameLessWhoBlocked(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	now := s.Clock.Now()
	for _, kind := range []lumo.FactKind{lumo.FactFollowed, lumo.FactFollowed, lumo.FactBlocked} {
		s.happened(t, kind, now)
	}
	s.happened(t, lumo.FactFollowed, now.AddDate(0, 0, -1))
	if got := s.home(t).Figures.Change; got != 1 {
		t.Errorf("got %d want 1", got)
	}
}

func TestLinkedAreCountedAmongTheFriends(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Link(t, s.friend, s.AddAccount(t), "01HPROFILE")
	s.Exec(t, "UPDATE friend SET linked = true WHERE merchant_id = $1 AND id = $2", s.friend)
	if f := s.home(t).Figures; f.Friends != 1 || f.Linked != 1 {
		t.Fatalf("got %d friends, %d linked", f.Friends, f.Linked)
	}
	s.Exec(t, "UPDATE friend SET follow_status = 'blocked' WHERE merchant_id = $1 AND id = $2", s.friend)
	if f := s.home(t).Figures; f.Friends != 0 || f.Linked != 0 {
		t.Errorf("got %d friends, %d linked of who blocked", f.Friends, f.Linked)
	}
}

func (s *shop) step(t *testing.T, name string) tracking.Step {
	t.Helper()
	all := s.home(t).Checklist
	i := slices.IndexFunc(all, func(one tracking.Step) bool { return one.Name == name })
	if i < 0 {
		t.Fatalf("no step %s in %v", name, all)
	}
	return all[i]
}

func TestLinkingYourselfIsDoneByALinkedTestFriend(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Link(t, s.friend, s.AddAccount(t), "01HPROFILE")
	if s.step(t, "link_yourself").Done {
		t.Error("a customer's link is not the member's own")
	}
	s.Exec(t, "UPDATE friend SET tester = true WHERE merchant_id = $1 AND id = $2", s.friend)
	if got := s.step(t, "link_yourself"); !got.Done || got.Friend != "Yuki" {
		t.Errorf("got %+v", got)
	}
	s.Exec(t, "UPDATE friend SET follow_status = 'not_friend' WHERE merchant_id = $1 AND id = $2", s.friend)
	if s.step(t, "link_yourself").Done {
		t.Error("who is no friend gets no test")
	}
}

func TestTestMessageIsDoneByATestThatLINETook(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	if s.step(t, "test_message").Done {
		t.Error("the delivery of a flow is not a test")
	}
	s.Exec(t, "UPDATE delivery SET logical_kind = 'test' WHERE merchant_id = $1 AND id = $2", s.delivery)
	if !s.step(t, "test_message").Done {
		t.Error("the test is not seen")
	}
}

func TestKeptMessagesNeedAttention(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Exec(t, "UPDATE delivery SET hold = 'kept', state = 'planned' WHERE merchant_id = $1 AND id = $2", s.delivery)
	found := slices.ContainsFunc(s.home(t).Attention, func(n tracking.Notice) bool {
		return n.Code == "deliveries_kept" && n.Data["n"] == int64(1)
	})
	if !found {
		t.Errorf("got %v", s.home(t).Attention)
	}
}

func TestOnlyTheWorstFiveAreShown(t *testing.T) {
	t.Parallel()
	var all []tracking.Notice
	for _, code := range []string{"unlinked", "needs_review", "late", "silent", "something_new", "line_needs_you", "unconfirmed"} {
		all = append(all, tracking.Notice{Code: code})
	}
	shown, more := tracking.Worst(all)
	var codes []string
	for _, n := range shown {
		codes = append(codes, n.Code)
	}
	want := []string{"line_needs_you", "silent", "unconfirmed", "needs_review", "late"}
	if !slices.Equal(codes, want) || more != 2 {
		t.Errorf("got %v and %d more", codes, more)
	}
	if shown, more := tracking.Worst(nil); len(shown) != 0 || more != 0 {
		t.Errorf("got %v and %d more of nothing", shown, more)
	}
}
