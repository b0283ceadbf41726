package live_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"lumo/core/live"
	"lumo/core/lumo"
	livewire "lumo/core/postgres/live"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/shoptest"
)

func TestMain(m *testing.M) {
	code := postgrestest.Main(m)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

var shop = lumo.MerchantID{7}

const patience = time.Minute

// wire is a database that does at once what it is asked.
type wire struct {
	mu     sync.Mutex // guards seq and handle
	seq    int64
	handle func(lumo.MerchantID, []live.Message)
	ready  chan struct{}
	hold   chan struct{} // while open, nothing is sent
	sent   chan live.Message
}

func newWire() *wire { return &wire{ready: make(chan struct{})} }

func (w *wire) Send(ctx context.Context, m lumo.MerchantID, messages []live.Message) error {
	if w.hold != nil {
		select {
		case <-w.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range messages {
		w.seq++
		messages[i].Seq = w.seq
		if w.sent != nil {
			w.sent <- messages[i]
		}
	}
	w.handle(m, messages)
	return nil
}

func (w *wire) Receive(ctx context.Context, ready func(), handle func(lumo.MerchantID, []live.Message)) error {
	w.mu.Lock()
	w.handle = handle
	w.mu.Unlock()
	ready()
	close(w.ready)
	<-ctx.Done()
	return ctx.Err()
}

// site is a running hub with its address.
type site struct {
	hub *live.Hub
	url string
}

func open(t *testing.T, w live.Wire, allowed func() bool) site { return openFor(t, w, shop, allowed) }

func openFor(t *testing.T, w live.Wire, shop lumo.MerchantID, allowed func() bool) site {
	t.Helper()
	h := live.New(w, slog.New(slog.DiscardHandler), time.Now)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h.Serve(rw, r, shop, func(context.Context) bool { return allowed == nil || allowed() })
	}))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		stop()
		<-done
	})
	return site{h, server.URL}
}

// page opens a websocket that has said hello.
func (s site) page(t *testing.T, after int64) *websocket.Conn {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(),
		"ws"+strings.TrimPrefix(s.url, "http")+fmt.Sprintf("?after=%d", after), http.Header{"Origin": {s.url}})
	if err != nil {
		t.Fatalf("%v %v", res, err)
	}
	t.Cleanup(func() { conn.Close() })
	if m := read(t, conn); m.Kind != live.KindHello {
		t.Fatalf("got %+v", m)
	}
	return conn
}

// read is the next message that is no heartbeat.
func read(t *testing.T, conn *websocket.Conn) (m live.Message) {
	t.Helper()
	for m.Kind == "" || m.Kind == live.KindHeartbeat {
		m = live.Message{}
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if err := conn.ReadJSON(&m); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (s site) publish(kinds ...string) {
	for _, k := range kinds {
		s.hub.Publish(shop, live.Event{Kind: k})
	}
}

func want(t *testing.T, conn *websocket.Conn, kinds ...string) (last live.Message) {
	t.Helper()
	for _, k := range kinds {
		if last = read(t, conn); last.Kind != k {
			t.Fatalf("got %+v want %s", last, k)
		}
	}
	return last
}

func TestPageThatComesBackGetsWhatItMissed(t *testing.T) {
	t.Parallel()
	w := newWire()
	s := open(t, w, nil)
	<-w.ready
	stays, leaves := s.page(t, 0), s.page(t, 0)
	s.publish("a", "b")
	last := want(t, leaves, "a", "b")
	leaves.Close()
	s.publish("c", "d")
	want(t, stays, "a", "b", "c", "d")
	back := s.page(t, last.Seq)
	want(t, back, "c", "d")
	s.publish("e")
	want(t, back, "e")
}

func TestGapTellsToReadAgain(t *testing.T) {
	t.Parallel()
	w := newWire()
	s := open(t, w, nil)
	<-w.ready
	stays := s.page(t, 0)
	for i := range 300 { // more than the hub remembers
		s.publish(fmt.Sprint("k", i))
		if i%50 == 49 {
			for j := i - 49; j <= i; j++ {
				want(t, stays, fmt.Sprint("k", j))
			}
		}
	}
	for _, after := range []int64{1, 9999} {
		want(t, s.page(t, after), live.KindResync)
	}
}

func TestMessageTooLargeForTheWireTellsToReadAgain(t *testing.T) {
	t.Parallel()
	w := newWire()
	s := open(t, w, nil)
	<-w.ready
	p := s.page(t, 0)
	s.hub.Publish(shop, live.Event{Kind: "large", Data: strings.Repeat("x", 8000)})
	want(t, p, live.KindResync)
}

func TestSlowReaderIsClosedAndComesBack(t *testing.T) {
	t.Parallel()
	w := newWire()
	s := open(t, w, nil)
	<-w.ready
	slow := s.page(t, 0) // reads nothing
	bulk := []live.Message{}
	for range 64 {
		data, _ := json.Marshal(strings.Repeat("x", 60_000))
		bulk = append(bulk, live.Message{Kind: "bulk", Data: data})
	}
	for range 24 { // 90 MB: no buffer holds that
		if err := w.Send(t.Context(), shop, bulk); err != nil {
			t.Fatal(err)
		}
	}
	var last live.Message
	for {
		var m live.Message
		if err := slow.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		err := slow.ReadJSON(&m)
		if err != nil {
			if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
				t.Errorf("closed by %v", err)
			}
			break
		}
		last = m
	}
	if last.Seq == 0 || last.Seq == 24*64 {
		t.Errorf("the slow page saw up to %d", last.Seq)
	}
	back := s.page(t, last.Seq)
	s.publish("after")
	for m := read(t, back); m.Kind != "after"; m = read(t, back) {
		if m.Kind != "bulk" && m.Kind != live.KindResync {
			t.Fatalf("got %+v", m)
		}
	}
}

func TestPublishingNeverBlocks(t *testing.T) {
	t.Parallel()
	w := newWire()
	w.hold, w.sent = make(chan struct{}), make(chan live.Message, 4096)
	s := open(t, w, nil)
	<-w.ready
	for range 100_000 { // the database stands still; this returns all the same
		s.publish("k")
	}
	s.publish("last")
	close(w.hold)
	resync := false
	for n := 1; ; n++ {
		m := <-w.sent
		resync = resync || m.Kind == live.KindResync
		if m.Kind == "last" {
			if !resync || n > 3000 {
				t.Errorf("%d messages waited, read again: %v", n, resync)
			}
			return
		}
	}
}

func TestPageOfAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, newWire(), nil)
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.url, "http"),
		http.Header{"Origin": {"https://evil.example"}})
	if err == nil {
		conn.Close()
		t.Fatal("it was let in")
	}
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("got %d", res.StatusCode)
	}
}

func TestSessionIsCheckedAgain(t *testing.T) {
	t.Parallel()
	w := newWire()
	s := open(t, w, func() bool { return false })
	<-w.ready
	p := s.page(t, 0)
	if err := p.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _, err := p.ReadMessage()
	if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("got %v", err)
	}
}

// told is a wire that says when it listens.
type told struct {
	live.Wire
	ready chan struct{}
}

func (w told) Receive(ctx context.Context, ready func(), handle func(lumo.MerchantID, []live.Message)) error {
	return w.Wire.Receive(ctx, func() { ready(); close(w.ready) }, handle)
}

func TestPagesOfAllReplicasHearTheSame(t *testing.T) {
	t.Parallel()
	db := shoptest.New(t)
	var sites [2]site
	var pages [2]*websocket.Conn
	for i := range sites {
		w := told{livewire.New(db.Open(t)), make(chan struct{})}
		sites[i] = openFor(t, w, db.Merchant, nil)
		<-w.ready
		pages[i] = sites[i].page(t, 0)
	}
	var heard [2][]live.Message
	for round := range 5 {
		for i := range 40 { // fewer than a page may be behind
			sites[i%2].hub.Publish(db.Merchant, live.Event{Kind: "k", ID: fmt.Sprint(round, i)})
		}
		for i, p := range pages {
			for range 40 {
				heard[i] = append(heard[i], read(t, p))
			}
		}
	}
	n := len(heard[0])
	for i := range n {
		a, b := heard[0][i], heard[1][i]
		if a.Seq != b.Seq || a.ID != b.ID || a.Seq != heard[0][0].Seq+int64(i) {
			t.Fatalf("at %d: got %+v and %+v", i, a, b)
		}
	}
	// a page moves to the other replica and goes on where it was
	moved := sites[1].page(t, heard[0][n-3].Seq)
	for i := n - 2; i < n; i++ {
		if m := read(t, moved); m.Seq != heard[0][i].Seq {
			t.Errorf("got %+v", m)
		}
	}
}
