package fleet

import (
	"context"
	"strings"
	"sync"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// drainersAtOnce is how many spooled requests one core works on at a time. Most of their time
// they wait for the disk; the other connections to the database are for who waits now.
const drainersAtOnce = 12

// drained is what became of a spooled request.
type drained struct {
	problem string // not empty: it is kept for a person to see
	err     error  // it must come again
}

// flushRequests works spooled requests off as if they had just come in; their answers were
// given long ago. Requests about the same person keep their order. What is taken ends before
// the first that must come again; those behind it that went well come again too, and are known
// by their ids.
func (t *take) flushRequests(ctx context.Context) error {
	records := t.requests
	t.requests = nil
	outcomes := make([]drained, len(records))
	requests := make([]lumo.EdgeRequest, len(records))
	var wave queues
	for n, r := range records {
		var err error
		if requests[n], err = t.parse(r); err != nil {
			outcomes[n] = drained{problem: "malformed"}
			continue
		}
		people := t.i.people(requests[n])
		if wave.add(n, people) {
			continue
		}
		good := t.drain(ctx, wave, requests, outcomes)
		if wave = (queues{}); !good {
			break
		}
		wave.add(n, people)
	}
	t.drain(ctx, wave, requests, outcomes)
	for n, o := range outcomes {
		if o.err != nil {
			return o.err
		}
		if o.problem != "" {
			if err := t.keepNow(ctx, records[n], o.problem); err != nil {
				return err
			}
			continue
		}
		t.i.recovered(records[n].ID)
		t.done.Offset++
	}
	return nil
}

func (t *take) parse(r edgeapi.Record) (lumo.EdgeRequest, error) {
	spooled, err := edgeapi.ParseSpooledRequest(r.Body)
	if err != nil {
		return lumo.EdgeRequest{}, err
	}
	return spooledRequest(t.edge, r.ID, spooled)
}

// people are whom a request is about, as its route tells.
func (i *Intake) people(r lumo.EdgeRequest) []string {
	path, _, _ := strings.Cut(r.Target, "?")
	for _, route := range i.c.Routes {
		if strings.HasPrefix(path, route.Prefix) && route.People != nil {
			return route.People(r.Body)
		}
	}
	return nil
}

// queues are requests in the order in which each is to be worked off; queues go side by side.
type queues struct {
	lists  [][]int
	places map[string]int // person -> list
}

// add puts a request behind those about the same people. It is refused where they stand in
// several queues: what is queued must end first.
func (q *queues) add(n int, people []string) bool {
	at := len(q.lists)
	for _, person := range people {
		known, ok := q.places[person]
		if !ok {
			continue
		}
		if at < len(q.lists) && at != known {
			return false
		}
		at = known
	}
	if at == len(q.lists) {
		q.lists = append(q.lists, nil)
	}
	if q.places == nil {
		q.places = map[string]int{}
	}
	for _, person := range people {
		q.places[person] = at
	}
	q.lists[at] = append(q.lists[at], n)
	return true
}

// drain works queues off and tells whether all went well. A queue ends at what must come
// again.
func (t *take) drain(ctx context.Context, q queues, requests []lumo.EdgeRequest, outcomes []drained) bool {
	var group sync.WaitGroup
	for _, list := range q.lists {
		if !t.i.begin(ctx) {
			for _, n := range list {
				outcomes[n].err = fault.As(fault.Unavailable, "fleet.drain", ctx.Err())
			}
			continue
		}
		group.Go(func() {
			defer t.i.end()
			for at, n := range list {
				outcomes[n] = t.handle(ctx, requests[n])
				if err := outcomes[n].err; err != nil {
					for _, behind := range list[at+1:] {
						outcomes[behind].err = err
					}
					return
				}
			}
		})
	}
	group.Wait()
	for _, list := range q.lists {
		for _, n := range list {
			if outcomes[n].err != nil {
				return false
			}
		}
	}
	return true
}

// begin waits for a place among those that drain; false = ctx ended before.
func (i *Intake) begin(ctx context.Context) bool {
	select {
	case i.draining <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (i *Intake) end() { <-i.draining }

func (t *take) handle(ctx context.Context, r lumo.EdgeRequest) drained {
	_, err := t.i.Handle(ctx, r)
	switch fault.KindOf(err) {
	case "":
		return drained{}
	case fault.Unavailable:
		return drained{err: err}
	case fault.Internal:
		if ctx.Err() != nil || t.i.failed(id.ID(r.ID)) < maxTries {
			return drained{err: err}
		}
	}
	t.i.c.Log.ErrorContext(ctx, "a spooled request cannot be taken", "request", r.ID.String(), "error", err)
	return drained{problem: string(fault.KindOf(err))}
}
