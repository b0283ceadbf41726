package prooftest_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"lumo/core/prooftest"
)

const (
	usageFriends = 200
	usageRounds  = 3
)

// slack is less than a tenth of what one round would leave of anything that it leaves for each
// message.
func slack() prooftest.Usage { return prooftest.Usage{Goroutines: 15, Files: 15, Heap: 4 << 20} }

// rounds has everybody sent to, again and again, by an engine that begins and ends each time,
// and tells what is still held half a minute later.
func rounds(t *testing.T) []prooftest.Problem {
	t.Helper()
	s := newScene(t, usageFriends)
	e := s.engine("a", nil)
	round := func(mark string) {
		s.everybody(e, mark)
		s.running(func() {
			if !s.until(s.rests) {
				t.Error("it does not come to rest")
			}
		}, e)
		s.LINE.ForgetSent()
	}
	round("warm")
	round("warmer")
	base := used(t)
	for n := range usageRounds {
		round(fmt.Sprint("round", n))
	}
	return returned(t, base)
}

func used(t *testing.T) prooftest.Usage {
	t.Helper()
	u, err := prooftest.Used()
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err) // other systems have no such list
	}
	return u
}

// returned waits until idle connections were closed.
func returned(t *testing.T, base prooftest.Usage) (found []prooftest.Problem) {
	t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for range 30 {
		if found = used(t).Beyond(base, slack()); len(found) == 0 {
			return nil
		}
		<-tick.C
	}
	return found
}

// It is not parallel: what other tests hold would be counted.
func TestGoroutinesFilesAndMemoryReturn(t *testing.T) {
	for _, p := range rounds(t) {
		t.Error(p)
	}
}

func TestWhatIsLeftBehindIsCaught(t *testing.T) {
	base := used(t)
	stop := make(chan struct{})
	defer close(stop)
	var memory [][]byte
	for range usageFriends {
		go func() { <-stop }()
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		memory = append(memory, make([]byte, 64<<10))
	}
	if found := used(t).Beyond(base, slack()); len(found) != 3 {
		t.Errorf("found %v", found)
	}
	runtime.KeepAlive(memory)
}
