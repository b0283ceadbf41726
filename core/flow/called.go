package flow

import (
	"context"
	"regexp"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Called is the body of a call as Klaviyo sent it, with personal data masked; after its time
// it is fault.NotFound. The key is no part of it.
func (s *Service) Called(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RequestID) (text string, err error) {
	err = s.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.Views.Row(ctx, m, c, r); err != nil {
			return err
		}
		body, err := s.Repairs.Body(ctx, m, r)
		text = Masked(string(body))
		return err
	})
	return text, fault.Wrap("flow.Called", err)
}

// Shown is the body that LINE took as the console shows it: whose it was stays out of it, and
// all else is as it was sent.
func (r Row) Shown() string {
	return lineIDs.ReplaceAllString(string(r.Sent), `U…$1`)
}

// lineIDs is how LINE names a person.
var lineIDs = regexp.MustCompile(`\bU[0-9a-fA-F]{28}([0-9a-fA-F]{4})\b`)

// Masked hides names, emails, phone numbers, addresses and LINE ids in a text that need not be
// JSON: what Klaviyo sent may be broken, and that is when people look at it.
func Masked(text string) string {
	text = lineIDs.ReplaceAllString(text, `U…$1`)
	for _, hidden := range []struct{ what, with string }{
		{`("[^"]*(?i:name|email|phone|address|birth|zip|city)[^"]*"\s*:\s*"[^"\\]?)(?:[^"\\]|\\.)*`, `$1***`},
		{`([^\s"<>@])[^\s"<>@]*@[^\s"<>@]+`, `$1***@…`},
		{`(?:\+\d|\b0\d)[\d \-()]{6,}(\d{2})\b`, `…$1`},
	} {
		text = regexp.MustCompile(hidden.what).ReplaceAllString(text, hidden.with)
	}
	return text
}
