package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"os"
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
	if diff := cmp.Diff(string(committed), now.String()); diff != "" {
		t.Errorf("openapi.json is not what the core serves; run tools/generate.sh:\n%s", diff)
	}
}
