package server_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lumo/edge/modules"
	"lumo/edge/replica"
	"lumo/edge/wasm"
)

// TestMain compiles the modules once, so that the tests beside each other need not, and
// looks for what was left running.
func TestMain(m *testing.M) {
	if err := compile(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// The library's own: one looks after idle workers every ten seconds, one keeps the date.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

func compile() error {
	set, err := modules.Default()
	if err != nil {
		return err
	}
	h, err := wasm.New(context.Background(), wasm.Config{Modules: set, CacheDir: cacheDir(),
		Replica: replica.New(time.Now), Pool: 1,
		Deadline: time.Minute})
	if err != nil {
		return err
	}
	return h.Close(context.Background())
}

func cacheDir() string { return filepath.Join(os.TempDir(), "lumo-wasm-cache") }
