package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// part is something built from sources; it is built again only when they changed.
type part struct {
	name    string
	sources []string // files and folders below the checkout
	result  string   // must exist, else it is built whatever the stamp says
	dir     string
	env     []string
	command []string
}

// Modules are the WebAssembly modules, in the order of the manifest.
func modules() []string { return []string{"redirect", "qr", "hookauth"} }

func moduleParts() []part {
	var parts []part
	for _, name := range modules() {
		result := filepath.Join("edge", "modules", name+".wasm")
		parts = append(parts, part{
			name: "module " + name, sources: []string{"plugins", "shared", "go.mod", "go.sum"}, result: result,
			env:     []string{"GOOS=wasip1", "GOARCH=wasm"},
			command: []string{"go", "build", "-trimpath", "-tags=guest", "-buildmode=c-shared", "-ldflags=-s -w", "-o", result, "./plugins/" + name},
		})
	}
	return parts
}

// pageParts are the console and, where wanted, the simulator's pages, which use the console's
// packages. Packages are installed only when the lock file changed.
func pageParts(withSim bool) []part {
	const console, sim = "core/console/ui", "tools/sim/ui"
	parts := []part{install("console packages", console),
		pages("console", console, "build", console+"/src", console+"/locales", console+"/index.html")}
	if withSim {
		built := pages("simulator pages", console, "build:sim", console+"/src/phone", console+"/sim.vite.config.ts",
			sim+"/src", sim+"/index.html")
		built.result = sim + "/dist/index.html"
		parts = append(parts, built)
	}
	return parts
}

func install(name, dir string) part {
	return part{name: name, sources: []string{dir + "/package-lock.json"}, result: dir + "/node_modules", dir: dir,
		env: []string{"PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1"}, command: []string{"npm", "ci", "--no-audit", "--no-fund"}}
}

func pages(name, dir, script string, more ...string) part {
	sources := append([]string{dir + "/package.json", dir + "/package-lock.json", dir + "/vite.config.ts"}, more...)
	return part{name: name, sources: sources, result: dir + "/dist/index.html", dir: dir,
		command: []string{"npm", "run", "--silent", script}}
}

// Build makes modules, pages and programs as far as their sources changed. Pages wait for
// packages to be loaded more than they work, so they are made beside the modules; programs hold
// both.
func (s *Stack) Build(ctx context.Context) error {
	group, together := errgroup.WithContext(ctx)
	for _, parts := range [][]part{moduleParts(), pageParts(s.Sim)} {
		group.Go(func() error { return s.buildParts(together, parts) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	targets := map[string]string{"lumo-core": "./core/cmd/lumo-core", "lumo-edge": "./edge/cmd/lumo-edge"}
	if s.Sim {
		targets["lumo-sim"] = "./tools/sim"
	}
	for name, pkg := range targets { // Go's own cache knows what changed
		if err := run(ctx, s.Root, s.Out, nil, "go", "build", "-o", s.binary(name), pkg); err != nil {
			return fmt.Errorf("build %s: %w", name, err)
		}
	}
	return nil
}

func (s *Stack) buildParts(ctx context.Context, parts []part) error {
	for _, p := range parts {
		if err := s.buildPart(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) buildPart(ctx context.Context, p part) error {
	sum, err := digest(s.Root, p)
	if err != nil {
		return fmt.Errorf("build %s: %w", p.name, err)
	}
	stamp := filepath.Join(s.Root, ".lumo", "stamp", strings.ReplaceAll(p.name, " ", "-"))
	old, _ := os.ReadFile(stamp)
	if _, err := os.Stat(filepath.Join(s.Root, p.result)); err == nil && string(old) == sum {
		return nil
	}
	fmt.Fprintf(s.Out, "  building %s\n", p.name)
	if err := run(ctx, filepath.Join(s.Root, p.dir), s.Out, p.env, p.command...); err != nil {
		return fmt.Errorf("build %s: %w", p.name, err)
	}
	if err := os.MkdirAll(filepath.Dir(stamp), 0o755); err != nil {
		return fmt.Errorf("build %s: %w", p.name, err)
	}
	return os.WriteFile(stamp, []byte(sum), 0o644)
}

// digest covers names and contents of a part's sources and its command.
func digest(root string, p part) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, p.env, p.command)
	for _, source := range p.sources {
		err := filepath.WalkDir(filepath.Join(root, source), func(name string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil || d.IsDir() {
				return err
			}
			return hashFile(sum, name)
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func hashFile(sum io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintln(sum, name)
	_, err = io.Copy(sum, f)
	return err
}

// run shows a command's output only when it fails.
func run(ctx context.Context, dir string, out io.Writer, env []string, command ...string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		_, _ = out.Write(text)
		return fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return nil
}
