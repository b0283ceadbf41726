// Package tracking owns what happened: links and who followed them, the events of edges,
// each friend's timeline, and the numbers of Home.
//
// What always holds: an edge's event counts once, however often it arrives; only a person
// counts, never a preview or a HEAD request; a click counts when it is the first of its
// delivery and link within ten seconds; a fact, its counter, its timeline row and its event
// for Klaviyo stand or fall together. Links live in a small table, never one row a recipient.
//
// A click or an open is written once, as the event that it is. The timeline's line and what
// Klaviyo is told are read from it (postgres.EdgeFact), so that an event costs one row and two
// index entries, and a few hundred share one row that has Klaviyo told.
//
// Where an event's time goes: two thirds in the database, half of that in the row and its index
// entries, the rest in looking up which events are known, what they belong to and what counted
// before; one third here, most of it in turning rows into parameters.
package tracking

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Store keeps events, timelines and counters. Its methods run inside a transaction of the
// merchant.
type Store interface {
	// Lock lets one transaction at a time count this part of a merchant's events.
	Lock(ctx context.Context, m lumo.MerchantID, part uint64) error
	// Known tells which of these events are stored already.
	Known(ctx context.Context, m lumo.MerchantID, ids []id.ID) (map[id.ID]bool, error)
	// Deliveries finds what tracked links and beacons were sent with, by number.
	Deliveries(ctx context.Context, m lumo.MerchantID, numbers []uint64) (map[uint64]Delivery, error)
	// Counted are the clicks and opens of these deliveries that counted.
	Counted(ctx context.Context, m lumo.MerchantID, deliveries []lumo.DeliveryID) ([]Counted, error)
	AddEvents(ctx context.Context, m lumo.MerchantID, events []Event, now time.Time) error
	// MessageNames are the names of saved messages.
	MessageNames(ctx context.Context, m lumo.MerchantID, messages []id.ID) (map[id.ID]string, error)
	// Flows are Klaviyo's ids of the flows whose calls deliveries answer; others have none.
	Flows(ctx context.Context, m lumo.MerchantID, deliveries []id.ID) (map[id.ID]string, error)
	// AddFacts writes timeline rows; what is there already stays. It answers which are new.
	AddFacts(ctx context.Context, m lumo.MerchantID, rows []Row, now time.Time) ([]bool, error)
	// Clicked notes when friends clicked last.
	Clicked(ctx context.Context, m lumo.MerchantID, events []Event) error
	// Count adds to the counters of the day on which each happened, in the merchant's zone.
	Count(ctx context.Context, m lumo.MerchantID, ticks []Tick) error
	// Scanned answers who is known to have scanned.
	Scanned(ctx context.Context, m lumo.MerchantID, scans []Event) ([]Scan, error)
	// CountScans adds to codes' counters.
	CountScans(ctx context.Context, m lumo.MerchantID, scans []Event) error
	// CountForms adds to forms' counters what customers did on shop pages.
	CountForms(ctx context.Context, m lumo.MerchantID, events []Event) error
	LinkStore
	HomeStore
}

// Outbox takes what Klaviyo is to be told.
type Outbox interface {
	// AddEdgeEvents takes counted clicks and opens of friends linked to an account.
	AddEdgeEvents(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, events []id.ID) error
	// AddEvents takes facts; it answers the zero id for those that are not told.
	AddEvents(ctx context.Context, m lumo.MerchantID, facts []lumo.Fact) ([]id.ID, error)
}

// Refusals hears of flow webhooks that edges refused.
type Refusals interface {
	RecordRefused(ctx context.Context, r lumo.RefusedHook) error
}

// Numbers finds the channel that a number in an event names; none is fault.NotFound.
type Numbers interface {
	ByNumber(ctx context.Context, number uint32) (lumo.MerchantID, lumo.ChannelID, error)
}

// Keys gives the key that signs a channel's tokens now.
type Keys interface {
	LinkKey(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
		number uint16, key []byte, err error)
}

// Fleet tells the edges that a row of their tables changed, inside the transaction.
type Fleet interface {
	Changed(ctx context.Context, m lumo.MerchantID, table uint8, key []byte) error
}

// Tenants runs a unit of work for one merchant.
type Tenants interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Watcher hears what open pages should show; it is called inside a transaction.
type Watcher interface {
	Counted(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, u Update) error
	FriendsChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f []lumo.FriendID) error
}

// Config is what the service needs.
type Config struct {
	Tenants  Tenants
	Store    Store
	Outbox   Outbox
	Refusals Refusals
	Numbers  Numbers
	Keys     Keys
	Fleet    Fleet
	Watcher  Watcher
	EdgeURL  string // public address of the edges
	OneOff   OneOffKey
	NewID    func() id.ID
	Now      func() time.Time
	Log      *slog.Logger
}

// Service holds the use cases. It is safe for concurrent use.
type Service struct {
	c      Config
	pulse  *pulse
	memory *memory
	mu     sync.RWMutex // guards owners
	// owners remembers whose numbers are: they never change hands.
	owners map[uint32]owner
}

type owner struct {
	merchant lumo.MerchantID
	channel  lumo.ChannelID
}

// New makes the service; every dependency is required.
func New(c Config) (*Service, error) {
	if c.Tenants == nil || c.Store == nil || c.Outbox == nil || c.Refusals == nil ||
		c.Numbers == nil || c.Keys == nil || c.Fleet == nil || c.Watcher == nil ||
		c.EdgeURL == "" || len(c.OneOff.Private) == 0 || c.NewID == nil || c.Now == nil || c.Log == nil {
		return nil, fault.As(fault.Internal, "tracking.New", errors.New("a dependency is missing"))
	}
	c.EdgeURL = strings.TrimRight(c.EdgeURL, "/")
	return &Service{c: c, owners: map[uint32]owner{}, pulse: newPulse(), memory: newMemory()}, nil
}

// owner finds whose events a number's are; ok is false for a number never given out.
func (s *Service) owner(ctx context.Context, number uint32) (o owner, ok bool, err error) {
	s.mu.RLock()
	o, ok = s.owners[number]
	s.mu.RUnlock()
	if ok {
		return o, true, nil
	}
	o.merchant, o.channel, err = s.c.Numbers.ByNumber(ctx, number)
	if fault.Is(err, fault.NotFound) {
		return owner{}, false, nil
	}
	if err != nil {
		return owner{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[number] = o
	return o, true, nil
}
