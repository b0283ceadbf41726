package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "lumo-sim:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, then stores the state.
func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("%q is not known; settings are environment variables", args[0])
	}
	addr := getenv("LUMO_SIM_ADDR")
	if addr == "" {
		addr = "127.0.0.1:8090"
	}
	strict := getenv("LUMO_SIM_STRICT")
	if strict != "" && strict != "true" && strict != "false" {
		return fmt.Errorf("LUMO_SIM_STRICT is true or false, not %q", strict)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s, err := newSim(
		config{Now: time.Now, URL: "http://" + l.Addr().String(), Strict: strict == "true",
			Dir: getenv("LUMO_SIM_DIR")},
	)
	if err != nil {
		_ = l.Close()
		return err
	}
	fmt.Fprintf(out, "simulated LINE and Klaviyo: %s/phone and %s/klaviyo\n", s.url, s.url)
	return serve(ctx, s, l)
}

// serve runs the server and the fakes' own work; the state is stored last.
func serve(ctx context.Context, s *sim, l net.Listener) error {
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(l); err != http.ErrServerClosed {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(limit) != nil { // somebody does not let go
			return server.Close()
		}
		return nil
	})
	for _, part := range []func(context.Context) error{s.line.Run, s.klaviyo.Run, s.store.Run} {
		group.Go(func() error {
			if err := part(ctx); ctx.Err() == nil {
				return err
			}
			return nil
		})
	}
	err := group.Wait()
	if saved := s.store.save(); err == nil {
		err = saved
	}
	return err
}
