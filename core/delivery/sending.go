package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Scope is how much of an account's sending a person stopped.
type Scope string

// The scopes; empty = nothing is stopped.
const (
	StoppedBroadcasts Scope = "broadcasts"
	StoppedEverything Scope = "everything"
)

// Stop is the stop in force, or the last one.
type Stop struct {
	Scope     Scope
	At        time.Time
	By        lumo.MemberID
	ByName    string
	ResumedAt time.Time // of the last one
}

// Holds tells whether a kind of message must wait.
func (s Stop) Holds(kind string) bool {
	return s.Scope == StoppedEverything || s.Scope == StoppedBroadcasts && kind == KindBroadcast
}

// Waiting is what has not gone out yet, in all and by what it belongs to.
type Waiting struct {
	Flow      int64 // everything but broadcasts
	Broadcast int64
	Items     []WaitingItem
}

// WaitingItem is the deliveries of one flow, one broadcast, or one kind of single message.
type WaitingItem struct {
	Kind  string
	Ref   string // Klaviyo's id of the flow, or the broadcast's id; empty for other kinds
	Name  string // of the flow, once Klaviyo said it
	Count int64
	Late  int64 // of them too late to be sent: they will be dropped
}

// Key names an item when a person drops it.
func (i WaitingItem) Key() string { return i.Kind + ":" + i.Ref }

// SendingState is what a person sees of an account's sending.
type SendingState struct {
	Stop    Stop
	Hold    Hold // of the operator, for everybody
	Rules   Rules
	Waiting Waiting
}

// Actor is the member who stops, resumes, or changes rules.
type Actor struct {
	Member  lumo.MemberID
	Address string
}

// SendingStore keeps stops and rules. Its methods run in the transaction of their context.
type SendingStore interface {
	// Sending reads stop and rules; an account without them has the defaults.
	Sending(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (Stop, Rules, error)
	// Waiting counts what has not gone out.
	Waiting(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) (Waiting, error)
	SetStop(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, s Stop) error
	// Drop marks what waits of an item, so that it ends without being sent.
	Drop(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, item WaitingItem, now time.Time) error
	SetRules(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r Rules, now time.Time) error
	// EndQuiet has what waits for the end of quiet hours looked at anew; the rest of the wait
	// does not count against it any more.
	EndQuiet(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) error
	// Prolong gives flow messages that wait more time, or less, before they are too late.
	Prolong(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by time.Duration) error
	// Affected counts how many of the messages accepted since then the rules would have held
	// back, and how many there were.
	Affected(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r Rules, since time.Time) (Affected, error)
	HoldStore
}

// Auditor writes the audit log, in the transaction of ctx.
type Auditor interface {
	Audit(ctx context.Context, e lumo.AuditEntry) error
}

// Sending reads how an account sends, and what waits.
func (s *Service) Sending(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (state SendingState, err error) {
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		if state.Stop, state.Rules, err = s.Settings.Sending(ctx, m, c); err != nil {
			return err
		}
		if state.Hold, err = s.Settings.Hold(ctx); err != nil {
			return err
		}
		state.Waiting, err = s.Settings.Waiting(ctx, m, c, s.Now())
		return err
	})
	return state, fault.Wrap("delivery.Sending", err)
}

// StopSending stops broadcasts or everything. Senders look before every batch: two seconds
// later nothing leaves any more. Whoever stopped first stays named unless the stop grows.
func (s *Service) StopSending(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, scope Scope) error {
	const op = "delivery.StopSending"
	if scope != StoppedBroadcasts && scope != StoppedEverything {
		return fault.New(fault.Invalid, op, "Stop broadcasts, or everything.")
	}
	return fault.Wrap(op, s.change(ctx, m, c, by, "sending.stop", map[string]any{"scope": string(scope)},
		func(ctx context.Context, old Stop) error {
			if old.Scope == scope || old.Scope == StoppedEverything {
				return nil
			}
			return s.Settings.SetStop(ctx, m, c, Stop{Scope: scope, At: s.Now(), By: by.Member, ResumedAt: old.ResumedAt})
		}))
}

// ResumeSending ends a stop. What the person dropped ends without being sent.
func (s *Service) ResumeSending(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, drop []string) error {
	const op = "delivery.ResumeSending"
	return fault.Wrap(op, s.change(ctx, m, c, by, "sending.resume", map[string]any{"dropped": drop},
		func(ctx context.Context, old Stop) error {
			if old.Scope == "" {
				return fault.New(fault.Conflict, op, "Sending is not stopped. Load the page again.")
			}
			for _, key := range drop {
				kind, ref, _ := strings.Cut(key, ":")
				if !slices.Contains(kinds(), kind) {
					return fault.New(fault.Invalid, op, "%q names nothing that waits.", key)
				}
				err := s.Settings.Drop(ctx, m, c, WaitingItem{Kind: kind, Ref: ref}, s.Now())
				if err != nil {
					return err
				}
			}
			s.Units.AfterCommit(ctx, func() { s.bell.ringAll(c) })
			return s.Settings.SetStop(ctx, m, c, Stop{At: old.At, By: old.By, ResumedAt: s.Now()})
		}))
}

// change runs a change of what is stopped, writes the audit row, and tells open pages.
func (s *Service) change(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, action string,
	data map[string]any, fn func(context.Context, Stop) error) error {
	return s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		old, _, err := s.Settings.Sending(ctx, m, c)
		if err != nil {
			return err
		}
		if err := fn(ctx, old); err != nil {
			return err
		}
		s.Watcher.SendingChanged(ctx, m, c)
		return s.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by.Member), Action: action,
			TargetKind: "channel", Target: c.String(), Data: data, Address: by.Address})
	})
}

// kinds are the kinds of logical messages.
func kinds() []string {
	return []string{KindFlow, KindBroadcast, KindTest, KindReply, KindWelcome}
}
