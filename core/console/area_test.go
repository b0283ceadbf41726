package console

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"lumo/core/account"
)

// Whatever a shop's console does, an API key with the right for it does too; what belongs to a
// person alone is listed here.
func TestEachOperationOnAShopIsForAPIKeys(t *testing.T) {
	t.Parallel()
	persons := []string{"api_keys", "first_steps"}
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Paths map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(text, &described); err != nil {
		t.Fatal(err)
	}
	n := 0
	for path := range described.Paths {
		rest, ok := strings.CutPrefix(path, base)
		if !ok || !strings.HasPrefix(rest, "/merchants/{merchant}") {
			continue
		}
		n++
		noun, _, _ := strings.Cut(strings.TrimPrefix(rest, "/merchants/{merchant}/"), "/")
		switch area := areaOf(rest); {
		case slices.Contains(persons, noun):
			if area != "" {
				t.Errorf("%s is a person's, and for keys with a right for %s", path, area)
			}
		case !slices.Contains(account.Areas(), area):
			t.Errorf("%s is for no API key", path)
		}
	}
	if n < 100 {
		t.Errorf("only %d operations are described", n)
	}
}
