package linkage

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// PageState is what a look at a shop page showed.
type PageState string

// The states of a page.
const (
	PageUnchecked   PageState = "unchecked"
	PageFound       PageState = "found"
	PageMissing     PageState = "missing"    // none of our scripts
	PageOther       PageState = "other_form" // the script of another form
	PageUnreachable PageState = "unreachable"
)

const (
	pageEvery   = 12 * time.Hour
	pagesAtOnce = 10
	pageTimeout = 8 * time.Second
)

// Pages fetches shop pages; only public addresses are called.
type Pages interface {
	// Page is the text of a page; fault.Invalid for an address that cannot be called.
	Page(ctx context.Context, address string) (string, error)
}

// anyScript finds our scripts in a page.
func anyScript() *regexp.Regexp { return regexp.MustCompile(`/f/[a-z2-7]{16}\.js`) }

// CheckedPage is what a look at a shop page showed.
type CheckedPage struct {
	Form
	OriginAllowed bool // whether the form's settings let this page ask
}

// CheckPage looks whether a form's script is on a page, and remembers the page.
func (s *Service) CheckPage(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FormID,
	address string) (CheckedPage, error) {
	const op = "linkage.CheckPage"
	form, err := s.Form(ctx, m, c, f)
	if err != nil {
		return CheckedPage{}, err
	}
	address = strings.TrimSpace(address)
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return CheckedPage{}, &fault.Error{Kind: fault.Invalid, Op: op, Fields: map[string]string{
			"url": "Enter the address of a page, such as https://shop.example/."}}
	}
	u.Fragment = ""
	state := s.look(ctx, u.String(), form.Key)
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if err := s.c.Forms.SetPage(ctx, m, f, u.String(), state, s.c.Now()); err != nil {
			return err
		}
		form, err = s.formOf(ctx, m, c, f)
		return err
	})
	origin := u.Scheme + "://" + strings.ToLower(u.Host)
	return CheckedPage{form, slices.Contains(form.Origins, origin)}, fault.Wrap(op, err)
}

// look tells what a page holds.
func (s *Service) look(ctx context.Context, address, key string) PageState {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	text, err := s.c.Pages.Page(ctx, address)
	switch {
	case err != nil:
		return PageUnreachable
	case strings.Contains(text, scriptPath(key)):
		return PageFound
	case anyScript().MatchString(text):
		return PageOther
	}
	return PageMissing
}

// lookAtPages looks again at pages that were checked long ago.
func (s *Service) lookAtPages(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	var due []Form
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) (err error) {
		due, err = s.c.Forms.PagesDue(ctx, m, c, s.c.Now().Add(-pageEvery), pagesAtOnce)
		return err
	})
	for _, form := range due {
		if err != nil {
			return err
		}
		state := s.look(ctx, form.PageURL, form.Key)
		err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
			return s.c.Forms.SetPage(ctx, m, form.ID, form.PageURL, state, s.c.Now())
		})
	}
	return err
}
