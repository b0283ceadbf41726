package flow

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/webhooksig"
)

const (
	appliedLimit   = 5 * time.Second
	longestOverlap = 7 * 24 * time.Hour
)

// Actor is the member who works with keys.
type Actor struct {
	Member  lumo.MemberID
	Address string
}

// EnsureKey makes a channel's first key. A channel that has one keeps it.
func (s *Service) EnsureKey(ctx context.Context, c lumo.Channel) error {
	return fault.Wrap("flow.EnsureKey", s.Tenants.InTenant(ctx, c.Merchant, func(ctx context.Context) error {
		keys, err := s.Keys.List(ctx, c.Merchant, c.ID, s.Now())
		if err != nil || len(keys) > 0 {
			return err
		}
		_, _, err = s.addKey(ctx, c, lumo.MemberID{})
		return err
	}))
}

func (s *Service) addKey(ctx context.Context, c lumo.Channel, by lumo.MemberID) (Key, string, error) {
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return Key{}, "", fault.Wrap("flow.addKey", err)
	}
	number, err := s.Keys.NextNumber(ctx, c.Merchant, c.ID)
	if err != nil {
		return Key{}, "", err
	}
	value := webhooksig.FormatFlowKey(number, secret)
	k := Key{ID: s.NewID(), Number: number, Hash: webhooksig.HashFlowKey(value), Last4: value[len(value)-4:],
		ValidFrom: s.Now(), CreatedBy: by, CreatedAt: s.Now()}
	if err := s.Keys.Add(ctx, c.Merchant, c.ID, k, value); err != nil {
		return Key{}, "", err
	}
	return k, value, s.keyChanged(ctx, c, number)
}

func (s *Service) keyChanged(ctx context.Context, c lumo.Channel, number uint32) error {
	ref := edgeapi.Ref(edgeapi.KeyFlow, uint16(number), c.Number)
	return s.Fleet.Changed(ctx, c.Merchant, edgeapi.TableKey, ref.Append(nil))
}

// ListKeys reads a channel's keys, newest first.
func (s *Service) ListKeys(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (keys []Key, err error) {
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		if keys, err = s.Keys.List(ctx, m, c, s.Now()); err != nil {
			return err
		}
		calls, err := s.Keys.Calls(ctx, m, c, s.Now().Add(-24*time.Hour))
		for i := range keys {
			pair := calls[keys[i].Number]
			keys[i].Accepted24, keys[i].Refused24 = pair[0], pair[1]
		}
		return err
	})
	return keys, fault.Wrap("flow.ListKeys", err)
}

// Reveal shows a whole key, and writes that it did.
func (s *Service) Reveal(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, k id.ID) (value string, err error) {
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if value, err = s.Keys.Value(ctx, m, c, k); err != nil {
			return err
		}
		return s.auditKey(ctx, who, "flow_key.reveal", k, nil)
	})
	return value, fault.Wrap("flow.Reveal", err)
}

// Match is what Compare found.
type Match string

// The results of a comparison.
const (
	MatchCurrent Match = "current"
	MatchOld     Match = "old"
	MatchNone    Match = "none"
)

// Compare tells whether a pasted key is one of the channel's, without showing any.
func (s *Service) Compare(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, value string) (Match, string, error) {
	keys, err := s.ListKeys(ctx, m, c)
	if err != nil {
		return MatchNone, "", err
	}
	hash := webhooksig.HashFlowKey(strings.TrimSpace(value))
	for _, k := range keys {
		if subtle.ConstantTimeCompare(k.Hash[:], hash[:]) != 1 {
			continue
		}
		if k.Valid(s.Now()) {
			return MatchCurrent, k.Last4, nil
		}
		return MatchOld, k.Last4, nil
	}
	return MatchNone, "", nil
}

// Reissue makes a new key and ends the others, at once or after an overlap. The new key is
// shown only when every edge knows it or has lapsed: nobody can present a key to an edge
// that would refuse it.
func (s *Service) Reissue(ctx context.Context, who Actor, m lumo.MerchantID, c lumo.ChannelID, overlap time.Duration) (
	made Key, value string, err error) {
	const op = "flow.Reissue"
	if overlap < 0 || overlap > longestOverlap {
		return Key{}, "", fault.New(fault.Invalid, op, "Both keys can be kept for at most 7 days.")
	}
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		channel, err := s.Channels.Get(ctx, m, c)
		if err != nil {
			return err
		}
		if made, value, err = s.addKey(ctx, channel, who.Member); err != nil {
			return err
		}
		ended, err := s.Keys.End(ctx, m, c, made.ID, s.Now().Add(overlap))
		if err != nil {
			return err
		}
		for _, number := range ended {
			if err := s.keyChanged(ctx, channel, number); err != nil {
				return err
			}
		}
		return s.auditKey(ctx, who, "flow_key.reissue", made.ID, map[string]any{"overlap_seconds": int(overlap.Seconds())})
	})
	if err != nil {
		return Key{}, "", fault.Wrap(op, err)
	}
	return made, value, fault.Wrap(op, s.Fleet.WaitApplied(ctx, appliedLimit))
}

func (s *Service) auditKey(ctx context.Context, who Actor, action string, k id.ID, data map[string]any) error {
	return s.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(who.Member), Address: who.Address,
		Action: action, TargetKind: "flow_key", Target: k.With(id.FlowKey), Data: data})
}
