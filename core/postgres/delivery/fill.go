package delivery

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Fill adds values to a delivery that waits for them. Its row is locked and looked at anew: what
// a sender committed to bytes meanwhile stays as it is.
func (s *Store) Fill(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID, values map[string]string, now time.Time) (
	c lumo.ChannelID, waited bool, err error) {
	const op = "postgres.delivery.Fill"
	var sealed []byte
	err = postgres.Fault(op, postgres.Tx(ctx).QueryRow(ctx, `
		SELECT channel_id, input_enc
		FROM delivery
		WHERE merchant_id = $1 AND id = $2 AND state = 'planned' AND reason = 'event_wait'
		FOR UPDATE`, m, d).Scan(&c, &sealed))
	if fault.Is(err, fault.NotFound) {
		return c, false, nil
	}
	if err != nil {
		return c, false, err
	}
	var content lumo.Content
	if err := s.content(ctx, m, "delivery", id.ID(d), sealed, &content); err != nil {
		return c, false, fault.Wrap(op, err)
	}
	all := maps.Clone(values)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, content.Vars)
	content.Vars = all
	input, err := json.Marshal(content)
	if err != nil {
		return c, false, fault.Wrap(op, err)
	}
	if sealed, err = s.vault.Seal(ctx, m, "delivery", "input", id.ID(d), input); err != nil {
		return c, false, fault.Wrap(op, err)
	}
	_, err = postgres.Tx(ctx).Exec(ctx, `
		UPDATE delivery
		SET input_enc = $3, reason = NULL, due_at = $4, updated_at = $4
		WHERE merchant_id = $1 AND id = $2`, m, d, sealed, now)
	return c, err == nil, postgres.Fault(op, err)
}
