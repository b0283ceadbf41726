package linkage_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/run"
)

// BENCH import_ids_per_s: LINE ids of a segment checked and linked, without the vendors' pace.
// LUMO_SOAK_IDS says how many; what is in use afterwards must not grow with them.
func TestSoakImport(t *testing.T) {
	if os.Getenv("LUMO_SOAK") == "" {
		t.Skip("a long run: LUMO_SOAK=1")
	}
	all := 50_000
	if n, err := strconv.Atoi(os.Getenv("LUMO_SOAK_IDS")); err == nil && n > 0 {
		all = n
	}
	w := newWorld(t)
	w.far.size = all
	w.crowd(t, all)
	before := inUse()
	begun := time.Now()
	r, err := w.imports.Check(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{1}, linkage.Segment{ID: "Old1"}, property)
	if err != nil {
		t.Fatal(err)
	}
	w.worked(t, r.ID)
	checked := time.Since(begun)
	link, err := w.imports.Link(t.Context(), w.merchant, w.channel.ID, r.ID, lumo.MemberID{1})
	if err != nil {
		t.Fatal(err)
	}
	w.heard.drop = true
	w.worked(t, link.ID)
	took := time.Since(begun)
	w.counted(t, w.run(t, link.ID), run.Done, map[string]int64{"linked": int64(all)})
	const most = 100 << 20
	if grown := inUse() - before; grown > most {
		t.Errorf("%d MB more are in use than before", grown>>20)
	}
	fmt.Printf("BENCH import_check_ids_per_s %.0f /s\n", float64(all)/checked.Seconds())
	fmt.Printf("BENCH import_ids_per_s %.0f /s\n", float64(all)/took.Seconds())
}

func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// worked works until a run has ended.
func (w *world) worked(t *testing.T, v lumo.RunID) {
	t.Helper()
	for !w.run(t, v).Ended() {
		if _, err := w.runs.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// crowd makes friends by the thousand, in transactions of their own.
func (w *world) crowd(t *testing.T, all int) {
	t.Helper()
	const each = 1000
	for from := 0; from < all; from += each {
		err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
			for n := from; n < min(from+each, all); n++ {
				_, err := w.channels.UpsertFriend(ctx, w.merchant, w.channel.ID, lumo.Contact{User: lumo.LineUserID(user(n)),
					Source: "webhook"})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
