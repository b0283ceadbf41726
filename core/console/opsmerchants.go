package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/account"
	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/shared/id"
)

// Shops knows all merchants, by name and counts.
type Shops interface {
	Shops(ctx context.Context, q account.ShopQuery) (account.ShopPage, error)
	Merchant(ctx context.Context, m lumo.MerchantID) (lumo.Merchant, error)
}

// ShopView is a merchant as operators see it: its name and counts. Whatever is counted stays
// the merchant's own.
type ShopView struct {
	ShopRef
	CreatedAt    *time.Time `json:"created_at"`
	LINEAccounts int        `json:"line_accounts" doc:"an edge can be made for a merchant that has one"`
	Friends      int64      `json:"friends" doc:"who follow them"`
	Linked       int64      `json:"linked" doc:"of the friends"`
	Sent         int64      `json:"sent" doc:"messages in the last 30 days"`
	Edges        int        `json:"edges" doc:"that may serve it"`
	EdgesWorking int        `json:"edges_working" doc:"of them, in contact"`
}

// ShopRef names a merchant.
type ShopRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug" doc:"of its console's addresses; tells shops of the same name apart"`
}

type listShopsInput struct {
	Search string `query:"search" maxLength:"100" doc:"in names and addresses"`
	Cursor string `query:"cursor" maxLength:"40"`
	Limit  int    `query:"limit" minimum:"0" maximum:"100"`
}

const shopsAtOnce = 50

func (p OpsParts) registerMerchants(a *API) {
	Register(a, Op{ID: "list-merchants", Method: http.MethodGet, Path: "/ops/merchants", Role: Operator,
		Summary: "List merchants by name, newest first, with counts and nothing of what is counted"}, p.merchants)
}

func (p OpsParts) merchants(ctx context.Context, _ Caller, in *listShopsInput) (List[ShopView], error) {
	list := List[ShopView]{Items: []ShopView{}}
	q := account.ShopQuery{Words: in.Search, Limit: in.Limit}
	if q.Limit == 0 {
		q.Limit = shopsAtOnce
	}
	if in.Cursor != "" {
		after, err := id.ParseWith(id.Merchant, in.Cursor)
		if err != nil {
			return list, badCursor()
		}
		q.After = lumo.MerchantID(after)
	}
	page, err := p.Shops.Shops(ctx, q)
	if err != nil {
		return list, err
	}
	edges, err := p.Fleet.Edges(ctx)
	if err != nil {
		return list, err
	}
	total := int64(page.Total)
	list.Total = &total
	if page.Next != (lumo.MerchantID{}) {
		list.Next = page.Next.String()
	}
	for _, s := range page.Shops {
		list.Items = append(list.Items, shopView(s, edges, p.Now()))
	}
	return list, nil
}

func shopView(s account.Shop, edges []fleet.Edge, now time.Time) ShopView {
	v := ShopView{ShopRef: shopRef(s.Merchant), CreatedAt: moment(s.CreatedAt), LINEAccounts: s.Accounts,
		Friends: s.Friends, Linked: s.Linked, Sent: s.Sent}
	for _, e := range edges {
		if !e.Scope().Has(s.ID) {
			continue
		}
		v.Edges++
		if e.Alive(now) {
			v.EdgesWorking++
		}
	}
	return v
}

func shopRef(m lumo.Merchant) ShopRef {
	return ShopRef{ID: m.ID.String(), Name: m.Name, Slug: m.Slug}
}

// scope names the merchants that an edge may serve; of one for all it is empty.
func (p OpsParts) scope(ctx context.Context, e fleet.Edge) ([]ShopRef, error) {
	refs := []ShopRef{}
	for _, m := range e.Merchants {
		merchant, err := p.Shops.Merchant(ctx, m)
		if err != nil {
			return nil, err
		}
		refs = append(refs, shopRef(merchant))
	}
	return refs, nil
}
