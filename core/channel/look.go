package channel

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/look"
)

// RingOf is the colour of an account that nobody chose one for: neighbours differ.
func RingOf(number uint32) string {
	rings := look.Rings()
	return rings[(number+uint32(len(rings))-1)%uint32(len(rings))]
}

// SetRing chooses the colour that an account has on every screen.
func (s *Service) SetRing(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, ring string) error {
	const op = "channel.SetRing"
	if !slices.Contains(look.Rings(), ring) {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: map[string]string{"ring": "There is no such colour."}}
	}
	return fault.Wrap(op, s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if err := s.c.Channels.SetRing(ctx, m, c, ring, s.c.Now()); err != nil {
			return err
		}
		full, err := s.c.Channels.Channel(ctx, m, c)
		if err != nil {
			return err
		}
		if err := s.c.Fleet.Changed(ctx, m, edgeapi.TableChannel, edgeapi.LookKey(full.Number)); err != nil {
			return err
		}
		s.c.Watcher.ChannelChanged(ctx, m, c)
		return s.c.Auditor.Audit(ctx, by.entry("channel.ring", c, map[string]any{"ring": ring}))
	}))
}

const shopMax = 500

// SetShop says where the shop is. Pages that lead nowhere else lead there; empty = nowhere.
func (s *Service) SetShop(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, address string) error {
	const op = "channel.SetShop"
	address, ok := shopAddress(address)
	if !ok {
		return refused(op, "shop_url", "Enter the whole address of your shop, such as https://shop.example.")
	}
	return fault.Wrap(op, s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if err := s.c.Channels.SetShop(ctx, m, c, address, s.c.Now()); err != nil {
			return err
		}
		full, err := s.c.Channels.Channel(ctx, m, c)
		if err != nil {
			return err
		}
		if err := s.c.Fleet.Changed(ctx, m, edgeapi.TableChannel, edgeapi.ChannelKey(full.Number)); err != nil {
			return err
		}
		s.c.Watcher.ChannelChanged(ctx, m, c)
		return s.c.Auditor.Audit(ctx, by.entry("channel.shop", c, map[string]any{"shop_url": address}))
	}))
}

// shopAddress is an address as browsers take it; one without a scheme is a host's.
func shopAddress(text string) (string, bool) {
	if text = strings.TrimSpace(text); text == "" {
		return "", true
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.User != nil || !strings.Contains(u.Hostname(), ".") || len(text) > shopMax {
		return "", false
	}
	return u.String(), true
}

// readVerified asks LINE whether it verified the account, and stores the answer; without
// one the old stays.
func (s *Service) readVerified(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, keys lumo.Keys) {
	yes, err := s.c.Accounts.Verified(ctx, keys)
	update := StateUpdate{Verified: "no", Now: s.c.Now()}
	if yes {
		update.Verified = "yes"
	}
	if err == nil {
		err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
			return s.c.Channels.SetState(ctx, m, c, update)
		})
	}
	if err != nil && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "not known whether an account is verified", "error", err, "merchant", m.String())
	}
}
