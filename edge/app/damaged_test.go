package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lumo/edge/edgetest"
)

// A bit flips on the disk of an edge that waits for the core: the others of its webhooks arrive,
// the damaged one is set aside, and the operator's metric says so.
func TestAFlippedBitIsCountedAndTheRestArrives(t *testing.T) {
	t.Parallel()
	const sent = 5
	core, dir, addr := edgetest.NewCore(t), folder(t), freeAddr(t)
	core.Seed()
	settings := []string{"LUMO_EDGE_CORE_URL=" + core.URL(), "LUMO_EDGE_DIR=" + dir, "LUMO_EDGE_METRICS_ADDR=" + addr}
	p := run(t, append(settings, "LUMO_EDGE_ENROL="+edgetest.Code)...).ready()
	damaged := func() string {
		for line := range strings.Lines(scrape(t, addr)) {
			if value, ok := strings.CutPrefix(line, "lumo_edge_spool_damaged_records "); ok {
				return strings.TrimSpace(value)
			}
		}
		return "missing"
	}
	if got := damaged(); got != "0" {
		t.Errorf("before: got %s", got)
	}
	core.Stop()
	for range sent {
		if got := p.line("{}" + strings.Repeat(" ", 2000)); got != 202 {
			t.Fatalf("got %d", got)
		}
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "spool", "requests", "*.wal"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(bytes.TrimRight(b, "\x00"))/2] ^= 1 // in the middle of the third
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	core.Start()
	p = run(t, settings...).ready()
	until(t, "the others are there", func() bool { return len(core.Requests()) == sent-1 })
	until(t, "it is counted", func() bool { return damaged() == "1" })
	until(t, "it is set aside", func() bool {
		aside, err := filepath.Glob(filepath.Join(dir, "spool", "requests.damaged-record-*"))
		return err == nil && len(aside) == 1
	})
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
}
