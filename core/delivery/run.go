package delivery

import (
	"context"
	"sync"
	"time"
)

const (
	leaseLife  = 10 * time.Second
	renewEvery = 3 * time.Second
	claimEvery = 500 * time.Millisecond
	lookEvery  = 200 * time.Millisecond // for what falls due by itself
	claimLimit = 100
)

// Run owns channels and sends for them until ctx ends. Then it takes nothing new, waits for
// the answers that are due, records them, and gives its leases back.
func (s *Service) Run(ctx context.Context) error {
	r := &runner{service: s, channels: map[Lease]context.CancelFunc{}, claims: make(chan struct{}, 1)}
	r.helpers.Go(func() { s.tell(ctx, r.claims) })
	r.helpers.Go(func() { s.hear(ctx) })
	claim, renew := time.NewTicker(claimEvery), time.NewTicker(renewEvery)
	defer claim.Stop()
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			return r.stop(ctx)
		case <-r.claims:
			r.claim(ctx)
		case <-claim.C:
			r.claim(ctx)
		case <-renew.C:
			r.renew(ctx)
		}
	}
}

// runner keeps the senders of each lease that this process holds.
type runner struct {
	service  *Service
	channels map[Lease]context.CancelFunc
	claims   chan struct{}
	claimed  time.Time
	senders  sync.WaitGroup
	helpers  sync.WaitGroup
}

// claim takes channels that nobody sends for. A burst of bells asks the database only as
// often as twice the ticker would.
func (r *runner) claim(ctx context.Context) {
	s, now := r.service, time.Now()
	if now.Sub(r.claimed) < claimEvery/2 && len(r.channels) > 0 {
		return
	}
	r.claimed = now
	var leases []Lease
	err := s.Units.InSystem(ctx, func(ctx context.Context) (err error) {
		leases, err = s.Leases.Claim(ctx, s.Owner, leaseLife, claimLimit)
		return err
	})
	if err != nil {
		s.complain(ctx, "delivery.claim", err)
		return
	}
	for _, l := range leases {
		r.start(ctx, l)
	}
}

func (r *runner) start(ctx context.Context, l Lease) {
	if _, ok := r.channels[l]; ok {
		return
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.channels[l] = stop
	r.senders.Go(func() { r.service.serve(work, l) })
}

// renew keeps the leases; a channel whose lease is lost stops at once.
func (r *runner) renew(ctx context.Context) {
	s := r.service
	var kept []Lease
	err := s.Units.InSystem(ctx, func(ctx context.Context) (err error) {
		kept, err = s.Leases.Renew(ctx, s.Owner, leaseLife)
		return err
	})
	if err != nil { // the fence protects what happens until it succeeds again
		s.complain(ctx, "delivery.renew", err)
		return
	}
	still := map[Lease]bool{}
	for _, l := range kept {
		still[l] = true
	}
	for l, stop := range r.channels {
		if !still[l] {
			stop()
			delete(r.channels, l)
		}
	}
}

func (r *runner) stop(ctx context.Context) error {
	for _, stop := range r.channels {
		stop()
	}
	r.senders.Wait()
	r.helpers.Wait()
	s := r.service
	return s.Units.InSystem(context.WithoutCancel(ctx), func(ctx context.Context) error {
		return s.Leases.Release(ctx, s.Owner)
	})
}

// serve sends for one channel until its lease ends, then waits for what is in flight. Flow
// sends and broadcasts are taken by loops of their own: a flow send never waits until a batch
// of a broadcast is ready.
func (s *Service) serve(ctx context.Context, l Lease) {
	c := newChannelSender(s, l)
	defer c.wait()
	s.senders.join(c)
	defer s.senders.leave(c)
	var loops sync.WaitGroup
	for of, take := range map[line]func(context.Context) (bool, error){
		{l.Channel, false}: c.takeSingles, {l.Channel, true}: c.takeBroadcasts} {
		bell := s.bell.join(of)
		loops.Go(func() {
			defer s.bell.leave(of, bell)
			s.loop(ctx, bell, take)
		})
	}
	loops.Wait()
}

// loop takes batch after batch while there is more, else waits for the bell.
func (s *Service) loop(ctx context.Context, bell <-chan struct{}, take func(context.Context) (more bool, err error)) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for ctx.Err() == nil {
		more, err := take(ctx)
		if err != nil {
			s.complain(ctx, "delivery.take", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-bell:
		case <-look.C:
		}
	}
}

func (s *Service) complain(ctx context.Context, op string, err error) {
	if ctx.Err() == nil && err != nil {
		s.Log.WarnContext(ctx, "sending interrupted", "op", op, "error", err.Error())
	}
}
