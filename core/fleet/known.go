package fleet

import (
	"sync"
	"time"
)

// knownFor is how long a key that was looked at counts without being looked at again. A
// revocation ends it at once, here and in every process that hears of it; this bounds what one
// that hears nothing lets pass.
const knownFor = 250 * time.Millisecond

// known remembers edges by their keys' hashes: calls come by the hundred a second, all with the
// same few keys.
type known struct {
	mu    sync.Mutex // guards the rest
	edges map[string]knownEdge
	round uint64 // how often it was forgotten
}

type knownEdge struct {
	edge  Edge
	until time.Time
}

// get is the edge of a key, or the round in which whoever looks for it begins.
func (k *known) get(hash []byte, now time.Time) (e Edge, ok bool, round uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, ok := k.edges[string(hash)]
	return found.edge, ok && now.Before(found.until), k.round
}

// keep remembers an edge, unless something was revoked since the look at it began.
func (k *known) keep(hash []byte, e Edge, now time.Time, round uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.round != round {
		return
	}
	if k.edges == nil {
		k.edges = map[string]knownEdge{}
	}
	k.edges[string(hash)] = knownEdge{e, now.Add(knownFor)}
}

// forget has every key looked at again.
func (k *known) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.edges)
	k.round++
}
