package console

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// answered are the packages whose errors the API answers with.
func answered() []string {
	return []string{"account", "channel", "connection", "console", "delivery", "fleet", "flow", "klaviyo", "line",
		"linkage", "message", "outbox", "postgres", "run", "tracking", "../shared/bundle", "../shared/id"}
}

// elsewhere are files in them whose sentences go another way, and which.
func elsewhere() map[string]string {
	const (
		start    = "stands in the log of a start"
		edge     = "answers an edge"
		customer = "happens on a customer's page"
		sender   = "happens to a sender"
	)
	return map[string]string{
		"channel/directory.go":         edge,
		"connection/hook.go":           "is shown by Klaviyo",
		"console/pages.go":             "is shown without the console",
		"fleet/intake.go":              edge,
		"klaviyo/systemhook.go":        edge,
		"line/login.go":                customer,
		"line/webhook.go":              edge,
		"linkage/claim.go":             customer,
		"linkage/confirm.go":           customer,
		"linkage/merge.go":             "happens in the background",
		"message/problem.go":           "has a code, by which the console has its words",
		"postgres/migrate.go":          start,
		"postgres/delivery/chunk.go":   sender,
		"postgres/delivery/outcome.go": sender,
		"postgres/delivery/quota.go":   sender,
		"postgres/postgres.go":         start,
		"postgres/vault/vault.go":      start,
		"tracking/resolve.go":          edge,
	}
}

// source finds the sentences for people, with a place of each.
type source struct {
	found map[string]string
	files *token.FileSet
}

// aSentence is what a literal looks like that people read.
func aSentence() *regexp.Regexp { return regexp.MustCompile(`^[A-Z“"%].* .*\.$`) }

func readSource(t *testing.T) map[string]string {
	t.Helper()
	s := source{found: map[string]string{}, files: token.NewFileSet()}
	skipped := elsewhere()
	for _, dir := range answered() {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, d fs.DirEntry, err error) error {
			name, _ := filepath.Rel("..", path)
			_, skip := skipped[filepath.ToSlash(name)]
			switch {
			case err != nil:
				return err
			case d.IsDir() && (strings.HasSuffix(path, "test") || d.Name() == "ui"):
				return filepath.SkipDir
			case skip:
				delete(skipped, filepath.ToSlash(name))
			case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				return s.read(t, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for file := range skipped {
		t.Errorf("%s is no longer there; take it from the list", file)
	}
	return s.found
}

func (s source) read(t *testing.T, path string) error {
	file, err := parser.ParseFile(s.files, path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			s.fault(t, n)
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Message" {
				s.joined(t, n.Value)
			}
		case ast.Expr:
			if text, ok := literal(n); ok {
				if aSentence().MatchString(text) {
					s.keep(text, n)
				}
				return false
			}
		}
		return true
	})
	return nil
}

func (s source) keep(text string, at ast.Node) { s.found[text] = s.files.Position(at.Pos()).String() }

// fault wants the sentence of fault.New as it stands in the catalogue, whatever it looks
// like. Errors of ours have none; "%s" passes on a sentence from elsewhere.
func (s source) fault(t *testing.T, call *ast.CallExpr) {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) < 3 || fmt.Sprint(f.X, f.Sel) != "fault New" {
		return
	}
	if kind, ok := call.Args[0].(*ast.SelectorExpr); ok && kind.Sel.Name == "Internal" {
		return
	}
	text, ok := literal(call.Args[2])
	switch {
	case !ok:
		t.Errorf("%s: write the sentence of fault.New here, with %%s or %%d for values", s.files.Position(call.Pos()))
	case text != "" && text != "%s":
		s.keep(text, call)
	}
}

// joined refuses a message that is put together by hand: nobody could find its Japanese.
func (s source) joined(t *testing.T, value ast.Expr) {
	if sum, ok := value.(*ast.BinaryExpr); ok {
		if _, ok := literal(sum); !ok {
			t.Errorf("%s: use fault.New with %%s or %%d for values", s.files.Position(value.Pos()))
		}
	}
}

// literal is the text of an expression that is text alone.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, also := literal(e.Y)
		return left + right, ok && also && e.Op == token.ADD
	}
	return "", false
}

func catalogue(t *testing.T) map[string]string {
	t.Helper()
	var all map[string]string
	if err := json.Unmarshal(japanese, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEverySentenceHasItsJapanese reads the source of all that the API answers with.
func TestEverySentenceHasItsJapanese(t *testing.T) {
	t.Parallel()
	said, found := catalogue(t), readSource(t)
	if len(found) < 200 {
		t.Fatalf("found %d sentences only", len(found))
	}
	for _, english := range slices.Sorted(maps.Keys(found)) {
		if said[english] == "" {
			t.Errorf("%s: no Japanese of %q in sentences/ja.json", found[english], english)
		}
	}
	for english := range said {
		if found[english] == "" {
			t.Errorf("nobody says %q any more; take it out of sentences/ja.json", english)
		}
	}
}

// TestJapaneseKeepsTheValues finishes each format and reads it in Japanese: it holds all
// values, and no other format takes it for its own.
func TestJapaneseKeepsTheValues(t *testing.T) {
	t.Parallel()
	verb := regexp.MustCompile(`%(?:\[\d\])?[a-z]`)
	kana := regexp.MustCompile(`[ぁ-ん]`)
	said := readSentences(japanese)
	for english, format := range catalogue(t) {
		n, values := 0, []string{}
		finished := verb.ReplaceAllStringFunc(english, func(one string) string {
			n++
			value := map[string]string{"%d": strconv.Itoa(4710 + n), "%s": fmt.Sprintf("w%d", n), "%q": fmt.Sprintf(`"q%d"`, n)}[one]
			values = append(values, value)
			return value
		})
		got := said.say(finished)
		if !kana.MatchString(got) || verb.MatchString(got) || strings.Contains(got, "%!") || len(verb.FindAllString(format, -1)) != n {
			t.Errorf("%q reads %q", finished, got)
		}
		for _, value := range values {
			if !strings.Contains(got, value) {
				t.Errorf("%q reads %q: %s is lost", finished, got, value)
			}
		}
	}
}
