package klaviyotest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFiltersAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]condition{
		"":                            nil,
		`equals(email,"a@b.example")`: {{"equals", "email", []string{"a@b.example"}}},
		`equals(profile_id,"P"),greater-or-equal(datetime,2026-11-24T00:00:00Z)`: {
			{"equals", "profile_id", []string{"P"}}, {"greater-or-equal", "datetime", []string{"2026-11-24T00:00:00Z"}}},
		`any(id,["a","b,c)"])`:      {{"any", "id", []string{"a", "b,c)"}}},
		`equals(name,"say \"hi\"")`: {{"equals", "name", []string{`say "hi"`}}},
		`has(profile)`:              {{"has", "profile", nil}},
		`equals(archived,false)`:    {{"equals", "archived", []string{"false"}}},
	} {
		got, ok := readFilter(text)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(condition{})); !ok || diff != "" {
			t.Errorf("%s: ok %v %s", text, ok, diff)
		}
	}
	for _, text := range []string{`equals(email,"a"`, `equals`, `equals(a,"x") equals(b,"y")`, `equals(a,"x"y)`, `equals(a,[)`} {
		if got, ok := readFilter(text); ok {
			t.Errorf("%s: read as %v", text, got)
		}
	}
}

func FuzzReadFilter(f *testing.F) {
	f.Add(`equals(email,"a@b.example"),any(id,["a","b"])`)
	f.Add(`equals(a,"\"")`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range first(readFilter(text)) {
			if len(c.op)+len(c.field) > len(text) {
				t.Errorf("made of nothing: %+v", c)
			}
		}
	})
}

func first(c []condition, _ bool) []condition { return c }
