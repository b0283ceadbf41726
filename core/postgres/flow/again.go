package flow

import (
	"context"

	"lumo/core/flow"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Body opens what Klaviyo sent; without one, or after its time, it is fault.NotFound.
func (s *Store) Body(ctx context.Context, m lumo.MerchantID, r lumo.RequestID) ([]byte, error) {
	const op = "postgres.flow.Body"
	var sealed []byte
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT body_enc
		FROM flow_request
		WHERE merchant_id = $1 AND id = $2
		FOR UPDATE`, m, r).Scan(&sealed)
	if err != nil {
		return nil, postgres.Fault(op, err)
	}
	if sealed == nil {
		return nil, fault.New(fault.NotFound, op, "What Klaviyo sent is no longer kept.")
	}
	body, err := s.vault.Open(ctx, m, "flow_request", "body", id.ID(r), sealed)
	return body, fault.Wrap(op, err)
}

// Sent turns a call that led to nothing into one that planned a logical message.
func (s *Store) Sent(ctx context.Context, r flow.Request, logical id.ID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		UPDATE flow_request
		SET outcome = 'accepted', reason = NULL, reason_data = '{"sent_by_hand": true}', duplicate_of = NULL, delivery_id = $3,
			friend_id = $4, event_wanted = $5, event_until = $6, event_due_at = CASE WHEN $6::timestamptz IS NOT NULL THEN now() END,
			event_note = $7, again_id = $8
		WHERE merchant_id = $1 AND id = $2`, r.Merchant, r.ID, r.Delivery, r.Friend, r.Wanted, set(r.WantedUntil), r.EventNote, logical)
	return postgres.Fault("postgres.flow.Sent", err)
}
