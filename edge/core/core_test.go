package core_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lumo/edge/core"
	"lumo/edge/edgetest"
	"lumo/edge/replica"
	"lumo/edge/spool"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

const soon = 10 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T, c *edgetest.Core, key string) *core.Client {
	t.Helper()
	client := core.New(core.Config{URL: c.URL(), Identity: core.Identity{Key: key}, Now: time.Now})
	t.Cleanup(client.Close)
	return client
}

func question(n byte) core.Question {
	return core.Question{ID: id.New(1, [10]byte{n}), Limit: time.Second,
		Request: edgeapi.SpooledRequest{Method: "POST", Target: "/hooks/line/x?a=1",
			Auth: "verified", ReceivedAt: 17, Config: 3,
			Headers: map[string]string{"X-Line-Signature": "s"}, Body: []byte("body")}}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(soon)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("never happened: %s", what)
		case <-tick.C:
		}
	}
}

func TestARequestArrivesAsItWasAndItsAnswerComesBack(t *testing.T) {
	t.Parallel()
	c := edgetest.NewCore(t)
	c.Answering(func(edgetest.Asked) edgetest.Answer {
		return edgetest.Answer{Status: 400, Body: "no",
			Header: map[string]string{"Content-Type": "text/plain"}}
	})
	got, err := client(t, c, c.EdgeKey()).Ask(t.Context(), question(7))
	if err != nil || got.Status != 400 || string(got.Body) != "no" ||
		got.Header.Get("Content-Type") != "text/plain" {
		t.Fatalf("got %+v %v", got, err)
	}
	asked := c.Asked()[0]
	want := map[string]string{edgeapi.HeaderReceivedAt: "17", edgeapi.HeaderConfig: "3",
		"X-Line-Signature": "s", "User-Agent": "",
		"Accept-Encoding": "", edgeapi.HeaderKeySHA256: ""}
	for name, value := range want {
		if asked.Header.Get(name) != value {
			t.Errorf("%s: got %q want %q", name, asked.Header.Get(name), value)
		}
	}
	if asked.ID != question(7).ID || asked.Auth != "verified" || asked.Method != "POST" ||
		asked.Target != "/hooks/line/x?a=1" ||
		string(asked.Body) != "body" {
		t.Errorf("got %+v", asked)
	}
}

func TestTroubleAndRevocationAreAwayAndNeverAnAnswer(t *testing.T) {
	t.Parallel()
	c := edgetest.NewCore(t)
	for _, status := range []int{500, 502, 503} {
		c.Answering(func(edgetest.Asked) edgetest.Answer {
			return edgetest.Answer{Status: status,
				Header: map[string]string{"Content-Type": "text/html"}}
		})
		if _, err := client(t, c, c.EdgeKey()).Ask(t.Context(), question(1)); !fault.Is(err,
			fault.Unavailable) {
			t.Errorf("%d: got %v want unavailable", status, err)
		}
	}
	if _, err := client(t, c, "revoked").Ask(t.Context(), question(1)); !fault.Is(err,
		fault.Unavailable) {
		t.Errorf("revoked: got %v want unavailable", err)
	}
	page := question(1)
	page.Page = true
	if got, err := client(t, c, c.EdgeKey()).Ask(t.Context(), page); err != nil ||
		got.Status != 503 {
		t.Errorf("a page: got %+v %v", got, err)
	}
}

func TestEnrolmentWorksOnceAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	c := edgetest.NewCore(t)
	got, err := core.Enrol(t.Context(), c.URL(), edgetest.Code, "edge")
	if err != nil || got.Key != c.EdgeKey() || len(got.SealingKey) != 32 {
		t.Fatalf("got %+v %v", got, err)
	}
	if _, err := core.Enrol(t.Context(), c.URL(), edgetest.Code, "edge"); !fault.Is(err,
		fault.Unauthenticated) || fault.MessageOf(err) == "" {
		t.Errorf("again: got %v", err)
	}
	c.Stop()
	if _, err := core.Enrol(t.Context(), c.URL(), edgetest.Code, "edge"); !fault.Is(err,
		fault.Unavailable) {
		t.Errorf("away: got %v", err)
	}
}

// stream runs a stream until the test ends and answers what it said of itself.
func stream(t *testing.T, c *edgetest.Core, sink core.Sink) (states func() []error) {
	t.Helper()
	client := client(t, c, c.EdgeKey())
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	var mu sync.Mutex
	var heard []error
	go func() {
		defer close(done)
		_ = client.Stream(ctx, sink, func() edgeapi.Status { return edgeapi.Status{} },
			func(err error) {
				mu.Lock()
				defer mu.Unlock()
				heard = append(heard, err)
			})
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return func() []error {
		mu.Lock()
		defer mu.Unlock()
		return append([]error(nil), heard...)
	}
}

func TestTheStreamComesBackWithWhatChanged(t *testing.T) {
	t.Parallel()
	c := edgetest.NewCore(t)
	c.Seed()
	r := replica.New(time.Now)
	states := stream(t, c, r)
	until(t, "the snapshot was acknowledged", func() bool {
		return r.Fresh() &&
			c.Acked() == c.Version()
	})
	c.Put(edgeapi.TableLink, []byte("a"), []byte("1"))
	until(t, "the change was acknowledged", func() bool { return c.Acked() == c.Version() })
	c.Stop()
	until(t, "the lease ended", func() bool { return !r.Fresh() })
	c.Put(edgeapi.TableLink, []byte("b"), []byte("2"))
	c.Start()
	until(t, "the change came with the connection", func() bool {
		_, ok := r.Lookup(edgeapi.TableLink, []byte("b"))
		return ok && r.Fresh()
	})
	c.Stop()
	c.Delete(edgeapi.TableLink, []byte("a"))
	c.Forget() // only a snapshot helps
	c.Start()
	until(t, "the deletion came with a snapshot", func() bool {
		_, ok := r.Lookup(edgeapi.TableLink, []byte("a"))
		return !ok && r.Fresh() && r.Version() == c.Version()
	})
	if heard := states(); heard[0] != nil || heard[1] == nil {
		t.Errorf("got %v", heard)
	}
}

// gapped says once that it missed something.
type gapped struct {
	*replica.Replica
	once sync.Once
}

func (g *gapped) Apply(f edgeapi.Frame) (gap bool, err error) {
	gap, err = g.Replica.Apply(f)
	if f.Type == edgeapi.FrameDelta {
		g.once.Do(func() { gap = true })
	}
	return gap, err
}

func TestAGapBringsASnapshot(t *testing.T) {
	t.Parallel()
	c := edgetest.NewCore(t)
	c.Put(edgeapi.TableLink, []byte("a"), []byte("1"))
	g := &gapped{Replica: replica.New(time.Now)}
	stream(t, c, g)
	until(t, "the start", func() bool { return g.Fresh() })
	c.Put(edgeapi.TableLink, []byte("b"), []byte("2"))
	c.Put(edgeapi.TableLink, []byte("c"), []byte("3"))
	until(t, "everything is there", func() bool {
		return g.Fresh() &&
			g.Size(edgeapi.TableLink) == 3
	})
}

func TestARevokedEdgeIsTold(t *testing.T) {
	t.Parallel()
	c := edgetest.NewCore(t)
	ctx, stop := context.WithTimeout(t.Context(), soon)
	defer stop()
	var got atomic.Value
	_ = client(t, c, "revoked").Stream(ctx, replica.New(time.Now),
		func() edgeapi.Status { return edgeapi.Status{} }, func(err error) {
			got.Store(err)
			stop()
		})
	if err, _ := got.Load().(error); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("got %v want unauthenticated", err)
	}
}

func openSpool(t *testing.T) *spool.Spool {
	t.Helper()
	s, err := spool.Open(spool.Config{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func fill(t *testing.T, c *edgetest.Core, s *spool.Spool, n int) {
	t.Helper()
	public, err := sealing.ParsePublicKey(c.SealingKey())
	if err != nil {
		t.Fatal(err)
	}
	event := edgeapitest.EventID()
	for i := range n {
		event[15], event[14] = byte(i), byte(i>>8)
		body, err := edgeapi.SpooledRequest{Method: "POST", Auth: "verified", Body: fmt.Append(nil,
			i)}.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := sealing.Seal(public, edgeapi.Record{Kind: edgeapi.RecordRequest, ID: event,
			Body: body})
		if err != nil || s.AddRequest(t.Context(), r) != nil {
			t.Fatal(err)
		}
	}
}

func TestTheSpoolIsHandedOverInOrderAndOnce(t *testing.T) {
	t.Parallel()
	c, s := edgetest.NewCore(t), openSpool(t)
	fill(t, c, s, 300)
	c.Break(true)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	failures := make(chan error, 1000)
	go func() {
		defer close(done)
		_ = client(t, c, c.EdgeKey()).Drain(ctx, s, func(err error) {
			if err != nil {
				failures <- err
			}
		})
	}()
	if err := <-failures; !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v want unavailable", err)
	}
	c.Break(false)
	until(t, "everything was handed over", func() bool { return s.Stats().Waiting == 0 })
	stop()
	<-done
	requests := c.Requests()
	if len(requests) != 300 {
		t.Fatalf("got %d requests want 300", len(requests))
	}
	for i, r := range requests {
		if string(r.Body) != fmt.Sprint(i) {
			t.Fatalf("place %d holds %s", i, r.Body)
		}
	}
}

// watched remembers how many requests were asked for; only the requests' drainer fails here.
type watched struct {
	*spool.Spool
	sizes []int
}

func (w *watched) Requests(maxCount, maxBytes int) (spool.Batch, error) {
	w.sizes = append(w.sizes, maxCount)
	return w.Spool.Requests(maxCount, maxBytes)
}

func TestBatchesThatFailBecomeSmaller(t *testing.T) {
	t.Parallel()
	c, s := edgetest.NewCore(t), &watched{Spool: openSpool(t)}
	fill(t, c, s.Spool, 3)
	c.Break(true)
	ctx, stop := context.WithTimeout(t.Context(), soon)
	defer stop()
	_ = client(t, c, c.EdgeKey()).Drain(ctx, s, func(err error) {
		if err != nil && s.sizes[len(s.sizes)-1] == 1 {
			stop()
		}
	})
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("got sizes %v", s.sizes)
	}
}
