package tracking_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"os"
	"sync"
	"testing"

	"lumo/core/channel"
	"lumo/core/lumo"
	channelstore "lumo/core/postgres/channel"
	"lumo/core/postgres/postgrestest"
	"lumo/core/postgres/shoptest"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/tracking"
	"lumo/shared/event"
	"lumo/shared/id"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// oneOffKey signs addresses with the target in them.
func oneOffKey() tracking.OneOffKey {
	return tracking.OneOffKey{Number: 1, Private: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32))}
}

const edgeURL = "https://l.lumo.example"

// shop is a shop with tracking, one friend, and one delivery with number 7.
type shop struct {
	*shoptest.Shop
	service  *tracking.Service
	far      *far
	friend   lumo.FriendID
	delivery lumo.DeliveryID
}

func newShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{Shop: shoptest.New(t), far: &far{}}
	s.friend = s.AddFriend(t, "Yuki", shoptest.LineUser)
	s.delivery = s.AddDelivery(t, s.friend, 7)
	store := channelstore.New(s.Vault)
	directory := channel.NewDirectory(s.DB, s.DB, store, store)
	service, err := tracking.New(tracking.Config{Tenants: s.DB, Store: trackingstore.Store{}, Outbox: s.far,
		Refusals: s.far, Numbers: directory, Keys: directory, Fleet: s.far, Watcher: s.far,
		EdgeURL: edgeURL, OneOff: oneOffKey(), NewID: s.ID, Now: s.Clock.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	s.service = service
	return s
}

// event is an event of the channel at the clock's time.
func (s *shop) event(kind event.Type, class event.Class, subject uint64, link uint32) lumo.EdgeEvent {
	return lumo.EdgeEvent{ID: s.ID(), Edge: s.ID(), Event: event.Event{Type: kind, Class: class,
		Number: s.Channel.Number, Subject: subject, Link: link}}
}

func (s *shop) ingest(t *testing.T, events ...lumo.EdgeEvent) []id.ID {
	t.Helper()
	rejected, err := s.service.Ingest(t.Context(), lumo.Scope{}, events)
	if err != nil {
		t.Fatal(err)
	}
	return rejected
}

// counter adds a counter up over all days.
func (s *shop) counter(t *testing.T, kind string) int {
	t.Helper()
	return shoptest.Get[int](t, s.Shop, `
SELECT coalesce(sum(n), 0)::int FROM counter WHERE merchant_id = $1 AND kind = $2`, kind)
}

func (s *shop) timeline(t *testing.T, kind string) int {
	t.Helper()
	page, n := channel.TimelineQuery{Kinds: []string{kind}, PageQuery: channel.PageQuery{Limit: 100}}, 0
	s.In(t, func(ctx context.Context) error {
		found, err := channelstore.New(s.Vault).Timeline(ctx, s.Merchant, s.friend, page)
		n = len(found.Items)
		return err
	})
	return n
}

// far is everything that tracking tells.
type far struct {
	mu      sync.Mutex // guards everything below
	facts   []lumo.Fact
	told    map[lumo.AccountID][]id.ID
	refused []lumo.RefusedHook
	changed [][]byte
	updates []tracking.Update
	friends []lumo.FriendID
	heard   chan struct{}
}

func (f *far) AddEdgeEvents(_ context.Context, _ lumo.MerchantID, a lumo.AccountID, events []id.ID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.told == nil {
		f.told = map[lumo.AccountID][]id.ID{}
	}
	f.told[a] = append(f.told[a], events...)
	return nil
}

func (f *far) AddEvents(_ context.Context, _ lumo.MerchantID, facts []lumo.Fact) ([]id.ID, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.facts = append(f.facts, facts...)
	return make([]id.ID, len(facts)), nil
}

func (f *far) RecordRefused(_ context.Context, r lumo.RefusedHook) error {
	f.refused = append(f.refused, r)
	return nil
}

func (f *far) Changed(_ context.Context, _ lumo.MerchantID, _ uint8, key []byte) error {
	f.changed = append(f.changed, key)
	return nil
}

func (f *far) Counted(_ context.Context, _ lumo.MerchantID, _ lumo.ChannelID, u tracking.Update) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.updates = append(f.updates, u)
	if f.heard != nil {
		close(f.heard)
		f.heard = nil
	}
	return nil
}

func (f *far) FriendsChanged(_ context.Context, _ lumo.MerchantID, _ lumo.ChannelID, friends []lumo.FriendID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.friends = append(f.friends, friends...)
	return nil
}
