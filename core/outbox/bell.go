package outbox

import (
	"sync"

	"lumo/core/lumo"
)

// bell wakes the writer of an account in this process. It never blocks and remembers one
// ring for whoever listens next.
type bell struct {
	mu       sync.Mutex // guards channels
	channels map[lumo.AccountID]chan struct{}
}

func (b *bell) of(a lumo.AccountID) chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.channels == nil {
		b.channels = map[lumo.AccountID]chan struct{}{}
	}
	if b.channels[a] == nil {
		b.channels[a] = make(chan struct{}, 1)
	}
	return b.channels[a]
}

func (b *bell) ring(a lumo.AccountID) {
	select {
	case b.of(a) <- struct{}{}:
	default: // it rings already
	}
}
