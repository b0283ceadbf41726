package prooftest_test

import (
	"testing"

	"lumo/core/delivery"
	"lumo/core/postgres/postgrestest"
	"lumo/core/prooftest"
)

// Three large merchants, one more than are prepared at once, send to everybody they have when a
// small one sends to a few: it takes its turn among them, and is through while most of theirs
// still waits. Its flow send does not wait for a turn.
func TestASmallMerchantTakesItsTurnAmongLargeOnes(t *testing.T) {
	t.Parallel()
	const large, small = 3000, 20
	w, err := prooftest.New(t.Context(), prooftest.Config{URL: postgrestest.URL(t), Shops: 4, Friends: large, OwnClock: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	s := &scene{World: w, t: t}
	e, err := s.Engine(t.Context(), prooftest.EngineConfig{Owner: "a", Pace: delivery.Pace{Push: 1e6, Multicast: 1e6, Burst: 1e6}})
	if err != nil {
		t.Fatal(err)
	}
	little := s.Shops[0]
	send := func(shop *prooftest.Shop, mark string, to []prooftest.Friend) {
		t.Helper()
		if err := s.Broadcast(t.Context(), e, shop, mark, true, to); err != nil {
			t.Fatal(err)
		}
	}
	// got is what LINE took for the small merchant, and for the large ones.
	got := func() (of, others int) {
		for _, row := range s.LINE.Ledger() {
			if row.Channel == little.MessagingID {
				of++
			} else {
				others++
			}
		}
		return of, others
	}
	send(little, "hello", little.Friends[:1])
	s.running(func() {
		s.eventually(func() bool { of, _ := got(); return of == 1 }) // this process sends for it
		for _, shop := range s.Shops[1:] {
			send(shop, "sale", shop.Friends)
		}
		s.eventually(func() bool { _, others := got(); return others > 0 })
		send(little, "news", little.Friends[:small])
		if err := s.Flow(t.Context(), e, little, "cart", &little.Friends[0]); err != nil {
			t.Error(err)
		}
		_, before := got()
		s.eventually(func() bool { of, _ := got(); return of == 1+small+1 })
		_, others := got()
		t.Logf("it took the small merchant %d messages of the large ones", others-before)
		if others-before > 3*large/2 {
			t.Errorf("%d of the large ones' %d went before the small merchant's", others-before, 3*large)
		}
	}, e)
}
