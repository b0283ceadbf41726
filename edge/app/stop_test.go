package app_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"lumo/edge/edgetest"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
)

// proxy is a connection that is kept open, as nginx keeps its own: request after request,
// until an answer says that it is the last. Each request must be answered.
func proxy(addr, request string, answered *atomic.Int64) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		if _, err := io.WriteString(conn, request); err != nil {
			return err
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return fmt.Errorf("after %d answers: %w", answered.Load(), err)
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err != nil || res.StatusCode >= 400 {
			return fmt.Errorf("status %d, %w", res.StatusCode, err)
		}
		answered.Add(1)
		if res.Close {
			return nil
		}
	}
}

func TestStoppingUnderLoadFailsNoRequest(t *testing.T) {
	t.Parallel()
	core := edgetest.NewCore(t)
	core.Seed()
	p := run(t, "LUMO_EDGE_CORE_URL="+core.URL(), "LUMO_EDGE_DIR="+folder(t),
		"LUMO_EDGE_ENROL="+edgetest.Code, "LUMO_EDGE_FAREWELL=2s").ready()
	addr := strings.TrimPrefix(p.url, "http://")
	click := "GET /c/" + edgetest.Link(1, 42) + " HTTP/1.1\r\nHost: x\r\nUser-Agent: " +
		edgeapitest.Phone + "\r\n\r\n"
	hook := "POST /hooks/klaviyo/flow/" + edgeapitest.FlowHook + " HTTP/1.1\r\nHost: x\r\n" +
		edgeapi.HeaderFlowKey + ": " + edgeapitest.FlowKey() + "\r\nContent-Length: 2\r\n\r\n{}"
	var group sync.WaitGroup
	var clicks, hooks atomic.Int64
	for range 8 {
		group.Go(func() {
			if err := proxy(addr, click, &clicks); err != nil {
				t.Error("a click:", err)
			}
		})
		group.Go(func() {
			if err := proxy(addr, hook, &hooks); err != nil {
				t.Error("a webhook:", err)
			}
		})
	}
	until(t, "there is load", func() bool { return clicks.Load() > 500 && hooks.Load() > 100 })
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	// What was answered is with the core: as a request, an event, or out of the spool.
	if got, _ := core.Kept(); int64(got) != clicks.Load() {
		t.Errorf("the core has %d clicks, %d were answered", got, clicks.Load())
	}
	if got := int64(len(core.Asked())); got < hooks.Load()-int64(len(core.Requests())) {
		t.Errorf("the core has %d webhooks, %d were answered", got, hooks.Load())
	}
	t.Logf("%d clicks and %d webhooks answered, none failed", clicks.Load(), hooks.Load())
}

// Who makes a connection for each request hears of the end at /readyz and is never refused
// before that, even if nobody was connected at the moment at which the edge began to stop.
func TestStoppingWaitsForWhoMakesNewConnections(t *testing.T) {
	t.Parallel()
	core := edgetest.NewCore(t)
	core.Seed()
	p := run(t, "LUMO_EDGE_CORE_URL="+core.URL(), "LUMO_EDGE_DIR="+folder(t),
		"LUMO_EDGE_ENROL="+edgetest.Code, "LUMO_EDGE_FAREWELL=3s").ready()
	until(t, "it is ready", func() bool { status, _, _ := p.do("GET", "/readyz", ""); return status == 200 })
	p.stop()
	// The first balancer comes when the edge stops already, and nobody was connected.
	if status, _, text := p.do("GET", "/readyz", ""); status != 503 && status != 200 {
		t.Errorf("got %d %s", status, text)
	}
	var group sync.WaitGroup
	var clicks atomic.Int64
	for range 4 {
		group.Go(func() {
			for {
				if status, _, _ := p.do("GET", "/c/"+edgetest.Link(1, 42), ""); status != 302 {
					t.Errorf("a click: got %d", status)
				}
				clicks.Add(1)
				if status, _, text := p.do("GET", "/readyz", ""); status == 503 {
					if !strings.Contains(text, "stopping") {
						t.Errorf("got %s", text)
					}
					return
				}
			}
		})
	}
	group.Wait()
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d clicks answered while it stopped", clicks.Load())
}
