package delivery

import (
	"context"
	"slices"
	"sync"
	"time"

	"lumo/core/lumo"
)

const (
	// ringEvery bounds how often other replicas are told: notifications of a database queue
	// behind one lock.
	ringEvery = 20 * time.Millisecond
	hearAgain = time.Second
)

// bell wakes the senders of channels in this process, and has other replicas told of channels
// that are not sent for here. It never blocks.
type bell struct {
	mu      sync.Mutex // guards everything below
	senders map[lumo.ChannelID][]chan struct{}
	far     map[lumo.ChannelID]bool // others must be told
	wake    chan struct{}           // far has something, or a channel is free
}

func newBell() *bell {
	return &bell{senders: map[lumo.ChannelID][]chan struct{}{}, far: map[lumo.ChannelID]bool{},
		wake: make(chan struct{}, 1)}
}

// ring says that a channel has something to send.
func (b *bell) ring(c lumo.ChannelID) {
	if b.near(c) {
		return
	}
	b.mu.Lock()
	b.far[c] = true
	b.mu.Unlock()
	wake(b.wake)
}

// near wakes the channel's senders in this process; false = there are none.
func (b *bell) near(c lumo.ChannelID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, sender := range b.senders[c] {
		wake(sender)
	}
	return len(b.senders[c]) > 0
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // awake already
	}
}

// join adds a sender; leave takes it away again.
func (b *bell) join(c lumo.ChannelID) chan struct{} {
	sender := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.senders[c] = append(b.senders[c], sender)
	return sender
}

func (b *bell) leave(c lumo.ChannelID, sender chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.senders[c] = slices.DeleteFunc(b.senders[c], func(s chan struct{}) bool { return s == sender })
	if len(b.senders[c]) == 0 {
		delete(b.senders, c)
	}
}

// take empties what others must be told of.
func (b *bell) take() (far []lumo.ChannelID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.far {
		far = append(far, c)
	}
	clear(b.far)
	return far
}

// tell passes on what other replicas must hear, until ctx ends. claim is asked first: a channel
// that nobody sends for is taken at once.
func (s *Service) tell(ctx context.Context, claim chan struct{}) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.bell.wake:
		}
		far := s.bell.take()
		if len(far) == 0 {
			continue
		}
		wake(claim)
		err := s.Units.InSystem(ctx, func(ctx context.Context) error { return s.Bells.Ring(ctx, far) })
		if err != nil {
			s.complain(ctx, "delivery.tell", err) // others look by themselves, only later
		}
		pause.Reset(ringEvery)
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// hear wakes senders that other replicas rang for, until ctx ends.
func (s *Service) hear(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.Bells.Hear(ctx, func(c lumo.ChannelID) { s.bell.near(c) })
		s.complain(ctx, "delivery.hear", err)
		timer := time.NewTimer(hearAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}
