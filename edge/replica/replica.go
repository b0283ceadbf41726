// Package replica is the configuration an edge answers from: tables and keys, in memory.
//
// A snapshot or delta is applied whole or not at all, and kept on disk, encrypted, so that
// the edge starts and serves without the core; a disk that fails costs that and nothing
// else. The package also knows the lease: while the last heartbeat is fresh and nothing was
// missed, what stands here is what the core says. Time spans are measured by the monotonic
// clock, so that setting the wall clock lengthens no lease.
package replica

import (
	"sync"
	"sync/atomic"
	"time"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

// LeaseLife is how long a heartbeat is believed.
const LeaseLife = 5 * time.Second

// Replica holds the tables. Any number may read; Apply and Lapse are for the one who reads
// the stream.
type Replica struct {
	now     func() time.Time
	kept    *keeper // nil = memory only
	pending *tables // a snapshot that is still coming

	mu     sync.RWMutex
	tables *tables // guarded by mu

	beat   atomic.Pointer[time.Time] // our clock at the last heartbeat, nil = none
	offset atomic.Int64              // core time minus our clock, ms
	newest atomic.Uint64             // configuration version that the core told of
}

// New makes an empty replica that lives in memory; Open makes one that is kept.
func New(now func() time.Time) *Replica {
	return &Replica{now: now, tables: newTables()}
}

// Lookup gives a value of tables 1 to 6.
func (r *Replica) Lookup(table uint8, key []byte) ([]byte, bool) {
	if table < edgeapi.TableHook || table >= edgeapi.TableKey {
		return nil, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tables.rows[table-1].get(key)
}

// Keys gives the secrets of a reference that are valid at a time, newest first.
func (r *Replica) Keys(ref edgeapi.KeyRef, unixMS int64) [][]byte {
	r.mu.RLock()
	ring := r.tables.keys[ref] // never changed, only replaced
	r.mu.RUnlock()
	return ring.valid(unixMS)
}

// Version is the configuration that answers now.
func (r *Replica) Version() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tables.version
}

// Size is the number of rows of tables 1 to 6, for metrics.
func (r *Replica) Size(table uint8) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tables.rows[table-1].count
}

// Fresh tells whether the lease holds: a heartbeat less than five seconds ago, and no gap.
func (r *Replica) Fresh() bool {
	at := r.beat.Load()
	return at != nil && r.now().Sub(*at) < LeaseLife && r.newest.Load() <= r.Version()
}

// CoreTime is now by the core's clock, as far as it is known.
func (r *Replica) CoreTime() time.Time {
	return r.now().Add(time.Duration(r.offset.Load()) * time.Millisecond)
}

// Lapse ends the lease: the stream broke. Half of a snapshot is forgotten.
func (r *Replica) Lapse() {
	r.beat.Store(nil)
	r.pending = nil
}

// Apply takes one frame of the stream. gap tells that something was missed: the stream
// must begin again with a snapshot.
func (r *Replica) Apply(f edgeapi.Frame) (gap bool, err error) {
	switch f.Type {
	case edgeapi.FrameHeartbeat:
		return r.heartbeat(f)
	case edgeapi.FrameSnapshot:
		return false, r.snapshot(f)
	case edgeapi.FrameDelta:
		return false, r.delta(f)
	}
	return false, fault.New(fault.Invalid, "replica.Apply", "a frame of type %d is not for edges",
		f.Type)
}

// heartbeat renews the lease. Frames come in order, so a heartbeat that twice names a
// version which never came means that it was missed.
func (r *Replica) heartbeat(f edgeapi.Frame) (gap bool, err error) {
	h, err := edgeapi.ParseHeartbeat(f.Payload)
	if err != nil {
		return false, err
	}
	now := r.now()
	r.offset.Store(int64(h.UnixMS) - now.UnixMilli())
	version := r.Version()
	gap = h.Version > version && r.newest.Load() > version
	r.newest.Store(h.Version)
	r.beat.Store(&now)
	return gap, nil
}

// snapshot gathers parts; the one without entries ends it.
func (r *Replica) snapshot(f edgeapi.Frame) error {
	entries, err := parse(f.Payload)
	if err != nil {
		r.pending = nil
		return err
	}
	if r.pending == nil {
		r.pending = newTables()
	}
	for _, e := range entries {
		r.pending.apply(e)
	}
	if len(entries) > 0 {
		return nil
	}
	whole := r.pending
	whole.version, r.pending = f.Sequence, nil
	r.mu.Lock()
	r.tables = whole
	r.mu.Unlock()
	r.kept.all(whole)
	return nil
}

// delta changes all that its entries say, or nothing: they are read before the first is
// applied. What is known already changes nothing.
func (r *Replica) delta(f edgeapi.Frame) error {
	entries, err := parse(f.Payload)
	if err != nil || f.Sequence <= r.Version() {
		return err
	}
	r.mu.Lock()
	for _, e := range entries {
		r.tables.apply(e)
	}
	r.tables.version = f.Sequence
	r.mu.Unlock()
	r.kept.change(f, r.tables)
	return nil
}
