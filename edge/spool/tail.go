package spool

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"

	"lumo/shared/edgeapi"
)

const (
	frameHead  = 8  // bytes before a frame's content; the last four are its length
	fileHead   = 32 // bytes before a file's first frame
	commitRoom = 16 // a group's end: filling up to eight bytes, and its checksum
	peekBytes  = 4 << 10
	searchStep = 256 << 10
)

// complete is a list of files that says what was last written to it. The store of the list has
// no checksum of what it holds, so ours stands beside it. And the store keeps two copies; where a
// damaged bit spoils the newer one it answers with the older one, and the library then removes
// the files that this one does not know.
type complete struct {
	types.MetaStore
	sum []byte // of the list as it stands
}

const listSumsKey = "lumo list sums"

// CommitState replaces the list. The checksums of the old list and of the new one go before it:
// whoever ends in between leaves a list that fits one of them.
func (c *complete) CommitState(state types.PersistentState) error {
	sum, err := listSum(state)
	if err != nil {
		return err
	}
	if err := c.SetStable([]byte(listSumsKey), slices.Concat(c.sum, sum)); err != nil {
		return err
	}
	if err := c.MetaStore.CommitState(state); err != nil {
		return err
	}
	c.sum = sum
	return nil
}

func listSum(state types.PersistentState) ([]byte, error) {
	text, err := json.Marshal(state)
	return binary.LittleEndian.AppendUint32(nil, sumOf(text)), err
}

func sumOf(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// known holds a list against the checksums that were written beside it. Only a new log has none.
func (c *complete) known(state types.PersistentState) (bool, error) {
	sum, err := listSum(state)
	if err != nil {
		return false, err
	}
	sums, err := c.GetStable([]byte(listSumsKey))
	if err != nil {
		return false, err
	}
	c.sum = sum
	if len(sums) == 0 {
		return len(state.Segments) == 0, nil
	}
	for one := range slices.Chunk(sums, len(sum)) {
		if bytes.Equal(one, sum) {
			return true, nil
		}
	}
	return false, nil
}

// Load reads the list when a log is opened. A file that is newer than the list and has records
// in it means that the list is damaged; a new one that is not listed yet is empty.
func (c *complete) Load(dir string) (types.PersistentState, error) {
	state, err := c.MetaStore.Load(dir)
	if err != nil {
		return state, err
	}
	if known, err := c.known(state); err != nil || !known {
		return state, firstOf(err, errDamaged)
	}
	last := ""
	if n := len(state.Segments); n > 0 {
		last = segment.FileName(state.Segments[n-1])
	}
	names, err := filepath.Glob(filepath.Join(dir, walFiles))
	if err != nil {
		return state, err
	}
	for _, name := range names {
		if filepath.Base(name) <= last {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return state, err
		}
		if len(scan(b)) > 0 {
			return state, errDamaged
		}
	}
	return state, nil
}

// mended is a list of files whose newest file can be written to. The library fills a file,
// closes it with an index, and then, a moment later, lists the next one. Who ends in between,
// even in order, leaves a list whose last file is closed; the library opens that and refuses
// every append, for ever. So what it was about to do is finished here, or, where the closing
// itself was torn, undone: nobody was told of what stood behind it. It takes reading the
// whole file, so it is done only after the library refused.
type mended struct {
	types.MetaStore
	files layer
}

// Load reads the list when a log is opened.
func (m mended) Load(dir string) (types.PersistentState, error) {
	state, err := m.MetaStore.Load(dir)
	if err != nil || len(state.Segments) == 0 {
		return state, err
	}
	tail := &state.Segments[len(state.Segments)-1]
	if !tail.SealTime.IsZero() {
		return state, nil
	}
	w, err := segment.NewFiler(dir, m.files).RecoverTail(*tail)
	if err != nil {
		return state, nil // opening comes to the same error, and knows what to do
	}
	closed, index, err := w.Sealed()
	last := w.LastIndex()
	if err := firstOf(err, w.Close()); err != nil || !closed {
		return state, err
	}
	whole, err := m.indexed(dir, *tail, index, last)
	if err != nil || !whole {
		return state, err
	}
	tail.SealTime, tail.MaxIndex, tail.IndexStart = time.Now(), last, index
	next := types.SegmentInfo{ID: state.NextSegmentID, BaseIndex: last + 1, MinIndex: last + 1,
		SizeLimit: tail.SizeLimit, Codec: tail.Codec, CreateTime: time.Now()}
	state.NextSegmentID++
	state.Segments = append(state.Segments, next)
	return state, m.CommitState(state)
}

// indexed tells whether the index at an offset is that of all records up to the last one.
// Else it is of a group of which the rest is not there, and is wiped out; or no index at all:
// one damaged bit makes the end of a group look like one. Then records stand behind it, which
// behind an index there never are, and the log is damaged.
func (m mended) indexed(dir string, s types.SegmentInfo, index, last uint64) (bool, error) {
	f, err := m.files.OpenWriter(dir, segment.FileName(s))
	if err != nil {
		return false, err
	}
	var head [frameHead]byte
	at := int64(index) - frameHead
	if _, err := f.ReadAt(head[:], at); err != nil {
		return false, firstOf(err, f.Close())
	}
	length := binary.LittleEndian.Uint32(head[4:])
	if s.BaseIndex+uint64(length)/4 == last+1 {
		return true, f.Close()
	}
	rest, err := io.ReadAll(io.NewSectionReader(f, at, int64(s.SizeLimit)+groupBytes+edgeapi.MaxRecord))
	if err == nil && len(scan(rest)) > 0 {
		err = errDamaged
	}
	if err != nil {
		return false, firstOf(err, f.Close())
	}
	_, err = f.WriteAt(make([]byte, len(rest)), at)
	return false, firstOf(err, f.Sync(), f.Close())
}

// rescue appends what stands in the newest file behind the last record that the library
// believes: one damaged bit makes it drop all of the last group. In almost every start there
// is nothing behind it, which a look at a few bytes tells.
func (d *disk) rescue(dir string) error {
	f, err := newest(dir)
	if f == nil {
		return err
	}
	defer f.Close()
	from, last := int64(fileHead), []byte(nil)
	if d.last > 0 {
		if last, err = d.read(d.last); err != nil {
			return err
		}
		from = max(from, endOf(f, last))
	}
	peek := make([]byte, peekBytes)
	n, _ := f.ReadAt(peek, from+int64(commitRoom))
	if len(bytes.Trim(peek[:n], "\x00")) == 0 {
		return nil
	}
	rest, err := io.ReadAll(io.NewSectionReader(f, from, groupBytes+edgeapi.MaxRecord))
	if err != nil {
		return err
	}
	return d.storeRecords(d.unknown(scan(rest)))
}

// newest is the file with the highest number, nil = none.
func newest(dir string) (*os.File, error) {
	names, err := filepath.Glob(filepath.Join(dir, walFiles))
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return os.Open(names[len(names)-1])
}

// endOf is where a record ends in a file, 0 = it is not there. It looks from the end on.
func endOf(f *os.File, record []byte) int64 {
	info, err := f.Stat()
	if err != nil || len(record) == 0 {
		return 0
	}
	room := make([]byte, searchStep+len(record))
	for end := info.Size(); end > 0; end -= searchStep {
		from := max(0, end-searchStep)
		n, _ := f.ReadAt(room[:min(int64(len(room)), info.Size()-from)], from)
		if at := bytes.LastIndex(room[:n], record); at >= 0 {
			return from + int64(at+len(record))
		}
	}
	return 0
}

// unknown leaves out what the log has among its last records.
func (d *disk) unknown(records [][]byte) [][]byte {
	known := map[string]bool{}
	for i := d.last; i >= 1 && d.last-i <= uint64(len(records)+groupCount); i-- {
		data, err := d.read(i)
		if err != nil {
			break
		}
		known[nameOf(data)] = true
	}
	return slices.DeleteFunc(records, func(data []byte) bool { return known[nameOf(data)] })
}

// nameOf tells records apart: length, checksum and id.
func nameOf(data []byte) string { return string(data[:min(len(data), recordRoom)]) }

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
