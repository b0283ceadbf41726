package fleet

import "sync"

// signal wakes everybody who waits. Who asks for the channel before looking at the state
// misses nothing.
type signal struct{ s *signalState }

type signalState struct {
	mu sync.Mutex // guards ch
	ch chan struct{}
}

func newSignal() signal { return signal{&signalState{ch: make(chan struct{})}} }

// next is closed at the next fire.
func (s signal) next() <-chan struct{} {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	return s.s.ch
}

func (s signal) fire() {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	close(s.s.ch)
	s.s.ch = make(chan struct{})
}
