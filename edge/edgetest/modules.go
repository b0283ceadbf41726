package edgetest

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lumo/shared/bundle"
)

// Modules builds the modules as WebAssembly, once for each state of the sources, and reads
// them. The set that a program embeds may be missing or older than the sources; this one
// never is.
func Modules(t testing.TB) map[string][]byte {
	t.Helper()
	root := moduleRoot(t)
	dir := filepath.Join(os.TempDir(), "lumo-modules-"+digest(t, root))
	set := map[string][]byte{}
	for _, name := range bundle.Names() {
		file := filepath.Join(dir, name+".wasm")
		b, err := os.ReadFile(file)
		if err != nil {
			b = build(t, root, name, file)
		}
		set[name] = b
	}
	return set
}

// build makes one module beside its place and moves it there, so that another test never
// reads half a file.
func build(t testing.TB, root, name, file string) []byte {
	t.Helper()
	made := filepath.Join(t.TempDir(), name+".wasm")
	cmd := exec.Command(
		"go",
		"build",
		"-trimpath",
		"-tags=guest",
		"-buildmode=c-shared",
		"-ldflags=-s -w",
		"-o",
		made,
		"./plugins/"+name,
	)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the module %s: %v\n%s", name, err, out)
	}
	b, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	beside, err := os.CreateTemp(filepath.Dir(file), name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = beside.Write(b)
	if err := firstOf(err, beside.Close(), os.Rename(beside.Name(), file)); err != nil {
		t.Fatal(err)
	}
	return b
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("the sources' folder is not found")
	return ""
}

// digest names the state of everything that modules are built from.
func digest(t testing.TB, root string) string {
	t.Helper()
	sum := sha256.New()
	for _, name := range []string{"go.mod", "go.sum", "plugins", "shared"} {
		err := filepath.WalkDir(
			filepath.Join(root, name),
			func(file string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || strings.HasSuffix(file, "_test.go") ||
					strings.Contains(file, "testdata") {
					return err
				}
				b, err := os.ReadFile(file)
				sum.Write([]byte(file))
				sum.Write(b)
				return err
			},
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}
