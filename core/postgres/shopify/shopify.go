// Package shopify stores what Shopify tells us.
package shopify

import (
	"context"

	"lumo/core/postgres"
	"lumo/core/postgres/vault"
	"lumo/core/shopify"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Store is shopify.Store over PostgreSQL.
type Store struct{ vault *vault.Vault }

// New makes a store.
func New(v *vault.Vault) *Store { return &Store{v} }

// Keep stores a webhook once. It is done when it is stored: nobody reads it yet, and what is
// done goes with the bodies of other webhooks.
func (s *Store) Keep(ctx context.Context, h shopify.Hook) error {
	const op = "postgres.Keep"
	sealed, err := s.vault.Seal(ctx, h.Merchant, "hook_request", "body_enc", id.ID(h.ID), h.Body)
	if err != nil {
		return fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
INSERT INTO hook_request (merchant_id, id, kind, auth, body_enc, received_at, created_at, state,
                          shop, topic, vendor_event)
VALUES ($1, $2, 'shopify', $3, $4, $5, $6, 'done', $7, $8, nullif($9, ''))
    ON CONFLICT DO NOTHING`, h.Merchant, h.ID, string(h.Auth), sealed, h.ReceivedAt, h.Now,
		h.Shop, h.Topic, h.Event)
	return postgres.Fault(op, err)
}
