package app

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// swiftLINE answers at once, and counts what it is asked in each second. Every third person is
// nobody it knows.
type swiftLINE struct {
	followersOf
	mu    sync.Mutex // guards the rest
	asked map[int64]int
	open  int
	most  int
}

func (s *swiftLINE) Profile(_ context.Context, _ lumo.Keys, u lumo.LineUserID) (channel.Person, error) {
	s.mu.Lock()
	s.asked[time.Now().Unix()]++
	s.open++
	s.most = max(s.most, s.open)
	s.mu.Unlock()
	<-time.After(time.Millisecond) // of the test's own time
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	var n int
	if _, err := fmt.Sscanf(string(u), "U%x", &n); err != nil {
		return channel.Person{}, err
	}
	if n%3 == 0 {
		return channel.Person{}, fault.New(fault.NotFound, "test", "nobody")
	}
	return channel.Person{Name: "Somebody"}, nil
}

func (s *swiftLINE) Keys(context.Context, lumo.MerchantID, lumo.ChannelID) (channel.Keys, error) {
	return channel.Keys{}, nil
}

// A million ids would be asked about as fast as LINE answers, which is faster than it allows.
func TestPeopleAreAskedAboutWithinWhatLINEAllows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		line := &swiftLINE{asked: map[int64]int{}}
		users := make([]lumo.LineUserID, 10_000)
		for n := range users {
			users[n] = lumo.LineUserID(fmt.Sprintf("U%032x", n))
		}
		begun := time.Now()
		got, err := prober{line, newPacedLINE(line)}.Reachable(t.Context(), lumo.MerchantID{}, lumo.ChannelID{}, users)
		if err != nil {
			t.Fatal(err)
		}
		for n, yes := range got {
			if yes != (n%3 != 0) {
				t.Fatalf("person %d: reachable %t", n, yes)
			}
		}
		for second, n := range line.asked {
			if n > 2000 {
				t.Errorf("%d questions in second %d, LINE allows 2,000", n, second)
			}
		}
		if line.most > probesOpen {
			t.Errorf("%d questions at once, want at most %d", line.most, probesOpen)
		}
		if took := time.Since(begun); took > 6*time.Second {
			t.Errorf("it took %s: slower than LINE allows", took)
		}
	})
}
