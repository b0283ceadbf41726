package replica

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
)

// The same changes to rows and to a map of Go lead to the same table; what was read before
// stays as it was.
func TestRowsAreAMap(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	r, want, read := newRows(), map[string]string{}, map[string][]byte{}
	for step := range 60_000 {
		key := fmt.Sprint("key ", random.IntN(3000))
		if random.IntN(3) == 0 {
			r.delete([]byte(key))
			delete(want, key)
		} else {
			value := fmt.Sprint(step) + strings.Repeat("v", random.IntN(300))
			r.put([]byte(key), []byte(value))
			want[key] = value
		}
		if step%1000 == 0 {
			value, _ := r.get([]byte(key))
			read[string(value)] = value
		}
	}
	got := map[string]string{}
	_ = r.each(func(key, value []byte) error {
		got[string(key)] = string(value)
		return nil
	})
	if !maps.Equal(got, want) || r.count != len(want) {
		t.Errorf("got %d rows and a count of %d want %d", len(got), r.count, len(want))
	}
	for key, value := range want {
		if got, ok := r.get([]byte(key)); !ok || string(got) != value {
			t.Fatalf("%s: got %q %v want %q", key, got, ok, value)
		}
	}
	for text, value := range read {
		if string(value) != text {
			t.Errorf("a value that was read became %q, was %q", value, text)
		}
	}
	if r.lost > max(littleLoss, r.stored/2) {
		t.Errorf("%d of %d bytes are holes", r.lost, r.stored)
	}
}

func TestRowsTakeEmptyAndLargeValues(t *testing.T) {
	t.Parallel()
	r, large := newRows(), bytes.Repeat([]byte("x"), 3*fullChunk)
	r.put(nil, nil)
	r.put([]byte("large"), large)
	r.put([]byte("small"), []byte("s"))
	for key, want := range map[string]string{"": "", "large": string(large), "small": "s"} {
		if got, ok := r.get([]byte(key)); !ok || string(got) != want {
			t.Errorf("%q: got %d bytes, %v", key, len(got), ok)
		}
	}
	if _, ok := r.get([]byte("none")); ok {
		t.Error("a row that is not there was found")
	}
}
