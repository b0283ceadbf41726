package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// wire is LINE as the core sees it: messages are taken at once, by whomever they are for, and
// everything else is the simulator's to answer. A simulator keeps and shows what it gets, which
// on the same machine would be measured too.
type wire struct {
	server *fasthttp.Server
	rest   *fasthttp.HostClient // the simulator
	addr   string

	mu      sync.Mutex // guards mark, arrived, taken
	mark    string
	arrived map[int]time.Time // messages that begin with the mark, by the number that follows it
	taken   int               // all messages
}

func startWire() (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{addr: l.Addr().String()}
	w.server = &fasthttp.Server{NoDefaultServerHeader: true, Handler: w.serve}
	go func() { _ = w.server.Serve(l) }() // ends with the shutdown
	return w, nil
}

func (w *wire) stop() { _ = w.server.Shutdown() }

func (w *wire) url() string { return "http://" + w.addr + "/line-api" }

func (w *wire) serve(c *fasthttp.RequestCtx) {
	if !strings.HasSuffix(string(c.Path()), "/message/push") {
		c.Request.SetHost(w.rest.Addr)
		if err := w.rest.Do(&c.Request, &c.Response); err != nil {
			c.Error(err.Error(), fasthttp.StatusBadGateway)
		}
		return
	}
	w.take(c.PostBody(), time.Now())
	c.SetContentType("application/json")
	c.Response.Header.Set("X-Line-Request-Id", "7e8a1b2c-0000-4000-8000-000000000000")
	c.SetBodyString(`{"sentMessages":[{"id":"1"}]}`)
}

// take notes a message; only a marked one is read.
func (w *wire) take(body []byte, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken++
	if w.mark == "" || !bytes.Contains(body, []byte(`"`+w.mark+" ")) {
		return
	}
	var push struct {
		Messages []struct {
			Text string `json:"text"`
		} `json:"messages"`
	}
	if json.Unmarshal(body, &push) != nil || len(push.Messages) == 0 {
		return
	}
	words := strings.Fields(strings.TrimPrefix(push.Messages[0].Text, w.mark))
	if n, err := strconv.Atoi(words[0]); err == nil {
		w.arrived[n] = now
	}
}

// watch notes messages that begin with a mark, from now on.
func (w *wire) watch(mark string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mark, w.arrived = mark, map[int]time.Time{}
}

// wait answers when each of the marked messages came.
func (w *wire) wait(ctx context.Context, count int) (map[int]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, flowPatience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		w.mu.Lock()
		at := w.arrived
		done := len(at) == count
		if done {
			w.mark = ""
		}
		w.mu.Unlock()
		if done {
			return at, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d messages arrived", len(at), count)
		case <-tick.C:
		}
	}
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.taken
}
