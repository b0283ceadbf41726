package linkage

import (
	"context"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// How long a person waits for Klaviyo: a profile id that is not checked in time counts, an
// email that is not looked up in time leaves the question open.
const (
	checkTimeout  = 2 * time.Second
	lookupTimeout = 5 * time.Second
)

// Claimed is the customer that a scan meant, and how sure that is.
type Claimed struct {
	Profile   lumo.ProfileID
	Assurance lumo.Assurance
	By        ClaimKind
	Email     string
	Phone     string
}

// resolve finds the customer that a claim means. A claim of nobody is fault.NotFound, a
// malformed one fault.Invalid. An email or a phone needs Klaviyo; a profile id does not, as
// it came out of Klaviyo's own template: it is only refused when Klaviyo says there is none.
func (s *Service) resolve(ctx context.Context, m lumo.MerchantID, c lumo.Channel, st State) (
	Claimed, error) {
	const op = "linkage.resolve"
	account := c.KlaviyoAccount
	if account == (lumo.AccountID{}) {
		return Claimed{}, fault.New(fault.NotFound, op, "no Klaviyo account is connected")
	}
	limited, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	switch st.Claim {
	case ClaimProfile:
		return s.resolveProfile(ctx, m, account, st.Value)
	case ClaimForm: // an email or a phone, as the customer typed it a moment ago
		st.Claim = ClaimEmail
		if !strings.Contains(st.Value, "@") {
			var err error
			if st.Claim = ClaimPhone; !strings.HasPrefix(st.Value, "+") {
				if st.Value, err = s.atHome(ctx, m, st.Value); err != nil {
					return Claimed{By: ClaimForm}, err
				}
			}
		}
		claimed, err := s.resolve(ctx, m, c, st)
		claimed.By = ClaimForm
		return claimed, err
	case ClaimEmail:
		email := strings.ToLower(strings.TrimSpace(st.Value))
		if strings.Count(email, "@") != 1 || len(email) > 254 {
			return Claimed{}, fault.New(fault.Invalid, op, "the claim is not an email")
		}
		p, err := s.c.Profiles.ProfileByEmail(limited, m, account, email)
		return Claimed{Profile: p.ID, Assurance: lumo.Claimed, By: ClaimEmail, Email: email},
			fault.Wrap(op, err)
	case ClaimPhone:
		phone, ok := e164(st.Value)
		if !ok {
			return Claimed{}, fault.New(fault.Invalid, op, "the claim is not a phone number")
		}
		p, err := s.c.Profiles.ProfileByPhone(limited, m, account, phone)
		return Claimed{Profile: p.ID, Assurance: lumo.Claimed, By: ClaimPhone, Phone: phone},
			fault.Wrap(op, err)
	}
	return Claimed{}, fault.New(fault.Invalid, op, "the claim names nobody")
}

func (s *Service) resolveProfile(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, text string) (
	Claimed, error) {
	const op = "linkage.resolveProfile"
	text = strings.TrimSpace(text)
	if !plainProfile(text) {
		return Claimed{}, fault.New(fault.Invalid, op, "the claim is not a profile id")
	}
	claimed := Claimed{Profile: lumo.ProfileID(text), Assurance: lumo.Proven, By: ClaimProfile}
	limited, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	found, err := s.c.Profiles.Profile(limited, m, a, claimed.Profile)
	switch {
	case fault.Is(err, fault.NotFound):
		return Claimed{}, fault.New(fault.NotFound, op, "the customer does not exist")
	case err != nil:
		s.c.Log.WarnContext(ctx, "profile not checked", "error", err, "merchant", m.String())
	default:
		claimed.Profile = found.ID // of whom it was merged into, if it was
	}
	return claimed, nil
}

// plainProfile tells whether a text may be a Klaviyo profile id: short, letters and digits.
func plainProfile(text string) bool {
	return len(text) > 0 && len(text) <= 64 && strings.Trim(text,
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}

// atHome reads a phone number as the merchant's country dials it.
func (s *Service) atHome(ctx context.Context, m lumo.MerchantID, text string) (string, error) {
	const op = "linkage.atHome"
	merchant, err := s.c.Merchants.Merchant(ctx, m)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	n, err := phonenumbers.Parse(text, merchant.Country)
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return "", fault.New(fault.Invalid, op, "the claim is not a phone number")
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// e164 reads a phone number in international form; a plus sign that a URL turned into a
// space is put back.
func e164(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "+") {
		text = "+" + text
	}
	n, err := phonenumbers.Parse(text, "")
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}
