package spool

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

const frameHead = 8 // bytes before a frame's content; the last four are its length

// mended is a list of files whose newest file can always be written to. The library fills a
// file, closes it with an index, and then, a moment later, lists the next one. Who ends in
// between, even in order, leaves a list whose last file is closed; the library opens that
// and refuses every append, for ever. So what it was about to do is finished here, or, where
// the closing itself was torn, undone: nobody was told of what stood behind it.
//
// It also keeps what can be read in the newest file, since one damaged bit makes the library
// drop all of the last group.
type mended struct {
	types.MetaStore
	files layer
	seen  [][]byte // records of the newest file, as found there
}

// Load reads the list when a log is opened.
func (m *mended) Load(dir string) (types.PersistentState, error) {
	state, err := m.MetaStore.Load(dir)
	if err != nil || len(state.Segments) == 0 {
		return state, err
	}
	tail := &state.Segments[len(state.Segments)-1]
	if !tail.SealTime.IsZero() {
		return state, nil
	}
	if b, err := os.ReadFile(filepath.Join(dir, segment.FileName(*tail))); err == nil {
		m.seen = scan(b)
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
// Else it is of a group of which the rest is not there, and is wiped out.
func (m *mended) indexed(dir string, s types.SegmentInfo, index, last uint64) (bool, error) {
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
	_, err = f.WriteAt(make([]byte, frameHead+int64(length)+2*frameHead), at)
	return false, firstOf(err, f.Sync(), f.Close())
}

// rescue appends what stands in the newest file behind the last record that the library
// believes: intact records of a group with a damaged one, or of one that was not complete.
func (d *disk) rescue(seen [][]byte) error {
	if len(seen) == 0 {
		return nil
	}
	places := make(map[string]int, len(seen))
	for i, data := range seen {
		places[nameOf(data)] = i
	}
	from := 0
	for i := d.last; i >= 1 && d.last-i <= uint64(len(seen)+groupCount); i-- {
		data, err := d.read(i)
		if err != nil {
			return err
		}
		if place, ok := places[nameOf(data)]; ok {
			from = place + 1
			break
		}
	}
	return d.storeRecords(seen[from:])
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
