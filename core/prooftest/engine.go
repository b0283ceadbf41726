package prooftest

import (
	"context"
	"crypto/ed25519"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"time"

	"lumo/core/channel"
	"lumo/core/connection"
	"lumo/core/delivery"
	"lumo/core/klaviyo"
	"lumo/core/line"
	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/core/outbox"
	"lumo/core/postgres"
	channelstore "lumo/core/postgres/channel"
	connectionstore "lumo/core/postgres/connection"
	deliverystore "lumo/core/postgres/delivery"
	messagestore "lumo/core/postgres/message"
	outboxstore "lumo/core/postgres/outbox"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/postgres/vault"
	"lumo/core/tracking"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Engine is what sends, in this process: the parts of the core that a message passes, wired as
// the core wires them. Everything else of the core does not run.
type Engine struct {
	*delivery.Service
	Tracking *tracking.Service
	Outbox   *outbox.Service
}

// EngineConfig makes an engine other than the core's.
type EngineConfig struct {
	Owner string
	LINE  string                 // address of LINE's API; empty = the world's
	Pace  delivery.Pace          // zero = LINE's
	Break func(*delivery.Config) // changes its parts before they are put together
}

// Engine wires one, with a pool of its own.
func (w *World) Engine(ctx context.Context, c EngineConfig) (*Engine, error) {
	db, err := postgres.Open(ctx, w.URL)
	if err != nil {
		return nil, err
	}
	w.stops = append(w.stops, db.Close)
	v, err := vault.New(db, masterKey())
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	store := channelstore.New(v)
	directory := channel.NewDirectory(db, db, store, store)
	e := &Engine{}
	if e.Outbox, err = w.outbox(db, v, log, c.Owner); err != nil {
		return nil, err
	}
	e.Tracking, err = tracking.New(tracking.Config{Tenants: db, Store: trackingstore.Store{}, Outbox: e.Outbox, Refusals: nobody{},
		Numbers: directory, Keys: directory, Fleet: nobody{}, Watcher: nobody{}, EdgeURL: EdgeURL,
		OneOff: tracking.OneOffKey{Number: 1, Private: ed25519.NewKeyFromSeed(make([]byte, 32))},
		NewID:  w.newID, Now: w.Clock.Now, Log: log})
	if err != nil {
		return nil, err
	}
	sends, err := w.sending(db, v, c)
	if err != nil {
		return nil, err
	}
	messages := messagestore.New(v)
	sends.Composer = message.NewComposer(messages, messages, e.Tracking, EdgeURL)
	sends.Channels, sends.Recorder, sends.Log = directory, e.Tracking, log
	if c.Break != nil {
		c.Break(&sends)
	}
	e.Service = delivery.New(sends)
	return e, nil
}

func (w *World) sending(db *postgres.DB, v *vault.Vault, c EngineConfig) (delivery.Config, error) {
	deliveries, err := deliverystore.New(db, v)
	if err != nil {
		return delivery.Config{}, err
	}
	address := w.lineURL + "/line-api"
	if c.LINE != "" {
		address = c.LINE
	}
	client, err := line.New(line.Config{API: address, HTTP: outgoing(), Now: w.Clock.Now})
	return delivery.Config{Units: db, Store: deliveries, Leases: deliveries, Settings: deliveries, Bells: deliveries,
		Auditor: nobody{}, Watcher: nobody{}, Quotas: nobody{}, Pusher: client, Pace: c.Pace, Owner: c.Owner,
		NewID: w.newID, Now: w.Clock.Now}, err
}

func (w *World) outbox(db *postgres.DB, v *vault.Vault, log *slog.Logger, owner string) (*outbox.Service, error) {
	client, err := klaviyo.New(klaviyo.Config{API: w.klaviyoURL + "/klaviyo-api", Web: w.klaviyoURL + "/klaviyo-web",
		HTTP: outgoing(), Now: w.Clock.Now})
	if err != nil {
		return nil, err
	}
	accounts, err := connection.New(connection.Config{Tenants: db, Store: connectionstore.New(v), Klaviyo: client, Data: client,
		Channels: nobody{}, Fleet: nobody{}, EdgeURL: EdgeURL, Auditor: nobody{}, Watcher: nobody{}, NewID: w.newID,
		Now: w.Clock.Now, Log: log})
	if err != nil {
		return nil, err
	}
	store := outboxstore.New(v)
	return outbox.New(outbox.Config{Tenants: db, Store: store, Leases: store, Klaviyo: client, Accounts: accounts, Links: nobody{},
		Auditor: nobody{}, Watcher: nobody{}, NewID: w.newID, Now: w.Clock.Now, Log: log, Owner: owner})
}

// outgoing is a client with as many connections as the core's.
func outgoing() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 512, MaxIdleConns: 2048,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}}
}

// nobody stands where the core has parts that sending does not need.
type nobody struct{}

func (nobody) Audit(context.Context, lumo.AuditEntry) error { return nil }
func (nobody) DeliveryChanged(context.Context, delivery.Delivery, delivery.State, string) {
}
func (nobody) SendingChanged(context.Context, lumo.MerchantID, lumo.ChannelID)    {}
func (nobody) AllSendingChanged(context.Context)                                  {}
func (nobody) BroadcastMoved(context.Context, lumo.MerchantID, lumo.ChannelID)    {}
func (nobody) ReadQuota(context.Context, lumo.MerchantID, lumo.ChannelID) error   { return nil }
func (nobody) Changed(context.Context, lumo.MerchantID, uint8, []byte) error      { return nil }
func (nobody) WaitApplied(context.Context, time.Duration) error                   { return nil }
func (nobody) RecordRefused(context.Context, lumo.RefusedHook) error              { return nil }
func (nobody) JoinAccount(context.Context, lumo.MerchantID, lumo.AccountID) error { return nil }
func (nobody) AccountChanged(context.Context, lumo.MerchantID, lumo.AccountID)    {}
func (nobody) ProfileMoved(_ context.Context, _ lumo.MerchantID, _, _ lumo.ProfileID) error {
	return nil
}
func (nobody) Recorded(context.Context, lumo.MerchantID, lumo.ChannelID, []lumo.FriendID) {
}
func (nobody) Recheck(context.Context, lumo.MerchantID, lumo.AccountID, lumo.ProfileID) (lumo.ProfileID, error) {
	return "", fault.New(fault.NotFound, "prooftest.Recheck", "")
}
func (nobody) Counted(context.Context, lumo.MerchantID, lumo.ChannelID, tracking.Update) error {
	return nil
}
func (nobody) FriendsChanged(context.Context, lumo.MerchantID, lumo.ChannelID, []lumo.FriendID) error {
	return nil
}

// Wanted is a message that people shall get: once each, and only those who can.
type Wanted struct {
	Shop    *Shop
	Mark    string // its text begins with it
	Logical id.ID
	Kind    string
	Friends map[lumo.LineUserID]*Friend
}

// Broadcast plans a message to many friends of a shop. Personal ones carry a link of their own.
func (w *World) Broadcast(ctx context.Context, e *Engine, s *Shop, mark string, personal bool, to []Friend) error {
	logical := w.newID()
	w.want(&Wanted{Shop: s, Mark: mark, Logical: logical, Kind: delivery.KindBroadcast}, to)
	_, err := e.PlanAll(ctx, delivery.Logical{Merchant: s.Merchant, Channel: s.Channel.ID, Kind: delivery.KindBroadcast,
		ID: logical, Content: text(mark), Shared: !personal, ReceivedAt: w.Clock.Now()}, recipients(to))
	return err
}

// Flow plans a message to one friend, as a flow's call does.
func (w *World) Flow(ctx context.Context, e *Engine, s *Shop, mark string, to *Friend) error {
	logical := w.newID()
	w.want(&Wanted{Shop: s, Mark: mark, Logical: logical, Kind: delivery.KindFlow}, []Friend{*to})
	return e.Units.InTenant(ctx, s.Merchant, func(ctx context.Context) error {
		planned, err := e.PlanEach(ctx, []delivery.Plan{{Merchant: s.Merchant, Channel: s.Channel.ID, Kind: delivery.KindFlow,
			Logical: logical, Friend: to.ID, Profile: to.Profile, Content: text(mark), ReceivedAt: w.Clock.Now()}})
		if err == nil {
			e.Begin(ctx, planned)
		}
		return err
	})
}

func (w *World) want(v *Wanted, to []Friend) {
	v.Friends = make(map[lumo.LineUserID]*Friend, len(to))
	for i := range to {
		v.Friends[to[i].Line] = &to[i]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted[v.Mark] = v
}

func text(mark string) lumo.Content {
	return lumo.Content{Text: mark + " your tea waits: https://shop.example/cart"}
}

func recipients(to []Friend) iter.Seq2[delivery.Recipient, error] {
	return func(yield func(delivery.Recipient, error) bool) {
		for _, f := range to {
			if !yield(delivery.Recipient{Friend: f.ID, Profile: f.Profile}, nil) {
				return
			}
		}
	}
}

// Again is the same message once more, for other people: what a planner that runs twice does.
func (w *World) Again(mark string, to []Friend) delivery.Logical {
	w.mu.Lock()
	v := *w.wanted[mark]
	w.mu.Unlock()
	w.want(&v, to)
	return delivery.Logical{Merchant: v.Shop.Merchant, Channel: v.Shop.Channel.ID, Kind: v.Kind, ID: v.Logical,
		Content: text(mark), ReceivedAt: w.Clock.Now()}
}
