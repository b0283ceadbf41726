package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lumo/core/postgres/embedded"
	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

type dev struct {
	getenv   func(string) string
	out      io.Writer
	problems io.Writer
}

func (d dev) or(name, other string) string {
	if v := d.getenv(name); v != "" {
		return v
	}
	return other
}

// config reads what may be set from outside; every other LUMO_ setting is passed on.
func (d dev) config() (stack.Config, error) {
	root, err := os.Getwd()
	if err != nil {
		return stack.Config{}, err
	}
	return stack.Config{
		Root: root, Dir: filepath.Join(root, ".lumo"), Sim: d.getenv("SIM") != "0",
		CoreAddr: d.or("LUMO_CORE_ADDR", "127.0.0.1:8080"), EdgeAddr: d.or("LUMO_EDGE_ADDR", "127.0.0.1:8787"),
		SimAddr: d.or("LUMO_SIM_ADDR", "127.0.0.1:8090"), Database: d.getenv("LUMO_DATABASE_URL"),
		Settings: passedOn(), Out: d.out,
	}, nil
}

// passedOn are the caller's own settings, less those that the stack decides by itself.
func passedOn() []string {
	var own []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		case "LUMO_CORE_ADDR", "LUMO_EDGE_ADDR", "LUMO_SIM_ADDR", "LUMO_DATABASE_URL":
			continue
		}
		if strings.HasPrefix(name, "LUMO_") {
			own = append(own, pair)
		}
	}
	return own
}

func (d dev) build(ctx context.Context) error {
	c, err := d.config()
	if err != nil {
		return err
	}
	return (&stack.Stack{Config: c}).Build(ctx)
}

func (d dev) up(ctx context.Context) (err error) {
	begun := time.Now()
	c, err := d.config()
	if err != nil {
		return err
	}
	s, err := stack.New(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	fmt.Fprintln(d.out, "Lumo is starting.")
	if err := s.Build(ctx); err != nil {
		return interrupted(ctx, err)
	}
	if err := s.Start(ctx); err != nil {
		return interrupted(ctx, err)
	}
	if c.Sim {
		shop, err := seed.Run(ctx, seed.Config{Stack: s, Dir: c.Dir, Out: d.out})
		if err != nil {
			return interrupted(ctx, fmt.Errorf("seed the demo shop: %w", err))
		}
		d.greet(s, shop)
	} else {
		d.greetWithoutSim(s)
	}
	fmt.Fprintf(d.out, "\nReady after %.1f s. Logs are in %s. Ctrl-C stops everything.\n",
		time.Since(begun).Seconds(), filepath.Join(c.Dir, "log"))
	err = s.Wait(ctx)
	fmt.Fprintln(d.out, "\nLumo is stopping.")
	return err
}

// interrupted turns the errors that Ctrl-C causes everywhere into silence.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (d dev) greet(s *stack.Stack, shop seed.Shop) {
	fmt.Fprintf(d.out, `
  Console           %s
  sign in as        %s
  with password     %s

  Simulated phones  %s/phone
  Simulated Klaviyo %s/klaviyo
  Edge              %s

To see the story: open the phone, take the email that Klaviyo sent to %s, scan its QR code,
then start the flow in Klaviyo, and watch the console.
`, s.CoreURL(), shop.Email, shop.Password, s.SimURL(), s.SimURL(), s.EdgeURL(), shop.Customer)
}

func (d dev) greetWithoutSim(s *stack.Stack) {
	fmt.Fprintf(d.out, `
  Console  %s
  Edge     %s

No simulators run and nothing is seeded. Make the first sign-in with:
  LUMO_DATABASE_URL='%s' LUMO_MASTER_KEY_FILE=%s %s admin create-owner --shop "Your shop" --email you@example.com
`, s.CoreURL(), s.EdgeURL(), s.DatabaseURL(), filepath.Join(s.Dir, "master.key"), filepath.Join(s.Dir, "bin", "lumo-core"))
}

func (d dev) reset() error {
	c, err := d.config()
	if err != nil {
		return err
	}
	s, err := stack.New(c)
	if err != nil {
		return err
	}
	if err := s.Reset(); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "All local data of Lumo is removed. The next make run begins anew.")
	return nil
}

// withDatabase gives a command a throw-away server, so that all test packages share one.
func (d dev) withDatabase(ctx context.Context, newest bool, command []string) (err error) {
	if len(command) == 0 {
		return errors.New("with-database needs a command")
	}
	dir, err := embedded.ThrowAwayDir(os.Getenv("LUMO_SOAK") != "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	server, err := embedded.Start(ctx, embedded.Config{Dir: filepath.Join(dir, "pg"),
		CacheDir: filepath.Join(root, ".lumo", "cache"), Unsafe: true, Packaged: newest, Out: d.problems})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "LUMO_TEST_DATABASE_URL="+server.URL())
	cmd.Stdout, cmd.Stderr = d.out, d.problems
	return cmd.Run()
}
