package tracking_test

import (
	"fmt"
	"log/slog"
	"testing"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/outbox"
	channelstore "lumo/core/postgres/channel"
	outboxstore "lumo/core/postgres/outbox"
	"lumo/core/postgres/shoptest"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/tracking"
	"lumo/shared/event"
)

const (
	benchFriends = 1_000
	benchBatch   = 4_000 // as edges send them
)

// BenchmarkIngest measures opens and clicks that all count, each with its timeline row, its
// counter and its event for Klaviyo, in batches as an edge sends them.
func BenchmarkIngest(b *testing.B) {
	s := shoptest.New(b)
	friends := linkedFriends(b, s)
	s.Exec(b, `
INSERT INTO delivery (merchant_id, id, number, channel_id, logical_kind, logical_id, friend_id, state, due_at,
                      received_at, created_at, updated_at)
SELECT $1, gen_random_uuid(), i, $2, 'flow', gen_random_uuid(), ($3::uuid[])[1 + i % $4], 'accepted', NULL, now(), now(), now()
  FROM generate_series(1, $5::int) AS i`, s.Channel.ID, friends, benchFriends, b.N/2+1)
	service := benchService(b, s)
	batch := make([]lumo.EdgeEvent, 0, benchBatch)
	flush := func() {
		if _, err := service.Ingest(b.Context(), lumo.Scope{}, batch); err != nil {
			b.Fatal(err)
		}
		batch = batch[:0]
	}
	b.ResetTimer()
	for i := range b.N {
		e := event.Event{Type: event.Open, Class: event.Person, Number: s.Channel.Number, Subject: uint64(1 + i/2)}
		if i%2 == 1 {
			e.Type, e.Link = event.Click, 1
		}
		batch = append(batch, lumo.EdgeEvent{ID: s.ID(), Edge: s.ID(), Event: e})
		if len(batch) == benchBatch {
			flush()
		}
	}
	flush()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	if got := shoptest.Get[int](b, s, "SELECT sum(n)::int FROM outbox_bundle WHERE merchant_id = $1"); got != b.N {
		b.Errorf("got %d events for Klaviyo want %d", got, b.N)
	}
}

// linkedFriends are people with identity links to one Klaviyo account.
func linkedFriends(b *testing.B, s *shoptest.Shop) [][16]byte {
	b.Helper()
	account := s.AddAccount(b)
	friends := make([][16]byte, benchFriends)
	for i := range friends {
		f := s.AddFriend(b, fmt.Sprintf("Friend %d", i), lumo.LineUserID(fmt.Sprintf("U%032x", i)))
		s.Link(b, f, account, lumo.ProfileID(fmt.Sprintf("P%d", i)))
		friends[i] = f
	}
	return friends
}

func benchService(b *testing.B, s *shoptest.Shop) *tracking.Service {
	b.Helper()
	log := slog.New(slog.NewTextHandler(b.Output(), nil))
	store := outboxstore.New(s.Vault)
	box, err := outbox.New(outbox.Config{Tenants: s.DB, Store: store, Leases: store, Klaviyo: silent{},
		Accounts: silent{}, Links: silent{}, Auditor: silent{}, Watcher: silent{}, NewID: s.ID,
		Now: s.Clock.Now, Log: log, Owner: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	channels := channelstore.New(s.Vault)
	directory := channel.NewDirectory(s.DB, s.DB, channels, channels)
	service, err := tracking.New(tracking.Config{Tenants: s.DB, Store: trackingstore.Store{}, Outbox: box,
		Refusals: &far{}, Numbers: directory, Keys: directory, Fleet: &far{}, Watcher: &far{},
		EdgeURL: edgeURL, OneOff: oneOffKey(), NewID: s.ID, Now: s.Clock.Now, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	return service
}

// silent is a Klaviyo that nobody asks.
type silent struct {
	outbox.Klaviyo
	outbox.Accounts
	outbox.Links
	outbox.Auditor
	outbox.Watcher
}
