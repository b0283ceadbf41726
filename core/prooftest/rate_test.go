package prooftest_test

import (
	"testing"
	"time"

	"lumo/core/line/linetest"
)

// LINE takes one multicast a second: a broadcast to 2,000 people is four requests of 500, and
// needs a few seconds of LINE's, whatever is refused in between. Flow sends, which are pushes and
// have a limit of their own, do not wait with it.
func TestABroadcastIsFourRequestsWhenLINETakesOneASecond(t *testing.T) {
	t.Parallel()
	s := newScene(t, 2001)
	s.Faults.MulticastEvery = time.Second
	shop, e := s.Shops[0], s.engine("a", nil)
	many, one := shop.Friends[:2000], &shop.Friends[2000]
	if err := s.Broadcast(t.Context(), e, shop, "sale", false, many); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	s.running(func() {
		if !s.soon(func() bool { return s.Faults.TooFast() > 0 }) {
			t.Error("LINE refused nothing: it shows nothing")
		}
		if err := s.Flow(t.Context(), e, shop, "flow", one); err != nil {
			t.Error(err)
		}
		if !s.soon(s.rests) {
			t.Error("it does not come to rest")
		}
	}, e)
	var sizes []int
	var last, flow time.Time
	for _, row := range s.LINE.Ledger() {
		switch {
		case row.Result != linetest.Accepted:
		case row.API == "multicast":
			sizes, last = append(sizes, len(row.Delivered)), row.At
		default:
			flow = row.At
		}
	}
	t.Logf("%v people, %d refused, %v", sizes, s.Faults.TooFast(), time.Since(begun).Round(time.Millisecond))
	if n := s.arrived(); len(sizes) != 4 || n != len(shop.Friends) {
		t.Errorf("%d of %d got it, in requests for %v people, want 4", n, len(shop.Friends), sizes)
	}
	if flow.IsZero() || !flow.Before(last) {
		t.Errorf("the flow send left at %v, the last of the broadcast at %v", flow, last)
	}
	for _, p := range s.problems() {
		t.Error(p)
	}
}

// soon waits for something that engines do by themselves.
func (s *scene) soon(ok func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 9000 {
		if ok() {
			return true
		}
		<-tick.C
	}
	return false
}
