package journey_test

import (
	"fmt"
	"net/http"
	"testing"
)

// A merchant whose key leaked replaces it at once, by typing the account's name. From the answer
// on every edge refuses the old key, takes the new one, and the Flow doctor counts both.
func TestAKeyThatIsReplacedNowIsRefusedAtEveryEdgeAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	settings := w.flowOf()
	old := settings.Key
	everywhere := func(key string, want int) {
		t.Helper()
		for edge := range w.front.addresses {
			w.front.sends(func(*http.Request) int { return edge })
			if got := w.call(settings.URL, settings.Header, key); got != want {
				t.Errorf("edge %d answers %d, want %d", edge, got, want)
			}
		}
	}
	const asked = http.StatusBadRequest // {"lumo":1} names no message: the key was taken
	everywhere(old, asked)
	path := "/channels/" + w.channel + "/flow_keys"
	for _, name := range []string{"", "Somebody's Tea"} {
		in := map[string]any{"mode": "now", "confirm_name": name}
		if err := w.console.Post(t.Context(), path, in, nil); err == nil {
			t.Errorf("%q was taken for the account's name", name)
		}
	}
	everywhere(old, asked)
	account := get[struct{ Name string }](w, "")
	var made struct{ Value string }
	w.post("/flow_keys", map[string]any{"mode": "now", "confirm_name": account.Name}, &made)
	everywhere(old, http.StatusUnauthorized)
	everywhere(made.Value, asked)
	w.until("the Flow doctor to know of all calls", func() (bool, error) {
		n := map[string]int{}
		for _, c := range get[struct{ Items []flowCall }](w, "/flow_requests").Items {
			n[c.Reason]++
		}
		return n["wrong_key"] == 2 && n["unknown_message"] == 6, fmt.Errorf("%v", n)
	})
}
