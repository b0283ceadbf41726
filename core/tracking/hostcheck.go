package tracking

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/token"
)

const (
	// hostEvery is how often a host that was good once is checked again, and hostSoon how soon
	// after a check that failed: messages go out with it meanwhile.
	hostEvery = time.Hour
	hostSoon  = 10 * time.Minute
	// hostTries is how many checks fail in a row before new links leave a host.
	hostTries = 3
	hostLease = time.Minute
	hostTick  = 5 * time.Second
)

// Check asks now where the host leads. Only the rounds of Run take a host out of use: pressing a
// button three times during a fault of a minute does not.
func (s *Hosts) Check(ctx context.Context, m lumo.MerchantID, by Actor) (Host, error) {
	const op = "tracking.Check"
	h, err := s.Host(ctx, m)
	if err == nil && h.URL == "" {
		err = fault.New(fault.NotFound, op, "Enter a host first.")
	}
	if err != nil {
		return h, fault.Wrap(op, err)
	}
	h, err = s.check(ctx, m, by, h.URL, false)
	return h, fault.Wrap(op, err)
}

// Run checks hosts again until ctx ends. Any number of processes may run it.
func (s *Hosts) Run(ctx context.Context) error {
	return lumo.Turns(ctx, s.RecheckOnce, hostTick, nil, func(err error) {
		s.c.Log.ErrorContext(ctx, "check of a link host", "error", err)
	})
}

// RecheckOnce checks one host that is due; false means that none was.
func (s *Hosts) RecheckOnce(ctx context.Context) (did bool, err error) {
	const op = "tracking.RecheckOnce"
	var turn HostTurn
	err = s.c.Systems.InSystem(ctx, func(ctx context.Context) error {
		turn, did, err = s.c.Turns.ClaimHost(ctx, s.c.Owner, s.c.Now(), hostLease)
		return err
	})
	if err != nil || !did {
		return false, fault.Wrap(op, err)
	}
	h, failed := s.Host(ctx, turn.Merchant)
	if failed == nil && h.URL != "" {
		h, failed = s.check(ctx, turn.Merchant, Actor{}, h.URL, true)
	}
	err = s.c.Systems.InSystem(ctx, func(ctx context.Context) error {
		return s.c.Turns.HostDone(ctx, turn, h.next(s.c.Now()))
	})
	return true, fault.Wrap(op, errors.Join(failed, err))
}

// check probes a host outside of any transaction and stores what came of it, unless the merchant
// chose another one meanwhile.
func (s *Hosts) check(ctx context.Context, m lumo.MerchantID, by Actor, origin string, counted bool) (h Host, err error) {
	f, err := s.probe(ctx, m, origin)
	if err != nil {
		return Host{}, err
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		before, err := s.c.Store.Host(ctx, m, true)
		if h = before; err != nil || h.URL != origin {
			return err
		}
		h = h.after(f, s.c.Now(), counted)
		if err := s.c.Store.SetHost(ctx, m, h); err != nil {
			return err
		}
		s.c.Changed(ctx, m)
		if h.State != HostWaiting { // those are checked when somebody says that they are ready
			if err := s.c.Store.CheckHost(ctx, m, h.next(s.c.Now())); err != nil {
				return err
			}
		}
		switch {
		case h.State == before.State:
			return nil
		case h.State == HostLost:
			return s.c.Auditor.Audit(ctx, by.entry("link_host.lost", h, map[string]any{"reason": h.Reason, "found": h.Found}))
		}
		return s.c.Auditor.Audit(ctx, by.entry("link_host.verified", h, nil))
	})
	return h, err
}

// probe opens a link on the host that nobody else knows and that leads nowhere: to a name which
// is kept from ever existing (RFC 2606). Only an edge of ours, which checks the signature,
// answers with its target; and a HEAD never counts as a person.
func (s *Hosts) probe(ctx context.Context, m lumo.MerchantID, origin string) (f Finding, err error) {
	working, err := s.c.Working(ctx)
	if err != nil || !working {
		return Finding{Reason: HostEdges}, err
	}
	var number uint32
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		number, err = s.c.Store.AnyNumber(ctx, m)
		return err
	})
	if err != nil {
		return f, err
	}
	target := "https://check.example/" + rand.Text()
	link := origin + linkPath + token.SignOneOff(token.Token{Key: s.c.OneOff.Number, Channel: number}, target,
		s.c.OneOff.Private)
	return s.c.Prober.Probe(ctx, link, target), nil
}

// after is the host after a check. A failure that is no fault of the host's changes nothing, and
// neither does one that is not counted.
func (h Host) after(f Finding, now time.Time, counted bool) Host {
	h.CheckedAt, h.Finding = now, f
	next := h.State
	switch {
	case f.Reason == "":
		h.Failures, next = 0, HostUsed
	case f.Reason != HostEdges && h.State == HostUsed && counted:
		if h.Failures++; h.Failures >= hostTries {
			next = HostLost
		}
	}
	if next != h.State {
		h.State, h.Since = next, now
	}
	return h
}

// next is when the host is checked again.
func (h Host) next(now time.Time) time.Time {
	if h.State == HostUsed && h.Reason != "" {
		return now.Add(hostSoon)
	}
	return now.Add(hostEvery)
}
