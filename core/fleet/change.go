package fleet

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	// pollEvery finds what other processes committed, where a wake-up was lost.
	pollEvery = 200 * time.Millisecond
	// leaseSpan is how long an edge that hears nothing trusts what it has (DESIGN 3.4).
	leaseSpan = 5 * time.Second
	// ackPoll finds acknowledgements that other processes received.
	ackPoll = 20 * time.Millisecond
)

// Changed notes that a row of the edges' tables changed, inside the transaction of the
// change. Its value is read when it is sent.
func (s *Service) Changed(ctx context.Context, m lumo.MerchantID, table uint8, key []byte) error {
	if err := s.c.Store.Add(ctx, m, table, key, s.c.Now()); err != nil {
		return fault.Wrap("fleet.Changed", err)
	}
	s.c.Tenants.AfterCommit(ctx, s.pending.fire)
	return nil
}

// order numbers what was committed and wakes the streams when there is something new.
func (s *Service) order(ctx context.Context) (newest uint64, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		newest, err = s.c.Store.Order(ctx)
		return err
	})
	if err != nil {
		return 0, fault.Wrap("fleet.order", err)
	}
	for {
		known := s.newest.Load()
		if newest <= known {
			return newest, nil
		}
		if s.newest.CompareAndSwap(known, newest) {
			s.news.fire()
			return newest, nil
		}
	}
}

// WaitApplied returns when every living edge has applied all that is committed, or has
// heard nothing for so long that it trusts nothing it has; at the latest after limit. The
// caller has committed its change.
func (s *Service) WaitApplied(ctx context.Context, limit time.Duration) error {
	const op = "fleet.WaitApplied"
	version, err := s.order(ctx)
	if err != nil {
		return fault.Wrap(op, err)
	}
	ctx, cancel := context.WithTimeout(ctx, min(limit, leaseSpan))
	defer cancel()
	for {
		applied := s.applied.next()
		behind, err := s.behind(ctx, version)
		if ctx.Err() != nil {
			return parentDone(op, ctx)
		}
		if err != nil || behind == 0 {
			return fault.Wrap(op, err)
		}
		timer := time.NewTimer(ackPoll)
		select {
		case <-applied:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

func (s *Service) behind(ctx context.Context, version uint64) (n int, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		n, err = s.c.Store.Behind(ctx, version, s.c.Now().Add(-2*leaseSpan))
		return err
	})
	return n, err
}

// parentDone tells the end of the wait, which is no error, from a caller that left.
func parentDone(op string, ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return nil
	}
	return fault.As(fault.Unavailable, op, ctx.Err())
}
