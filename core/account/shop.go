package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Shop is a merchant as those see it who run the system: its name and counts, nothing of
// what is counted.
type Shop struct {
	lumo.Merchant
	CreatedAt time.Time
	Accounts  int   // LINE accounts
	Friends   int64 // who follow them
	Linked    int64 // of the friends
	Sent      int64 // messages in the last 30 days
}

// ShopQuery asks for a page of merchants, newest first.
type ShopQuery struct {
	Words string          // in the name or the address; empty = all
	After lumo.MerchantID // the last one of the page before; zero = first page
	Limit int
}

// ShopPage is a page of merchants.
type ShopPage struct {
	Shops []Shop
	Next  lumo.MerchantID // zero = none follows
	Total int
}

// Shops reads merchants for whoever runs the system. Each is read in a transaction of its own:
// no statement sees two merchants.
func (s *Service) Shops(ctx context.Context, q ShopQuery) (page ShopPage, err error) {
	const op = "account.Shops"
	var all []lumo.MerchantID
	err = s.Units.InSystem(ctx, func(ctx context.Context) error {
		all, err = s.Store.Merchants(ctx)
		return err
	})
	if err == nil && strings.TrimSpace(q.Words) != "" {
		all, err = s.called(ctx, all, q.Words)
	}
	if err != nil {
		return ShopPage{}, fault.Wrap(op, err)
	}
	page.Total = len(all)
	rest := all[slices.Index(all, q.After)+1:]
	if len(rest) > q.Limit {
		rest = rest[:q.Limit]
		page.Next = rest[q.Limit-1]
	}
	for _, m := range rest {
		err := s.Units.InTenant(ctx, m, func(ctx context.Context) error {
			shop, err := s.Store.Shop(ctx, m, s.Now())
			page.Shops = append(page.Shops, shop)
			return err
		})
		if err != nil {
			return ShopPage{}, fault.Wrap(op, err)
		}
	}
	return page, nil
}

// called keeps the merchants whose name or address holds the words.
func (s *Service) called(ctx context.Context, all []lumo.MerchantID, words string) (found []lumo.MerchantID, err error) {
	words = strings.ToLower(strings.TrimSpace(words))
	for _, m := range all {
		merchant, err := s.Merchant(ctx, m)
		if err != nil {
			return nil, err
		}
		if strings.Contains(strings.ToLower(merchant.Name), words) || strings.Contains(merchant.Slug, words) {
			found = append(found, m)
		}
	}
	return found, nil
}
