package channel

import (
	"context"
	"unicode/utf8"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// SetTracking changes whether openings are measured, and the campaign parameters of links;
// nil = as it is. It counts for what is sent from now on; what was sent without beacon stays
// without.
func (s *Service) SetTracking(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by Actor, opens *bool,
	utm *lumo.UTM) error {
	const op = "channel.SetTracking"
	if utm != nil {
		for _, text := range []string{utm.Source, utm.Medium, utm.Campaign, utm.Content, utm.Term} {
			if utf8.RuneCountInString(text) > lumo.MaxUTM {
				return &fault.Error{Kind: fault.Invalid, Op: op, Message: "Some fields need another value.",
					Fields: map[string]string{"utm": "A campaign parameter has at most 100 characters."}}
			}
		}
	}
	return fault.Wrap(op, s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		now, err := s.c.Channels.Channel(ctx, m, c)
		if err != nil {
			return err
		}
		if opens != nil {
			now.OpensMeasured = *opens
		}
		if utm != nil {
			now.UTM = *utm
		}
		if err := s.c.Channels.SetTracking(ctx, m, c, now.OpensMeasured, now.UTM, s.c.Now()); err != nil {
			return err
		}
		s.c.Watcher.ChannelChanged(ctx, m, c)
		return s.c.Auditor.Audit(ctx, by.entry("channel.tracking", c,
			map[string]any{"opens_measured": now.OpensMeasured, "utm": now.UTM}))
	}))
}
