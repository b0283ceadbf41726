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
	busyFriends  = 10_000
	busyMessages = 100 // to each of them: a million in all
	busyFirst    = 1_000_000
	busyLook     = 100 * time.Millisecond
)

// flowUnderLoad measures flow sends while a million deliveries of broadcasts of the same LINE
// account are on their way, at LINE's pace, and what the core holds in memory in this stretch of
// them. Each message carries a tracked link and is accepted.
func flowUnderLoad(ctx context.Context, s *stack.Stack, w *wire, console *seed.Console, shop seed.Shop, out io.Writer) error {
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
	begun, before := time.Now(), w.count()
	p50, p99, err := flowRounds(ctx, console, w, shop, "busy tea")
	pace := float64(w.count()-before-rounds*flowCalls) / time.Since(begun).Seconds()
	stop()
	memory := <-largest
	if err != nil {
		return err
	}
	bench(out, "flow_to_push_p50_ms_under_load", p50, "ms")
	bench(out, "flow_to_push_p99_ms_under_load", p99, "ms")
	bench(out, "broadcast_per_s_beside_flows", pace, "1/s")
	bench(out, "core_rss_mb_while_sending", memory, "MB")
	return db.InTenant(ctx, m, func(ctx context.Context) error {
		if err := stillBusy(ctx, m); err != nil {
			return err
		}
		return endBusy(ctx, m)
	})
}

// endBusy takes away what has not gone out: what is measured next is not to share the machine with it.
func endBusy(ctx context.Context, m lumo.MerchantID) error {
	_, err := postgres.Tx(ctx).Exec(ctx, `
		DELETE FROM delivery
		WHERE merchant_id = $1 AND rank = 1 AND logical_kind = 'broadcast' AND state = 'planned'`, m)
	return err
}

// stillBusy tells that the load was one: it lasted, and LINE took what it was sent of it.
func stillBusy(ctx context.Context, m lumo.MerchantID) error {
	var waiting, failed int64
	err := postgres.Tx(ctx).QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE due_at IS NOT NULL), count(*) FILTER (WHERE state NOT IN ('planned', 'sending', 'accepted'))
		FROM delivery
		WHERE merchant_id = $1 AND rank = 1 AND logical_kind = 'broadcast'`, m).Scan(&waiting, &failed)
	if err == nil && waiting == 0 {
		return errors.New("the load ended before the flow sends")
	}
	if err == nil && failed > 0 {
		return fmt.Errorf("%d messages of the load did not go as they should", failed)
	}
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
