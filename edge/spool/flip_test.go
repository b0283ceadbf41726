package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lumo/shared/edgeapi"
)

const (
	flipStep  = 97 // bytes from one flipped bit to the next
	flipCount = 30 // records
)

// A flipped bit anywhere in a log costs at most the record that it stands in: also in the
// last group, in a file's head, in an index, in the list of files.
func TestAFlippedBitAnywhereCostsAtMostItsRecord(t *testing.T) {
	t.Parallel()
	flipAll(t, flipStep)
}

func TestSoakEveryFlippedByteCostsAtMostItsRecord(t *testing.T) {
	if os.Getenv("LUMO_SOAK") == "" {
		t.Skip("skipped: thousands of logs are opened; LUMO_SOAK=1 runs it")
	}
	flipAll(t, 1)
}

func flipAll(t *testing.T, step int) {
	files := closedLog(t, 0)
	flips := 0
	for name, whole := range files {
		stride := step
		if name == listFile {
			stride *= 16 // it is mostly empty
		}
		for at := 0; at < len(whole); at += stride {
			disk := map[string][]byte{}
			for other, b := range files {
				disk[other] = b
			}
			disk[name] = bytes.Clone(whole)
			disk[name][at] ^= 1 << (at % 8)
			got := reopened(t, "requests", disk)
			lost := 0
			for n := range flipCount {
				if !slices.Contains(got, n) {
					lost++
				}
			}
			if lost > 1 || lost > 0 && name == listFile {
				t.Fatalf("a bit of byte %d of %s cost %d records; there is %v", at, name, lost, got)
			}
			flips++
		}
	}
	t.Logf("%d flipped bits", flips)
}

// closedLog is the folder of a log with records in several files, appended in groups. Early ones
// were handed over before.
func closedLog(t *testing.T, early int) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, Now: time.Now, fileSize: traceFile})
	if err != nil {
		t.Fatal(err)
	}
	if early > 0 {
		handOver(t, s, early)
	}
	for n := 0; n < flipCount; n += 3 {
		var jobs []*appendJob
		for k := range 3 {
			r := numbered(n + k)
			r.Body = append(r.Body, bytes.Repeat([]byte("."), 200)...)
			jobs = append(jobs, &appendJob{data: r.Append(nil)})
		}
		if err := s.requests.store(jobs, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	names, err := filepath.Glob(filepath.Join(dir, "requests", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// handOver appends records, has them done and notes that.
func handOver(t *testing.T, s *Spool, n int) {
	t.Helper()
	for k := range n {
		if err := s.AddRequest(context.Background(), numbered(k-n)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := s.Requests(n, 1<<30)
	if err := firstOf(err, s.Done(b, b.Count), s.requests.tidy(1)); err != nil || b.Count != n {
		t.Fatalf("%d of %d handed over, %v", b.Count, n, err)
	}
}

// Where everything was done is noted beside the log. Bits of that note cost no record that came
// later; those that were done come once more.
func TestADamagedNoteOfWhatIsDoneCostsNothing(t *testing.T) {
	t.Parallel()
	files := closedLog(t, 3)
	flips := 0
	for at := 0; ; flips++ {
		next := bytes.Index(files[listFile][at:], []byte(headKey))
		if next < 0 {
			break
		}
		for n := range len(headKey) + 12 {
			disk := maps.Clone(files)
			disk[listFile] = bytes.Clone(files[listFile])
			disk[listFile][at+next+n] ^= 4
			got := reopened(t, "requests", disk)
			for n := range flipCount {
				if !slices.Contains(got, n) {
					t.Fatalf("a bit of byte %d: record %d is lost; there is %v", at+next+n, n, got)
				}
			}
		}
		at += next + len(headKey)
	}
	if flips == 0 {
		t.Error("no note is there")
	}
}

// One bit makes the end of a group look like the index that closes a file. No record is
// damaged by it, so none is lost, and nothing is written as far as the checksum says.
func TestAGroupsEndThatLooksLikeAnIndexCostsNothing(t *testing.T) {
	t.Parallel()
	const index, commit = 2, 3
	files := closedLog(t, 0)
	flips := 0
	for name, whole := range files {
		if name == listFile {
			continue
		}
		for at := fileHead; at+frameHead <= len(whole) && whole[at] != 0; {
			length := int(binary.LittleEndian.Uint32(whole[at+4:]))
			if whole[at] != commit {
				at += frameHead + (length+7)/8*8
				continue
			}
			disk := maps.Clone(files)
			disk[name] = bytes.Clone(whole)
			disk[name][at] = index
			if got := reopened(t, "requests", disk); len(got) != flipCount {
				t.Errorf("the group's end at byte %d of %s: there is %v", at, name, got)
			}
			at += frameHead
			flips++
		}
	}
	if flips < flipCount/3 {
		t.Errorf("%d ends of groups were looked at", flips)
	}
}

// The list of files stands there twice. A bit in the newer copy brings the older one back, which
// does not know the newest file.
func TestADamagedListOfFilesCostsNothing(t *testing.T) {
	t.Parallel()
	files := closedLog(t, 0)
	for _, page := range []int{0, os.Getpagesize()} {
		for at := page + 16; at < page+80; at += 3 { // what stands behind the head of the page
			disk := maps.Clone(files)
			disk[listFile] = bytes.Clone(files[listFile])
			disk[listFile][at] ^= 1 << (at % 8)
			if got := reopened(t, "requests", disk); len(got) != flipCount {
				t.Fatalf("a bit of byte %d: there is %v", at, got)
			}
		}
	}
}

// Bits in the list itself: what it then says of the files does not fit together.
func TestAListOfFilesThatMakesNoSenseCostsNothing(t *testing.T) {
	t.Parallel()
	files := closedLog(t, 0)
	for _, word := range []string{`"Codec":`, `"BaseIndex":`, `"MinIndex":`, `"MaxIndex":`, `"IndexStart":`} {
		disk := maps.Clone(files)
		disk[listFile] = bytes.Clone(files[listFile])
		n := 0
		for at := 0; ; n++ {
			next := bytes.Index(disk[listFile][at:], []byte(word))
			if next < 0 {
				break
			}
			at += next + len(word)
			disk[listFile][at] ^= 2 // another digit
		}
		if n == 0 {
			t.Fatalf("%s stands nowhere", word)
		}
		if got := reopened(t, "requests", disk); len(got) != flipCount {
			t.Errorf("%s: there is %v", word, got)
		}
	}
}

// A crash in the middle of setting a damaged log aside loses nothing.
func TestSalvageGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]func(dir string) error{
		"half of the new log": func(dir string) error {
			return os.MkdirAll(filepath.Join(dir, "requests"+newSuffix), 0o700)
		},
		"the old one is gone": func(dir string) error {
			return os.Rename(filepath.Join(dir, "requests"),
				filepath.Join(dir, "requests"+newSuffix))
		},
	} {
		dir := t.TempDir()
		s, err := Open(Config{Dir: dir, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AddRequest(context.Background(), numbered(1)); err != nil {
			t.Fatal(err)
		}
		if err := firstOf(s.Close(), crash(dir)); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(Config{Dir: dir, Now: time.Now}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := bodies(t, s.Requests); fmt.Sprint(got) != "[record 1]" {
			t.Errorf("%s: got %v", name, got)
		}
		_ = s.Close()
	}
}

// opened is a log of these files, and what was set aside of them.
func opened(t *testing.T, files map[string][]byte) (records int, aside []string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "requests"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, "requests", name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(Config{Dir: dir, Now: time.Now, fileSize: traceFile})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	aside, err = filepath.Glob(filepath.Join(dir, "requests"+damagedSuffix+"-*", "*.wal"))
	if err != nil {
		t.Fatal(err)
	}
	return len(bodies(t, s.Requests)), aside
}

// What cannot be opened stays, beside its successor, for whoever wants to look at it.
func TestADamagedLogIsSetAsideWhole(t *testing.T) {
	t.Parallel()
	files := closedLog(t, 0)
	files[listFile] = []byte(strings.Repeat("nonsense", 4096))
	if records, aside := opened(t, files); records != flipCount || len(aside) < 2 {
		t.Errorf("got %d records want %d; set aside: %v", records, flipCount, aside)
	}
}

func TestAWholeLogIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	if records, aside := opened(t, closedLog(t, 0)); records != flipCount || len(aside) != 0 {
		t.Errorf("got %d records want %d; set aside: %v", records, flipCount, aside)
	}
}

// Whatever stands in a file: each record that was put there whole is found, nothing is made up.
func FuzzScan(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte{1, 0, 0, 0}, numbered(1).Append(nil))
	f.Add(numbered(2).Append(nil)[:20], []byte{1, 1, 1, 1, 1, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, before, after []byte) {
		whole := numbered(3).Append(nil)
		found := false
		for _, data := range scan(slices.Concat(before, whole, after)) {
			if _, rest, err := edgeapi.NextRecord(data); err != nil || len(rest) > 0 {
				t.Errorf("it found %x, which is no record", data)
			}
			found = found || bytes.Equal(data, whole)
		}
		if alone := scan(whole); len(alone) != 1 || !bytes.Equal(alone[0], whole) {
			t.Errorf("got %x", alone)
		}
		if _, _, err := edgeapi.NextRecord(before); len(before) == 0 && !found {
			t.Errorf("the record is not found (%v)", err)
		}
	})
}
