// Package live carries the console's live messages between replicas by NOTIFY.
package live

import (
	"context"
	"encoding/json"

	"lumo/core/live"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const channel = "lumo_live"

// Wire implements live.Wire.
type Wire struct{ db *postgres.DB }

// New makes a wire.
func New(db *postgres.DB) *Wire { return &Wire{db: db} }

type payload struct {
	Merchant string         `json:"m"`
	Messages []live.Message `json:"l"`
}

// Send numbers and notifies in one transaction, so that numbers are seen in order.
func (w *Wire) Send(ctx context.Context, m lumo.MerchantID, messages []live.Message) error {
	const op = "postgres.live.Send"
	return w.db.InTenant(ctx, m, func(ctx context.Context) error {
		var last int64
		err := postgres.Tx(ctx).QueryRow(ctx, `
			UPDATE merchant
			SET live_seq = live_seq + $2
			WHERE merchant_id = $1
			RETURNING live_seq`, m, len(messages)).Scan(&last)
		if err != nil {
			return postgres.Fault(op, err)
		}
		for i := range messages {
			messages[i].Seq = last - int64(len(messages)-1-i)
		}
		text, err := json.Marshal(payload{Merchant: id.ID(m).String(), Messages: messages})
		if err != nil {
			return fault.Wrap(op, err)
		}
		return postgres.Notify(ctx, channel, string(text))
	})
}

// Receive listens on one connection.
func (w *Wire) Receive(ctx context.Context, ready func(), handle func(lumo.MerchantID, []live.Message)) error {
	return w.db.Listen(ctx, channel, func(text string) {
		if text == "" {
			ready()
			return
		}
		var p payload
		if json.Unmarshal([]byte(text), &p) != nil {
			return
		}
		m, err := id.Parse(p.Merchant)
		if err != nil {
			return
		}
		handle(lumo.MerchantID(m), p.Messages)
	})
}
