package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/postgres"
	deliverystore "lumo/core/postgres/delivery"
	"lumo/core/prooftest"
	"lumo/tools/dev/stack"
	"lumo/tools/seed"
)

const (
	busyFriends  = 1_000
	busyMessages = 100 // to each of them
	busyFirst    = 1_000_000
	busyLook     = 100 * time.Millisecond
)

// flowUnderLoad measures flow sends while a hundred thousand deliveries of broadcasts of the
// same LINE account are on their way, and what the core holds in memory then. The broadcasts go
// to people whom LINE does not know: it refuses each of them, which uses up no month, and costs
// the core and the database what an acceptance does.
func flowUnderLoad(ctx context.Context, s *stack.Stack, console *seed.Console, sim *seed.Sim, shop seed.Shop, out io.Writer) error {
	db, sealer, err := database(ctx, s)
	if err != nil {
		return err
	}
	defer db.Close()
	m, c, _, err := owner(ctx, db, shop)
	if err != nil {
		return err
	}
	store, err := deliverystore.New(db, sealer)
	if err != nil {
		return err
	}
	var to []delivery.Recipient
	err = db.InTenant(ctx, m, func(ctx context.Context) error {
		if _, err := postgres.Tx(ctx).Exec(ctx, "UPDATE channel SET quota_limit = NULL WHERE merchant_id = $1", m); err != nil {
			return err
		}
		friends, err := people(ctx, sealer, m, c, busyFirst, busyFriends)
		for _, f := range friends {
			to = append(to, delivery.Recipient{Friend: f})
		}
		return err
	})
	for range busyMessages {
		if err == nil {
			err = db.InTenant(ctx, m, func(ctx context.Context) error { return busyMessage(ctx, store, m, c, to) })
		}
	}
	if err != nil {
		return err
	}
	largest := make(chan float64, 1)
	watching, stop := context.WithCancel(ctx)
	go func() { largest <- largestMemory(watching, s.CorePID()) }()
	times, err := flowRound(ctx, console, sim, shop, "busy tea")
	stop()
	memory := <-largest
	if err != nil {
		return err
	}
	var waiting int64
	err = db.InTenant(ctx, m, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx,
			"SELECT count(*) FROM delivery WHERE merchant_id = $1 AND rank = 1 AND due_at IS NOT NULL", m).Scan(&waiting)
	})
	if err == nil && waiting == 0 {
		err = errors.New("the load ended before the flow sends")
	}
	bench(out, "flow_to_push_p50_ms_under_load", milliseconds(quantile(times, 0.50)), "ms")
	bench(out, "flow_to_push_p99_ms_under_load", milliseconds(quantile(times, 0.99)), "ms")
	bench(out, "core_rss_mb_while_sending", memory, "MB")
	return err
}

// busyMessage plans one message to many.
func busyMessage(ctx context.Context, store *deliverystore.Store, m lumo.MerchantID, c lumo.ChannelID, to []delivery.Recipient) error {
	now := time.Now()
	l := delivery.Logical{Merchant: m, Channel: c, Kind: delivery.KindBroadcast, ID: newID(now.UnixMilli()),
		Content: lumo.Content{Text: "Your tea waits: https://shop.hanatea.example/cart"}, ReceivedAt: now}
	if err := store.AddLogical(ctx, l, now); err != nil {
		return err
	}
	ids := make([]lumo.DeliveryID, len(to))
	for i := range ids {
		ids[i] = lumo.DeliveryID(newID(now.UnixMilli()))
	}
	n, err := store.AddAll(ctx, l, ids, to, now)
	if err == nil && int(n) != len(to) {
		err = fmt.Errorf("%d of %d deliveries were planned", n, len(to))
	}
	return err
}

// largestMemory is the most that a process held, in MB, until ctx ends.
func largestMemory(ctx context.Context, pid int) (most float64) {
	tick := time.NewTicker(busyLook)
	defer tick.Stop()
	for {
		if now, err := prooftest.Resident(pid); err == nil {
			most = max(most, now)
		}
		select {
		case <-ctx.Done():
			return most
		case <-tick.C:
		}
	}
}
