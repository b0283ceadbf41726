package spool_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/edge/spool"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, dir string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(spool.Config{Dir: dir, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func record(n int) edgeapi.Record {
	return edgeapi.Record{Kind: edgeapi.RecordRequest, ID: id.New(now.UnixMilli()-1000,
		[10]byte{byte(n >> 8), byte(n)}),
		Body: fmt.Appendf(nil, "request %d", n)}
}

func bodies(t testing.TB, b spool.Batch) []string {
	t.Helper()
	var all []string
	for rest := b.Records; len(rest) > 0; {
		r, after, err := edgeapi.NextRecord(rest)
		if err != nil {
			t.Fatal(err)
		}
		all, rest = append(all, string(r.Body)), after
	}
	return all
}

func add(t testing.TB, s *spool.Spool, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := s.AddRequest(context.Background(), record(n)); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t testing.TB, s *spool.Spool, count int) spool.Batch {
	t.Helper()
	b, err := s.Requests(count, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecordsComeBackInOrderUntilDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, 0, 5)
	b := read(t, s, 3)
	if got, want := fmt.Sprint(bodies(t, b)), "[request 0 request 1 request 2]"; got != want {
		t.Errorf("got %s want %s", got, want)
	}
	if st := s.Stats(); st.Waiting != 5 || st.Oldest != time.Second {
		t.Errorf("got %+v", st)
	}
	if err := s.Done(b, 2); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(bodies(t, read(t, s, 9))),
		"[request 2 request 3 request 4]"; got != want {
		t.Errorf("after two were done: got %s want %s", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir) // in the same process
	defer again.Close()
	if got, want := fmt.Sprint(bodies(t, read(t, again, 9))),
		"[request 2 request 3 request 4]"; got != want {
		t.Errorf("after opening again: got %s want %s", got, want)
	}
}

func TestNumberingGoesOnWhenEverythingIsDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, 0, 3)
	if err := s.Done(read(t, s, 9), 3); err != nil {
		t.Fatal(err)
	}
	if b := read(t, s, 9); b.Count != 0 {
		t.Errorf("got %d records want none", b.Count)
	}
	if st := s.Stats(); st.Waiting != 0 || st.Oldest != 0 {
		t.Errorf("got %+v", st)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	add(t, s, 3, 4)
	got := bodies(t, read(t, s, 9))
	if got[len(got)-1] != "request 3" || len(got) > 2 {
		t.Errorf("got %v", got)
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Close()
	var group sync.WaitGroup
	for w := range 16 {
		group.Go(func() { add(t, s, w*50, w*50+50) })
	}
	group.Wait()
	seen := map[string]bool{}
	for _, body := range bodies(t, read(t, s, 10_000)) {
		seen[body] = true
	}
	if len(seen) != 800 {
		t.Errorf("got %d records want 800", len(seen))
	}
}

func TestAFlippedBitCostsOneRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	add(t, s, 0, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	flip(t, filepath.Join(dir, "requests"), "request 4")
	s = open(t, dir)
	defer s.Close()
	b := read(t, s, 99)
	if got := strings.Join(bodies(t, b), ","); strings.Contains(got, "request 4") || b.Count != 9 {
		t.Errorf("got %d records: %s", b.Count, got)
	}
	if err := s.Done(b, b.Count); err != nil || read(t, s, 9).Count != 0 {
		t.Errorf("the rest is not done: %v", err)
	}
	if got := s.Stats().Damaged; got != 1 {
		t.Errorf("got %d damaged want 1", got)
	}
	aside, err := filepath.Glob(filepath.Join(dir, "requests.damaged-record-*"))
	if err != nil || len(aside) != 1 {
		t.Errorf("set aside: %v %v", aside, err)
	}
}

func flip(t *testing.T, dir, text string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil || len(files) == 0 {
		t.Fatal("no segment", err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), text)
	b[at] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFullSpoolRefuses(t *testing.T) {
	t.Parallel()
	s, err := spool.Open(spool.Config{Dir: t.TempDir(), MaxBytes: 200,
		Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var refused error
	for n := range 50 {
		if refused = s.AddRequest(context.Background(), record(n)); refused != nil {
			break
		}
	}
	if refused == nil {
		t.Fatal("it never was full")
	}
	if err := s.Done(read(t, s, 99), 99); err != nil {
		t.Fatal(err)
	}
	if err := s.AddRequest(context.Background(), record(99)); err != nil {
		t.Errorf("it did not recover: %v", err)
	}
}

// However many clicks there are, a quarter of the room is left to requests.
func TestEventsLeaveRoomToRequests(t *testing.T) {
	t.Parallel()
	s, err := spool.Open(spool.Config{Dir: t.TempDir(), MaxBytes: 4000, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fill := func(add func(context.Context, edgeapi.Record) error) (n int) {
		for add(t.Context(), record(n)) == nil {
			n++
		}
		return n
	}
	if events, requests := fill(s.AddEvent), fill(s.AddRequest); events == 0 || requests < events/4 {
		t.Errorf("%d events left room to %d requests", events, requests)
	}
	if err := s.AddEvent(t.Context(), record(0)); err == nil {
		t.Error("an event took what is left to requests")
	}
}

// The child adds records to both logs and says which are acknowledged, until it is killed.
func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("SPOOL_CHILD"); dir != "" {
		s := open(t, dir)
		for n := 0; ; n++ {
			add(t, s, n, n+1)
			if err := s.AddEvent(context.Background(), record(n)); err != nil {
				t.Fatal(err)
			}
			fmt.Println("acknowledged", n)
		}
	}
	killOften(t, 5)
}

func TestSoakTwoHundredKillsLoseNothingAcknowledged(t *testing.T) {
	if os.Getenv("LUMO_SOAK") == "" {
		t.Skip("skipped: two hundred processes are killed; LUMO_SOAK=1 runs it")
	}
	killOften(t, 200)
}

// killOften kills a process again and again that goes on in the folder of the one before.
func killOften(t *testing.T, times int) {
	dir, acknowledged := t.TempDir(), 0
	for range times {
		acknowledged += runAndKill(t, dir) + 1
		s := open(t, dir)
		events, err := s.Events(1<<30, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		requests, err := s.Requests(1<<30, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string]spool.Batch{"requests": requests, "events": events} {
			if got := len(bodies(t, b)); got < acknowledged {
				t.Fatalf("got %d %s, %d were acknowledged", got, name, acknowledged)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d records of each kind acknowledged, none lost", times, acknowledged)
}

// runAndKill answers the last record that the child said was acknowledged.
func runAndKill(t *testing.T, dir string) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "TestKilledProcessLosesNothingAcknowledged")
	cmd.Env = append(os.Environ(), "SPOOL_CHILD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := -1
	for last < 200 {
		if _, err := fmt.Fscanf(out, "acknowledged %d\n", &last); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Process.Kill()
	rest, _ := io.ReadAll(out)
	_ = cmd.Wait()
	for line := range strings.Lines(string(rest)) {
		_, _ = fmt.Sscanf(line, "acknowledged %d\n", &last)
	}
	return last
}

func BenchmarkAddEvent(b *testing.B) {

	s := open(b, b.TempDir())
	defer s.Close()
	r := edgeapi.Record{Kind: edgeapi.RecordEvent, ID: record(1).ID, Body: make([]byte, 22)}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := s.AddEvent(context.Background(), r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAddRequest(b *testing.B) {
	s := open(b, b.TempDir())
	defer s.Close()
	r := edgeapi.Record{Kind: edgeapi.RecordRequest, ID: record(1).ID, Body: make([]byte, 300)}
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := s.AddRequest(context.Background(), r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
