package account

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// What a session holds, by name; stores read the first two to tell whose it is.
const (
	SessionMembers  = "members"     // "<merchant> <member>" of each membership, with commas
	SessionDevice   = "device"      // kind of browser and system
	SessionOperator = "operator_id" // of who runs the system
)

// Session is one sign-in of a person that still holds.
type Session struct {
	ID        id.ID
	Device    string
	StartedAt time.Time
	SeenAt    time.Time
	Hash      string // of its token, as the store has it
}

// SessionStore lists and ends sessions; it runs in a transaction without tenant.
type SessionStore interface {
	// SessionsOf are those that hold for one of these members, the newest first.
	SessionsOf(ctx context.Context, members []lumo.MemberID, now time.Time) ([]Session, error)
	// EndSessions ends sessions of these members: one, or all but the one with a hash. It
	// answers the hashes of those it ended.
	EndSessions(ctx context.Context, members []lumo.MemberID, one id.ID, except string, now time.Time) ([]string, error)
}

// Sessions are where a person is signed in.
func (s *Service) Sessions(ctx context.Context, members []Membership) (all []Session, err error) {
	err = s.Units.InSystem(ctx, func(ctx context.Context) error {
		all, err = s.Config.Sessions.SessionsOf(ctx, idsOf(members), s.Now())
		return err
	})
	return all, fault.Wrap("account.Sessions", err)
}

// EndSession signs a person out elsewhere. A session of somebody else does not exist.
func (s *Service) EndSession(ctx context.Context, members []Membership, address string, one id.ID) (ended []string, err error) {
	const op = "account.EndSession"
	ended, err = s.end(ctx, members, address, one, "")
	if err == nil && len(ended) == 0 {
		err = fault.New(fault.NotFound, op, "This sign-in has ended already.")
	}
	return ended, fault.Wrap(op, err)
}

// EndOtherSessions signs a person out everywhere but in the session with this hash.
func (s *Service) EndOtherSessions(ctx context.Context, members []Membership, address, except string) (ended []string, err error) {
	ended, err = s.end(ctx, members, address, id.ID{}, except)
	return ended, fault.Wrap("account.EndOtherSessions", err)
}

// end ends sessions and writes it into the audit log of each merchant that they reached.
func (s *Service) end(ctx context.Context, members []Membership, address string, one id.ID, except string) (ended []string, err error) {
	err = s.Units.InSystem(ctx, func(ctx context.Context) error {
		ended, err = s.Config.Sessions.EndSessions(ctx, idsOf(members), one, except, s.Now())
		return err
	})
	if err != nil || len(ended) == 0 {
		return ended, err
	}
	for _, m := range members {
		err := s.Units.InTenant(ctx, m.Merchant, func(ctx context.Context) error {
			return s.Audit(ctx, m.entry("session.end", address, map[string]any{"sessions": len(ended)}))
		})
		if err != nil {
			return ended, err
		}
	}
	return ended, nil
}

func idsOf(members []Membership) []lumo.MemberID {
	out := make([]lumo.MemberID, len(members))
	for i, m := range members {
		out[i] = m.Member
	}
	return out
}
