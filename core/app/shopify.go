package app

import (
	shopifystore "lumo/core/postgres/shopify"
	"lumo/core/shopify"
)

// newShopify makes what takes shops' webhooks.
func (a *App) newShopify() *shopify.Hooks {
	return &shopify.Hooks{Tenants: a.db, Store: shopifystore.New(a.vault),
		Secret: a.settings.ShopifyClientSecret, Now: a.now}
}
