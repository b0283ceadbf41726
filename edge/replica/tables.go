package replica

import (
	"bytes"

	"lumo/shared/edgeapi"
)

// tables is one configuration.
type tables struct {
	version uint64
	rows    [edgeapi.TableKey - 1]*rows // tables 1 to 6
	keys    map[edgeapi.KeyRef]*ring    // key number 0 = all of the kind and number
}

func newTables() *tables {
	t := &tables{keys: map[edgeapi.KeyRef]*ring{}}
	for i := range t.rows {
		t.rows[i] = newRows()
	}
	return t
}

// change is an entry that was read to the end: applying it cannot fail.
type change struct {
	edgeapi.Entry
	ref edgeapi.KeyRef   // table 7
	key edgeapi.KeyEntry // table 7, Put
}

// parse reads a payload's entries, which alias it: applying them copies.
func parse(payload []byte) ([]change, error) {
	entries, err := edgeapi.ParseEntries(payload)
	if err != nil {
		return nil, err
	}
	changes := make([]change, len(entries))
	for i, e := range entries {
		c := change{Entry: e}
		if e.Table == edgeapi.TableKey {
			if c.ref, err = edgeapi.ParseKeyRef(e.Key); err != nil {
				return nil, err
			}
			if e.Op == edgeapi.Put {
				if c.key, err = edgeapi.ParseKeyEntry(e.Value); err != nil {
					return nil, err
				}
			}
		}
		changes[i] = c
	}
	return changes, nil
}

func (t *tables) apply(c change) {
	if c.Table == edgeapi.TableKey {
		t.applyKey(c)
		return
	}
	rows := t.rows[c.Table-1]
	if c.Op == edgeapi.Delete {
		rows.delete(c.Key)
		return
	}
	rows.put(c.Key, c.Value)
}

// applyKey keeps each key under its own reference and under "any of its kind and number".
func (t *tables) applyKey(c change) {
	anyRef := edgeapi.Ref(c.ref.Kind(), 0, c.ref.Number())
	rows := t.keys[anyRef].without(c.ref)
	delete(t.keys, c.ref)
	if c.Op == edgeapi.Put {
		row := keyRow{ref: c.ref, KeyEntry: c.key}
		row.Secret = bytes.Clone(row.Secret)
		t.keys[c.ref] = newRing([]keyRow{row})
		rows = insert(rows, row)
	}
	if len(rows) == 0 {
		delete(t.keys, anyRef)
		return
	}
	t.keys[anyRef] = newRing(rows)
}

// ring is the keys of one reference, the highest number first. It is never changed.
type ring struct {
	rows    []keyRow
	secrets [][]byte // of all rows
}

type keyRow struct {
	ref edgeapi.KeyRef
	edgeapi.KeyEntry
}

func newRing(rows []keyRow) *ring {
	r := &ring{rows: rows, secrets: make([][]byte, len(rows))}
	for i, row := range rows {
		r.secrets[i] = row.Secret
	}
	return r
}

// valid allocates only in the rare case that some keys count and others do not.
func (r *ring) valid(unixMS int64) [][]byte {
	if r == nil {
		return nil
	}
	count := 0
	for _, row := range r.rows {
		if row.counts(unixMS) {
			count++
		}
	}
	switch count {
	case 0:
		return nil
	case len(r.rows):
		return r.secrets
	}
	some := make([][]byte, 0, count)
	for _, row := range r.rows {
		if row.counts(unixMS) {
			some = append(some, row.Secret)
		}
	}
	return some
}

func (r keyRow) counts(unixMS int64) bool {
	return r.ValidFrom <= unixMS && (r.ValidUntil == 0 || unixMS < r.ValidUntil)
}

func (r *ring) without(ref edgeapi.KeyRef) []keyRow {
	if r == nil {
		return nil
	}
	var out []keyRow
	for _, row := range r.rows {
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
