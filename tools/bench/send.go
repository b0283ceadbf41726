package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/embedded"
	"lumo/core/prooftest"
	"lumo/shared/id"
)

const (
	sendOnly     = "send" // as an argument: no more than the figures of sending; a file after it gets a profile
	sendFriends  = 20_000 // of each of two shops
	planned      = 1_000_000
	sendPatience = 10 * time.Minute
)

// twoLinks is a card with two tracked links; the beacon comes by itself.
const twoLinks = `{"type":"flex","altText":"Your cart waits","contents":{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[` +
	`{"type":"text","text":"Your tea is still in your cart"},{"type":"button","action":{"type":"uri","label":"Cart","uri":"https://shop.example/cart"}},` +
	`{"type":"button","action":{"type":"uri","label":"Tea","uri":"https://shop.example/tea"}}]}}}`

// sendFigures measures the engine as the core wires it, with a database that syncs each commit,
// against a LINE that takes everything at once.
func sendFigures(ctx context.Context, dir, profile string, out io.Writer) (err error) {
	server, err := embedded.Start(ctx, embedded.Config{Dir: filepath.Join(dir, "sendpg"), CacheDir: filepath.Join(".lumo", "cache"),
		Out: io.Discard})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := postgres.Migrate(ctx, server.URL()); err != nil {
		return err
	}
	w, err := prooftest.New(ctx, prooftest.Config{URL: server.URL(), Shops: 2, Friends: sendFriends})
	if err != nil {
		return err
	}
	defer w.Close()
	sink, stop, err := startSink()
	if err != nil {
		return err
	}
	defer stop()
	e, err := w.Engine(ctx, prooftest.EngineConfig{Owner: "bench", LINE: sink,
		Pace: delivery.Pace{Push: rate.Inf, Multicast: rate.Inf, Burst: 1}})
	if err != nil {
		return err
	}
	b := &sendBench{World: w, engine: e, database: server.PID(), out: out}
	if err := b.sends(ctx, "send_personalised_per_s", false, profile); err != nil {
		return err
	}
	if err := b.sends(ctx, "send_multicast_per_s", true, ""); err != nil {
		return err
	}
	return b.plan(ctx)
}

type sendBench struct {
	*prooftest.World
	engine   *prooftest.Engine
	database int
	out      io.Writer
	before   int64
}

// sends plans a message for everybody, then measures from the first sender at work until the
// last acceptance is committed.
func (b *sendBench) sends(ctx context.Context, name string, shared bool, profile string) error {
	for _, s := range b.Shops {
		content, err := b.Save(ctx, s, twoLinks)
		if err != nil {
			return err
		}
		if err := b.Send(ctx, b.engine, s, content, shared, s.Friends); err != nil {
			return err
		}
	}
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	own, theirs := processorTime(os.Getpid()), treeTime(b.database)
	begun := time.Now()
	if err := b.run(ctx, b.before+2*sendFriends); err != nil {
		return err
	}
	took := time.Since(begun).Seconds()
	b.before += 2 * sendFriends
	bench(b.out, name, 2*sendFriends/took, "1/s")
	bench(b.out, name+"_core_us", (processorTime(os.Getpid())-own)*1e6/(2*sendFriends), "us")
	bench(b.out, name+"_database_us", (treeTime(b.database)-theirs)*1e6/(2*sendFriends), "us")
	return nil
}

// run lets the engine work until so many were accepted.
func (b *sendBench) run(ctx context.Context, until int64) error {
	ctx, cancel := context.WithTimeout(ctx, sendPatience)
	defer cancel()
	running, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { _ = b.engine.Run(running) })
	defer group.Wait()
	defer stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var n int64
		for _, s := range b.Shops {
			accepted, err := b.Accepted(ctx, s)
			if err != nil {
				return err
			}
			n += accepted
		}
		if n >= until {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d messages were accepted", n, until)
		case <-tick.C:
		}
	}
}

// plan measures a million recipients of one message.
func (b *sendBench) plan(ctx context.Context) error {
	s := b.Shops[0]
	begun := time.Now()
	n, err := b.engine.PlanAll(ctx, delivery.Logical{Merchant: s.Merchant, Channel: s.Channel.ID, Kind: delivery.KindBroadcast,
		ID: id.New(begun.UnixMilli(), [10]byte{1}), Content: lumo.Content{Text: "tea"}, ReceivedAt: begun}, million())
	if err == nil && n != planned {
		err = fmt.Errorf("%d recipients were planned", n)
	}
	bench(b.out, "plan_1m_s", time.Since(begun).Seconds(), "s")
	return err
}

func million() iter.Seq2[delivery.Recipient, error] {
	return func(yield func(delivery.Recipient, error) bool) {
		for n := range planned {
			f := lumo.FriendID(id.New(1, [10]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}))
			if !yield(delivery.Recipient{Friend: f}, nil) {
				return
			}
		}
	}
}

// startSink is a LINE that takes everything.
func startSink() (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &fasthttp.Server{NoDefaultServerHeader: true, Handler: func(c *fasthttp.RequestCtx) {
		c.SetContentType("application/json")
		if strings.HasPrefix(string(c.Path()), "/oauth2") {
			c.SetBodyString(`{"token_type":"Bearer","access_token":"sink","expires_in":900}`)
			return
		}
		c.Response.Header.Set("X-Line-Request-Id", "7e8a1b2c-0000-4000-8000-000000000000")
		c.SetBodyString(`{"sentMessages":[{"id":"1"}]}`)
	}}
	go func() { _ = server.Serve(l) }() // ends with the shutdown
	return "http://" + l.Addr().String(), func() { _ = server.Shutdown() }, nil
}

// processorTime is how long a process has computed, in seconds.
func processorTime(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	total := 0.0
	for _, field := range fields[11:15] { // its own and its ended children's
		ticks, _ := strconv.ParseFloat(field, 64)
		total += ticks / 100
	}
	return total
}

// treeTime is that of a process and its children, who may have ended.
func treeTime(pid int) float64 {
	total := processorTime(pid)
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return total
	}
	for _, file := range all {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if parent, _ := strconv.Atoi(fields[1]); parent == pid {
			total += processorTime(child)
		}
	}
	return total
}
