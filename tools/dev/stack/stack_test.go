package stack_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

// config is a stack of the test's own: in a folder and on ports that nobody else uses.
func config(t *testing.T) stack.Config {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for at := dir; strings.HasPrefix(at, os.TempDir()) && at != os.TempDir(); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil { // the database may run as another user
			t.Fatal(err)
		}
	}
	addrs := make([]string, 3)
	for i := range addrs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs[i] = l.Addr().String()
	}
	return stack.Config{Root: root, Dir: filepath.Join(dir, "lumo"), CoreAddr: addrs[0], EdgeAddr: addrs[1], SimAddr: addrs[2],
		Unsafe: true, Out: t.Output()}
}

func open(t *testing.T, c stack.Config) *stack.Stack {
	t.Helper()
	s, err := stack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func started(t *testing.T, c stack.Config) *stack.Stack {
	t.Helper()
	s := open(t, c)
	t.Cleanup(func() { _ = s.Stop() })
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBusyPortNamesTheSettingThatHelps(t *testing.T) {
	c := config(t)
	l, err := net.Listen("tcp", c.EdgeAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := open(t, c)
	defer s.Stop()
	err = s.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), c.EdgeAddr+" is in use") ||
		!strings.Contains(err.Error(), "make run LUMO_EDGE_ADDR=") {
		t.Errorf("got %v", err)
	}
}

func TestSecondStackInOneFolderIsRefused(t *testing.T) {
	c := config(t)
	s := open(t, c)
	if _, err := stack.New(c); err == nil || !strings.Contains(err.Error(), "already runs") {
		t.Errorf("got %v", err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	again := open(t, c) // the lock's file is still there, nobody holds it
	defer again.Stop()
}

// A process id that was given to another program since must not be ended: here, ours.
func TestStaleProcessIDsAreOnlyForgotten(t *testing.T) {
	c := config(t)
	s := open(t, c)
	defer s.Stop()
	for name, text := range map[string]string{"lumo-core": strconv.Itoa(os.Getpid()), "lumo-edge": "4194300", "lumo-sim": "no number"} {
		if err := os.WriteFile(filepath.Join(c.Dir, "run", name+".pid"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.EndLeftovers(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Dir, "run", "*.pid")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

const email, password = "owner@hanatea.example", "a first password"

func TestStackWithoutSimulators(t *testing.T) {
	c := config(t)
	s := open(t, c)
	if err := errors.Join(s.Build(t.Context()), s.Stop()); err != nil { // once, for all that follow
		t.Fatal(err)
	}
	t.Run("a setting that does not fit is said plainly", func(t *testing.T) { testSetting(t, c) })
	t.Run("a killed run is ended and its data found", func(t *testing.T) { testKilled(t, c) })
}

// A program that cannot start says why, with the end of its log.
func testSetting(t *testing.T, c stack.Config) {
	c.Settings = []string{"LUMO_LINE_API_URL=not an address"}
	s := open(t, c)
	defer s.Stop()
	err := s.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "lumo-core ended while starting") ||
		!strings.Contains(err.Error(), "LUMO_LINE_API_URL") {
		t.Errorf("got %v", err)
	}
}

// The way of make run SIM=0: no simulators, a first sign-in by lumo-core admin. Then the run
// is killed where it stands, and the next one repairs and finds everything again.
func testKilled(t *testing.T, c stack.Config) {
	first := started(t, c)
	if err := first.AdminWith(t.Context(), password, "create-owner", "--shop", "Hana Tea", "--email", email, "--password-stdin"); err != nil {
		t.Fatal(err)
	}
	old := pids(t, c.Dir)
	if len(old) != 2 {
		t.Fatalf("core and edge run, no simulator: got %v", old)
	}
	if err := first.Abandon(); err != nil {
		t.Fatal(err)
	}
	second := started(t, c)
	for _, pid := range old {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("process %d of the killed run is still there", pid)
		}
	}
	console, err := seed.SignIn(t.Context(), second.CoreURL(), email, password)
	if err != nil || console.Slug == "" {
		t.Errorf("sign in again: %v", err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt() // Ctrl-C
	if err := second.Wait(ctx); err != nil {
		t.Errorf("wait: %v", err)
	}
	if err := second.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	for _, addr := range []string{c.CoreAddr, c.EdgeAddr} {
		if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			conn.Close()
			t.Errorf("%s still answers after the stop", addr)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(c.Dir, "run", "*.pid")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func pids(t *testing.T, dir string) []int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "run", "*.pid"))
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(string(bytes.TrimSpace(b)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pid)
	}
	return all
}
