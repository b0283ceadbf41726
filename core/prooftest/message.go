package prooftest

import (
	"context"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/message"
	messagestore "lumo/core/postgres/message"
)

// Save stores and publishes a message with a block.
func (w *World) Save(ctx context.Context, s *Shop, block string) (lumo.Content, error) {
	v := message.Message{ID: lumo.MessageID(w.newID()), Channel: s.Channel.ID, Name: "Cart", Body: message.Body{Blocks: []string{block}},
		Revision: 1, CreatedAt: w.Clock.Now()}
	store := messagestore.New(w.Vault)
	err := w.in(ctx, s, func(ctx context.Context) error {
		if err := store.Create(ctx, s.Merchant, v); err != nil {
			return err
		}
		return store.Publish(ctx, s.Merchant, message.Version{Message: v.ID, Number: 1, Name: v.Name, Body: v.Body,
			PublishedAt: w.Clock.Now()}, 1, lumo.MemberID{})
	})
	return lumo.Content{Message: v.ID, Version: 1}, err
}

// Send plans a content for many friends of a shop, without asking later whether they got it.
func (w *World) Send(ctx context.Context, e *Engine, s *Shop, c lumo.Content, shared bool, to []Friend) error {
	_, err := e.PlanAll(ctx, delivery.Logical{Merchant: s.Merchant, Channel: s.Channel.ID, Kind: delivery.KindBroadcast,
		ID: w.newID(), Content: c, Shared: shared, ReceivedAt: w.Clock.Now()}, recipients(to))
	return err
}

// Accepted is how many messages of a shop LINE took, as the database says.
func (w *World) Accepted(ctx context.Context, s *Shop) (int64, error) {
	return w.number(ctx, s, `SELECT coalesce(sum(n), 0)::bigint FROM sent_day WHERE merchant_id = $1`)
}
