package delivery

import (
	"context"
	"sync"
	"time"
)

const (
	leaseLife   = 10 * time.Second
	renewEvery  = 3 * time.Second
	claimEvery  = 500 * time.Millisecond
	lookEvery   = 200 * time.Millisecond // for what other replicas planned
	claimLimit  = 100
	batch       = 64
	inFlight    = 128 // pushes of one channel at once
	settleGrace = 30 * time.Second
)

// Run owns channels and sends for them until ctx ends. Then it takes nothing new, waits for
// the answers that are due, records them, and gives its leases back.
func (s *Service) Run(ctx context.Context) error {
	r := &runner{service: s, channels: map[Lease]*channelRun{}}
	claim, renew := time.NewTicker(claimEvery), time.NewTicker(renewEvery)
	defer claim.Stop()
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			r.stopAll()
			return s.Units.InSystem(context.WithoutCancel(ctx), func(ctx context.Context) error {
				return s.Leases.Release(ctx, s.Owner)
			})
		case <-s.bell:
			r.claim(ctx)
			r.wake()
		case <-claim.C:
			r.claim(ctx)
		case <-renew.C:
			r.renew(ctx)
		}
	}
}

// runner keeps one channelRun for each lease that this process holds.
type runner struct {
	service  *Service
	channels map[Lease]*channelRun
	nextLook time.Time
	group    sync.WaitGroup
}

type channelRun struct {
	bell chan struct{}
	stop context.CancelFunc
}

// claim takes channels that nobody sends for. A burst of bells asks the database only as
// often as the ticker would, unless nothing is owned yet.
func (r *runner) claim(ctx context.Context) {
	now := time.Now()
	if len(r.channels) > 0 && now.Before(r.nextLook) {
		return
	}
	r.nextLook = now.Add(claimEvery / 2)
	s := r.service
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
	run := &channelRun{bell: make(chan struct{}, 1), stop: stop}
	r.channels[l] = run
	r.group.Go(func() { r.service.serve(work, l, run.bell) })
}

func (r *runner) wake() {
	for _, run := range r.channels {
		select {
		case run.bell <- struct{}{}:
		default: // awake already
		}
	}
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
	for l, run := range r.channels {
		if !still[l] {
			run.stop()
			delete(r.channels, l)
		}
	}
}

func (r *runner) stopAll() {
	for _, run := range r.channels {
		run.stop()
	}
	r.group.Wait()
}

// serve sends for one channel until its lease ends, then waits for what is in flight.
func (s *Service) serve(ctx context.Context, l Lease, bell <-chan struct{}) {
	c := newChannelSender(s, l)
	defer c.wait()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for ctx.Err() == nil {
		more, err := c.runOnce(ctx)
		if err != nil {
			s.complain(ctx, "delivery.runOnce", err)
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
	if ctx.Err() == nil {
		s.Log.WarnContext(ctx, "sending interrupted", "op", op, "error", err.Error())
	}
}
