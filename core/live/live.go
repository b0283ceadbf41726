// Package live tells open console pages what changed, at once and across replicas.
//
// Every message has a number of its merchant's own sequence; a page that comes back names
// the last one it saw and gets what it missed, or is told to read everything again.
// Publishing never blocks and never fails the work it tells of. A page that reads too
// slowly is closed and comes back by itself. Nothing here is the only record of anything.
package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"lumo/core/lumo"
)

const (
	flushEvery = 40 * time.Millisecond // at least; never more than one part in flushShare of the time
	flushShare = 4
	flushMost  = 400 * time.Millisecond
	maxPayload = 7000 // PostgreSQL carries notifications of less than 8000 bytes
	kept       = 256  // messages of a merchant that a returning page can still get
	maxWaiting = 1024 // messages of a merchant that wait for the wire
	// queue is how many messages a page may be behind: what comes at once, after the wire stood
	// still, is no sign of a slow page.
	queue = maxWaiting
)

// Kinds of messages that come from here; capabilities add their own.
const (
	KindHello     = "hello"
	KindResync    = "resync" // read everything again
	KindHeartbeat = "heartbeat"
)

// Message is what a page receives.
type Message struct {
	Seq     int64           `json:"seq"`
	Kind    string          `json:"kind"`
	ID      string          `json:"id,omitempty"`
	Channel string          `json:"channel,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// Event is what a capability tells.
type Event struct {
	Kind    string
	ID      string
	Channel string
	Data    any
}

// Wire carries messages between replicas.
type Wire interface {
	// Send gives n messages of a merchant consecutive numbers and hands them to all replicas.
	Send(ctx context.Context, m lumo.MerchantID, messages []Message) error
	// Receive hands on what any replica sent until ctx ends or the wire breaks. It calls ready
	// first, when nothing can pass unheard any more.
	Receive(ctx context.Context, ready func(), handle func(m lumo.MerchantID, messages []Message)) error
}

// Hub connects publishers and pages.
type Hub struct {
	wire Wire
	log  *slog.Logger
	now  func() time.Time

	mu      sync.Mutex
	waiting map[lumo.MerchantID][]Message // guarded by mu: not sent yet
	topics  map[lumo.MerchantID]*topic    // guarded by mu
	stopped bool                          // guarded by mu: no page may come any more
	wake    chan struct{}
	stop    chan struct{}  // closed when pages must leave
	open    sync.WaitGroup // pages
}

// topic is what this replica knows of one merchant's sequence.
type topic struct {
	recent []Message
	pages  map[*page]struct{}
}

// page is one open websocket.
type page struct {
	out  chan Message
	gone chan struct{} // closed when the page is too slow
	once sync.Once
}

func (p *page) drop() { p.once.Do(func() { close(p.gone) }) }

// New makes a hub.
func New(w Wire, log *slog.Logger, now func() time.Time) *Hub {
	return &Hub{wire: w, log: log, now: now, waiting: map[lumo.MerchantID][]Message{},
		topics: map[lumo.MerchantID]*topic{}, wake: make(chan struct{}, 1), stop: make(chan struct{})}
}

// Pages counts the open pages of this process.
func (h *Hub) Pages() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.topics {
		n += len(t.pages)
	}
	return n
}

// Publish queues an event for a merchant's pages. Call it when the change stands.
func (h *Hub) Publish(m lumo.MerchantID, e Event) {
	data, err := json.Marshal(e.Data)
	if err != nil || e.Data == nil {
		data = nil
	}
	h.mu.Lock()
	if len(h.waiting[m]) >= maxWaiting { // the wire stands still: memory must not run out
		h.waiting[m] = []Message{{Kind: KindResync}}
	}
	h.waiting[m] = append(h.waiting[m], Message{Kind: e.Kind, ID: e.ID, Channel: e.Channel, Data: data})
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default: // it is awake
	}
}

// Run carries messages until ctx ends. It then tells the open pages that they come back
// elsewhere, and returns when they have left: the HTTP server does not know of connections that
// became websockets. It may be called once.
func (h *Hub) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { h.receive(ctx) })
	h.send(ctx)
	group.Wait()
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	close(h.stop)
	h.open.Wait()
	return nil
}

// enter counts a page in; false = there is no more room for one.
func (h *Hub) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return false
	}
	h.open.Add(1)
	return true
}

func (h *Hub) send(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		}
		begun := time.Now()
		h.flush(ctx)
		// gathers what comes in bursts, the more of it the busier the database is
		pause.Reset(min(max(flushEvery, (flushShare-1)*time.Since(begun)), flushMost))
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// flush sends what waits. What the wire does not take is replaced by one resync later: a
// page must read everything again rather than believe that it saw all.
func (h *Hub) flush(ctx context.Context) {
	h.mu.Lock()
	all := h.waiting
	h.waiting = map[lumo.MerchantID][]Message{}
	h.mu.Unlock()
	for m, messages := range all {
		for _, part := range parts(messages) {
			if err := h.wire.Send(ctx, m, part); err != nil && ctx.Err() == nil {
				h.log.WarnContext(ctx, "live messages not sent", "merchant", m.String(), "op", "live.flush", "error", err)
				h.local(m, []Message{{Kind: KindResync}})
			}
		}
	}
}

// parts splits messages into payloads that the wire carries. A message too large for it
// becomes a resync.
func parts(messages []Message) [][]Message {
	var all [][]Message
	var part []Message
	size := 0
	for _, m := range messages {
		n := len(m.Data) + len(m.Kind) + len(m.ID) + len(m.Channel) + 80
		if n > maxPayload {
			m, n = Message{Kind: KindResync}, 100
		}
		if size+n > maxPayload {
			all, part, size = append(all, part), nil, 0
		}
		part, size = append(part, m), size+n
	}
	return append(all, part)
}

func (h *Hub) receive(ctx context.Context) {
	for ctx.Err() == nil {
		err := h.wire.Receive(ctx, h.resyncAll, h.local) // something may have passed unheard
		if ctx.Err() != nil {
			return
		}
		h.log.WarnContext(ctx, "live messages interrupted", "op", "live.receive", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (h *Hub) resyncAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.topics {
		t.recent = nil
		t.deliver(Message{Kind: KindResync})
	}
}

// local hands messages to this replica's pages.
func (h *Hub) local(m lumo.MerchantID, messages []Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[m]
	if t == nil {
		return // nobody looks
	}
	for _, message := range messages {
		if message.Seq > 0 {
			t.recent = append(t.recent, message)
		}
		t.deliver(message)
	}
	if over := len(t.recent) - kept; over > 0 {
		t.recent = append([]Message(nil), t.recent[over:]...)
	}
}

func (t *topic) deliver(m Message) {
	for p := range t.pages {
		select {
		case p.out <- m:
		default:
			p.drop()
			delete(t.pages, p)
		}
	}
}

// subscribe opens a page's stream. missed is what it has not seen; complete is false when
// that is not known, and the page must read everything again.
func (h *Hub) subscribe(m lumo.MerchantID, after int64) (p *page, missed []Message, complete bool) {
	p = &page{out: make(chan Message, queue), gone: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[m]
	if t == nil {
		t = &topic{pages: map[*page]struct{}{}}
		h.topics[m] = t
	}
	t.pages[p] = struct{}{}
	if after <= 0 {
		return p, nil, true // a new page reads everything anyway
	}
	for i, message := range t.recent {
		if message.Seq == after {
			return p, append([]Message(nil), t.recent[i+1:]...), true
		}
	}
	return p, nil, false
}

func (h *Hub) unsubscribe(m lumo.MerchantID, p *page) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[m]; t != nil {
		delete(t.pages, p)
		if len(t.pages) == 0 {
			delete(h.topics, m)
		}
	}
}
