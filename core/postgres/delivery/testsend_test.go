package delivery_test

import (
	"context"
	"testing"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// TestContent is what a test says here.
func (w *world) TestContent(_ context.Context, _ lumo.MerchantID, _ lumo.ChannelID, t delivery.Test, _ lumo.FriendID) (
	lumo.Content, error) {
	return lumo.Content{Text: t.Text}, nil
}

func (w *world) sendTest(s *delivery.Service, t delivery.Test) ([]delivery.TestDelivery, error) {
	return s.SendTest(context.Background(), w.m, w.channel, w.actor(), t, w)
}

func TestTestGoesOnceToTestFriendsHoweverOftenItIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = always(delivery.TakenByLINE)
	s := w.service("a")
	test := delivery.Test{ID: id.ID{1}, Text: "tea"}
	if _, err := w.sendTest(s, test); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v without a test friend", err)
	}
	w.exec(`UPDATE friend SET tester = true WHERE merchant_id = $1`, w.m)
	for range 3 {
		all, err := w.sendTest(s, test)
		if err != nil || len(all) != 1 || all[0].Friend != w.friend {
			t.Fatalf("got %v, %v", all, err)
		}
	}
	w.run(s, 1)
	after, err := s.Test(context.Background(), w.m, w.channel, test.ID)
	if err != nil || len(after) != 1 || after[0].State != delivery.Accepted {
		t.Fatalf("got %v, %v", after, err)
	}
	if len(w.pushes) != 1 {
		t.Errorf("LINE got %d messages", len(w.pushes))
	}
	if got := len(w.audit); got != 1 {
		t.Errorf("the audit log got %d lines", got)
	}
	if _, err := w.sendTest(s, delivery.Test{ID: id.ID{2}, Text: "tea"}); err != nil {
		t.Errorf("another press: %v", err)
	}
	if n := w.planned(); n != 1 {
		t.Errorf("another press planned %d", n)
	}
}

func TestTestNeverGoesToWhoIsNoTestFriend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service("a")
	for _, chosen := range [][]lumo.FriendID{{w.friend}, {{9}}, make([]lumo.FriendID, 11)} {
		if all, err := w.sendTest(s, delivery.Test{ID: id.ID{1}, Text: "tea", Friends: chosen}); err == nil {
			t.Errorf("%v: got %v", chosen, all)
		}
	}
	if n := w.planned(); n != 0 {
		t.Errorf("%d messages are planned", n)
	}
	if _, err := s.Test(context.Background(), w.m, w.channel, id.ID{1}); !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
}

// planned is how many messages wait to be sent.
func (w *world) planned() (n int) {
	w.t.Helper()
	w.inTenant(func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, `
			SELECT count(*) FROM delivery WHERE merchant_id = $1 AND state = 'planned'`, w.m).Scan(&n)
	})
	return n
}
