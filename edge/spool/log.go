package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft-wal/types"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	groupCount  = 256     // appends that share one fsync
	groupBytes  = 4 << 20 // and how large they may be together
	repairEvery = time.Second
	tidyCount   = 1 << 17 // records that may stay on disk after they are done
	maxAside    = 1000    // damaged records that are kept in files of their own
)

// log is one write-ahead log with a committer that gathers what waits. A file that failed
// to write is not written again: the log is opened anew, as after a crash.
type log struct {
	dir      string
	vfs      layer
	fileSize int
	lazy     *lazyFS // nil = every append waits for fsync
	now      func() time.Time

	gate    sync.RWMutex // held for reading while an append is handed over
	closed  bool         // guarded by gate
	in      chan *appendJob
	jobs    sync.Pool // of *appendJob, to be used again
	stopped chan struct{}
	// repaired is the committer's: when it last tried to open the log again.
	repaired time.Time
	aside    int // damaged records that were set aside; for the one who drains
	failing  atomic.Bool
	size     atomic.Int64 // bytes from head to next
	tidying  sync.Mutex   // held while space is given back; guards disk.head

	mu      sync.RWMutex // guards everything below, never held during a write
	disk    *disk        // nil = broken, to be repaired
	next    uint64       // index of the next record
	head    uint64       // first record that the core may not have
	oldest  time.Time    // when the record at head was taken, zero = unknown or none
	damaged int64        // records that were passed over
	recent  recent
}

type appendJob struct {
	data []byte // nil = only see whether the disk works again
	done chan error
}

func openLog(dir string, vfs layer, fileSize int, now func() time.Time) (*log, error) {
	l := &log{dir: dir, vfs: vfs, fileSize: fileSize, now: now, in: make(chan *appendJob, groupCount),
		stopped: make(chan struct{})}
	d, err := openOrSalvage(dir, vfs, fileSize, false)
	if err != nil {
		return nil, err
	}
	l.adopt(d)
	go l.commit()
	return l, nil
}

// adopt takes an opened log over, with what an earlier run or the time before a failure
// left in it. Who calls it holds mu, or is alone.
func (l *log) adopt(d *disk) {
	l.disk, l.next, l.head = d, d.last+1, max(d.head, l.head)
	if l.next < l.head { // what was done is gone altogether; the numbering goes on
		l.next = l.head
	}
	l.size.Store(d.measure(l.head, l.next))
	l.oldest = d.timeOf(l.head)
}

// close takes no more and waits for what was taken.
func (l *log) close() error {
	l.gate.Lock()
	l.closed = true
	close(l.in)
	l.gate.Unlock()
	<-l.stopped
	err := l.tidy(1)
	if l.lazy != nil {
		err = errors.Join(err, l.lazy.sync())
	}
	l.mu.Lock()
	d := l.disk
	l.disk = nil
	l.mu.Unlock()
	if d != nil {
		err = errors.Join(err, d.close())
	}
	return err
}

// append returns when the data is stored as the log promises, or failed to be.
func (l *log) append(ctx context.Context, data []byte) error {
	const op = "spool.append"
	job, ok := l.jobs.Get().(*appendJob)
	if !ok {
		job = &appendJob{done: make(chan error, 1)}
	}
	job.data = data
	l.gate.RLock()
	if l.closed {
		l.gate.RUnlock()
		return fault.New(fault.Unavailable, op, "the spool is closed")
	}
	err := l.hand(ctx, job)
	l.gate.RUnlock()
	if err != nil {
		return fault.As(fault.Unavailable, op, err)
	}
	err = <-job.done
	job.data = nil
	l.jobs.Put(job)
	return fault.As(fault.Unavailable, op, err)
}

// hand gives the committer a job. Choosing between two channels costs more than trying one.
func (l *log) hand(ctx context.Context, job *appendJob) error {
	select {
	case l.in <- job:
		return nil
	default:
	}
	select {
	case l.in <- job:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commit writes what waits in one append, which is one fsync.
func (l *log) commit() {
	defer close(l.stopped)
	group := make([]*appendJob, 0, groupCount)
	for job := range l.in {
		if job.data == nil {
			l.revive()
			continue
		}
		runtime.Gosched() // whoever is about to append may: one write for many costs less
		jobs, size := append(group[:0], job), len(job.data)
		for len(jobs) < groupCount && size < groupBytes && len(l.in) > 0 {
			more, ok := <-l.in
			if !ok {
				break
			}
			if more.data != nil {
				jobs, size = append(jobs, more), size+len(more.data)
			}
		}
		err := l.store(jobs, size)
		l.failing.Store(err != nil)
		for _, j := range jobs {
			j.done <- err
		}
	}
}

// poke lets the committer see whether a disk that failed works again, so that what waits can
// be handed over, and new requests come, although nobody dares to send any.
func (l *log) poke() {
	if !l.failing.Load() {
		return
	}
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closed {
		return
	}
	select {
	case l.in <- &appendJob{}:
	default: // it has enough to do
	}
}

// revive is the committer's.
func (l *log) revive() {
	if !l.failing.Load() {
		return
	}
	var err error
	if l.disk == nil {
		err = l.repair()
	}
	if err == nil {
		err = probe(l.dir)
	}
	l.failing.Store(err != nil)
}

// store is called by the committer alone, which therefore may read what it alone changes.
func (l *log) store(jobs []*appendJob, size int) error {
	if l.disk == nil {
		if err := l.repair(); err != nil {
			return err
		}
	}
	err := l.disk.store(l.next, jobs)
	if errors.Is(err, types.ErrSealed) { // an earlier process ended at a bad moment
		l.abandon()
		if err = l.reopen(true); err != nil {
			return err
		}
		err = l.disk.store(l.next, jobs)
	}
	if err != nil {
		l.abandon()
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == l.next {
		l.oldest = timeOf(jobs[0].data)
	}
	for _, j := range jobs {
		l.recent.add(l.next, j.data)
		l.next++
	}
	l.size.Add(int64(size))
	return nil
}

// abandon gives a log up that failed to write: it cannot tell any more what it holds.
func (l *log) abandon() {
	l.mu.Lock()
	d := l.disk
	l.disk = nil
	l.mu.Unlock()
	_ = d.close() // its last error says less than the one that brought us here
}

// repair opens the log again, at most once a second.
func (l *log) repair() error {
	now := l.now()
	if now.Sub(l.repaired).Abs() < repairEvery {
		return fault.New(fault.Unavailable, "spool.repair", "the log is not writable")
	}
	l.repaired = now
	return l.reopen(false)
}

func (l *log) reopen(mend bool) error {
	d, err := openOrSalvage(l.dir, l.vfs, l.fileSize, mend)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.adopt(d)
	return nil
}

func (l *log) add(to *Stats, now time.Time) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	to.Waiting += int64(l.next - l.head)
	to.Bytes += l.size.Load()
	to.Damaged += l.damaged
	to.Failing = to.Failing || l.failing.Load()
	if l.next > l.head && !l.oldest.IsZero() {
		to.Oldest = max(to.Oldest, now.Sub(l.oldest))
	}
}

// read gathers records from the head. Damaged ones are left out and count as read.
func (l *log) read(maxCount, maxBytes int) (Batch, error) {
	l.mu.RLock()
	d, head, next := l.disk, l.head, l.next
	known := l.recent.behind(head, maxCount)
	l.mu.RUnlock()
	b := Batch{log: l, first: head, last: head}
	if d == nil && head < next {
		return b, fault.New(fault.Unavailable, "spool.read", "the log is not readable")
	}
	for i := head; i < next && b.Count < maxCount && (len(b.Records) < maxBytes ||
		b.Count == 0); i++ {
		var data []byte
		if n := i - head; n < uint64(len(known)) {
			data = known[n]
		}
		if data == nil {
			var err error
			if data, err = d.read(i); err != nil {
				return b, err
			}
		}
		b.last = i + 1
		b.sizes = append(b.sizes, len(data))
		if _, _, err := edgeapi.NextRecord(data); err != nil {
			b.bad = append(b.bad, badRecord{i, data})
			continue
		}
		b.good = append(b.good, i)
		b.Records = append(b.Records, data...)
		b.Count++
	}
	return b, nil
}

// done moves the head past the first n good records of a batch and the damaged ones among
// them.
func (l *log) done(b Batch, n int) error {
	n = min(max(n, 0), len(b.good))
	to := b.last
	if n < len(b.good) {
		to = b.good[n]
	}
	if !l.moveHead(b, to, n) {
		return nil
	}
	l.setAside(b.bad, to)
	return l.tidy(tidyCount)
}

// setAside keeps what was passed over, for whoever wants to look at it.
func (l *log) setAside(bad []badRecord, to uint64) {
	for _, r := range bad {
		if r.index >= to || len(r.data) == 0 || l.aside >= maxAside {
			continue
		}
		l.aside++
		name := fmt.Sprintf("%s%s-record-%d", l.dir, damagedSuffix, r.index)
		_ = os.WriteFile(name, r.data, 0o600) // the record is lost either way, and counted
	}
}

// moveHead tells whether the batch was still the first one.
func (l *log) moveHead(b Batch, to uint64, good int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.first != l.head || to <= l.head {
		return false
	}
	for _, size := range b.sizes[:to-l.head] {
		l.size.Add(-int64(size))
	}
	l.damaged += int64(to-l.head) - int64(good)
	l.head, l.oldest = to, time.Time{}
	if l.head == l.next {
		l.size.Store(0) // at the start it may have been an estimate
	} else if l.disk != nil {
		l.oldest = l.disk.timeOf(l.head)
	}
	return true
}

// tidy gives the space of done records back when there are enough of them. It costs an
// fsync for which appends wait, so it is done now and then; what it did not come to is sent
// once more after a crash, and known by its id.
func (l *log) tidy(enough uint64) error {
	l.tidying.Lock()
	defer l.tidying.Unlock()
	l.mu.RLock()
	d, head, next := l.disk, l.head, l.next
	l.mu.RUnlock()
	if d == nil || head-d.head < enough {
		return nil
	}
	return d.drop(head, next)
}
