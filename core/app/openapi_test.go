package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lumo/core/app"
	"lumo/core/postgres/postgrestest"
)

var update = flag.Bool("update", false, "write openapi.json")

// The description is committed so that the console's types come from it, and so that a
// change of the API is seen in review.
func TestDescriptionOfTheAPIIsTheCommittedOne(t *testing.T) {
	t.Parallel()
	const file = "../console/openapi.json"
	s, err := app.Read([]string{"LUMO_DATABASE_URL=" + postgrestest.URL(t),
		"LUMO_MASTER_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{5}, 32))})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), s, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	text, err := a.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var now bytes.Buffer
	if err := json.Indent(&now, text, "", " "); err != nil {
		t.Fatal(err)
	}
	now.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, now.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	everyPathIsDescribed(t, text)
	if diff := cmp.Diff(string(committed), now.String()); diff != "" {
		t.Errorf("openapi.json is not what the core serves; run tools/generate.sh:\n%s", diff)
	}
}

// everyPathIsDescribed finds operations whose input leaves out a part of its path: such a part
// would be read as empty, and nothing would ever be found.
func everyPathIsDescribed(t *testing.T, text []byte) {
	t.Helper()
	type parameter struct{ Name, In string }
	type operation struct{ Parameters []parameter }
	var api struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	for path, operations := range api.Paths {
		for _, part := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
			for method, o := range operations {
				if !slices.Contains(o.Parameters, parameter{part[1], "path"}) {
					t.Errorf("%s %s does not read %s", method, path, part[0])
				}
			}
		}
	}
}
