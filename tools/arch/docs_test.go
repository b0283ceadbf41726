package arch_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What docs/faq.md says is shown by a test is shown by one that exists.
func TestAnswersNameTestsThatExist(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "faq.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9_]+|[a-z0-9/_-]+(?:_test\\.go|\\.spec\\.ts))`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 50 {
		t.Fatalf("only %d tests are named: the page has another form", len(named))
	}
	functions, files := tests(t, root)
	for _, one := range named {
		name := one[1]
		if strings.HasPrefix(name, "Test") {
			if n := functions[name]; n != 1 {
				t.Errorf("%s is there %d times, want once", name, n)
			}
		} else if !files[name] {
			t.Errorf("%s is not there", name)
		}
	}
}

// tests are the test functions, by how often they are there, and the files of tests, by path
// and browser tests by name too.
func tests(t *testing.T, root string) (functions map[string]int, files map[string]bool) {
	t.Helper()
	functions, files = map[string]int{}, map[string]bool{}
	begins := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == ".lumo"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".spec.ts"):
			files[d.Name()] = true
		case strings.HasSuffix(path, "_test.go"):
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			files[filepath.ToSlash(relative)] = true
			text, err := os.ReadFile(path)
			for _, f := range begins.FindAllSubmatch(text, -1) {
				functions[string(f[1])]++
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return functions, files
}
