package edgeapi_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"lumo/core/lumo"
	wire "lumo/shared/edgeapi"
	"lumo/shared/fault"
)

// requests are spooled webhooks of the shop's channel with these bodies.
func (c *core) requests(t *testing.T, bodies ...string) (batch []byte) {
	t.Helper()
	hook := c.lineHook(t)
	for _, body := range bodies {
		batch = record(wire.RecordRequest, c.ID(), spooled(t, hook, body)).Append(batch)
	}
	return batch
}

// Eight requests about eight people are worked on at the same time: each waits until all are
// there.
func TestSpooledRequestsAreWorkedOffSideBySide(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	const n = 8
	var together sync.WaitGroup
	together.Add(n)
	all := make(chan struct{})
	go func() { together.Wait(); close(all) }()
	c.far.meet = func(lumo.EdgeRequest) {
		together.Done()
		select {
		case <-all:
		case <-time.After(20 * time.Second):
			t.Error("one waits for another")
		}
	}
	var bodies []string
	for i := range n {
		bodies = append(bodies, fmt.Sprintf("person%d:", i))
	}
	var got taken
	if status := e.post("/edge/v1/events", nil, string(c.requests(t, bodies...)), &got); status != 200 || got.Offset != n {
		t.Errorf("got %d %+v", status, got)
	}
}

func TestWhatIsAboutOnePersonKeepsItsOrder(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	// ann and bob have queues of their own until a request is about both.
	bodies := []string{"ann:1", "bob:1", "ann:2", "bob:2", "eve:1", "ann bob:3", "bob:4", "ann:4", "eve bob:5", "eve:6", "nobody"}
	var got taken
	status := e.post("/edge/v1/events", nil, string(c.requests(t, bodies...)), &got)
	if status != 200 || got.Offset != len(bodies) {
		t.Fatalf("got %d %+v", status, got)
	}
	last := map[string]byte{}
	for _, r := range c.far.requests {
		for _, person := range peopleIn(r.Body) {
			now := r.Body[len(r.Body)-1]
			if person != "nobody" && now <= last[person] {
				t.Errorf("%s: %c came after %c", person, now, last[person])
			}
			last[person] = now
		}
	}
}

// Nothing about a person is worked off before what must come again, and nothing behind it
// counts as taken.
func TestAFailureHoldsUpItsOwnPersonAlone(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	e := c.enrol(t)
	hook := c.lineHook(t)
	c.far.answers[hook+"?away"] = fault.New(fault.Unavailable, "x", "")
	var batch []byte
	for _, r := range [][2]string{{hook, "bob:1"}, {hook + "?away", "ann:1"}, {hook, "ann:2"}, {hook, "bob:2"}} {
		batch = record(wire.RecordRequest, c.ID(), spooled(t, r[0], r[1])).Append(batch)
	}
	var got taken
	if status := e.post("/edge/v1/events", nil, string(batch), &got); status != 200 || got.Offset != 1 || len(got.Rejected) != 0 {
		t.Errorf("got %d %+v want the first alone", status, got)
	}
	for _, r := range c.far.requests {
		if string(r.Body) == "ann:2" {
			t.Error("ann's second came before her first")
		}
	}
	c.far.mu.Lock()
	delete(c.far.answers, hook+"?away")
	c.far.mu.Unlock()
	if status := e.post("/edge/v1/events", nil, string(batch), &got); status != 200 || got.Offset != 4 || c.far.distinct() != 4 {
		t.Errorf("then got %d %+v, %d requests", status, got, c.far.distinct())
	}
}
