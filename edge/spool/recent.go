package spool

import "slices"

const (
	recentCount = 8192 // records that are also in memory
	recentBytes = 256  // and how large such a one may be
)

// recent is the newest records of a log, in memory: an edge that is in touch with its core
// hands over what it wrote a moment ago, and need not read it back one by one. Larger ones
// have no place in it.
type recent struct {
	data     [][]byte // by index modulo its length; nil = too large
	from, to uint64   // indexes of those that are known
}

// add takes the record that follows the last one; after any other it begins anew.
func (r *recent) add(index uint64, data []byte) {
	if r.data == nil {
		r.data = make([][]byte, recentCount)
	}
	if index != r.to {
		r.from = index
	}
	if len(data) > recentBytes {
		data = nil
	}
	r.data[index%recentCount] = data
	r.to = index + 1
	r.from = max(r.from, r.to-min(r.to, recentCount))
}

// behind gives up to n records from an index on, none where it does not know that one. Its
// own places are used again; what is given is not.
func (r *recent) behind(index uint64, n int) [][]byte {
	if index < r.from || index >= r.to {
		return nil
	}
	n = min(n, int(r.to-index))
	at := int(index % recentCount)
	first := min(n, recentCount-at)
	return slices.Concat(r.data[at:at+first], r.data[:n-first])
}
