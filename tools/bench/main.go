package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

const (
	rounds    = 5
	loadConns = 32
	loadSpan  = 2 * time.Second
	person    = "yuki"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "lumo-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // the database may run as another user
		return err
	}
	for _, module := range []struct {
		figure, golden string
		status         uint16
	}{{"plugin_redirect_call_us", "link", 302}, {"plugin_hookauth_call_us", "flow", 503}} {
		took, err := pluginCall(ctx, filepath.Join(dir, "compiled"), module.golden, module.status)
		if err != nil {
			return err
		}
		bench(out, module.figure, float64(took.Nanoseconds())/1000, "us")
	}
	s, err := start(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	return measure(ctx, s, dir, out)
}

func bench(out io.Writer, name string, value float64, unit string) {
	fmt.Fprintf(out, "BENCH %s %.2f %s\n", name, value, unit)
}

// start brings up a stack of its own, built by make before.
func start(ctx context.Context, dir string) (*stack.Stack, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	var addrs []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	s, err := stack.New(stack.Config{Root: root, Dir: filepath.Join(dir, "lumo"), Sim: true, CoreAddr: addrs[0],
		EdgeAddr: addrs[1], SimAddr: addrs[2], Out: io.Discard})
	if err != nil {
		return nil, err
	}
	return s, s.Build(ctx)
}

func measure(ctx context.Context, s *stack.Stack, dir string, out io.Writer) error {
	if err := s.Start(ctx); err != nil {
		return err
	}
	shop, err := seed.Run(ctx, seed.Config{Stack: s, Dir: dir, Out: out})
	if err != nil {
		return err
	}
	sim := seed.NewSim(s.SimURL())
	if _, err := seed.Link(ctx, sim, shop.Code, person, klaviyotest.DemoYuki, "callback_first"); err != nil {
		return err
	}
	console, err := seed.SignIn(ctx, s.CoreURL(), shop.Email, shop.Password)
	if err != nil {
		return err
	}
	if err := flowToPush(ctx, console, sim, shop, out); err != nil {
		return err
	}
	link, err := trackedLink(ctx, sim)
	if err != nil {
		return err
	}
	return redirects(ctx, link, out)
}

// trackedLink is one that a message brought to the phone.
func trackedLink(ctx context.Context, sim *seed.Sim) (string, error) {
	chat, err := sim.Chat(ctx, person)
	if err != nil {
		return "", err
	}
	pattern := regexp.MustCompile(`https?://\S+/c/\S+`)
	for _, m := range chat {
		if link := pattern.FindString(m.Text()); link != "" {
			return link, nil
		}
	}
	return "", errors.New("no message with a link arrived")
}

// redirects compares the edge's tracked link with the least that Go can do: a static 302.
// Rounds alternate, so that both meet the same machine.
func redirects(ctx context.Context, link string, out io.Writer) error {
	peer, stop, err := staticPeer()
	if err != nil {
		return err
	}
	defer stop()
	rates := map[string][]float64{}
	for range rounds {
		for name, address := range map[string]string{"edge_redirect_rps": link, "nethttp_static_302_rps": peer} {
			r, err := closedLoop(ctx, address, loadConns, loadSpan, http.StatusFound)
			if err != nil {
				return err
			}
			rates[name] = append(rates[name], r.perSecond)
		}
	}
	for _, name := range []string{"edge_redirect_rps", "nethttp_static_302_rps"} {
		bench(out, name, median(rates[name]), "1/s")
	}
	return nil
}

func staticPeer() (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{"https://shop.example/cart?utm_source=line"}
		w.WriteHeader(http.StatusFound)
	})}
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String() + "/", func() { _ = server.Close() }, nil
}
