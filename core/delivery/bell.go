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
// that are not sent for here. It never blocks. Broadcasts and everything else have lines of
// their own, so that no flow send has the broadcasts looked through.
type bell struct {
	mu      sync.Mutex // guards everything below
	senders map[line][]chan struct{}
	far     map[lumo.ChannelID]bool // others must be told
	wake    chan struct{}           // far has something, or a channel is free
}

// line is what one sender sends of a channel.
type line struct {
	channel    lumo.ChannelID
	broadcasts bool
}

func newBell() *bell {
	return &bell{senders: map[line][]chan struct{}{}, far: map[lumo.ChannelID]bool{},
		wake: make(chan struct{}, 1)}
}

// ring says that a channel has something of a kind to send.
func (b *bell) ring(c lumo.ChannelID, kind string) {
	if b.near(line{c, kind == KindBroadcast}) {
		return
	}
	b.mu.Lock()
	b.far[c] = true
	b.mu.Unlock()
	wake(b.wake)
}

// ringAll says that a channel may have something of any kind to send.
func (b *bell) ringAll(c lumo.ChannelID) {
	b.ring(c, KindBroadcast)
	b.ring(c, KindFlow)
}

// near wakes the line's senders in this process; false = there are none.
func (b *bell) near(l line) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, sender := range b.senders[l] {
		wake(sender)
	}
	return len(b.senders[l]) > 0
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // awake already
	}
}

// join adds a sender; leave takes it away again.
func (b *bell) join(l line) chan struct{} {
	sender := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.senders[l] = append(b.senders[l], sender)
	return sender
}

func (b *bell) leave(l line, sender chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.senders[l] = slices.DeleteFunc(b.senders[l], func(s chan struct{}) bool { return s == sender })
	if len(b.senders[l]) == 0 {
		delete(b.senders, l)
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
		err := s.Bells.Hear(ctx, func(c lumo.ChannelID) {
			s.bell.near(line{c, false})
			s.bell.near(line{c, true})
		})
		s.complain(ctx, "delivery.hear", err)
		timer := time.NewTimer(hearAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}
