// Command bench prints the figures of the shipped path as BENCH <name> <value> <unit> lines,
// each beside its peer in the same run. bench edge prints those of one edge alone, bench ingest
// those of the core taking events, bench hook those of webhooks being acknowledged, bench flow
// those of flows, bench follow those of consents reaching Klaviyo, bench import those of LINE ids
// being linked, bench page that of the console, bench friends those of a shop with a million
// friends, bench send FILE those of the sending engine, with a processor profile in the file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/valyala/fasthttp"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/prooftest"
	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

const (
	rounds  = 5
	person  = "yuki"
	monthly = 10_000_000 // messages of the account: nothing here ends because they do

	pluginOnly = "plugin" // as an argument: no more than calls of modules
	edgeOnly   = "edge"   // as an argument: no more than the figures of one edge
	ingestOnly = "ingest" // as an argument: no more than the core taking events
	hookOnly   = "hook"   // as an argument: no more than webhooks being acknowledged, and flows before
	flowOnly   = "flow"   // as an argument: no more than webhooks of flows becoming messages
	importOnly = "import" // as an argument: no more than LINE ids of a segment being linked
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == peerCommand {
		fmt.Fprintln(os.Stderr, "bench peer:", servePeer(os.Args[2])) // until it is ended
		return
	}
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
	only, profile := "", ""
	if len(os.Args) > 1 {
		only = os.Args[1]
	}
	if len(os.Args) > 2 {
		profile = os.Args[2]
	}
	if only == "" || only == sendOnly { // before anything else runs
		if err := sendFigures(ctx, dir, profile, out); err != nil || only == sendOnly {
			return err
		}
	}
	if only == pluginOnly {
		return pluginFigures(ctx, filepath.Join(dir, "compiled"), out)
	}
	w, err := startWire()
	if err != nil {
		return err
	}
	defer w.stop()
	s, err := start(ctx, dir, w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if only == "" || only == edgeOnly {
		if err := edgeAlone(ctx, s, dir, out); err != nil || only == edgeOnly {
			return err
		}
	}
	return measure(ctx, s, w, dir, only, out)
}

// edgeAlone measures modules and one edge while nothing else runs.
func edgeAlone(ctx context.Context, s *stack.Stack, dir string, out io.Writer) error {
	if err := pluginFigures(ctx, filepath.Join(dir, "compiled"), out); err != nil {
		return err
	}
	return edgeFigures(ctx, filepath.Join(s.Dir, "bin", "lumo-edge"), filepath.Join(dir, "alone"), out)
}

func bench(out io.Writer, name string, value float64, unit string) {
	fmt.Fprintf(out, "BENCH %s %.2f %s\n", name, value, unit)
}

// start brings up a stack of its own, built by make before.
func start(ctx context.Context, dir string, w *wire) (*stack.Stack, error) {
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
		EdgeAddr: addrs[1], SimAddr: addrs[2], Settings: w.settings(), Out: io.Discard})
	w.rest = &fasthttp.HostClient{Addr: addrs[2]}
	if err != nil {
		return nil, err
	}
	return s, s.Build(ctx)
}

func measure(ctx context.Context, s *stack.Stack, w *wire, dir, only string, out io.Writer) error {
	if err := s.Start(ctx); err != nil {
		return err
	}
	sim := seed.NewSim(s.SimURL())
	if err := sim.Post(ctx, "/line/channels/"+seed.DemoKeys().MessagingID+"/quota", map[string]int64{"limit": monthly}, nil); err != nil {
		return err
	}
	shop, err := seed.Run(ctx, seed.Config{Stack: s, Dir: dir, Out: out})
	if err != nil {
		return err
	}
	resting, err := prooftest.Resident(s.CorePID()) // with a shop, before anything is asked of it
	if err != nil {
		return err
	}
	bench(out, "core_rss_mb_at_rest", resting, "MB")
	if only == ingestOnly {
		return ingest(ctx, s, shop, out)
	}
	if _, err := seed.Link(ctx, sim, shop.Code, person, klaviyotest.DemoYuki, "callback_first"); err != nil {
		return err
	}
	console, err := seed.SignIn(ctx, s.CoreURL(), shop.Email, shop.Password)
	if err != nil {
		return err
	}
	if only == "" || only == followOnly { // before Klaviyo has much else to be told
		if err := followToKlaviyo(ctx, console, sim, w, shop, out); err != nil || only == followOnly {
			return err
		}
	}
	if only == "" || only == pageOnly {
		if err := stateToPage(ctx, s, dir, console, shop, out); err != nil || only == pageOnly {
			return err
		}
	}
	if only == importOnly {
		return importFigures(ctx, console, sim, shop, out)
	}
	if only == friendsOnly {
		return friendFigures(ctx, s, console, sim, shop, out)
	}
	if err := flowToPush(ctx, console, w, shop, out); err != nil {
		return err
	}
	if only == flowOnly {
		return flowUnderLoad(ctx, s, w, console, shop, out)
	}
	settings, err := console.FlowSettings(ctx, shop.Channel, "")
	if err != nil {
		return err
	}
	// before what fills tables and leaves Klaviyo much to be told: that work would be measured too
	if err := hookAcks(ctx, s, settings, out); err != nil || only == hookOnly {
		return err
	}
	if err := importFigures(ctx, console, sim, shop, out); err != nil {
		return err
	}
	if err := ingest(ctx, s, shop, out); err != nil {
		return err
	}
	if err := flowUnderLoad(ctx, s, w, console, shop, out); err != nil {
		return err
	}
	return friendFigures(ctx, s, console, sim, shop, out) // last: a million weighs on all others
}
