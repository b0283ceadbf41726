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
