package spool

import (
	"bytes"
	"fmt"
	"testing"
)

func TestRecentRecordsAreTheNewest(t *testing.T) {
	t.Parallel()
	var r recent
	if got := r.behind(0, 10); got != nil {
		t.Errorf("an empty one gave %d records", len(got))
	}
	record := func(index uint64) []byte { return fmt.Append(nil, index) }
	const last = 3*recentCount/2 + 10
	for index := uint64(10); index < last; index++ {
		r.add(index, record(index))
	}
	const first = last - recentCount
	if r.behind(first-1, 1) != nil || r.behind(last, 1) != nil {
		t.Error("it gave what it does not know")
	}
	for _, c := range []struct {
		from    uint64
		n, want int
	}{{first, recentCount + 5, recentCount}, {first + 7, 3, 3}, {last - 1, 100, 1}, {recentCount - 1, 4, 4}} {
		got := r.behind(c.from, c.n)
		if len(got) != c.want {
			t.Errorf("from %d: got %d records want %d", c.from, len(got), c.want)
		}
		for i, data := range got {
			if !bytes.Equal(data, record(c.from+uint64(i))) {
				t.Fatalf("record %d is %q", c.from+uint64(i), data)
			}
		}
	}
	r.add(last+5, bytes.Repeat([]byte("x"), recentBytes+1))
	if got := r.behind(last+5, 9); len(got) != 1 || got[0] != nil {
		t.Errorf("a large record is kept: %d", len(got))
	}
	if r.behind(last-1, 1) != nil {
		t.Error("it goes on behind a gap")
	}
}
