package arch

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath  string
	Name        string
	Dir         string
	Imports     []string
	GoFiles     []string
	TestGoFiles []string
}

func list(t *testing.T, env []string, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Name,Dir,Imports,GoFiles,TestGoFiles"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func below(path, prefix string) bool {
	return path == "lumo/"+prefix || strings.HasPrefix(path, "lumo/"+prefix+"/")
}

func matches(path, pattern string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	}
	return path == pattern
}

// isTest tells whether a package exists for tests only: linetest, postgrestest, edgetest.
func isTest(path string) bool { return strings.HasSuffix(path, "test") }

func violations(all []pkg, rules []rule) []string {
	var found []string
	for _, p := range all {
		for _, r := range rules {
			if !below(p.ImportPath, r.from) || isTest(p.ImportPath) ||
				slices.ContainsFunc(r.except, func(e string) bool { return below(p.ImportPath, e) }) {
				continue
			}
			for _, path := range p.Imports {
				banned := slices.ContainsFunc(r.banned, func(b string) bool { return matches(path, b) })
				allowed := slices.ContainsFunc(r.allow, func(a string) bool { return matches(path, a) })
				if banned && !allowed && !below(path, strings.TrimPrefix(p.ImportPath, "lumo/")) {
					found = append(found, fmt.Sprintf("%s imports %s: %s", p.ImportPath, path, r.reason))
				}
			}
		}
	}
	return found
}

func TestNobodyImportsWhatItMayNot(t *testing.T) {
	t.Parallel()
	for _, v := range violations(list(t, nil, "./..."), rules()) {
		t.Error(v)
	}
}

func TestABrokenRuleIsCaught(t *testing.T) {
	t.Parallel()
	planted := []pkg{
		{ImportPath: "lumo/core/flow", Imports: []string{"github.com/jackc/pgx/v5"}},
		{ImportPath: "lumo/edge/server", Imports: []string{"github.com/tetratelabs/wazero"}},
		{ImportPath: "lumo/shared/token", Imports: []string{"os"}},
	}
	if got, want := len(violations(planted, rules())), 5; got < 4 || got > want {
		t.Errorf("got %d violations of three planted packages", got)
	}
}

func TestCapabilitiesMeetOnlyWhereListed(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, p := range list(t, nil, "./core/...") {
		from, ok := capability(p.ImportPath)
		if !ok {
			continue
		}
		for _, path := range p.Imports {
			to, ok := capability(path)
			if !ok || to == from {
				continue
			}
			edge := from + " -> " + to
			used[edge] = true
			if _, listed := edges()[edge]; !listed {
				t.Errorf("%s imports %s: declare a small interface instead, or list the edge with its reason", from, to)
			}
		}
	}
	for edge := range edges() {
		if !used[edge] {
			t.Errorf("the edge %q is listed and not used", edge)
		}
	}
}

// capability is the capability a package belongs to; adapters and tests belong to none.
func capability(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "lumo/core/")
	if !ok {
		return "", false
	}
	name, _, _ := strings.Cut(rest, "/")
	return name, slices.Contains(capabilities(), name) && name != "live"
}

func TestModulesAndSharedCodeCompileForWASI(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, []string{"GOOS=wasip1", "GOARCH=wasm"}, "-deps", "./shared/...", "./plugins/...") {
		if slices.Contains([]string{"net", "net/http", "crypto/tls", "log/slog", "database/sql"}, p.ImportPath) {
			t.Errorf("a module or shared package depends on %s", p.ImportPath)
		}
	}
}

// A library of the edge's spool brings the testing package in by itself; ours must not.
func TestNoProgramContainsTestCode(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, nil, "-deps", "./core/cmd/...", "./edge/cmd/...") {
		if !strings.HasPrefix(p.ImportPath, "lumo/") {
			continue
		}
		if slices.Contains(p.Imports, "testing") || isTest(p.ImportPath) {
			t.Errorf("a program contains %s", p.ImportPath)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, nil, "./...") {
		if n := packageComments(t, p); n != 1 {
			t.Errorf("%s has %d package comments, want 1", p.ImportPath, n)
		}
	}
}

func packageComments(t *testing.T, p pkg) int {
	t.Helper()
	n := 0
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if f.Doc != nil {
			n++
		}
	}
	return n
}

func TestNoInitAndNoSleepInTests(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, nil, "./core/...", "./edge/...", "./shared/...", "./plugins/...") {
		for _, name := range append(slices.Clone(p.GoFiles), p.TestGoFiles...) {
			inspect(t, filepath.Join(p.Dir, name), strings.HasSuffix(name, "_test.go"))
		}
	}
}

func inspect(t *testing.T, name string, test bool) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				t.Errorf("%s has an init function", name)
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); test && ok && x.Name == "time" && n.Sel.Name == "Sleep" {
				t.Errorf("%s sleeps", name)
			}
		}
		return true
	})
}
