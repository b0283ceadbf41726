package deploy_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// What we ship runs on any Linux of its architecture, whatever libraries are there. make dist
// checks what it has just made.
func TestSoakShippedProgramsNeedNoLibraries(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("skipped: programs look like this on Linux only")
	}
	dir := os.Getenv("LUMO_DIST")
	switch {
	case dir != "":
	case os.Getenv("LUMO_SOAK") != "":
		dir = build(t)
	default:
		t.Skip("skipped: making them takes minutes; make dist runs it, and LUMO_SOAK=1")
	}
	for _, name := range []string{"lumo-core", "lumo-edge"} {
		program, err := elf.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range program.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s asks for a loader: %s", name, p.Type)
			}
		}
		if libraries, _ := program.ImportedLibraries(); len(libraries) > 0 {
			t.Errorf("%s needs %v", name, libraries)
		}
		if err := program.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// build makes the programs as make dist does, in a folder of the test.
func build(t *testing.T) string {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join("..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`CGO_ENABLED=0 go build [^\n]* -o dist/ [^\n]*`).FindString(string(makefile))
	if command == "" {
		t.Fatal("make dist builds in another way")
	}
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", strings.Replace(command, "-o dist/", "-o '"+dir+"/'", 1))
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}
