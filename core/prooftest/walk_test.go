package prooftest_test

import (
	"testing"
	"time"

	"lumo/core/delivery"
)

// Walk-throughs 13 and 14 of UX 8 on the engine, with the messages of a broadcast.

// arrived counts the people whose phones got a message.
func (s *scene) arrived() (n int) {
	for _, row := range s.LINE.Ledger() {
		n += len(row.Delivered)
	}
	return n
}

// Somebody stops everything while a broadcast runs, at another replica than the one that sends.
// Within two seconds nothing leaves any more, what is sent is what LINE has, and resuming sends
// the rest once each.
func TestAStopHoldsABroadcastWithinTwoSecondsAndTheRestGoesOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t, 2000)
	shop, ctx := s.Shops[0], t.Context()
	pace := func(c *delivery.Config) { c.Pace = delivery.Pace{Push: 300, Multicast: 190, Burst: 10} }
	sender, other := s.engine("a", pace), s.engine("b", pace)
	s.everybody(sender, "sale")
	s.running(func() {
		if !s.until(func() bool { return s.arrived() > 50 }) {
			t.Error("nothing is sent")
		}
		if err := other.StopSending(ctx, shop.Merchant, shop.Channel.ID, delivery.Actor{}, delivery.StoppedEverything); err != nil {
			t.Error(err)
		}
		<-time.After(2 * time.Second) // the promise
		held := s.arrived()
		if held == len(shop.Friends) {
			t.Error("all of it was sent before the stop: it shows nothing")
		}
		<-time.After(2 * time.Second)
		if n := s.arrived(); n != held || s.in("accepted") != int64(held) {
			t.Errorf("%d had it two seconds after the stop, %d later; the console says %d", held, n, s.in("accepted"))
		}
		if err := other.ResumeSending(ctx, shop.Merchant, shop.Channel.ID, delivery.Actor{}, nil); err != nil {
			t.Error(err)
		}
		if !s.until(s.rests) {
			t.Error("it does not come to rest")
		}
	}, sender)
	for _, p := range s.problems() {
		t.Error(p)
	}
	if n := s.arrived(); n != len(shop.Friends) {
		t.Errorf("%d of %d got it", n, len(shop.Friends))
	}
}

// Only 1,000 messages are left for 5,000 people: 1,000 get it, 4,000 wait, and when the month
// has more, all have it once.
func TestAThousandMessagesForFiveThousandPeople(t *testing.T) {
	t.Parallel()
	s := newScene(t, 5000)
	shop, ctx := s.Shops[0], t.Context()
	month := func(limit int) {
		err := s.Exec(ctx, shop, `UPDATE channel SET quota_limit = $2, quota_used = 0, quota_read_at = now() WHERE merchant_id = $1`, limit)
		if err != nil {
			t.Error(err)
		}
	}
	month(1000)
	e := s.engine("a", nil)
	rules := delivery.DefaultRules()
	rules.ReservePercent = 0 // else a hundred are kept for flows
	if err := e.SetRules(ctx, shop.Merchant, shop.Channel.ID, delivery.Actor{}, rules); err != nil {
		t.Fatal(err)
	}
	s.everybody(e, "sale")
	s.running(func() {
		if !s.until(func() bool { return s.arrived() >= 1000 }) {
			t.Errorf("%d got it", s.arrived())
		}
		<-time.After(time.Second)
		if n := s.arrived(); n != 1000 || s.in("accepted") != 1000 {
			t.Errorf("%d got it, the console says %d", n, s.in("accepted"))
		}
		q, err := e.Quota(ctx, shop.Merchant, shop.Channel.ID)
		if err != nil || q.Waiting.Broadcast != 4000 {
			t.Errorf("%+v wait, %v", q.Waiting, err)
		}
		month(10_000)
		if !s.until(s.rests) {
			t.Error("it does not come to rest")
		}
	}, e)
	for _, p := range s.problems() {
		t.Error(p)
	}
	if n := s.arrived(); n != 5000 {
		t.Errorf("%d of 5,000 got it", n)
	}
}
