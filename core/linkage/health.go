package linkage

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	defaultGoal = 60
	maxWord     = 30
	maxWords    = 10
	healthDays  = 90
)

// Settings are what a merchant chose about linking on one LINE account.
type Settings struct {
	GoalPercent int      // of reachable friends to be linked
	UnlinkWords []string // a friend who writes one is unlinked
}

// DefaultSettings hold until a merchant chooses others.
func DefaultSettings() Settings {
	return Settings{GoalPercent: defaultGoal, UnlinkWords: []string{"連携解除", "unlink"}}
}

// SettingStore keeps settings; without any it answers the defaults.
type SettingStore interface {
	Settings(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (Settings, error)
	SetSettings(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v Settings, now time.Time) error
}

// HealthStore counts.
type HealthStore interface {
	// Reach counts friends who can be reached, and those of them who are linked.
	Reach(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (reachable, linked int64, err error)
	// Funnels are the methods' numbers.
	Funnels(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]Funnel, error)
	// LinkedDays is how many friends were linked at the end of each day, oldest first.
	LinkedDays(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time, days int) (
		[]DayCount, error)
}

// Funnel is how far people get by one method. Invited below zero = nobody can know.
type Funnel struct {
	Method  string
	Invited int64
	Scanned int64
	Friends int64
	Linked  int64
}

// DayCount is a number at the end of a day of the merchant's zone.
type DayCount struct {
	Day time.Time // midnight UTC of the date
	N   int64
}

// Health is how linking is going on one LINE account.
type Health struct {
	Reachable   int64
	Linked      int64
	GoalPercent int
	Funnels     []Funnel
	Days        []DayCount
	Review      int64
}

// Health counts how linking is going.
func (s *Service) Health(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (h Health, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if h.Reachable, h.Linked, err = s.c.Health.Reach(ctx, m, c); err != nil {
			return err
		}
		settings, err := s.c.Settings.Settings(ctx, m, c)
		if err != nil {
			return err
		}
		h.GoalPercent = settings.GoalPercent
		if h.Funnels, err = s.c.Health.Funnels(ctx, m, c); err != nil {
			return err
		}
		if h.Days, err = s.c.Health.LinkedDays(ctx, m, c, s.c.Now(), healthDays); err != nil {
			return err
		}
		_, h.Review, err = s.c.Links.Conflicts(ctx, m, c, ReviewQuery{Limit: 1})
		return err
	})
	return h, fault.Wrap("linkage.Health", err)
}

// Settings reads what a merchant chose.
func (s *Service) Settings(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (v Settings, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		v, err = s.c.Settings.Settings(ctx, m, c)
		return err
	})
	return v, fault.Wrap("linkage.Settings", err)
}

// ChangeSettings stores what a merchant chose.
func (s *Service) ChangeSettings(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	by lumo.MemberID, v Settings) (Settings, error) {
	const op = "linkage.ChangeSettings"
	if err := v.tidy(op); err != nil {
		return Settings{}, err
	}
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.c.Channels.Get(ctx, m, c); err != nil {
			return err
		}
		if err := s.c.Settings.SetSettings(ctx, m, c, v, s.c.Now()); err != nil {
			return err
		}
		return s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by),
			Action: "linking.settings", TargetKind: "channel", Target: c.String(),
			Data: map[string]any{"goal_percent": v.GoalPercent, "unlink_words": v.UnlinkWords}})
	})
	return v, fault.Wrap(op, err)
}

func (v *Settings) tidy(op string) error {
	fields := map[string]string{}
	if v.GoalPercent < 1 || v.GoalPercent > 100 {
		fields["goal_percent"] = "Enter a number from 1 to 100."
	}
	words := []string{}
	for _, w := range v.UnlinkWords {
		w = strings.TrimSpace(w)
		if utf8.RuneCountInString(w) > maxWord {
			fields["unlink_words"] = "A word has up to 30 characters."
		}
		if w != "" && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	if v.UnlinkWords = words; len(words) > maxWords {
		fields["unlink_words"] = "Enter up to 10 words."
	}
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	return nil
}
