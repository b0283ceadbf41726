// Command demo plays the product's whole story on a stack of its own and looks at each
// step from the far end: the simulators' ledgers, the console's API, the customer's phone.
// It prints each step with its time and what it saw, and ends with the first that fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	browser := flag.Bool("browser", false, "then look at the console in a real browser")
	screens := flag.Bool("screens", false, "then go through every screen in a real browser, in both languages")
	flag.Parse()
	var scripts []string
	if *browser {
		scripts = append(scripts, storyScript)
	}
	if *screens {
		scripts = append(scripts, screensScript)
	}
	if err := run(ctx, scripts, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, scripts []string, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "lumo-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // the database may run as another user
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	addrs, err := freeAddrs(3)
	if err != nil {
		return err
	}
	s, err := stack.New(stack.Config{Root: root, Dir: filepath.Join(dir, "lumo"), Sim: true, CoreAddr: addrs[0], EdgeAddr: addrs[1],
		SimAddr: addrs[2], Unsafe: true, Out: out})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := s.Build(ctx); err != nil {
		return err
	}
	p := &play{out: out, stack: s, sim: seed.NewSim(s.SimURL()), scripts: scripts, signing: filepath.Join(dir, "signing.key")}
	public, err := s.Command(ctx, "modules", "keygen", p.signing)
	if err != nil {
		return err
	}
	s.Settings = append(s.Settings, strings.TrimSpace(public))
	return p.all(ctx, dir)
}

// freeAddrs finds ports that nobody uses now.
func freeAddrs(n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// play is the story and what it has come to.
type play struct {
	out     io.Writer
	stack   *stack.Stack
	sim     *seed.Sim
	console *seed.Console
	shop    seed.Shop
	signing string // file of the key that signs modules
	tracked string // link on Yuki's phone
	begun   time.Time
	scripts []string // what a browser does in the console afterwards
}

// all plays the steps in order.
func (p *play) all(ctx context.Context, dir string) error {
	p.begun = time.Now()
	steps := []struct {
		what string
		do   func(context.Context) (saw string, err error)
	}{
		{"The stack starts", func(ctx context.Context) (string, error) { return "everything answers", p.stack.Start(ctx) }},
		{"A merchant sets up: Klaviyo by OAuth, LINE by its keys, a message, a QR code, a flow",
			func(ctx context.Context) (string, error) { return p.seed(ctx, dir) }},
		{"Yuki scans the QR code of an email and links herself", p.linkYuki},
		{"Klaviyo has her LINE properties and the three events", p.klaviyoKnows},
		{"Mio links herself too; her follow event comes before the callback", p.linkMio},
		{"A used link is opened again: nothing happens", p.replay},
		{"Yuki leaves a cart: the flow's message is on her phone", p.flowSend},
		{"Rin, who is not linked, leaves a cart: skipped with its reason", p.unlinked},
		{"Klaviyo calls twice for Mio: one message", p.duplicate},
		{"LINE's preview crawler looks at the link: not a click", p.crawler},
		{"Yuki taps the link: one click, and her click starts another flow", p.click},
		{"The core is killed between LINE's acceptance and its record: one message", p.killed},
		{"The core is away: links work, calls are kept and come through later", p.away},
		{"Yuki blocks the account: consent is withdrawn, the next message is skipped", p.block},
		{"Logs, the edge's disk and the database are searched for keys and customers' data", p.secrets},
	}
	for i, step := range steps {
		begun := time.Now()
		saw, err := step.do(ctx)
		if err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, step.what, err)
		}
		fmt.Fprintf(p.out, "%2d  %6.2f s  %s\n              saw: %s\n", i+1, time.Since(begun).Seconds(), step.what, saw)
	}
	fmt.Fprintf(p.out, "The whole story took %.1f s.\n", time.Since(p.begun).Seconds())
	return p.browse(ctx)
}

func (p *play) seed(ctx context.Context, dir string) (string, error) {
	var err error
	p.shop, err = seed.Run(ctx, seed.Config{Stack: p.stack, Dir: dir, Out: p.out})
	if err != nil {
		return "", err
	}
	p.console, err = seed.SignIn(ctx, p.stack.CoreURL(), p.shop.Email, p.shop.Password)
	if err != nil {
		return "", err
	}
	return "signed in as " + p.shop.Email, p.eventually(ctx, "the LINE account to be working", func() (bool, error) {
		var all struct {
			LINE    []struct{ State string } `json:"line"`
			Klaviyo *struct{ State string }  `json:"klaviyo"`
			Edges   struct{ State string }   `json:"edges"`
		}
		err := p.console.Get(ctx, "/connections", &all)
		return err == nil && len(all.LINE) == 1 && all.LINE[0].State == "working" && all.Klaviyo != nil &&
			all.Klaviyo.State == "working" && all.Edges.State == "working", errors.Join(err, fmt.Errorf("%+v", all))
	})
}

const patience = 20 * time.Second

// eventually looks again and again until something is so.
func (p *play) eventually(ctx context.Context, what string, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		done, err := ok()
		if done {
			return nil
		}
		last = err
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waited %s for %s", patience, what), last)
		case <-tick.C:
		}
	}
}
