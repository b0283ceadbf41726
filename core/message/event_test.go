package message

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVariablesOfAnEventAreThoseThatNoProfileHolds(t *testing.T) {
	t.Parallel()
	b := Body{Blocks: []string{
		`{"type":"text","text":"[[ first_name ]] [[ Item | tea ]] [[ person.Size ]] [[ event.Colour ]] [[ Item ]]"}`,
		`{"type":"image","originalContentUrl":"[[ Image ]]","previewImageUrl":"[[ email ]]"}`}}
	if diff := cmp.Diff([]string{"Item", "event.Colour", "Image"}, eventVariables(b)); diff != "" {
		t.Error(diff)
	}
}

func TestValuesOfAnEventAreWrittenAsAMessageShowsThem(t *testing.T) {
	t.Parallel()
	event := map[string]any{"Name": `Dwayne "The Rock"`, "$value": 5400.0, "Rate": 0.5, "New": true, "None": nil,
		"Items": []any{"Sencha", "", 2.0}, "$extra": map[string]any{"url": "x"}}
	for name, want := range map[string]string{"Name": `Dwayne "The Rock"`, "event.Name": `Dwayne "The Rock"`, "$value": "5400",
		"Rate": "0.5", "New": "true", "None": "", "Items": "Sencha, 2", "$extra": "", "Nothing": ""} {
		if got := EventValue(event, name); got != want {
			t.Errorf("%s: got %q want %q", name, got, want)
		}
	}
}
