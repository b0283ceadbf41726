package outbox_test

import (
	"context"
	"testing"

	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// moving lets the far end's "Klaviyo has it elsewhere" move what waits, as linkage does.
func (s *shop) moving() {
	s.klaviyo.move = func(ctx context.Context, from, to lumo.ProfileID) error {
		return s.DB.InTenant(ctx, s.Merchant, func(ctx context.Context) error {
			return s.store.Moved(ctx, s.Merchant, s.friend, from, to, s.Clock.Now())
		})
	}
}

func TestAnEventFollowsItsMergedCustomer(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.moving()
	s.klaviyo.refuse = map[lumo.ProfileID]error{"P1": fault.New(fault.NotFound, "klaviyo", "")}
	s.klaviyo.at = map[lumo.ProfileID]lumo.ProfileID{"P1": "P2"}
	s.add(t, s.fact(lumo.FactFollowed, "E1"))
	s.drain(t)
	if len(s.klaviyo.events) != 1 || s.count(t, "kept") != 0 {
		t.Fatalf("%d events arrived, %d kept", len(s.klaviyo.events), s.count(t, "kept"))
	}
	for _, e := range s.klaviyo.events {
		if e.Profile != "P2" {
			t.Errorf("it arrived at %s", e.Profile)
		}
	}
}

func TestWhatADeletedCustomerMissesIsKeptAndTriedAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.klaviyo.refuse = map[lumo.ProfileID]error{"P1": fault.New(fault.NotFound, "klaviyo", "")}
	s.add(t, s.fact(lumo.FactFollowed, "E1"), s.fact(lumo.FactBlocked, "E2"))
	s.drain(t)
	list, next, err := s.service.Kept(t.Context(), s.Merchant, s.account, id.ID{}, 1)
	if err != nil || len(list) != 1 || next.IsZero() || list[0].Problem != outbox.ProblemProfileMissing ||
		list[0].FriendName != "Yuki" {
		t.Fatalf("got %+v, next %v, %v", list, next, err)
	}
	s.klaviyo.refuse = nil
	if n, err := s.service.Again(t.Context(), s.Merchant, s.account, list[0].ID, s.Member); n != 1 || err != nil {
		t.Fatalf("one: got %d %v", n, err)
	}
	if n, err := s.service.Again(t.Context(), s.Merchant, s.account, id.ID{}, s.Member); n != 1 || err != nil {
		t.Fatalf("all: got %d %v", n, err)
	}
	s.drain(t)
	if len(s.klaviyo.events) != 2 || s.count(t, "kept") != 0 {
		t.Errorf("%d events arrived, %d kept", len(s.klaviyo.events), s.count(t, "kept"))
	}
	if _, err := s.service.Again(t.Context(), s.Merchant, s.account, list[0].ID, s.Member); !fault.Is(err, fault.NotFound) {
		t.Errorf("what is sent: got %v", err)
	}
}

func TestALinkThatIsGivenBackStartsNoFlow(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	f := s.fact(lumo.FactLinked, "L1")
	f.Data["restored"] = true
	s.add(t, f)
	s.drain(t)
	if len(s.klaviyo.events) != 0 {
		t.Errorf("Klaviyo was told %d times", len(s.klaviyo.events))
	}
}
