package fleet

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const (
	watchEvery  = time.Second
	listenAgain = time.Second
)

// Run numbers committed changes as they come and watches whether edges are there, until ctx
// ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.orderAll(ctx); return nil })
	g.Go(func() error { s.listen(ctx); return nil })
	g.Go(func() error { s.watch(ctx); return nil })
	return g.Wait()
}

// orderAll numbers changes when this process made one, when another says so, and in any
// case a few times a second.
func (s *Service) orderAll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for failing := false; ; {
		pending := s.pending.next()
		_, err := s.order(ctx)
		if err != nil {
			pending = nil // do not spin while the database is away
			if !failing && ctx.Err() == nil {
				s.c.Log.WarnContext(ctx, "cannot number changes for edges", "error", err)
			}
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-pending:
		case <-tick.C:
		}
	}
}

// listen hears of other processes' changes.
func (s *Service) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.c.Bell.Listen(ctx, s.heard)
		if ctx.Err() != nil {
			return
		}
		s.c.Log.WarnContext(ctx, "cannot hear of changes for edges, polling", "error", err)
		timer := time.NewTimer(listenAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

// heard is a wake-up of another process, or of this one.
func (s *Service) heard(what string) {
	if what == Revoked {
		s.anyRevoked()
		return
	}
	s.pending.fire()
}

// anyRevoked has keys and streams looked at again.
func (s *Service) anyRevoked() {
	s.known.forget()
	s.revoked.fire()
}

// watch tells open pages when edges come or go, streams when another module set is
// published, and stores what was counted.
func (s *Service) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var last Status
	for {
		if status, err := s.Status(ctx); err == nil && status.Working != last.Working {
			last = status
			s.tellAll(ctx, status)
		}
		if err := s.refreshModules(ctx); err != nil && ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "cannot read which modules are published", "error", err)
		}
		s.storeTallies(ctx)
		select {
		case <-ctx.Done():
			s.storeTallies(context.WithoutCancel(ctx))
			return
		case <-tick.C:
		}
	}
}

func (s *Service) tellAll(ctx context.Context, status Status) {
	merchants, err := s.Merchants(ctx)
	if err != nil {
		s.c.Log.WarnContext(ctx, "cannot tell pages about edges", "error", err)
		return
	}
	for _, m := range merchants {
		s.c.Watcher.EdgesChanged(ctx, m, status)
	}
}

// Merchants are those that edges know of: they have a LINE account.
func (s *Service) Merchants(ctx context.Context) (all []lumo.MerchantID, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		all, err = s.c.Store.Merchants(ctx)
		return err
	})
	return all, fault.Wrap("fleet.Merchants", err)
}

// Status tells whether any edge is alive, and since when that is so.
func (s *Service) Status(ctx context.Context) (Status, error) {
	edges, err := s.Edges(ctx)
	if err != nil {
		return Status{}, fault.Wrap("fleet.Status", err)
	}
	return statusOf(edges, s.c.Now()), nil
}

func statusOf(edges []Edge, now time.Time) Status {
	var out Status
	var lastSeen, connected time.Time
	for _, e := range edges {
		if e.LastSeenAt.After(lastSeen) {
			lastSeen = e.LastSeenAt
		}
		if now.Sub(e.LastSeenAt) < leaseSpan {
			out.Edges++
			if connected.IsZero() || e.ConnectedAt.Before(connected) {
				connected = e.ConnectedAt
			}
		}
	}
	out.Working = out.Edges > 0
	out.Since = lastSeen
	if out.Working {
		out.Since = connected
	}
	return out
}
