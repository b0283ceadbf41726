package spool

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"

	"lumo/shared/edgeapi"
)

// tape records what a log does to its folder, in order, and when it acknowledged what.
type tape struct {
	*fs.FS
	mu  sync.Mutex
	ops []op // guarded by mu
}

// op is one step: what names it says what its fields mean.
type op struct {
	what string // create write sync remove list acknowledged done; stood: before the trace
	file string
	at   int64
	data []byte // written, or the whole list of files as its store keeps it
	n    int    // size of a new file, number of an acknowledged record
}

func (t *tape) note(o op) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o.data = bytes.Clone(o.data)
	t.ops = append(t.ops, o)
}

func (t *tape) Create(dir, name string, size uint64) (types.WritableFile, error) {
	f, err := t.FS.Create(dir, name, size)
	t.note(op{what: "create", file: name, n: int(size)})
	return &tapedFile{f, t, name}, err
}

func (t *tape) OpenWriter(dir, name string) (types.WritableFile, error) {
	f, err := t.FS.OpenWriter(dir, name)
	return &tapedFile{f, t, name}, err
}

func (t *tape) Delete(dir, name string) error {
	err := t.FS.Delete(dir, name)
	t.note(op{what: "remove", file: name})
	return err
}

type tapedFile struct {
	types.WritableFile
	t    *tape
	name string
}

func (f *tapedFile) WriteAt(b []byte, at int64) (int, error) {
	f.t.note(op{what: "write", file: f.name, at: at, data: b})
	return f.WritableFile.WriteAt(b, at)
}

func (f *tapedFile) Sync() error {
	err := f.WritableFile.Sync()
	f.t.note(op{what: "sync", file: f.name})
	return err
}

const listFile = "wal-meta.db"

// meta records the list of files whole after each change: the store changes it at once.
func (t *tape) meta(below types.MetaStore) types.MetaStore { return &tapedList{below, t, ""} }

type tapedList struct {
	types.MetaStore
	t   *tape
	dir string
}

func (l *tapedList) Load(dir string) (types.PersistentState, error) {
	state, err := l.MetaStore.Load(dir)
	l.dir = dir
	return state, l.kept(err)
}

func (l *tapedList) CommitState(s types.PersistentState) error {
	return l.kept(l.MetaStore.CommitState(s))
}

func (l *tapedList) SetStable(key, value []byte) error {
	return l.kept(l.MetaStore.SetStable(key, value))
}

func (l *tapedList) kept(err error) error {
	b, readErr := os.ReadFile(filepath.Join(l.dir, listFile))
	if err == nil {
		err = readErr
	}
	l.t.note(op{what: "list", file: listFile, data: b})
	return err
}

// cut is what stands on the disk when everything ends after some steps.
type cut struct {
	files  map[string][]byte
	synced map[string][]byte // as of the last sync; absent = the name may be gone
	later  map[string][]op   // writes since then
}

func newCut() *cut {
	return &cut{map[string][]byte{}, map[string][]byte{}, map[string][]op{}}
}

func (c *cut) apply(o op) {
	switch o.what {
	case "create":
		c.files[o.file] = make([]byte, o.n)
	case "write":
		c.files[o.file] = written(c.files[o.file], o)
		c.later[o.file] = append(c.later[o.file], o)
	case "sync":
		c.synced[o.file] = bytes.Clone(c.files[o.file])
		delete(c.later, o.file)
	case "remove":
		delete(c.files, o.file)
		delete(c.synced, o.file)
		delete(c.later, o.file)
	case "list", "stood":
		c.files[o.file], c.synced[o.file] = bytes.Clone(o.data), o.data
	}
}

func written(file []byte, o op) []byte {
	if end := int(o.at) + len(o.data); end > len(file) {
		file = append(file, make([]byte, end-len(file))...)
	}
	copy(file[o.at:], o.data)
	return file
}

// disks are the folders that a cut may leave. A killed process leaves all that was written;
// a power cut leaves what was synced, and of the rest nothing, half of each write, or the
// last one alone.
func (c *cut) disks() map[string]map[string][]byte {
	partly := func(keep func(all []op) []op) map[string][]byte {
		out := maps.Clone(c.synced)
		for name, all := range c.later {
			file := c.synced[name]
			if file == nil {
				file = make([]byte, len(c.files[name]))
			}
			file = bytes.Clone(file)
			for _, o := range keep(all) {
				file = written(file, o)
			}
			out[name] = file
		}
		return out
	}
	halves := func(all []op) []op {
		var out []op
		for _, o := range all {
			o.data = o.data[:len(o.data)/2]
			out = append(out, o)
		}
		return out
	}
	return map[string]map[string][]byte{
		"killed":               c.files,
		"power cut":            c.synced,
		"power cut, torn":      partly(halves),
		"power cut, last only": partly(func(all []op) []op { return all[len(all)-1:] }),
	}
}

const traceFile = 4 << 10 // bytes of a file, so that the trace has some

// record makes a trace: records are taken, some are done, files fill and go.
func record(t *testing.T, log func(s *Spool) *log, pay bool) []op {
	t.Helper()
	f, c := &tape{FS: fs.New()}, &clock{}
	c.advance(time.Hour)
	// The other log works in the same way and must not be on this tape.
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, Now: c.now, wrap: f, fileSize: traceFile})
	if err != nil {
		t.Fatal(err)
	}
	f.ops = nil
	l := log(s)
	first := folder(t, l.dir)
	for n := range 24 {
		r := numbered(n)
		r.Body = append(r.Body, bytes.Repeat([]byte("."), 300)...)
		if err := l.append(context.Background(), r.Append(nil)); err != nil {
			t.Fatal(err)
		}
		f.note(op{what: "acknowledged", n: n})
		if pay && n%5 == 4 {
			if err := s.events.lazy.sync(); err != nil {
				t.Fatal(err)
			}
		}
		if n == 12 {
			f.note(op{what: "done", n: 9})
			b, err := l.read(10, 1<<20)
			if err != nil || l.done(b, 10) != nil || l.tidy(1) != nil {
				t.Fatal(err)
			}
		}
	}
	ops := append(first, f.ops...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return ops
}

// folder is what stood there before the tape ran.
func folder(t *testing.T, dir string) []op {
	t.Helper()
	var ops []op
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op{what: "stood", file: filepath.Base(name), data: b})
	}
	return ops
}

// reopened is what a spool finds after a cut. It must be able to go on.
func reopened(t *testing.T, kind string, disk map[string][]byte) []int {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, kind), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range disk {
		if err := os.WriteFile(filepath.Join(dir, kind, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(Config{Dir: dir, Now: time.Now, fileSize: traceFile})
	if err != nil {
		t.Fatalf("it does not open: %v", err)
	}
	defer s.Close()
	l := map[string]*log{"requests": s.requests, "events": s.events}[kind]
	if err := l.append(context.Background(), numbered(99).Append(nil)); err != nil {
		t.Fatalf("it does not go on: %v", err)
	}
	b, err := l.read(1<<20, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for rest := b.Records; len(rest) > 0; {
		r, after, err := edgeapi.NextRecord(rest)
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if _, err := fmt.Sscanf(string(r.Body), "record %d", &n); err != nil {
			t.Fatalf("a record that nobody wrote: %q", r.Body)
		}
		numbers, rest = append(numbers, n), after
	}
	if !slices.IsSorted(numbers) || numbers[len(numbers)-1] != 99 {
		t.Fatalf("out of order: %v", numbers)
	}
	return numbers[:len(numbers)-1]
}

// Requests: what was acknowledged and not done is there, wherever the trace of writes and
// syncs is cut, by a kill or by a power cut.
func TestNoCutOfTheTraceLosesAnAcknowledgedRequest(t *testing.T) {
	t.Parallel()
	ops := record(t, func(s *Spool) *log { return s.requests }, false)
	replay(t, "requests", ops, func(kind string, _ int) bool { return true })
}

// Events: a kill loses nothing; a power cut loses at most what came since the last sync,
// which is less than SyncEvery old.
func TestNoCutOfTheTraceLosesASyncedEvent(t *testing.T) {
	t.Parallel()
	ops := record(t, func(s *Spool) *log { return s.events }, true)
	synced := make([]int, len(ops)) // by step: the last record that a sync covers
	acknowledged, last := -1, -1
	for i, o := range ops {
		switch o.what {
		case "acknowledged":
			acknowledged = o.n
		case "sync":
			last = acknowledged
		}
		synced[i] = last
	}
	step := 0
	replay(t, "events", ops, func(kind string, at int) bool {
		step = at
		return kind == "killed"
	}, func(n int) bool { return n <= synced[step] })
}

// replay opens what each cut leaves and looks for what must be there: all that is
// acknowledged, or where all does not hold, what one of may says.
func replay(t *testing.T, kind string, ops []op, all func(kind string, at int) bool,
	may ...func(n int) bool) {
	t.Helper()
	c, acknowledged, done := newCut(), -1, -1
	for at, o := range ops {
		switch o.what {
		case "acknowledged":
			acknowledged = o.n
		case "done":
			done = o.n
		}
		c.apply(o)
		if o.what == "stood" {
			continue // the folder before the trace
		}
		for how, disk := range c.disks() {
			whole := all(how, at)
			got := reopened(t, kind, disk)
			for n := done + 1; n <= acknowledged; n++ {
				if must := whole || len(may) > 0 && may[0](n); must && !slices.Contains(got, n) {
					t.Fatalf("%s after step %d (%s %s): record %d is lost, there is %v", how, at,
						o.what, o.file, n, got)
				}
			}
		}
	}
	t.Logf("%d steps, each cut in four ways", len(ops))
}
