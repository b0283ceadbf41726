package linkage

import (
	"context"
	"html"
	"net/url"
	"slices"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Codes lists a channel's codes, newest first; those of forms and of members' own
// phones are not among them.
func (s *Service) Codes(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (list []Code, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if list, err = s.c.Codes.Codes(ctx, m, c); err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(code Code) bool { return code.Own })
		return s.readSaved(ctx, m, c, list)
	})
	return list, fault.Wrap("linkage.Codes", err)
}

// Code reads one code of a channel.
func (s *Service) Code(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, id lumo.CodeID) (
	code Code, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		code, err = s.codeOf(ctx, m, c, id)
		return err
	})
	return code, fault.Wrap("linkage.Code", err)
}

// codeOf reads a code; one of another channel or of a form does not exist here.
func (s *Service) codeOf(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, id lumo.CodeID) (
	Code, error) {
	code, err := s.c.Codes.Code(ctx, m, id)
	if err == nil && (code.Channel != c || code.Form != (lumo.FormID{})) {
		err = fault.New(fault.NotFound, "linkage.codeOf", "This QR code does not exist.")
	}
	if err != nil {
		return code, err
	}
	one := []Code{code}
	err = s.readSaved(ctx, m, c, one)
	return one[0], err
}

// CodeDay is what happened by a code on one day of the merchant's zone.
type CodeDay struct {
	Day     time.Time // midnight UTC of the date
	Scans   int64
	Friends int64
	Links   int64
}

// CodeDays are the numbers of a code by day since a date, oldest first; days on which
// nothing happened are left out.
func (s *Service) CodeDays(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, id lumo.CodeID,
	days int) (list []CodeDay, err error) {
	since := s.c.Now().AddDate(0, 0, -days)
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := s.codeOf(ctx, m, c, id); err != nil {
			return err
		}
		list, err = s.c.Codes.Days(ctx, m, id, since)
		return err
	})
	return list, fault.Wrap("linkage.CodeDays", err)
}

// Snippets are what a merchant pastes into a Klaviyo email.
type Snippets struct {
	Plain    string // without a customer: for print
	URL      string // leads to LINE
	ImageURL string // the QR code of that URL
	HTML     string
}

// Snippets fills in nothing: Klaviyo's template language does, per customer.
func (s *Service) Snippets(c Code) Snippets {
	base := s.c.EdgeURL + "/q/" + c.Key
	query := map[IdentifyBy]string{
		ByProfile: "?k={{ person.KlaviyoID }}",
		ByEmail:   "?e={{ email|urlencode }}",
		ByPhone:   "?t={{ person.phone_number|urlencode }}",
	}[c.IdentifyBy]
	out := Snippets{Plain: base, URL: base + query, ImageURL: base + ".png" + query}
	out.HTML = `<a href="` + out.URL + `"><img src="` + out.ImageURL +
		`" width="200" height="200" alt="` + html.EscapeString(c.Name) + `"></a>`
	return out
}

// Try is a code's URL as one customer gets it.
type Try struct {
	URL     string
	Profile lumo.ProfileID // zero = a code without customers
}

// TryCode gives the URL that Klaviyo would put into the email of the customer with this
// email, so that a merchant can walk the way herself.
func (s *Service) TryCode(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, id lumo.CodeID,
	email string) (Try, error) {
	const op = "linkage.TryCode"
	code, err := s.Code(ctx, m, c, id)
	if err != nil {
		return Try{}, err
	}
	base := s.c.EdgeURL + "/q/" + code.Key
	if code.IdentifyBy == ByNothing {
		return Try{URL: base}, nil
	}
	of, err := s.c.Channels.Get(ctx, m, c)
	if err != nil {
		return Try{}, fault.Wrap(op, err)
	}
	if of.KlaviyoAccount == (lumo.AccountID{}) {
		return Try{}, fault.New(fault.Conflict, op, "Connect Klaviyo first: the customer is looked up there.")
	}
	p, err := s.c.Profiles.ProfileByEmail(ctx, m, of.KlaviyoAccount,
		strings.ToLower(strings.TrimSpace(email)))
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Invalid):
		return Try{}, &fault.Error{Kind: fault.Invalid, Op: op, Fields: map[string]string{
			"email": "Klaviyo has no customer with this email."}}
	case err != nil:
		return Try{}, fault.Wrap(op, err)
	}
	value := map[IdentifyBy]string{ByProfile: "k=" + string(p.ID), ByEmail: "e=" + url.QueryEscape(p.Email),
		ByPhone: "t=" + url.QueryEscape(p.Phone)}[code.IdentifyBy]
	if code.IdentifyBy == ByPhone && p.Phone == "" {
		return Try{}, &fault.Error{Kind: fault.Invalid, Op: op, Fields: map[string]string{
			"email": "Klaviyo has no phone number of this customer."}}
	}
	return Try{URL: base + "?" + value, Profile: p.ID}, nil
}
