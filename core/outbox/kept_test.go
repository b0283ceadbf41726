package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

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
	page, err := s.service.Kept(t.Context(), s.Merchant, s.account, outbox.Kept, id.ID{}, 1)
	list := page.Items
	if err != nil || len(list) != 1 || page.Next.IsZero() || page.Total != 2 || list[0].Problem != outbox.ProblemProfileMissing ||
		list[0].FriendName != "Yuki" {
		t.Fatalf("got %+v, %v", page, err)
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

// What a person dismissed asks for nobody's attention, is not tried again with all others, and
// comes back when it is wanted after all.
func TestWhatIsDismissedRestsUntilItIsBroughtBack(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.klaviyo.refuse = map[lumo.ProfileID]error{"P1": fault.New(fault.NotFound, "klaviyo", "")}
	s.add(t, s.fact(lumo.FactFollowed, "E1"), s.fact(lumo.FactBlocked, "E2"))
	s.drain(t)
	s.klaviyo.refuse = nil
	list := func(in outbox.State) []outbox.KeptItem {
		page, err := s.service.Kept(t.Context(), s.Merchant, s.account, in, id.ID{}, 0)
		if err != nil || page.Total != int64(len(page.Items)) || !page.Next.IsZero() {
			t.Fatalf("got %+v, %v", page, err)
		}
		return page.Items
	}
	one := list(outbox.Kept)[0]
	if n, err := s.service.Dismiss(t.Context(), s.Merchant, s.account, one.ID, s.Member); n != 1 || err != nil {
		t.Fatalf("got %d %v", n, err)
	}
	if kept, gone := list(outbox.Kept), list(outbox.Dismissed); len(kept) != 1 || len(gone) != 1 ||
		gone[0] != one || kept[0].ID == one.ID {
		t.Errorf("kept %+v, dismissed %+v", kept, gone)
	}
	if _, err := s.service.Dismiss(t.Context(), s.Merchant, s.account, one.ID, s.Member); !fault.Is(err, fault.Conflict) {
		t.Errorf("dismissed twice: got %v", err)
	}
	if _, kept, err := s.service.Count(t.Context(), s.Merchant, s.account); kept != 1 || err != nil {
		t.Errorf("%d ask for attention, %v", kept, err)
	}
	if n, err := s.service.Again(t.Context(), s.Merchant, s.account, id.ID{}, s.Member); n != 1 || err != nil {
		t.Fatalf("trying all again took %d, %v", n, err)
	}
	s.drain(t)
	if len(s.klaviyo.events) != 1 {
		t.Errorf("%d events arrived, want the one that was not dismissed", len(s.klaviyo.events))
	}
	if n, err := s.service.BringBack(t.Context(), s.Merchant, s.account, one.ID, s.Member); n != 1 || err != nil {
		t.Fatalf("got %d %v", n, err)
	}
	if _, err := s.service.BringBack(t.Context(), s.Merchant, s.account, one.ID, s.Member); !fault.Is(err, fault.Conflict) {
		t.Errorf("brought back twice: got %v", err)
	}
	if n, err := s.service.Again(t.Context(), s.Merchant, s.account, one.ID, s.Member); n != 1 || err != nil {
		t.Fatalf("got %d %v", n, err)
	}
	s.drain(t)
	if len(s.klaviyo.events) != 2 || s.count(t, "dismissed") != 0 {
		t.Errorf("%d events arrived, %d are dismissed", len(s.klaviyo.events), s.count(t, "dismissed"))
	}
	if got := strings.Join(s.klaviyo.audits, " "); got != "outbox.dismiss outbox.again outbox.bring_back outbox.again" {
		t.Errorf("the audit log has %s", got)
	}
}

// A timeline does not forget that Klaviyo has an entry not.
func TestWhatIsDismissedIsStillSaidNotToBeRecorded(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.klaviyo.refuse = map[lumo.ProfileID]error{"P1": fault.New(fault.NotFound, "klaviyo", "")}
	s.tap(t, s.friend, 7)
	s.drain(t)
	if n, err := s.service.Dismiss(t.Context(), s.Merchant, s.account, id.ID{}, s.Member); n != 1 || err != nil {
		t.Fatalf("got %d %v", n, err)
	}
	if got := s.recorded(t); len(got) != 1 || got[0] != "no" {
		t.Errorf("the timeline says %v", got)
	}
}

// A dismissal is about what was refused: what a customer's properties become later is written.
func TestPropertiesThatChangeAreWrittenThoughEarlierOnesWereDismissed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	changed := func() {
		s.In(t, func(ctx context.Context) error { return s.service.ProfileChanged(ctx, s.Merchant, s.friend) })
		s.drain(t)
	}
	s.klaviyo.refuse = map[lumo.ProfileID]error{"P1": fault.New(fault.NotFound, "klaviyo", "")}
	changed()
	if n, err := s.service.Dismiss(t.Context(), s.Merchant, s.account, id.ID{}, s.Member); n != 1 || err != nil {
		t.Fatalf("all: got %d %v", n, err)
	}
	s.klaviyo.refuse = nil
	changed()
	if len(s.klaviyo.profiles) != 1 || s.count(t, "dismissed") != 0 {
		t.Errorf("written %d times, %d are dismissed", len(s.klaviyo.profiles), s.count(t, "dismissed"))
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

// A customer whose link ended is linked to the next friend. What was left of the old friend, waiting
// or standing aside, must not reach Klaviyo after the new one's properties.
func TestAnOldUnlinkingDoesNotOvertakeTheNextFriendsLink(t *testing.T) {
	t.Parallel()
	for _, state := range []outbox.State{outbox.Waiting, outbox.Kept, outbox.Dismissed} {
		s := newShop(t)
		down := fault.As(fault.Unavailable, "klaviyo", errors.New("503"))
		s.klaviyo.faults = []error{down, down, down}
		if state != outbox.Waiting {
			s.klaviyo.refuse = map[lumo.ProfileID]error{"P1": fault.As(fault.Invalid, "klaviyo", refusal{"/data/attributes"})}
		}
		s.In(t, func(ctx context.Context) error {
			return s.service.LinkEnded(ctx, lumo.Friend{ID: s.friend}, s.Channel, s.link, "")
		})
		s.Exec(t, "UPDATE identity_link SET state = 'unlinked' WHERE merchant_id = $1 AND friend_id = $2", s.friend)
		if state == outbox.Waiting {
			if err := s.run(t); err != nil {
				t.Fatal(err)
			}
		} else {
			s.drain(t)
		}
		if state == outbox.Dismissed {
			if _, err := s.service.Dismiss(t.Context(), s.Merchant, s.account, id.ID{}, s.Member); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.count(t, string(state)); n != 1 {
			t.Fatalf("%s: %d are left of the old link", state, n)
		}
		s.klaviyo.refuse, s.klaviyo.faults, s.klaviyo.profiles = nil, nil, nil
		next := s.AddFriend(t, "Mio", "Ucafe0000000000000000000000000002")
		s.Link(t, next, s.account, "P1")
		s.In(t, func(ctx context.Context) error { return s.service.ProfileChanged(ctx, s.Merchant, next) })
		s.drain(t)
		if n, err := s.service.Again(t.Context(), s.Merchant, s.account, id.ID{}, s.Member); n != 0 || err != nil {
			t.Errorf("%s: %d are tried again, %v", state, n, err)
		}
		if got := s.klaviyo.profiles; len(got) != 1 || got[0].Set["LINE User ID"] == nil {
			t.Errorf("%s: Klaviyo is told %+v, want the new link alone", state, got)
		}
	}
}

// Properties of another channel of the same customer are their own.
func TestTheNextFriendsLinkLeavesOtherChannelsAndCustomersAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	other := s.AddFriend(t, "Aki", "Ucafe0000000000000000000000000003")
	s.Link(t, other, s.account, "P2")
	second := s.Channel
	second.ID = lumo.ChannelID(s.ID())
	link := s.link
	link.Channel = second.ID
	s.In(t, func(ctx context.Context) error {
		if err := s.service.LinkEnded(ctx, lumo.Friend{ID: lumo.FriendID(s.ID())}, second, link, ""); err != nil {
			return err
		}
		if err := s.service.ProfileChanged(ctx, s.Merchant, other); err != nil {
			return err
		}
		return s.service.ProfileChanged(ctx, s.Merchant, s.friend)
	})
	if n := s.count(t, "waiting"); n != 3 {
		t.Errorf("%d wait, want 3", n)
	}
}

// A merge moves a link while something is being written about its friend: what nobody could see
// then goes to the old customer, whom Klaviyo has no more, and follows the link from there. What was
// before another link does not.
func TestWhatWasWrittenWhileItsLinkMovedFollowsIt(t *testing.T) {
	t.Parallel()
	for moved, linkedAfter := range map[bool]time.Duration{true: -time.Hour, false: time.Hour} {
		s := newShop(t)
		s.klaviyo.refuse = map[lumo.ProfileID]error{"P1": fault.New(fault.NotFound, "klaviyo", "")}
		s.add(t, s.fact(lumo.FactBlocked, "E1"))
		s.In(t, func(ctx context.Context) error { return s.service.ProfileChanged(ctx, s.Merchant, s.friend) })
		s.Exec(t, "UPDATE identity_link SET profile_id = 'P2', linked_at = $3 WHERE merchant_id = $1 AND friend_id = $2",
			s.friend, s.Clock.Now().Add(linkedAfter))
		s.drain(t)
		if _, told := s.klaviyo.events[s.Channel.ID.String()+":blocked:E1"]; told != moved || moved != (s.count(t, "kept") == 0) {
			t.Errorf("moved %t: the event arrived %t, %d are kept", moved, told, s.count(t, "kept"))
		}
		at := map[lumo.ProfileID]int{}
		for _, p := range s.klaviyo.profiles {
			at[p.ID]++
		}
		if moved != (at["P2"] == 1) || at["P1"] != 0 {
			t.Errorf("moved %t: properties were written to %v", moved, at)
		}
	}
}
