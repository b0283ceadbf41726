// Package spool keeps what the edge took and the core has not: on disk, in order, until
// the core says that it has it.
//
// There are two logs. Requests wait for fsync before anybody is told that they were taken;
// clicks, opens and scans wait for the write and are synced within 100 ms. So a killed
// process loses nothing, a power cut at most 100 ms of clicks. Each record carries its own
// checksum: a damaged one is counted, set aside in a file of its own and passed over, the
// others live. A torn tail is repaired when the log opens, and what can be read behind it is
// kept. A log that cannot be opened at all is set aside whole, and each record that can still
// be read goes into a new one. A disk that fails or is full makes appends fail until it works
// again, which is tried each second, and nothing that was acknowledged is lost by that.
//
// What the core has taken may stay on disk for up to ten seconds; after a crash it is sent
// once more, with the same ids. The limit counts what waits; each log also has at least one
// file, of 16 and 4 MiB, whether or not it is filled.
//
// Both are hashicorp/raft-wal, the only one of three logs tried that gets over a torn tail by
// itself; what it lacks stands around it here (tail.go, salvage.go, room.go). Figures on two
// cores, records of 300 bytes, 64 writers: with fsync 61,000-67,000 records a second, p50 0.9
// and p99 2.5-3.9 ms; without waiting for it 375,000 a second, p99 2.2 ms; 343-400 bytes a
// record on disk. Whoever is about to append when a group begins is let go first, which makes
// groups of clicks several times as large, and the newest records are handed over from memory:
// together that took a fifth off a redirect's processor time. The tests cut a recorded trace
// of 143 writes, syncs and changes of the file list after each step, as a kill and as three
// kinds of power cut; flip bits all over a log; kill processes that append (two hundred with
// LUMO_SOAK=1); and look at the order of sync and answer with strace (edge/app).
package spool

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft-wal/fs"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const (
	// SyncEvery is how long a click may be without fsync.
	SyncEvery = 100 * time.Millisecond
	tidyEvery = 100 // of those
	pokeEvery = 10

	recordRoom = 32 // what a record needs besides its body
	usualBytes = 4 << 10
)

// Config says where a spool lives and how large it may grow.
type Config struct {
	Dir      string
	MaxBytes int64 // of both logs together, 0 = no limit
	Now      func() time.Time
	wrap     layer // tests put a failing disk in between
	fileSize int   // bytes of one file of a log, 0 = the usual
}

// Spool is the two logs. It is safe for concurrent use.
type Spool struct {
	requests *log
	events   *log
	max      int64
	now      func() time.Time
}

// Open opens or makes a spool. Close it before opening the folder again.
func Open(c Config) (*Spool, error) {
	const op = "spool.Open"
	if c.wrap == nil {
		c.wrap = room{fs.New()}
	}
	requests, err := openLog(filepath.Join(c.Dir, "requests"), c.wrap,
		cmp.Or(c.fileSize, requestsFile), c.Now)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	lazy := newLazy(c.wrap)
	events, err := openLog(filepath.Join(c.Dir, "events"), lazy,
		cmp.Or(c.fileSize, eventsFile), c.Now)
	if err != nil {
		return nil, errors.Join(fault.Wrap(op, err), requests.close())
	}
	events.lazy = lazy
	return &Spool{requests: requests, events: events, max: c.MaxBytes, now: c.Now}, nil
}

// Run syncs the lazy log and gives space back until ctx ends.
func (s *Spool) Run(ctx context.Context) error {
	tick := time.NewTicker(SyncEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil // Close does the rest
		case <-tick.C:
		}
		if n%pokeEvery == 0 {
			s.requests.poke()
			s.events.poke()
		}
		err := s.events.lazy.sync()
		if n%tidyEvery == 0 {
			err = errors.Join(err, s.requests.tidy(1), s.events.tidy(1))
		}
		if err != nil {
			s.events.failing.Store(true)
		}
	}
}

// Close ends both logs; what was appended stays.
func (s *Spool) Close() error { return errors.Join(s.requests.close(), s.events.close()) }

// AddRequest returns when the record is on disk and synced.
func (s *Spool) AddRequest(ctx context.Context, r edgeapi.Record) error {
	return s.add(ctx, s.requests, s.max, r)
}

// AddEvent returns when the record is written; it is synced soon after. Events leave a
// quarter of the spool to requests, which nobody can make up for.
func (s *Spool) AddEvent(ctx context.Context, r edgeapi.Record) error {
	return s.add(ctx, s.events, s.max-s.max/4, r)
}

func (s *Spool) add(ctx context.Context, l *log, limit int64, r edgeapi.Record) error {
	if limit > 0 && s.requests.size.Load()+s.events.size.Load()+int64(len(r.Body)) > limit {
		return fault.New(fault.Unavailable, "spool.add", "the spool is full")
	}
	return l.append(ctx, r.Append(make([]byte, 0, len(r.Body)+recordRoom)))
}

// Batch is records in a row from the head of one log, as bytes for the wire.
type Batch struct {
	Records []byte
	Count   int
	log     *log
	first   uint64   // index of the first record, damaged or not
	last    uint64   // index behind the last one
	sizes   []int    // of all of them
	good    []uint64 // indexes of those in Records
	bad     []badRecord
}

// badRecord is a damaged one, as far as it can be read.
type badRecord struct {
	index uint64
	data  []byte
}

// Skipped tells whether damaged records were passed over on the way.
func (b Batch) Skipped() bool { return b.last-b.first > uint64(b.Count) }

// Requests reads the oldest requests; an empty batch means that there are none.
func (s *Spool) Requests(maxCount, maxBytes int) (Batch, error) {
	return s.requests.read(maxCount, maxBytes)
}

// Events reads the oldest events.
func (s *Spool) Events(maxCount, maxBytes int) (Batch, error) {
	return s.events.read(maxCount, maxBytes)
}

// Done removes the first n records of a batch: the core has them. Of two batches from the
// same head only the first to be done counts.
func (s *Spool) Done(b Batch, n int) error { return b.log.done(b, n) }

// Stats say how the spool is.
type Stats struct {
	Waiting  int64
	Requests int64 // of those that wait
	// RequestBytes is the part of Bytes that requests take.
	RequestBytes int64
	Bytes        int64
	Oldest       time.Duration // age of the oldest record, 0 = none
	Damaged      int64         // records passed over since the start
	Failing      bool          // the last write did not succeed
	Full         bool          // a webhook of the usual size finds no room
}

// Stats reads the state of both logs.
func (s *Spool) Stats() Stats {
	var out Stats
	now := s.now()
	s.requests.add(&out, now)
	out.Requests, out.RequestBytes = out.Waiting, out.Bytes
	s.events.add(&out, now)
	out.Full = s.max > 0 && out.Bytes+usualBytes > s.max
	return out
}
