package console

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestListsOfAnAnswerAreNeverNull(t *testing.T) {
	t.Parallel()
	type part struct {
		Names []string `json:"names"`
	}
	type answer struct {
		part
		Part
		Items []part          `json:"items"`
		More  *part           `json:"more"`
		Left  *part           `json:"left,omitempty"`
		Raw   json.RawMessage `json:"raw,omitempty"`
		At    time.Time       `json:"at"`
	}
	a := answer{Items: []part{{}}, More: &part{}}
	fill(reflect.ValueOf(&a))
	got, err := json.Marshal(a.Items)
	if err != nil || string(got) != `[{"names":[]}]` {
		t.Errorf("items are %s, %v", got, err)
	}
	if a.More.Names == nil || a.Part.Lines == nil || a.Left != nil || a.Raw != nil {
		t.Errorf("filled to %+v", a)
	}
}

// Part is embedded in the answer of the test above.
type Part struct {
	Lines []int `json:"lines"`
}
