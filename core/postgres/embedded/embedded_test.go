package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"lumo/core/postgres/embedded"
)

// config is a cluster of the test's own, in a folder that the database's user can reach.
func config(t *testing.T) embedded.Config {
	t.Helper()
	dir, err := os.MkdirTemp("", "lumo-embedded-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return embedded.Config{Dir: filepath.Join(dir, "pg"), CacheDir: filepath.Join(dir, "cache"), Unsafe: true, Out: t.Output()}
}

func start(t *testing.T, c embedded.Config) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

// ask runs a statement that gives one text.
func ask(t *testing.T, s *embedded.Server, statement string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), statement).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

const (
	plant = "WITH t AS (INSERT INTO tea VALUES ('sencha') RETURNING name) SELECT name FROM t"
	find  = "SELECT string_agg(name, ' ') FROM tea"
)

func planted(t *testing.T, s *embedded.Server) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE tea (name text)"); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, plant); got != "sencha" {
		t.Fatalf("got %s", got)
	}
}

// Everything that may stand between two starts of one folder, one after the other.
func TestNextStartRepairsWhatTheLastOneLeft(t *testing.T) {
	t.Parallel()
	c := config(t)
	first := start(t, c)
	planted(t, first)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	left := start(t, c)
	if got := ask(t, left, find); got != "sencha" || first.URL() != left.URL() {
		t.Errorf("after a stop: got %s", got)
	}
	second := start(t, c) // nobody stopped the one before
	if got := ask(t, second, find); got != "sencha" {
		t.Errorf("beside one that was left running: got %s", got)
	}
	if pid, err := os.ReadFile(filepath.Join(c.Dir, "data", "postmaster.pid")); err != nil ||
		strings.HasPrefix(string(pid), strconv.Itoa(left.PID())+"\n") {
		t.Errorf("the folder still belongs to the one that was left: %v", err)
	}
	if err := syscall.Kill(second.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	third := start(t, c)
	if got := ask(t, third, find); got != "sencha" {
		t.Errorf("after a kill: got %s", got)
	}
	if err := third.Stop(); err != nil {
		t.Fatal(err)
	}
	// The process id in a stale lock may belong to anybody by now: here, to us.
	lock := strconv.Itoa(os.Getpid()) + "\n" + filepath.Join(c.Dir, "data") + "\n"
	if err := os.WriteFile(filepath.Join(c.Dir, "data", "postmaster.pid"), []byte(lock), 0o600); err != nil {
		t.Fatal(err)
	}
	fourth := start(t, c)
	if got := ask(t, fourth, find); got != "sencha" {
		t.Errorf("beside a stale lock: got %s", got)
	}
	if err := fourth.Stop(); err != nil {
		t.Fatal(err)
	}
	// initdb was interrupted: what it made is thrown away.
	if err := errors.Join(os.Remove(filepath.Join(c.Dir, "ready")),
		os.Truncate(filepath.Join(c.Dir, "data", "PG_VERSION"), 0)); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, start(t, c), "SELECT 'works'"); got != "works" {
		t.Errorf("after an interrupted init: got %s", got)
	}
}

// The pinned package serves machines without PostgreSQL, and is the newest version we run on.
func TestPackageIsPostgreSQL18(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Packaged, c.CacheDir = true, sharedCache(t)
	s, err := embedded.Start(t.Context(), c)
	if err != nil && strings.Contains(err.Error(), "could not be had") {
		t.Skipf("the package registry is not reachable: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	if got := ask(t, s, "SHOW server_version"); !strings.HasPrefix(got, "18.") {
		t.Errorf("got %s", got)
	}
}

// sharedCache is the checkout's cache, so that the package is fetched once.
func sharedCache(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../../.lumo/cache")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
