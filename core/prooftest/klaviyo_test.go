package prooftest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/lumo"
	"lumo/core/postgres/postgrestest"
	"lumo/core/prooftest"
	"lumo/core/vendortest"
	"lumo/shared/event"
)

// linkedScene is a scene with so many friends, every second of whom is linked.
func linkedScene(t *testing.T, friends int) *scene {
	t.Helper()
	w, err := prooftest.New(t.Context(), prooftest.Config{URL: postgrestest.URL(t), Shops: 1, Friends: friends, LinkEvery: 2,
		OwnClock: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return &scene{World: w, t: t}
}

// recorded are Klaviyo's events of a metric.
func (s *scene) recorded(metric string) (all []klaviyotest.Event) {
	for _, e := range s.Klaviyo.Events(s.Shops[0].Site, "") {
		if e.Metric == metric {
			all = append(all, e)
		}
	}
	return all
}

// What LINE refuses is told to Klaviyo as failed, once, for who is linked, and for nobody else.
// What LINE never answered for is no failure.
func TestWhatLINERefusedReachesKlaviyoOnceForLinkedPeople(t *testing.T) {
	t.Parallel()
	s := linkedScene(t, 4)
	shop, e := s.Shops[0], s.engine("a", nil)
	linked, stranger := &shop.Friends[0], &shop.Friends[1]
	s.LINE.Faults().Add(vendortest.Fault{API: "line.push", Kind: "400", Times: 2})
	for n, to := range []*prooftest.Friend{linked, stranger} {
		if err := s.Flow(t.Context(), e, shop, fmt.Sprint("refused-", n), to); err != nil {
			t.Fatal(err)
		}
	}
	s.running(func() {
		if !s.until(func() bool { return s.in("rejected") == 2 }) {
			t.Errorf("%d are refused", s.in("rejected"))
		}
	}, e)
	for _, owner := range []string{"b", "c"} { // the second finds nothing to do
		again := s.engine(owner, nil)
		stop := s.writing(again)
		s.running(func() {
			if !s.until(s.rests) {
				t.Error("it does not come to rest")
			}
		}, again)
		stop()
		if err := s.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	failed := s.recorded("Failed LINE Message")
	if len(failed) != 1 || failed[0].Profile != string(linked.Profile) {
		t.Fatalf("Klaviyo has %+v", failed)
	}
	got := failed[0].Properties
	if got["LINE Account"] != shop.Channel.Name || got["LINE Account ID"] == "" || got["LINE Account ID"] == nil ||
		got["Reason"] != "line_refused" {
		t.Errorf("its properties are %v", got)
	}
	if !strings.HasPrefix(failed[0].UniqueID, shop.Channel.ID.String()+":failed:") {
		t.Errorf("it is %s", failed[0].UniqueID)
	}
	if n := len(s.recorded("Sent LINE Message")); n != 0 {
		t.Errorf("%d are told as sent", n)
	}
}

// What people did before a restart and during it is in the database, in the console's counts and
// in Klaviyo, once each: messages, openings and taps.
func TestSentOpenedAndClickedAgreeAfterARestart(t *testing.T) {
	t.Parallel()
	s := linkedScene(t, 40)
	shop, first := s.Shops[0], s.engine("a", nil)
	s.everybody(first, "tea")
	s.running(func() {
		if !s.until(func() bool { return s.in("accepted") == int64(len(shop.Friends)) }) {
			t.Errorf("%d have it", s.in("accepted"))
		}
	}, first)
	tapped := s.tapped() // of the personal half
	if len(tapped) != len(shop.Friends)/2 {
		t.Fatalf("%d messages carry a link of their own", len(tapped))
	}
	take := func(e *prooftest.Engine, n int) {
		t.Helper()
		for kind := range 2 {
			one := event.Event{Type: event.Click, Class: event.Person, Number: tapped[n].Channel, Subject: tapped[n].Subject, Link: tapped[n].Link}
			if kind == 1 {
				one.Type, one.Link = event.Open, 0
			}
			_, err := e.Tracking.Ingest(t.Context(), lumo.Scope{}, []lumo.EdgeEvent{{ID: idAt(s.Clock.Now().Truncate(time.Hour), 2*n+kind), Event: one}})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for n := range 12 {
		take(first, n)
	}
	// Klaviyo takes some of it unanswered, then the writer ends; what it had begun is written anew.
	s.Klaviyo.Faults().Add(vendortest.Fault{API: "klaviyo.events", Kind: vendortest.NoAnswer, Times: 5})
	stop := s.writing(first)
	s.eventually(func() bool { return len(s.recorded("Clicked LINE Message")) > 0 })
	stop()
	if err := s.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := s.engine("b", nil)
	for n := range tapped { // the edge gives again what the first may not have taken
		take(second, n)
	}
	stop = s.writing(second)
	s.running(func() {
		if !s.until(s.rests) {
			t.Error("it does not come to rest")
		}
	}, second)
	stop()
	for _, p := range s.problems() {
		t.Error(p)
	}
	of := map[string]int{}
	for _, e := range s.Klaviyo.Events(shop.Site, "") {
		of[e.Metric]++
	}
	linked := len(tapped) / 2
	if of["Sent LINE Message"] != len(shop.Friends)/2 || of["Opened LINE Message"] != linked || of["Clicked LINE Message"] != linked {
		t.Errorf("Klaviyo has %v, want %d openings and taps", of, linked)
	}
	for kind, want := range map[string]int{"sent": len(shop.Friends), "opened": len(tapped), "clicked": len(tapped)} {
		n, err := s.Counted(t.Context(), shop, kind)
		if err != nil || n != int64(want) {
			t.Errorf("the console counts %d %s, want %d, %v", n, kind, want, err)
		}
	}
}
