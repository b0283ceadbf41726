package outbox_test

import (
	"context"
	"testing"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/postgrestest"
)

// beside runs a transaction while another one is open that has done its first part; the other goes
// on once the one waits for it, or is done. It returns when both are.
func (s *shop) beside(t *testing.T, first, one, then func(ctx context.Context) error) {
	t.Helper()
	done := make(chan struct{})
	s.In(t, func(ctx context.Context) error {
		if err := first(ctx); err != nil {
			return err
		}
		go func() {
			defer close(done)
			if err := s.DB.InTenant(t.Context(), s.Merchant, one); err != nil {
				t.Error(err)
			}
		}()
		postgrestest.Waits(t, func(fn func(context.Context) error) { s.In(t, fn) }, done)
		return then(ctx)
	})
	<-done
}

// consent is what Klaviyo has last been told of a customer's LINE Consent, by their id.
func (s *shop) consent(p lumo.ProfileID) any {
	var last any
	for _, write := range s.klaviyo.profiles {
		if write.ID == p {
			last = write.Set["LINE Consent"]
		}
	}
	return last
}

// ofFriend runs a statement in a transaction; $1 is the merchant, $2 the friend.
func (s *shop) ofFriend(ctx context.Context, sql string) error {
	_, err := postgres.Tx(ctx).Exec(ctx, sql, s.Merchant, s.friend)
	return err
}

// withdraws has the friend block the account, in a transaction.
func (s *shop) withdraws(ctx context.Context) error {
	if err := s.ofFriend(ctx, "UPDATE friend SET consent = 'withdrawn' WHERE merchant_id = $1 AND id = $2"); err != nil {
		return err
	}
	return s.changes(ctx)
}

// changes has the friend's properties written.
func (s *shop) changes(ctx context.Context) error {
	return s.service.ProfileChanged(ctx, s.Merchant, s.friend)
}

// moves has the friend's link lead to another customer.
func (s *shop) moves(ctx context.Context) error {
	if err := s.ofFriend(ctx, "UPDATE identity_link SET profile_id = 'P2' WHERE merchant_id = $1 AND friend_id = $2"); err != nil {
		return err
	}
	link := s.link
	link.Profile = "P2"
	return s.service.ProfileMoved(ctx, link, "P1")
}

func nothing(context.Context) error { return nil }

// Somebody blocks the account while something else has their properties written, or their link
// moves to another customer: Klaviyo ends up with the withdrawn consent, whoever was first.
func TestPropertiesThatTwoWriteAtOnceEndAsTheFriendIs(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]lumo.ProfileID{"changes": "P1", "moves": "P2"} {
		for _, blockedFirst := range []bool{true, false} {
			s := newShop(t)
			s.In(t, s.changes)
			s.drain(t) // the row of what was written stays
			first, second := s.withdraws, s.changes
			if name == "moves" {
				second = s.moves
			}
			if !blockedFirst {
				first, second = second, first
			}
			s.beside(t, first, second, nothing)
			s.drain(t)
			if got := s.consent(at); got != string(lumo.ConsentWithdrawn) {
				t.Errorf("%s, blocked first %t: %s is told %v", name, blockedFirst, at, got)
			}
		}
	}
}

// The row of what was written goes away after it was seen to be there, and before what it says is
// replaced: that is stored anew.
func TestPropertiesWhoseRowGoesAwayMeanwhileAreStoredAnew(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.In(t, s.changes)
	s.drain(t)
	s.beside(t, func(ctx context.Context) error {
		return s.ofFriend(ctx, "SELECT FROM outbox WHERE merchant_id = $1 AND friend_id = $2 FOR UPDATE")
	}, s.changes, func(ctx context.Context) error {
		return s.store.DropProfile(ctx, s.Merchant, s.friend, "P1")
	})
	if n := s.count(t, "waiting"); n != 1 {
		t.Errorf("%d items wait", n)
	}
}
