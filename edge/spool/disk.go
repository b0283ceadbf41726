package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	// Files are this large from the start. The newest one is read record by record when its
	// log is opened, and events are small.
	requestsFile = 16 << 20
	eventsFile   = 4 << 20

	samples = 256    // records that are looked at to estimate a log's size
	headKey = "head" // where everything is done, since one record always stays
)

// layer goes between a log and the file system.
type layer interface{ types.VFS }

// metaLayer is a layer that also goes between a log and the list of its files.
type metaLayer interface {
	meta(below types.MetaStore) types.MetaStore
}

// disk is an opened write-ahead log.
type disk struct {
	wal  *wal.WAL
	meta *metadb.BoltMetaDB
	head uint64 // first record that was not done, as far as the disk knows
	last uint64 // newest record when it was opened, 0 = none

	entries []*raft.Log // to be used again
}

// openDisk opens or makes a log. A torn tail is repaired by the library; mend what it is not.
func openDisk(dir string, vfs layer, fileSize int, mend bool) (*disk, error) {
	const op = "spool.open"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.As(fault.Unavailable, op, err)
	}
	// The metadata file has a lock of its own that the log does not give back by itself.
	meta := &metadb.BoltMetaDB{}
	store := types.MetaStore(meta)
	if m, ok := vfs.(metaLayer); ok {
		store = m.meta(store)
	}
	store = &complete{MetaStore: store}
	if mend {
		store = mended{store, vfs}
	}
	w, err := wal.Open(dir, wal.WithMetaStore(store),
		wal.WithSegmentFiler(segment.NewFiler(dir, vfs)), wal.WithSegmentSize(fileSize),
		wal.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		return nil, fault.As(fault.Unavailable, op, errors.Join(err, meta.Close()))
	}
	d := &disk{wal: w, meta: meta}
	first, err1 := w.FirstIndex()
	last, err2 := w.LastIndex()
	done, err3 := readHead(w)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fault.As(fault.Unavailable, op, errors.Join(err, d.close()))
	}
	d.head, d.last = max(first, done, 1), last
	err = d.rescue(dir)
	if err == nil {
		return d, nil
	}
	err = errors.Join(err, d.close())
	if errors.Is(err, types.ErrSealed) && !mend {
		return openDisk(dir, vfs, fileSize, true)
	}
	return nil, fault.As(fault.Unavailable, op, err)
}

func (d *disk) close() error { return errors.Join(d.wal.Close(), d.meta.Close()) }

// store is for the committer alone: the library does not keep the entries.
func (d *disk) store(next uint64, jobs []*appendJob) error {
	for len(d.entries) < len(jobs) {
		d.entries = append(d.entries, &raft.Log{})
	}
	for i, j := range jobs {
		*d.entries[i] = raft.Log{Index: next + uint64(i), Data: j.data}
	}
	return d.wal.StoreLogs(d.entries[:len(jobs)])
}

// read gives a record's bytes; damaged ones may be empty. An error is the log's, not the
// record's.
func (d *disk) read(index uint64) ([]byte, error) {
	var entry raft.Log
	err := d.wal.GetLog(index, &entry)
	if errors.Is(err, types.ErrClosed) {
		return nil, fault.As(fault.Unavailable, "spool.read", err)
	}
	if err != nil { // its frame is damaged
		return nil, nil
	}
	return entry.Data, nil
}

// measure adds up the records of a range; a long one is estimated from some of them, so
// that an edge with much to hand over starts as fast as any.
func (d *disk) measure(from, to uint64) int64 {
	if from >= to {
		return 0
	}
	n := to - from
	step := max(1, n/samples)
	looked, size := int64(0), int64(0)
	for i := from; i < to; i += step {
		data, _ := d.read(i)
		looked, size = looked+1, size+int64(len(data))
	}
	return size * int64(n) / looked
}

// timeOf is when a record was taken, from its id; zero when there is none or it is damaged.
func (d *disk) timeOf(index uint64) time.Time {
	data, _ := d.read(index)
	return timeOf(data)
}

func timeOf(data []byte) time.Time {
	r, _, err := edgeapi.NextRecord(data)
	if err != nil {
		return time.Time{}
	}
	return r.ID.Time()
}

// drop forgets what is before head. The newest record stays in any case, so that the
// numbering goes on; that it is done is noted beside the log.
func (d *disk) drop(head, next uint64) error {
	const op = "spool.drop"
	first, err := d.wal.FirstIndex()
	if err != nil {
		return fault.As(fault.Unavailable, op, err)
	}
	if keep := min(head, next-1); first > 0 && keep > first {
		if err := d.wal.DeleteRange(first, keep-1); err != nil {
			return fault.As(fault.Unavailable, op, err)
		}
	}
	if head == next {
		if err := d.wal.Set([]byte(headKey), headNote(head)); err != nil {
			return fault.As(fault.Unavailable, op, err)
		}
	}
	d.head = head
	return nil
}

// headNote is what is noted of the head: it and its checksum, since a damaged one would pass for
// records that are done.
func headNote(head uint64) []byte {
	b := binary.LittleEndian.AppendUint64(nil, head)
	return binary.LittleEndian.AppendUint32(b, sumOf(b))
}

// readHead reads the note; 0 where there is none, or a damaged one: what was done is then handed
// over once more, and known by its id.
func readHead(w *wal.WAL) (uint64, error) {
	b, err := w.Get([]byte(headKey))
	if err != nil || len(b) < 8 {
		return 0, err
	}
	head := binary.LittleEndian.Uint64(b)
	if !bytes.Equal(b, headNote(head)) {
		return 0, nil
	}
	return head, nil
}
