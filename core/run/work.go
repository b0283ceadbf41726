package run

import (
	"context"
	"errors"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	turnLease   = time.Minute
	turnLength  = 5 * time.Second // then other accounts have their turn
	stepTimeout = 50 * time.Second
	idleWait    = time.Second
	vendorWait  = 15 * time.Second
)

// Work does runs until the context ends. Any number of processes may.
func (s *Service) Work(ctx context.Context) error {
	return lumo.Turns(ctx, s.Once, idleWait, s.bell, func(err error) {
		s.c.Log.ErrorContext(ctx, "long work", "error", err)
	})
}

// Once works for one account whose turn it is; false means that there is none.
func (s *Service) Once(ctx context.Context) (did bool, err error) {
	const op = "run.Once"
	var t Turn
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		t, did, err = s.c.Turns.Claim(ctx, s.c.Owner, s.c.Now(), turnLease)
		return err
	})
	if err != nil || !did {
		return false, fault.Wrap(op, err)
	}
	next, workErr := s.work(ctx, t)
	err = s.c.Tenants.InSystem(context.WithoutCancel(ctx), func(ctx context.Context) error {
		return s.c.Turns.Release(ctx, t, next)
	})
	if workErr != nil {
		err = workErr
	}
	return true, fault.Wrap(op, err)
}

// work does steps of the account's runs for a while and tells when to come back.
func (s *Service) work(ctx context.Context, t Turn) (next time.Time, err error) {
	end := s.c.Now().Add(turnLength)
	for ctx.Err() == nil && s.c.Now().Before(end) {
		mine := false
		err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
			mine, err = s.c.Turns.Extend(ctx, t, s.c.Now().Add(turnLease))
			return err
		})
		if err != nil || !mine {
			return time.Time{}, err
		}
		r, ok, err := s.next(ctx, t)
		if err != nil || !ok {
			return time.Time{}, err
		}
		wait, err := s.step(ctx, t, r)
		if err != nil || wait > 0 {
			return s.c.Now().Add(wait), err
		}
	}
	return s.c.Now(), nil
}

func (s *Service) next(ctx context.Context, t Turn) (r Run, ok bool, err error) {
	err = s.c.Tenants.InTenant(ctx, t.Merchant, func(ctx context.Context) error {
		r, ok, err = s.c.Store.Next(ctx, t.Merchant, t.Channel, t.Fence, s.c.Now())
		return err
	})
	return r, ok, err
}

// step does one step and stores how far it got in the same transaction.
func (s *Service) step(ctx context.Context, t Turn, r Run) (wait time.Duration, err error) {
	worker := s.workers[r.Kind]
	if worker == nil {
		return 0, s.fail(ctx, t, r, fault.New(fault.Internal, "run.step", "nobody does work of this kind"))
	}
	limited, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	apply, err := worker.Prepare(limited, r)
	if err == nil {
		wait, err = s.apply(limited, t, r, apply)
	}
	switch {
	case err == nil || ctx.Err() != nil:
		return wait, nil
	case fault.Is(err, fault.Unavailable), fault.Is(err, fault.Limited):
		return asked(err), s.waits(ctx, t, r)
	}
	return 0, s.fail(ctx, t, r, err)
}

// asked is how long a vendor asks us to wait, or a while when it does not say.
func asked(err error) time.Duration {
	var says interface{ RetryAfter() time.Duration }
	if errors.As(err, &says) && says.RetryAfter() > 0 {
		return says.RetryAfter()
	}
	return vendorWait
}

// mine runs work on a run that is still this process's and still running.
func (s *Service) mine(ctx context.Context, t Turn, r Run, work func(context.Context, Run) error) error {
	return s.c.Tenants.InTenant(ctx, r.Merchant, func(ctx context.Context) error {
		now, err := s.c.Store.Run(ctx, r.Merchant, r.ID)
		if err != nil || now.State != Running || now.Fence != t.Fence {
			return err // somebody paused or stopped it, or another process has it
		}
		return work(ctx, now)
	})
}

func (s *Service) apply(ctx context.Context, t Turn, r Run, apply func(context.Context) (Step, error)) (
	wait time.Duration, err error) {
	err = s.mine(ctx, t, r, func(ctx context.Context, now Run) error {
		step, err := apply(ctx)
		if err != nil {
			return err
		}
		wait = step.Wait
		now.Cursor, now.Waits = step.Cursor, ""
		now.Done, now.Problems = now.Done+step.Done, now.Problems+step.Problems
		if step.Total != nil {
			now.Total = step.Total
		}
		for name, n := range step.Counts {
			now.Counts[name] += n
		}
		if step.Pause != "" {
			now.State, now.Waits = Paused, step.Pause
		}
		if step.Ended {
			now.State, now.EndedAt = Done, s.c.Now()
			now.Total = &now.Done
		}
		s.c.Watcher.RunChanged(ctx, now)
		return s.c.Store.Update(ctx, now)
	})
	return wait, err
}

// waits says for whom a run waits.
func (s *Service) waits(ctx context.Context, t Turn, r Run) error {
	return s.mine(ctx, t, r, func(ctx context.Context, now Run) error {
		now.Waits = WaitsVendor
		s.c.Watcher.RunChanged(ctx, now)
		return s.c.Store.Update(ctx, now)
	})
}

// fail ends a run that cannot go on; a person may resume it.
func (s *Service) fail(ctx context.Context, t Turn, r Run, cause error) error {
	s.c.Log.ErrorContext(ctx, "long work failed", "error", cause, "kind", r.Kind, "merchant", r.Merchant.String())
	return s.mine(context.WithoutCancel(ctx), t, r, func(ctx context.Context, now Run) error {
		now.State, now.EndedAt = Failed, s.c.Now()
		s.c.Watcher.RunChanged(ctx, now)
		return s.c.Store.Update(ctx, now)
	})
}
