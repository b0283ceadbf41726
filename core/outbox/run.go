package outbox

import (
	"context"
	"sync"
	"time"

	"lumo/shared/fault"
)

const (
	leaseLife   = 10 * time.Second
	extendEvery = 3 * time.Second
	claimEvery  = time.Second
	claimLimit  = 100
	pollEvery   = 500 * time.Millisecond // what other processes stored
	blockedPoll = 3 * time.Second        // the account waits for a person
	keepAlive   = 6 * time.Hour          // tokens are looked after even when nothing is written
	finishLimit = 10 * time.Second
)

// Run writes to the accounts that this process gets the lease of, until ctx ends. It returns
// when the writers of all accounts have stored what they did.
func (s *Service) Run(ctx context.Context) error {
	var writers sync.WaitGroup
	defer writers.Wait()
	tick := time.NewTicker(claimEvery)
	defer tick.Stop()
	for failing := false; ; {
		err := s.claim(ctx, &writers)
		if err != nil && !failing && ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "cannot share out klaviyo accounts", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// claim starts a writer for each account that nobody holds.
func (s *Service) claim(ctx context.Context, writers *sync.WaitGroup) error {
	var leases []Lease
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) (err error) {
		leases, err = s.c.Leases.Claim(ctx, s.c.Owner, leaseLife, claimLimit)
		return err
	})
	if err != nil {
		return fault.Wrap("outbox.claim", err)
	}
	for _, l := range leases {
		writers.Go(func() { s.hold(ctx, l) })
	}
	return nil
}

// hold writes to one account until ctx ends or the lease is lost.
func (s *Service) hold(ctx context.Context, l Lease) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var extending sync.WaitGroup
	extending.Go(func() {
		defer stop()
		s.extend(ctx, l)
	})
	s.writeAll(ctx, s.account(l))
	stop()
	extending.Wait()
	s.release(ctx, l)
}

// extend keeps the lease; it returns when it is lost or ctx ends.
func (s *Service) extend(ctx context.Context, l Lease) {
	tick := time.NewTicker(extendEvery)
	defer tick.Stop()
	good := time.Now() // leases are counted in real time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		held := false
		err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) (err error) {
			held, err = s.c.Leases.Extend(ctx, l, s.c.Owner, leaseLife)
			return err
		})
		switch {
		case err == nil && held:
			good = time.Now()
		case err == nil, time.Since(good) > leaseLife-extendEvery:
			return // it is or may soon be another's
		}
	}
}

// writeAll writes batch after batch and waits where nothing is due.
func (s *Service) writeAll(ctx context.Context, a *account) {
	bell := s.bell.of(a.lease.Account)
	var lookedAfter time.Time
	for ctx.Err() == nil {
		if time.Since(lookedAfter) > keepAlive {
			lookedAfter = time.Now()
			s.lookAfter(ctx, a)
		}
		more, err := a.runOnce(ctx)
		if more && err == nil {
			continue
		}
		s.rest(ctx, bell, err)
	}
}

// lookAfter renews tokens that are about to end, so that an idle account stays connected, and
// makes sure that Klaviyo tells us of merges.
func (s *Service) lookAfter(ctx context.Context, a *account) {
	_, err := s.c.Accounts.Access(ctx, a.lease.Merchant, a.lease.Account)
	if err == nil {
		err = s.c.Accounts.EnsureHook(ctx, a.lease.Merchant, a.lease.Account)
	}
	if err != nil && !blocked(err) && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "cannot look after a klaviyo account", "merchant",
			a.lease.Merchant.String(), "account", a.lease.Account.String(), "error", err)
	}
}

// rest waits for the bell, or for a while. An account that waits for a person has no bell:
// it would ring with each new item.
func (s *Service) rest(ctx context.Context, bell chan struct{}, err error) {
	wait := pollEvery
	if err != nil {
		wait, bell = blockedPoll, nil
		if !blocked(err) && ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "cannot write to klaviyo", "error", err)
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-bell:
	}
}

// blocked tells that only a person can help.
func blocked(err error) bool { return fault.Is(err, fault.Forbidden) || fault.Is(err, fault.NotFound) }

// release gives the lease back at once, so that another process need not wait it out.
func (s *Service) release(ctx context.Context, l Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		return s.c.Leases.Release(ctx, l, s.c.Owner)
	})
	if err != nil {
		s.c.Log.WarnContext(ctx, "cannot give a lease back", "account", l.Account.String(), "error", err)
	}
}
