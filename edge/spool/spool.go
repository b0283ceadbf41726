// Package spool keeps what the edge took and the core has not: on disk, in order, until
// the core says that it has it.
//
// There are two logs. Requests wait for fsync before anybody is told that they were taken;
// clicks, opens and scans wait for the write and are synced within 100 ms. So a killed
// process loses nothing, a power cut at most 100 ms of clicks. Each record carries its own
// checksum: a damaged one is counted and passed over, the others live. A torn tail is
// repaired when the log opens.
package spool

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

// SyncEvery is how long a click may be without fsync.
const SyncEvery = 100 * time.Millisecond

// Config says where a spool lives and how large it may grow.
type Config struct {
	Dir      string
	MaxBytes int64 // of both logs together
	Now      func() time.Time
	wrap     layer // tests put a failing disk in between
}

// Spool is the two logs.
type Spool struct {
	requests *log
	events   *log
	max      int64
	now      func() time.Time
}

// Open opens or makes a spool. Close it before opening the folder again.
func Open(c Config) (*Spool, error) {
	const op = "spool.Open"
	requests, err := openLog(filepath.Join(c.Dir, "requests"), c.wrap)
	if err != nil {
		return nil, fault.As(fault.Unavailable, op, err)
	}
	lazy := newLazy(c.wrap)
	events, err := openLog(filepath.Join(c.Dir, "events"), lazy)
	if err != nil {
		return nil, errors.Join(fault.As(fault.Unavailable, op, err), requests.close())
	}
	events.lazy = lazy
	return &Spool{requests: requests, events: events, max: c.MaxBytes, now: c.Now}, nil
}

// Run syncs the lazy log until ctx ends.
func (s *Spool) Run(ctx context.Context) error {
	tick := time.NewTicker(SyncEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.events.lazy.sync()
		case <-tick.C:
			if err := s.events.lazy.sync(); err != nil {
				s.events.failing.Store(true)
			}
		}
	}
}

// Close ends both logs; what was appended stays.
func (s *Spool) Close() error { return errors.Join(s.requests.close(), s.events.close()) }

// AddRequest returns when the record is on disk and synced.
func (s *Spool) AddRequest(ctx context.Context, r edgeapi.Record) error {
	return s.add(ctx, s.requests, r)
}

// AddEvent returns when the record is written; it is synced soon after.
func (s *Spool) AddEvent(ctx context.Context, r edgeapi.Record) error { return s.add(ctx, s.events, r) }

func (s *Spool) add(ctx context.Context, l *log, r edgeapi.Record) error {
	if s.max > 0 && s.requests.bytes()+s.events.bytes() > s.max {
		return fault.New(fault.Unavailable, "spool.add", "the spool is full")
	}
	return l.append(ctx, r.Append(nil))
}

// Batch is records in a row from the head of one log, as bytes for the wire.
type Batch struct {
	Records []byte
	Count   int
	log     *log
	first   uint64
	last    uint64
	sizes   []int64
}

// Skipped tells whether damaged records were passed over on the way.
func (b Batch) Skipped() bool { return b.last-b.first > uint64(b.Count) }

// Requests reads the oldest requests, Events the oldest events; an empty batch means none.
func (s *Spool) Requests(maxCount, maxBytes int) (Batch, error) {
	return s.requests.read(maxCount, maxBytes)
}

// Events reads the oldest events.
func (s *Spool) Events(maxCount, maxBytes int) (Batch, error) {
	return s.events.read(maxCount, maxBytes)
}

// Done removes the first n records of a batch: the core has them.
func (s *Spool) Done(b Batch, n int) error { return b.log.done(b, n) }

// Stats say how the spool is.
type Stats struct {
	Waiting int64
	Bytes   int64
	Oldest  time.Duration // age of the oldest record, 0 = none
	Damaged int64         // records passed over since the start
	Failing bool          // the last write did not succeed
}

// Stats reads the state of both logs.
func (s *Spool) Stats() Stats {
	out := Stats{Bytes: s.requests.bytes() + s.events.bytes(), Damaged: s.requests.damaged.Load() + s.events.damaged.Load(),
		Failing: s.requests.failing.Load() || s.events.failing.Load()}
	for _, l := range []*log{s.requests, s.events} {
		waiting, oldest := l.waiting()
		out.Waiting += waiting
		if !oldest.IsZero() {
			out.Oldest = max(out.Oldest, s.now().Sub(oldest))
		}
	}
	return out
}
