// Package linkpage serves what a customer sees on the way back from LINE Login: the page
// that asks, and the page that says what came of it.
//
// What always holds: no script, no image but the shop's own picture, nothing personal in a
// page or a URL; a GET links only where the link was proven and the browser is the one that
// scanned, everything else needs the click on a form with a one-time value; no page is
// stored by a browser or tells another site where the person was.
package linkpage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"

	"lumo/core/channel"
	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/look"
	"lumo/shared/token"
)

// The routes of these pages.
const (
	CallbackPath = "/link/callback"
	ConfirmPath  = "/link/confirm"
)

// confirmField is the form field with the one-time value.
const confirmField = "value"

// Linkage is the work behind the pages.
type Linkage interface {
	Callback(ctx context.Context, r linkage.Return) (linkage.Result, error)
	Confirm(ctx context.Context, value string) (linkage.Result, error)
}

// Channels tells how a LINE account looks.
type Channels interface {
	Channel(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (channel.Channel, error)
}

// Merchants tells the shop's name.
type Merchants interface {
	Merchant(ctx context.Context, m lumo.MerchantID) (lumo.Merchant, error)
}

// Pages answers the edges' requests for these routes.
type Pages struct {
	linkage   Linkage
	channels  Channels
	merchants Merchants
	page      *template.Template
	styleHash string
}

// New makes the pages.
func New(l Linkage, c Channels, m Merchants) (*Pages, error) {
	page, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, fault.Wrap("linkpage.New", err)
	}
	sum := sha256.Sum256([]byte(pageStyle))
	return &Pages{linkage: l, channels: c, merchants: m, page: page,
		styleHash: base64.StdEncoding.EncodeToString(sum[:])}, nil
}

// HandleEdge answers one request of an edge.
func (p *Pages) HandleEdge(ctx context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	const op = "linkpage.HandleEdge"
	target, err := url.Parse(r.Target)
	if err != nil {
		return lumo.EdgeAnswer{}, fault.New(fault.Invalid, op, "The address cannot be read.")
	}
	var result linkage.Result
	switch {
	case target.Path == CallbackPath && r.Method == http.MethodGet:
		q := target.Query()
		result, err = p.linkage.Callback(ctx, linkage.Return{State: q.Get("state"), Code: q.Get("code"),
			Error: q.Get("error"), Cookie: r.Header[edgeapi.HeaderLinkCookie]})
	case target.Path == ConfirmPath && r.Method == http.MethodPost:
		form, _ := url.ParseQuery(string(r.Body)) // what cannot be read has no value
		result, err = p.linkage.Confirm(ctx, form.Get(confirmField))
	default:
		return lumo.EdgeAnswer{}, fault.New(fault.NotFound, op, "There is no such page.")
	}
	if err != nil {
		return lumo.EdgeAnswer{}, fault.Wrap(op, err)
	}
	return p.answer(ctx, result, r.Header["Accept-Language"])
}

// Number is the channel that a request for these pages names.
func Number(r lumo.EdgeRequest) (number uint32, ok bool) {
	target, err := url.Parse(r.Target)
	if err != nil {
		return 0, false
	}
	if target.Path == CallbackPath {
		header, _, err := token.ParseStateHeader(target.Query().Get("state"))
		return header.Channel, err == nil
	}
	form, _ := url.ParseQuery(string(r.Body)) // what cannot be read names nothing
	number, _, _, ok = linkage.ParseConfirm(form.Get(confirmField))
	return number, ok
}

// answer draws the page of an outcome.
func (p *Pages) answer(ctx context.Context, r linkage.Result, browser string) (lumo.EdgeAnswer, error) {
	const op = "linkpage.answer"
	shop, err := p.shop(ctx, r)
	if err != nil {
		return lumo.EdgeAnswer{}, fault.Wrap(op, err)
	}
	v := viewOf(r, shop, pick(r.Language, browser, shop.language))
	var body bytes.Buffer
	if err := p.page.Execute(&body, v); err != nil {
		return lumo.EdgeAnswer{}, fault.Wrap(op, err)
	}
	return lumo.EdgeAnswer{Status: statusOf(r.Outcome), Body: body.Bytes(), Header: map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Content-Language":        v.Lang,
		"Cache-Control":           "no-store",
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
		"Content-Security-Policy": p.policy(shop),
	}}, nil
}

// policy allows the page's own style, its own form and the shop's picture; nothing else.
func (p *Pages) policy(s shop) string {
	images := "'none'"
	if origin := look.PictureOrigin(s.picture); origin != "" {
		images = origin
	}
	return "default-src 'none'; style-src 'sha256-" + p.styleHash + "'; img-src " + images +
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// statusOf is 400 for what no longer works, else 200: edges read a 5xx as trouble of ours
// and would show a page of theirs, which knows less.
func statusOf(o linkage.Outcome) int {
	if o == linkage.NoLongerWorks {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// shop is what a page shows of the merchant; all empty when nobody knows whose it is.
type shop struct {
	name, picture, ring, basicID, language string
}

func (p *Pages) shop(ctx context.Context, r linkage.Result) (shop, error) {
	if r.Merchant == (lumo.MerchantID{}) {
		return shop{}, nil
	}
	m, err := p.merchants.Merchant(ctx, r.Merchant)
	if err != nil {
		return shop{}, err
	}
	s := shop{name: m.Name, language: m.Language}
	if r.Channel == (lumo.ChannelID{}) {
		return s, nil
	}
	c, err := p.channels.Channel(ctx, r.Merchant, r.Channel)
	s.basicID, s.ring = c.BasicID, c.Ring
	if look.PictureOrigin(c.PictureURL) != "" {
		s.picture = c.PictureURL
	}
	return s, err
}
