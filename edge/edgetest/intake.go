package edgetest

import (
	"io"
	"net/http"
	"slices"

	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

// Answering says what is answered to requests from now on.
func (c *Core) Answering(answer func(Asked) Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// Asked are the requests that the edge waited for, in order.
func (c *Core) Asked() []Asked {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.asked)
}

// Refuse keeps a record aside when it comes.
func (c *Core) Refuse(v id.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse[v] = true
}

// Break answers 503 to records, or takes them again.
func (c *Core) Break(broken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = broken
}

// Spooled is a request that came out of the edge's spool.
type Spooled struct {
	ID id.ID
	edgeapi.SpooledRequest
}

// Requests are the requests that came out of spools, as often as they came.
func (c *Core) Requests() []Spooled {
	var all []Spooled
	for _, r := range c.all() {
		if r.Kind != edgeapi.RecordRequest {
			continue
		}
		s, err := edgeapi.ParseSpooledRequest(r.Body)
		if err != nil {
			c.t.Error("a spooled request cannot be read:", err)
			continue
		}
		all = append(all, Spooled{r.ID, s})
	}
	return all
}

// Event is an event that came out of the edge's spool.
type Event struct {
	ID id.ID
	event.Event
}

// Events are the events that came out of spools, as often as they came.
func (c *Core) Events() []Event {
	var all []Event
	for _, r := range c.all() {
		if r.Kind != edgeapi.RecordEvent {
			continue
		}
		e, err := event.Parse(r.Body)
		if err != nil {
			c.t.Error("an event cannot be read:", err)
			continue
		}
		all = append(all, Event{r.ID, e})
	}
	return all
}

// Kept counts what came out of spools as the real core keeps it: each of a kind
// once by its id, however often an edge had to hand it over.
func (c *Core) Kept() (events, requests int) {
	type key struct {
		kind uint8
		id   id.ID // a refused webhook is an event and a request under one id
	}
	seen := map[key]bool{}
	for _, r := range c.all() {
		k := key{uint8(r.Kind), r.ID}
		if seen[k] {
			continue
		}
		seen[k] = true
		switch r.Kind {
		case edgeapi.RecordEvent:
			events++
		case edgeapi.RecordRequest:
			requests++
		}
	}
	return events, requests
}

func (c *Core) all() []edgeapi.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.taken)
}

func (c *Core) requests(w http.ResponseWriter, r *http.Request) {
	v, err := id.Parse(r.Header.Get(edgeapi.HeaderEventID))
	body, bodyErr := io.ReadAll(r.Body)
	if err != nil || bodyErr != nil {
		c.t.Error("a request without id or body:", err, bodyErr)
	}
	a := Asked{ID: v, Auth: r.Header.Get(edgeapi.HeaderAuth),
		Method: r.Header.Get(edgeapi.HeaderMethod),
		Target: r.Header.Get(edgeapi.HeaderTarget), Header: r.Header.Clone(), Body: body}
	c.mu.Lock()
	c.asked = append(c.asked, a)
	answer := c.answer
	c.mu.Unlock()
	out := answer(a)
	if out.Drop {
		if hijacker, ok := w.(http.Hijacker); ok {
			if conn, _, err := hijacker.Hijack(); err == nil {
				_ = conn.Close()
			}
		}
		return
	}
	for name, value := range out.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(out.Status)
	_, _ = io.WriteString(w, out.Body) // the edge may have stopped waiting
}

func (c *Core) records(w http.ResponseWriter, r *http.Request) {
	batch, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	n, rejected := 0, []string{}
	for len(batch) > 0 {
		record, rest, err := edgeapi.NextRecord(batch)
		if err != nil {
			c.t.Error("a batch cannot be read:", err)
			break
		}
		batch, n = rest, n+1
		open, err := sealing.Open(c.private, record)
		if err != nil {
			c.t.Error("a record is not sealed to this core:", err)
			continue
		}
		if c.refuse[record.ID] {
			rejected = append(rejected, record.ID.String())
			continue
		}
		c.taken = append(c.taken, open)
	}
	c.write(w, map[string]any{"offset": n, "rejected": rejected})
}
