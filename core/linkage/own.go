package linkage

import (
	"context"
	"strings"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// ownCodeName names the code that members' own phones scan, where the channel has none yet.
const ownCodeName = "Own phone"

// Own is whose phone a member links: her own, as the customer that she is in Klaviyo.
type Own struct {
	URL     string         // for her phone's camera
	Profile lumo.ProfileID // zero = Klaviyo is not connected: the scan proves the provider only
}

// OwnPhone gives the URL that links a member's own phone to the customer with her email. A
// customer whom Klaviyo does not have yet is made there: nobody else gets this URL.
func (s *Service) OwnPhone(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by lumo.MemberID,
	email, name string) (Own, error) {
	const op = "linkage.OwnPhone"
	of, err := s.c.Channels.Get(ctx, m, c)
	if err != nil {
		return Own{}, fault.Wrap(op, err)
	}
	code, err := s.ownCode(ctx, m, c, by)
	if err != nil {
		return Own{}, fault.Wrap(op, err)
	}
	own := Own{URL: s.Snippets(code).Plain}
	if of.KlaviyoAccount == (lumo.AccountID{}) {
		return own, nil
	}
	own.Profile, err = s.customerOf(ctx, m, of.KlaviyoAccount, email, name)
	if err != nil {
		return Own{}, fault.Wrap(op, err)
	}
	own.URL += "?k=" + string(own.Profile)
	return own, nil
}

// ownCode is a live code that identifies by customer: the channel's oldest, else a new one.
func (s *Service) ownCode(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, by lumo.MemberID) (Code, error) {
	codes, err := s.Codes(ctx, m, c)
	if err != nil {
		return Code{}, err
	}
	for i := len(codes) - 1; i >= 0; i-- {
		if codes[i].IdentifyBy == ByProfile && codes[i].Live && codes[i].ExpiresAt.IsZero() {
			return codes[i], nil
		}
	}
	return s.CreateCode(ctx, m, c, by, NewCode{CodeContent: CodeContent{Name: ownCodeName}, IdentifyBy: ByProfile})
}

func (s *Service) customerOf(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, email, name string) (
	lumo.ProfileID, error) {
	found, err := s.c.Profiles.ProfileByEmail(ctx, m, a, email)
	if !fault.Is(err, fault.NotFound) {
		return found.ID, err
	}
	first, last, _ := strings.Cut(strings.TrimSpace(name), " ")
	return s.c.Profiles.WriteProfile(ctx, m, a, lumo.ProfileWrite{Email: email, FirstName: first, LastName: last})
}
