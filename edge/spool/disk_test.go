package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// trouble is a disk that fails when told to.
type trouble struct {
	*fs.FS
	writes, syncs, creates atomic.Bool
}

var errFull = errors.New("no space left on device")

func (f *trouble) Create(dir, name string, size uint64) (types.WritableFile, error) {
	if f.creates.Load() {
		return nil, errFull
	}
	file, err := f.FS.Create(dir, name, size)
	return &troubledFile{file, f}, err
}

func (f *trouble) OpenWriter(dir, name string) (types.WritableFile, error) {
	file, err := f.FS.OpenWriter(dir, name)
	return &troubledFile{file, f}, err
}

type troubledFile struct {
	types.WritableFile
	f *trouble
}

func (f *troubledFile) WriteAt(b []byte, at int64) (int, error) {
	if f.f.writes.Load() {
		n, _ := f.WritableFile.WriteAt(b[:len(b)/2], at) // a full disk takes what still fits
		return n, errFull
	}
	return f.WritableFile.WriteAt(b, at)
}

func (f *troubledFile) Sync() error {
	if f.f.syncs.Load() {
		return errFull
	}
	return f.WritableFile.Sync()
}

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

func numbered(n int) edgeapi.Record {
	return edgeapi.Record{Kind: edgeapi.RecordRequest, ID: id.New(int64(n), [10]byte{}),
		Body: fmt.Appendf(nil, "record %d", n)}
}

func openTroubled(t *testing.T, dir string, f *trouble, c *clock) *Spool {
	t.Helper()
	s, err := Open(Config{Dir: dir, Now: c.now, wrap: f})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func bodies(t *testing.T, read func(int, int) (Batch, error)) []string {
	t.Helper()
	b, err := read(1<<20, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
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

func TestAFailingDiskRefusesAndLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	for name, trip := range map[string]func(*trouble) *atomic.Bool{
		"write": func(f *trouble) *atomic.Bool { return &f.writes },
		"sync":  func(f *trouble) *atomic.Bool { return &f.syncs },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, f, c := t.TempDir(), &trouble{FS: fs.New()}, &clock{}
			c.advance(time.Hour)
			s := openTroubled(t, dir, f, c)
			var acknowledged []string
			try := func(n int) error {
				err := s.AddRequest(context.Background(), numbered(n))
				if err == nil {
					acknowledged = append(acknowledged, fmt.Sprintf("record %d", n))
				}
				return err
			}
			for n := range 10 {
				if err := try(n); err != nil {
					t.Fatal(err)
				}
			}
			trip(f).Store(true)
			for n := 10; n < 13; n++ {
				if err := try(n); !fault.Is(err, fault.Unavailable) {
					t.Fatalf("got %v want unavailable", err)
				}
			}
			if !s.Stats().Failing {
				t.Error("the failure does not show")
			}
			trip(f).Store(false)
			c.advance(repairEvery)
			for n := 13; n < 20; n++ {
				if err := try(n); err != nil {
					t.Fatalf("it did not recover: %v", err)
				}
			}
			if s.Stats().Failing {
				t.Error("it still says that it fails")
			}
			got := bodies(t, s.Requests)
			for _, want := range acknowledged {
				if !slices.Contains(got, want) {
					t.Errorf("%s is lost; there is %v", want, got)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openTroubled(t, dir, f, c)
			defer s.Close()
			if again := bodies(t, s.Requests); !slices.Equal(again, got) {
				t.Errorf("after opening again: got %v want %v", again, got)
			}
		})
	}
}

// A new file is made while others may already be told that theirs was written.
func TestNoRoomForTheNextFile(t *testing.T) {
	t.Parallel()
	f, c := &trouble{FS: fs.New()}, &clock{}
	c.advance(time.Hour)
	s := openTroubled(t, t.TempDir(), f, c)
	defer s.Close()
	f.creates.Store(true)
	large := numbered(0)
	large.Body = bytes.Repeat([]byte("x"), 5<<20)
	taken := 0
	for {
		if err := s.AddRequest(context.Background(), large); err != nil {
			break
		}
		if taken++; taken > 10 {
			t.Fatal("the disk never was full")
		}
	}
	f.creates.Store(false)
	c.advance(repairEvery)
	if err := s.AddRequest(context.Background(), large); err != nil {
		t.Fatalf("it did not recover: %v", err)
	}
	if got := len(bodies(t, s.Requests)); got < taken+1 {
		t.Errorf("got %d records want %d", got, taken+1)
	}
}

func TestATornTailCostsAtMostTheLastGroup(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), &clock{}
	s := openTroubled(t, dir, &trouble{FS: fs.New()}, c)
	for n := range 10 {
		if err := s.AddRequest(context.Background(), numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "requests", "*.wal"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	clear(b[bytes.Index(b, []byte("record 9"))+3:]) // what a power cut leaves of the last write
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	s = openTroubled(t, dir, &trouble{FS: fs.New()}, c)
	defer s.Close()
	if err := s.AddRequest(context.Background(), numbered(10)); err != nil {
		t.Fatal(err)
	}
	got := bodies(t, s.Requests)
	if len(got) != 10 || got[8] != "record 8" || got[9] != "record 10" {
		t.Errorf("got %v", got)
	}
}

func TestClicksAreSyncedLater(t *testing.T) {
	t.Parallel()
	f, c := &trouble{FS: fs.New()}, &clock{}
	s := openTroubled(t, t.TempDir(), f, c)
	f.syncs.Store(true)
	if err := s.AddEvent(context.Background(), numbered(1)); err != nil {
		t.Errorf("a click waited for a sync: %v", err)
	}
	if err := s.events.lazy.sync(); err == nil {
		t.Error("nothing was owed")
	}
	f.syncs.Store(false)
	if err := s.events.lazy.sync(); err != nil {
		t.Errorf("the debt was forgotten: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsDoneLeavesTheDisk(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), &clock{}
	s := openTroubled(t, dir, &trouble{FS: fs.New()}, c)
	for n := range 6 {
		if err := s.AddRequest(context.Background(), numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := s.Requests(4, 1<<20)
	if err != nil || s.Done(b, 4) != nil || s.Done(b, 4) != nil {
		t.Fatal("not done", err)
	}
	if err := s.requests.tidy(1); err != nil {
		t.Fatal(err)
	}
	if first, err := s.requests.disk.wal.FirstIndex(); err != nil || first != 5 {
		t.Errorf("the log begins with %d want 5 (%v)", first, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTroubled(t, dir, &trouble{FS: fs.New()}, c)
	b, err = s.Requests(9, 1<<20)
	if err != nil || b.Count != 2 || s.Done(b, 2) != nil {
		t.Fatal("got", b.Count, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTroubled(t, dir, &trouble{FS: fs.New()}, c)
	defer s.Close()
	if got := s.Stats(); got.Waiting != 0 || got.Bytes != 0 {
		t.Errorf("what was done came back: %+v", got)
	}
}

func TestAppendAfterCloseIsRefused(t *testing.T) {
	t.Parallel()
	s := openTroubled(t, t.TempDir(), &trouble{FS: fs.New()}, &clock{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.AddRequest(context.Background(), numbered(1)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v want unavailable", err)
	}
}
