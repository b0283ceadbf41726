package server_test

import (
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// An edge that is cut off for hours and called with keys that it does not know: it keeps 64 MiB
// of that in its spool, sends the rest back, and still takes what it can judge. When the core has
// had it, there is room again.
func TestProvisionalRequestsFillTheSpoolToTheirLimitAlone(t *testing.T) {
	t.Parallel()
	const limit, size, perSecond = 64 << 20, 1000 << 10, 20
	dir := t.TempDir()
	e := start(t, setup{spoolDir: dir, spoolMax: 1 << 30})
	e.lapse()
	e.core.Stop()
	body := func(n int) string { // as many different bytes as no compression makes fewer
		b := make([]byte, size)
		_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
		return string(b)
	}
	taken := 0
	for ; taken <= limit/size; taken++ {
		if taken%perSecond == perSecond-1 { // beginning a second before the last one is full
			e.clock.advance(time.Second)
		}
		if got := e.line(body(taken), signed("{}")); got.status == 503 && got.header.Get("Retry-After") != "" {
			break
		} else if got.status != 202 {
			t.Fatalf("request %d: got %d", taken, got.status)
		}
	}
	if taken != limit/size {
		t.Errorf("%d requests of %d bytes were taken, want %d", taken, size, limit/size)
	}
	st := e.spool.Stats()
	if st.Requests != int64(taken) || st.RequestBytes < int64(taken*size) || st.Full || onDisk(t, dir) < int64(taken*size) {
		t.Errorf("got %+v, %d bytes on disk", st, onDisk(t, dir))
	}
	e.clock.advance(time.Second)
	if got := e.line(body(0), signed("{}")); got.status != 503 {
		t.Errorf("another second does not make room: got %d", got.status)
	}
	if got := e.line("{}", signed("{}")); got.status != 202 {
		t.Errorf("one that is signed: got %d", got.status)
	}
	e.core.Start()
	e.handOver()
	if got := len(e.core.Requests()); got != taken+1 {
		t.Errorf("the core has %d requests, want %d", got, taken+1)
	}
	e.core.Stop()
	if got := e.line(body(0), signed("{}")); got.status != 202 {
		t.Errorf("after the core had it all: got %d", got.status)
	}
}

// onDisk adds up the files of a folder.
func onDisk(t *testing.T, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}
