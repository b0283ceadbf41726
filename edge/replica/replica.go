// Package replica is the configuration an edge answers from: tables and keys, in memory.
//
// A snapshot or delta is applied whole or not at all, and kept on disk, encrypted, so that
// the edge starts and serves without the core. The package also knows the lease: while the
// last heartbeat is fresh and nothing was missed, what stands here is what the core says.
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

// Replica holds the tables.
type Replica struct {
	now     func() time.Time
	mu      sync.RWMutex
	tables  *tables // guarded by mu
	pending *tables // guarded by mu: a snapshot that is still coming
	kept    *keeper // nil = memory only

	beat   atomic.Int64 // Unix ns of our clock at the last heartbeat, 0 = none or a gap
	offset atomic.Int64 // core time minus our clock, ms
	newest atomic.Uint64
}

// tables is one configuration.
type tables struct {
	version uint64
	rows    [edgeapi.TableKey]map[string][]byte // tables 1 to 6 at 0 to 5
	keys    map[edgeapi.KeyRef][]keyRow         // key number 0 = all of the kind and number
}

type keyRow struct {
	ref edgeapi.KeyRef
	edgeapi.KeyEntry
}

func newTables() *tables {
	t := &tables{keys: map[edgeapi.KeyRef][]keyRow{}}
	for i := range t.rows {
		t.rows[i] = map[string][]byte{}
	}
	return t
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
	value, ok := r.tables.rows[table-1][string(key)]
	return value, ok
}

// Keys gives the secrets of a reference that are valid at a time, newest first.
func (r *Replica) Keys(ref edgeapi.KeyRef, unixMS int64) [][]byte {
	r.mu.RLock()
	rows := r.tables.keys[ref] // replaced as a whole when it changes
	r.mu.RUnlock()
	secrets := make([][]byte, 0, len(rows))
	for _, row := range rows {
		if row.ValidFrom <= unixMS && (row.ValidUntil == 0 || unixMS < row.ValidUntil) {
			secrets = append(secrets, row.Secret)
		}
	}
	return secrets
}

// Version is the configuration that answers now.
func (r *Replica) Version() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tables.version
}

// Size is the number of rows of a table, for metrics.
func (r *Replica) Size(table uint8) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.tables.rows[table-1])
}

// Fresh tells whether the lease holds: a heartbeat less than five seconds ago, and no gap.
func (r *Replica) Fresh() bool {
	at := r.beat.Load()
	return at != 0 && r.now().UnixNano()-at < int64(LeaseLife) && r.newest.Load() <= r.Version()
}

// CoreTime is now by the core's clock, as far as it is known.
func (r *Replica) CoreTime() time.Time {
	return r.now().Add(time.Duration(r.offset.Load()) * time.Millisecond)
}

// Lapse ends the lease: the stream broke.
func (r *Replica) Lapse() { r.beat.Store(0) }

// Apply takes one frame of the stream. gap tells that something was missed: the stream
// must begin again with a snapshot.
func (r *Replica) Apply(f edgeapi.Frame) (gap bool, err error) {
	switch f.Type {
	case edgeapi.FrameHeartbeat:
		return r.heartbeat(f)
	case edgeapi.FrameSnapshot:
		return false, r.snapshot(f)
	case edgeapi.FrameDelta:
		return r.delta(f)
	}
	return false, fault.New(fault.Invalid, "replica.Apply", "a frame of type %d is not for edges", f.Type)
}

func (r *Replica) heartbeat(f edgeapi.Frame) (gap bool, err error) {
	h, err := edgeapi.ParseHeartbeat(f.Payload)
	if err != nil {
		return false, err
	}
	r.offset.Store(int64(h.UnixMS) - r.now().UnixMilli())
	r.newest.Store(h.Version)
	r.beat.Store(r.now().UnixNano())
	return false, nil
}

// snapshot gathers parts; the one without entries ends it.
func (r *Replica) snapshot(f edgeapi.Frame) error {
	entries, err := edgeapi.ParseEntries(f.Payload)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending == nil {
		r.pending = newTables()
	}
	for _, e := range entries {
		if err := r.pending.apply(e); err != nil {
			r.pending = nil
			return err
		}
	}
	if len(entries) > 0 {
		return nil
	}
	r.pending.version = f.Sequence
	r.tables, r.pending = r.pending, nil
	return r.kept.all(r.tables)
}

// delta changes all that its entries say, or nothing: they are checked before the first.
func (r *Replica) delta(f edgeapi.Frame) (gap bool, err error) {
	entries, err := edgeapi.ParseEntries(f.Payload)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if err := check(e); err != nil {
			return false, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.Sequence <= r.tables.version {
		return false, nil // known already
	}
	for _, e := range entries {
		if err := r.tables.apply(e); err != nil {
			return true, err
		}
	}
	r.tables.version = f.Sequence
	return false, r.kept.change(f)
}

// check tells whether apply will take an entry.
func check(e edgeapi.Entry) error { return newTables().apply(e) }

func (t *tables) apply(e edgeapi.Entry) error {
	if e.Table == edgeapi.TableKey {
		return t.applyKey(e)
	}
	rows := t.rows[e.Table-1]
	if e.Op == edgeapi.Delete {
		delete(rows, string(e.Key))
		return nil
	}
	rows[string(e.Key)] = append([]byte(nil), e.Value...)
	return nil
}

// applyKey keeps each key under its own reference and under "any of its kind and number",
// newest first.
func (t *tables) applyKey(e edgeapi.Entry) error {
	ref, err := edgeapi.ParseKeyRef(e.Key)
	if err != nil {
		return err
	}
	anyRef := edgeapi.Ref(ref.Kind(), 0, ref.Number())
	others := without(t.keys[anyRef], ref)
	delete(t.keys, ref)
	if e.Op == edgeapi.Put {
		entry, err := edgeapi.ParseKeyEntry(append([]byte(nil), e.Value...))
		if err != nil {
			return err
		}
		row := keyRow{ref: ref, KeyEntry: entry}
		t.keys[ref] = []keyRow{row}
		others = insert(others, row)
	}
	t.keys[anyRef] = others
	return nil
}

func without(rows []keyRow, ref edgeapi.KeyRef) []keyRow {
	var out []keyRow
	for _, row := range rows {
		if row.ref != ref {
			out = append(out, row)
		}
	}
	return out
}

func insert(rows []keyRow, row keyRow) []keyRow {
	at := 0
	for at < len(rows) && rows[at].ref.Key() > row.ref.Key() {
		at++
	}
	out := append([]keyRow(nil), rows[:at]...)
	return append(append(out, row), rows[at:]...)
}
