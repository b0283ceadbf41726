package look_test

import (
	"strings"
	"testing"

	"lumo/shared/look"
)

func TestEachColourHasAClass(t *testing.T) {
	t.Parallel()
	for _, ring := range look.Rings() {
		if !strings.Contains(look.Style, "."+ring+"{") {
			t.Errorf("%s has none", ring)
		}
	}
}
