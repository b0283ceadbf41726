package core

import (
	"testing"
	"time"
)

func TestSilenceIsRememberedUntilAnAnswer(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var s silence
	for range silentCalls {
		if !s.mayAsk(now) {
			t.Fatal("given up too early")
		}
		s.heardNothing(now)
	}
	if s.mayAsk(now) {
		t.Error("still asked after silence")
	}
	now = now.Add(askEvery)
	if !s.mayAsk(now) || s.mayAsk(now) {
		t.Error("want one try a second")
	}
	s.heardNothing(now)
	now = now.Add(askEvery)
	if !s.mayAsk(now) {
		t.Error("want another try")
	}
	s.heard()
	if !s.mayAsk(now) || !s.mayAsk(now) {
		t.Error("an answer must end it")
	}
}

func TestWhoWaitsForAnAnswerGoesFirst(t *testing.T) {
	t.Parallel()
	const took = 100 * time.Millisecond
	for _, c := range []struct {
		asking   int64
		answered uint64
		want     time.Duration
	}{{0, 0, 0}, {1, 0, took}, {0, 100, 0}, {0, 5000, 3 * took}, {1, 5000, 3 * took}} {
		client := New(Config{Now: time.Now})
		client.asking.Store(c.asking)
		if got := client.pause(took, c.answered); got != c.want {
			t.Errorf("%d ask, %d answered: got %s want %s", c.asking, c.answered, got, c.want)
		}
	}
}
