package spool

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	segmentSize = 16 << 20
	groupSize   = 256 // appends that share one fsync
)

// layer goes between a log and the file system.
type layer interface{ types.VFS }

// log is one write-ahead log with a committer that gathers what waits.
type log struct {
	wal     *wal.WAL
	meta    *metadb.BoltMetaDB
	lazy    *lazyFS // nil = every append waits for fsync
	in      chan appendJob
	stopped chan struct{}
	failing atomic.Bool
	damaged atomic.Int64
	size    atomic.Int64

	mu     sync.Mutex
	next   uint64 // guarded by mu: index of the next record
	head   uint64 // guarded by mu: first record that the core may not have
	oldest time.Time
}

type appendJob struct {
	data []byte
	done chan error
}

func openLog(dir string, vfs layer) (*log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if vfs == nil {
		vfs = fs.New()
	}
	meta := &metadb.BoltMetaDB{}
	w, err := wal.Open(dir, wal.WithMetaStore(meta), wal.WithSegmentFiler(segment.NewFiler(dir, vfs)),
		wal.WithSegmentSize(segmentSize), wal.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		return nil, errors.Join(err, meta.Close())
	}
	l := &log{wal: w, meta: meta, in: make(chan appendJob, groupSize), stopped: make(chan struct{})}
	first, err1 := w.FirstIndex()
	last, err2 := w.LastIndex()
	if err := errors.Join(err1, err2); err != nil {
		return nil, errors.Join(err, l.shut())
	}
	l.next, l.head = last+1, max(first, 1)
	l.measure(first, last)
	go l.commit()
	return l, nil
}

// measure counts what an earlier run left.
func (l *log) measure(first, last uint64) {
	for i := max(first, 1); i <= last; i++ {
		var entry raft.Log
		if l.wal.GetLog(i, &entry) == nil {
			l.size.Add(int64(len(entry.Data)))
			if l.oldest.IsZero() {
				l.oldest = timeOf(entry.Data)
			}
		}
	}
}

// timeOf is when a record was taken, from its id; zero when it is damaged.
func timeOf(data []byte) time.Time {
	r, _, err := edgeapi.NextRecord(data)
	if err != nil {
		return time.Time{}
	}
	return r.ID.Time()
}

// close takes no more and waits for what was taken. The metadata file has a lock of its
// own that the log does not give back by itself.
func (l *log) close() error {
	close(l.in)
	<-l.stopped
	if l.lazy != nil {
		_ = l.lazy.sync()
	}
	return l.shut()
}

func (l *log) shut() error { return errors.Join(l.wal.Close(), l.meta.Close()) }

func (l *log) append(ctx context.Context, data []byte) error {
	job := appendJob{data: data, done: make(chan error, 1)}
	select {
	case l.in <- job:
	case <-ctx.Done():
		return fault.As(fault.Unavailable, "spool.append", ctx.Err())
	}
	return fault.As(fault.Unavailable, "spool.append", <-job.done)
}

// commit writes what waits in one append, which is one fsync.
func (l *log) commit() {
	defer close(l.stopped)
	for job := range l.in {
		jobs := []appendJob{job}
		for len(jobs) < groupSize && len(l.in) > 0 {
			more, ok := <-l.in
			if !ok {
				break
			}
			jobs = append(jobs, more)
		}
		err := l.store(jobs)
		l.failing.Store(err != nil)
		for _, j := range jobs {
			j.done <- err
		}
	}
}

func (l *log) store(jobs []appendJob) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := make([]*raft.Log, len(jobs))
	size := int64(0)
	for i, j := range jobs {
		entries[i] = &raft.Log{Index: l.next + uint64(i), Data: j.data}
		size += int64(len(j.data))
	}
	if err := l.wal.StoreLogs(entries); err != nil {
		return err
	}
	if l.head == l.next || l.oldest.IsZero() {
		l.oldest = timeOf(jobs[0].data)
	}
	l.next += uint64(len(jobs))
	l.size.Add(size)
	return nil
}

func (l *log) bytes() int64 { return l.size.Load() }

func (l *log) waiting() (n int64, oldest time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == l.head {
		return 0, time.Time{}
	}
	return int64(l.next - l.head), l.oldest
}

// read gathers records from the head. Damaged ones are left out and count as read.
func (l *log) read(maxCount, maxBytes int) (Batch, error) {
	l.mu.Lock()
	head, next := l.head, l.next
	l.mu.Unlock()
	b := Batch{log: l, first: head, last: head}
	for i := head; i < next && b.Count < maxCount && (len(b.Records) < maxBytes || b.Count == 0); i++ {
		var entry raft.Log
		err := l.wal.GetLog(i, &entry)
		if err == nil {
			_, _, err = edgeapi.NextRecord(entry.Data)
		}
		b.last = i + 1
		b.sizes = append(b.sizes, int64(len(entry.Data)))
		if err != nil {
			l.damaged.Add(1)
			continue
		}
		b.Records = append(b.Records, entry.Data...)
		b.Count++
	}
	return b, nil
}

// done moves the head past n good records and the damaged ones among them, and gives the
// space back. The newest record always stays, so that the numbering goes on; after a
// restart it may be sent once more, which its id makes harmless.
func (l *log) done(b Batch, n int) error {
	upTo := b.first
	for good := 0; upTo < b.last; upTo++ {
		var entry raft.Log
		isGood := l.wal.GetLog(upTo, &entry) == nil
		if isGood {
			_, _, err := edgeapi.NextRecord(entry.Data)
			isGood = err == nil
		}
		if isGood && good == n {
			break
		}
		if isGood {
			good++
		}
	}
	return l.moveHead(b, upTo)
}

func (l *log) moveHead(b Batch, to uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if to <= l.head {
		return nil
	}
	for i := l.head; i < to && i-b.first < uint64(len(b.sizes)); i++ {
		l.size.Add(-b.sizes[i-b.first])
	}
	l.head = to
	l.oldest = time.Time{}
	var entry raft.Log
	if l.head < l.next && l.wal.GetLog(l.head, &entry) == nil {
		l.oldest = timeOf(entry.Data)
	}
	first, err := l.wal.FirstIndex()
	last := min(to, l.next-1) // the newest one stays
	if err != nil || first == 0 || last <= first {
		return err
	}
	return fault.As(fault.Unavailable, "spool.done", l.wal.DeleteRange(first, last-1))
}
