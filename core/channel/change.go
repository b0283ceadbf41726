package channel

import (
	"context"
	"maps"
	"slices"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Change replaces keys of a channel; empty parts stay as they are. The new keys must be
// those of the same LINE account. Requests that the old secret did not fit are tried again.
func (s *Service) Change(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor,
	change Keys) (Channel, error) {
	const op = "channel.Change"
	old, err := s.Keys(ctx, m, c)
	if err != nil {
		return Channel{}, err
	}
	keys := Keys{Messaging: merge(old.Messaging, trim(change.Messaging)),
		Login: merge(old.Login, trim(change.Login))}
	if err := formOf(op, keys); err != nil {
		return Channel{}, err
	}
	if err := s.checkChange(ctx, op, m, c, old, keys); err != nil {
		return Channel{}, err
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		return s.replace(ctx, m, c, by, old, keys)
	})
	if err != nil {
		return Channel{}, fault.Wrap(op, err)
	}
	s.retryRefused(ctx, m, c)
	full, err := s.Channel(ctx, m, c)
	if err != nil {
		return Channel{}, err
	}
	if _, _, err := s.checkWebhook(ctx, full, keys); err != nil {
		return Channel{}, fault.Wrap(op, err)
	}
	return s.Channel(ctx, m, c)
}

// checkChange asks LINE about what is new, and whether it is still the same account. Which one
// that is stands here: the old keys may work no more, which is when people change them.
func (s *Service) checkChange(ctx context.Context, op string, m lumo.MerchantID, c lumo.ChannelID, old, keys Keys) error {
	if keys.Messaging != old.Messaging {
		account, err := s.account(ctx, op, keys.Messaging)
		if err != nil {
			return err
		}
		var bot lumo.LineUserID
		err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
			bot, err = s.c.Channels.BotUser(ctx, m, c)
			return err
		})
		if err != nil {
			return fault.Wrap(op, err)
		}
		if bot != account.BotUser {
			return refused(op, fieldMessagingID, "These keys belong to another LINE account.")
		}
	}
	if keys.Login != old.Login {
		return s.login(ctx, op, keys.Login)
	}
	return nil
}

func (s *Service) replace(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor,
	old, keys Keys) error {
	if err := s.c.Channels.SetKeys(ctx, m, c, keys, s.c.Now()); err != nil {
		return err
	}
	full, err := s.c.Channels.Channel(ctx, m, c)
	if err != nil {
		return err
	}
	if err := s.tellEdges(ctx, full); err != nil {
		return err
	}
	s.c.Watcher.ChannelChanged(ctx, m, c)
	changed := map[string]bool{
		fieldMessagingID:     old.Messaging.ID != keys.Messaging.ID,
		fieldMessagingSecret: old.Messaging.Secret != keys.Messaging.Secret,
		fieldLoginID:         old.Login.ID != keys.Login.ID,
		fieldLoginSecret:     old.Login.Secret != keys.Login.Secret,
	}
	maps.DeleteFunc(changed, func(_ string, yes bool) bool { return !yes })
	return s.c.Auditor.Audit(ctx, by.entry("channel.change", c,
		map[string]any{"fields": slices.Sorted(maps.Keys(changed))}))
}

func merge(old, change lumo.Keys) lumo.Keys {
	if change.ID != "" {
		old.ID = change.ID
	}
	if change.Secret != "" {
		old.Secret = change.Secret
	}
	return old
}

// JoinAccount joins a Klaviyo account to the merchant's channels that have none. The
// property number of each belongs to the account and the LINE account for ever.
func (s *Service) JoinAccount(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) error {
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		joined, err := s.c.Channels.JoinAccount(ctx, m, a, s.c.Now())
		for _, c := range joined {
			s.c.Watcher.ChannelChanged(ctx, m, c)
		}
		return err
	})
	return fault.Wrap("channel.JoinAccount", err)
}
