// Package shopify takes what Shopify tells us: webhooks of a shop, proven and stored.
//
// One app secret signs for all shops, so only the core can prove a webhook. Nobody reads them
// yet; what is stored is there for who will, as long as the bodies of other webhooks are.
package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"time"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/webhooksig"
)

// The headers that say what a webhook is.
const (
	headerSignature = "X-Shopify-Hmac-Sha256"
	headerShop      = "X-Shopify-Shop-Domain"
	headerTopic     = "X-Shopify-Topic"
	headerEvent     = "X-Shopify-Event-Id"
)

const longestName = 200 // of a topic or an event's id

// Hook is one webhook of a shop.
type Hook struct {
	Merchant   lumo.MerchantID
	ID         lumo.RequestID
	Auth       lumo.EdgeAuth
	Shop       string // its domain
	Topic      string
	Event      string // Shopify's id of what happened, "" = none was given
	Body       []byte
	ReceivedAt time.Time
	Now        time.Time
}

// Store keeps webhooks.
type Store interface {
	// Keep stores a webhook once: the same request, or the same event of Shopify's, only counts
	// the first time.
	Keep(ctx context.Context, h Hook) error
}

// Tenants runs work in a merchant's transaction.
type Tenants interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
}

// Hooks takes webhooks. It is safe for concurrent use.
type Hooks struct {
	Tenants Tenants
	Store   Store
	Secret  lumo.Secret // of the app, "" = there is no app
	Now     func() time.Time
}

// shopDomain is a shop as Shopify names it; hosts of the shop's own are never in the header.
var shopDomain = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*\.myshopify\.com$`)

// HandleEdge takes one webhook from an edge. Those about erasure are stored like all others:
// the edge sends them back while the core is away, so that none is answered before.
func (h *Hooks) HandleEdge(ctx context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	const op = "shopify.HandleEdge"
	if h.Secret == "" && r.Auth != lumo.AuthVerified {
		kind := fault.Unavailable
		if r.Spooled { // its sender is gone: it must not hold up what waits behind it
			kind = fault.Conflict
		}
		return lumo.EdgeAnswer{}, fault.As(kind, op, errors.New("LUMO_SHOPIFY_CLIENT_SECRET is not set"))
	}
	hook := Hook{Merchant: r.Merchant, ID: r.ID, Auth: r.Auth, Shop: r.Header[headerShop],
		Topic: r.Header[headerTopic], Event: r.Header[headerEvent], Body: r.Body,
		ReceivedAt: r.ReceivedAt, Now: h.Now()}
	genuine := r.Auth == lumo.AuthVerified || webhooksig.VerifyShopify(h.Secret.Reveal(), r.Body,
		r.Header[headerSignature])
	if !genuine || !shopDomain.MatchString(hook.Shop) || len(hook.Topic) > longestName ||
		len(hook.Event) > longestName {
		return answer(http.StatusUnauthorized, "application/problem+json", map[string]any{
			"type": "about:blank", "title": http.StatusText(http.StatusUnauthorized),
			"status": http.StatusUnauthorized, "reason": edgeapi.BadSignature.Code(),
			"request": id.ID(r.ID).With(id.Request)})
	}
	err := h.Tenants.InTenant(ctx, r.Merchant, func(ctx context.Context) error {
		return h.Store.Keep(ctx, hook)
	})
	if err != nil {
		return lumo.EdgeAnswer{}, fault.Wrap(op, err)
	}
	return answer(http.StatusOK, "application/json", map[string]any{"status": "accepted",
		"request": id.ID(r.ID).With(id.Request)})
}

func answer(status int, kind string, value map[string]any) (lumo.EdgeAnswer, error) {
	text, err := json.Marshal(value)
	return lumo.EdgeAnswer{Status: status, Header: map[string]string{"Content-Type": kind}, Body: text},
		fault.Wrap("shopify.answer", err)
}
