package delivery

import (
	"context"
	"slices"
	"time"

	"lumo/shared/fault"
	"lumo/shared/id"
)

// Reasons for which an operator stops all sending; merchants read them in their language.
const (
	HoldTrouble     = "trouble"     // something is wrong with the system
	HoldLINE        = "line"        // LINE has trouble
	HoldMaintenance = "maintenance" // work on the system
)

// HoldReasons are all of them.
func HoldReasons() []string { return []string{HoldTrouble, HoldLINE, HoldMaintenance} }

// Hold is an operator's stop of all sending of all merchants, or the last one.
type Hold struct {
	Operator  id.ID
	Name      string // of the operator
	Reason    string
	At        time.Time // zero = there never was one
	ResumedAt time.Time // zero = it is in force
}

// InForce tells whether nothing may be sent.
func (h Hold) InForce() bool { return !h.At.IsZero() && h.ResumedAt.IsZero() }

// covered tells whether a time fell into a stop that is over.
func covered(at, stopped, resumed time.Time) bool { return stopped.Before(at) && resumed.After(at) }

// HoldStore keeps the operator's stop; it needs no merchant.
type HoldStore interface {
	Hold(ctx context.Context) (Hold, error)
	// StopAll stores a stop; false = one is in force already, and stands.
	StopAll(ctx context.Context, h Hold) (bool, error)
	// ResumeAll ends the stop; false = none is in force.
	ResumeAll(ctx context.Context, now time.Time) (bool, error)
}

// Journal is the log of what operators do.
type Journal interface {
	Stopped(ctx context.Context, operator id.ID, reason string) error
	Resumed(ctx context.Context, operator id.ID) error
}

// Hold reads the operator's stop.
func (s *Service) Hold(ctx context.Context) (h Hold, err error) {
	err = s.Units.InSystem(ctx, func(ctx context.Context) error {
		h, err = s.Settings.Hold(ctx)
		return err
	})
	return h, fault.Wrap("delivery.Hold", err)
}

// StopAll stops all sending of all merchants. Every sender looks before every batch, in the
// database: two seconds later nothing leaves any replica. Whoever stopped first stays named.
func (s *Service) StopAll(ctx context.Context, operator id.ID, name, reason string) error {
	const op = "delivery.StopAll"
	if !slices.Contains(HoldReasons(), reason) {
		return fault.New(fault.Invalid, op, "Choose a reason from the list.")
	}
	return fault.Wrap(op, s.Units.InSystem(ctx, func(ctx context.Context) error {
		fresh, err := s.Settings.StopAll(ctx, Hold{Operator: operator, Name: name, Reason: reason, At: s.Now()})
		if err != nil || !fresh {
			return err
		}
		s.Watcher.AllSendingChanged(ctx)
		return s.Journal.Stopped(ctx, operator, reason)
	}))
}

// ResumeAll ends the operator's stop; the merchants' own stops stay. Asked twice it is done
// once.
func (s *Service) ResumeAll(ctx context.Context, operator id.ID) error {
	const op = "delivery.ResumeAll"
	return fault.Wrap(op, s.Units.InSystem(ctx, func(ctx context.Context) error {
		ended, err := s.Settings.ResumeAll(ctx, s.Now())
		if err != nil || !ended {
			return err
		}
		s.Watcher.AllSendingChanged(ctx)
		return s.Journal.Resumed(ctx, operator)
	}))
}
