package channel

import (
	"context"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Told is what somebody says about a friend's own email and phone, as they wrote it.
type Told struct {
	Email  string
	Phone  string
	Source string
}

// SetContacts stores a friend's own email or phone, normalised; empty ones stay as they are.
func (p *People) SetContacts(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	by Actor, t Told) error {
	const op = "channel.SetContacts"
	merchant, err := p.c.Merchants.Merchant(ctx, m)
	if err != nil {
		return fault.Wrap(op, err)
	}
	contacts, fields := t.contacts(merchant.Country)
	if len(fields) > 0 {
		return &fault.Error{Kind: fault.Invalid, Op: op, Fields: fields}
	}
	err = p.of(ctx, m, c, f, func(ctx context.Context) error {
		if err := p.tell(ctx, m, c, f, contacts); err != nil {
			return err
		}
		entry := by.entry("friend.contacts", c, map[string]any{"source": t.Source})
		entry.TargetKind, entry.Target = "friend", f.String()
		return p.c.Auditor.Audit(ctx, entry)
	})
	return fault.Wrap(op, err)
}

// contacts normalises what was told and says what cannot be.
func (t Told) contacts(country string) (all []OwnContact, fields map[string]string) {
	fields = map[string]string{}
	if t.Email != "" {
		email := Email(t.Email)
		if email == "" {
			fields["email"] = "This is not an email address."
		}
		all = append(all, OwnContact{Kind: ContactEmail, Value: email, Source: t.Source})
	}
	if t.Phone != "" {
		phone := Phone(t.Phone, country)
		if phone == "" {
			fields["phone"] = "This is not a phone number. Write it with its country, for example +81 90 1234 5678."
		}
		all = append(all, OwnContact{Kind: ContactPhone, Value: phone, Source: t.Source})
	}
	return all, fields
}

// tell stores contacts and passes on those that are new.
func (p *People) tell(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
	contacts []OwnContact) error {
	known := false
	for _, v := range contacts {
		v.At = p.c.Now()
		changed, err := p.c.Store.SetContact(ctx, m, c, f, v)
		if err != nil {
			return err
		}
		known = known || changed
	}
	if !known {
		return nil
	}
	p.c.Watcher.FriendChanged(ctx, m, c, f)
	return p.c.Store.Hurry(ctx, m, c, p.c.Now()) // who they are at Klaviyo may be known now
}
