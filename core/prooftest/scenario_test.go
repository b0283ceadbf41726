package prooftest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"lumo/core/delivery"
	"lumo/core/postgres/postgrestest"
	"lumo/core/prooftest"
)

// scene is a small world in one process, for one scenario.
type scene struct {
	*prooftest.World
	t testing.TB
}

func newScene(t testing.TB, friends int) *scene {
	t.Helper()
	w, err := prooftest.New(t.Context(), prooftest.Config{URL: postgrestest.URL(t), Shops: 1, Friends: friends, OwnClock: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return &scene{World: w, t: t}
}

func (s *scene) engine(owner string, breaks func(*delivery.Config)) *prooftest.Engine {
	s.t.Helper()
	e, err := s.Engine(s.t.Context(), prooftest.EngineConfig{Owner: owner, Break: breaks})
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// everybody plans two messages: a personal one to half of the people, the same for the rest.
func (s *scene) everybody(e *prooftest.Engine, mark string) {
	s.t.Helper()
	shop := s.Shops[0]
	half := len(shop.Friends) / 2
	if err := s.Broadcast(s.t.Context(), e, shop, mark+"-personal", true, shop.Friends[:half]); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Broadcast(s.t.Context(), e, shop, mark+"-same", false, shop.Friends[half:]); err != nil {
		s.t.Fatal(err)
	}
}

// running lets engines work while fn does.
func (s *scene) running(fn func(), engines ...*prooftest.Engine) {
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, e := range engines {
		group.Go(func() { _ = e.Run(ctx) })
	}
	defer group.Wait()
	defer stop()
	fn()
}

// until waits for something that engines do, hurrying what waits; false = it did not come, as
// after a planted bug it need not.
func (s *scene) until(ok func() bool) bool {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 1200 {
		if ok() {
			return true
		}
		_ = s.Hurry(context.Background())
		<-tick.C
	}
	return false
}

func (s *scene) rests() bool {
	done, err := s.Rest(context.Background())
	return done && err == nil
}

// in counts deliveries in a state.
func (s *scene) in(state string) int64 {
	s.t.Helper()
	n, err := s.States(s.t.Context(), s.Shops[0])
	if err != nil {
		s.t.Fatal(err)
	}
	return n[state]
}

func (s *scene) problems() []prooftest.Problem {
	s.t.Helper()
	found, err := s.Check(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

// storm is LINE on a bad day: much is lost, and it takes some tries until everybody has it.
func storm(t testing.TB, breaks func(*delivery.Config)) []prooftest.Problem {
	s := newScene(t, 60)
	s.Faults.NoAnswer, s.Faults.Failing = 30, 20
	e := s.engine("a", breaks)
	s.everybody(e, "storm")
	s.running(func() { s.until(s.rests) }, e)
	return s.problems()
}

// denied is a LINE that takes everything unanswered, then does not know our token any more,
// then does again.
func denied(t testing.TB, breaks func(*delivery.Config)) []prooftest.Problem {
	s := newScene(t, 20)
	s.Faults.Script = func(try int) prooftest.Step {
		switch try {
		case 1:
			return prooftest.Unanswered
		case 2, 3: // once more with a new token
			return prooftest.Denied
		}
		return prooftest.Pass
	}
	e := s.engine("a", breaks)
	s.everybody(e, "denied")
	s.running(func() { s.until(s.rests) }, e)
	return s.problems()
}

// day is what LINE took and never answered for: within 23 hours it is asked again, afterwards
// never, even when LINE has forgotten the key.
func day(t testing.TB, breaks func(*delivery.Config)) []prooftest.Problem {
	s := newScene(t, 20)
	e := s.engine("a", breaks)
	all := int64(len(s.Shops[0].Friends))
	advance := func(d time.Duration) {
		t.Helper()
		if err := s.Advance(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	unknown := func(mark string, settled int64) {
		t.Helper()
		s.Faults.Script = func(try int) prooftest.Step {
			if try == 1 {
				return prooftest.Unanswered
			}
			return prooftest.Lost
		}
		s.everybody(e, mark)
		s.running(func() {
			if !s.until(func() bool { return s.in("unknown") == all && s.in("accepted") == settled }) {
				t.Error("not everything is unknown")
			}
		}, e)
	}
	unknown("first", 0)
	advance(22*time.Hour + 50*time.Minute)
	s.Faults.Script = nil
	s.running(func() { s.until(func() bool { return s.in("accepted") == all }) }, e)
	if got := s.in("accepted"); got != all {
		t.Errorf("before 23 hours: %d of %d were asked again", got, all)
	}
	unknown("second", all)
	s.Faults.Down(true)
	advance(23*time.Hour + 10*time.Minute)
	tries := len(s.LINE.Attempts())
	s.Faults.Down(false)
	s.Faults.Script = nil
	s.running(func() { s.until(s.rests) }, e)
	advance(2 * time.Hour) // LINE knows the keys no more
	s.running(func() { s.until(s.rests) }, e)
	found := s.OnceEach(s.LINE.Attempts())
	found = append(found, prooftest.SameBytes(s.LINE.Attempts())...)
	if n := len(s.LINE.Attempts()) - tries; n != 0 {
		found = append(found, prooftest.Problem{Invariant: "I2", Text: "keys over 23 hours old were used again"})
	}
	ended, err := s.Ended(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return append(found, ended...)
}

// replaced is a sender that hangs while another one takes its place. What LINE tells the first
// one then is about a try that is not the last.
func replaced(t testing.TB, breaks func(*delivery.Config)) []prooftest.Problem {
	s := newScene(t, 2)
	s.Faults.Script = func(try int) prooftest.Step {
		if try == 1 {
			return prooftest.Unanswered
		}
		return prooftest.Pass
	}
	hangs := &hanging{began: make(chan struct{}), goOn: make(chan struct{}), ended: make(chan struct{})}
	first := s.engine("first", func(c *delivery.Config) {
		hangs.Pusher = c.Pusher
		c.Pusher = hangs
		if breaks != nil {
			breaks(c)
		}
	})
	second := s.engine("second", nil)
	if err := s.Flow(t.Context(), first, s.Shops[0], "replaced", &s.Shops[0].Friends[0]); err != nil {
		t.Fatal(err)
	}
	s.running(func() {
		<-hangs.began
		if err := s.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.running(func() {
			s.until(func() bool { return s.in("unknown") == 1 })
			close(hangs.goOn)
			<-hangs.ended
			s.until(s.rests)
		}, second)
	}, first)
	return s.problems()
}

// hanging is a way to LINE on which the first request hangs, and is refused then.
type hanging struct {
	delivery.Pusher
	once               sync.Once
	began, goOn, ended chan struct{}
}
