package app_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lumo/edge/app"
	"lumo/edge/modules"
	"lumo/edge/replica"
	"lumo/edge/wasm"
)

// TestMain compiles the modules once, and looks for what edges left running. A child that a
// test starts is an edge of its own.
func TestMain(m *testing.M) {
	if os.Getenv(childSetting) != "" {
		os.Exit(child())
	}
	if err := compile(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// The library's own: one looks after idle workers every ten seconds, one keeps the date.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Connections of the tests' own clients that wait to be used again.
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

const childSetting = "EDGE_CHILD"

func child() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := app.Run(ctx, nil, os.Environ(), os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func compile() error {
	set, err := modules.Default()
	if err != nil {
		return err
	}
	h, err := wasm.New(context.Background(), wasm.Config{Modules: set, CacheDir: compiled(),
		Replica: replica.New(time.Now), Pool: 1,
		Deadline: time.Minute})
	if err != nil {
		return err
	}
	return h.Close(context.Background())
}

func compiled() string { return filepath.Join(os.TempDir(), "lumo-wasm-cache") }

// folder is an edge's folder with the modules compiled.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(compiled(), filepath.Join(dir, "compiled")); err != nil {
		t.Fatal(err)
	}
	return dir
}
