// Package message owns saved messages: their blocks, versions, variables, and the JSON
// that a Klaviyo flow sends to name them.
//
// A version, once saved, never changes: what was sent stays readable. Values of
// variables are put in exactly once and never read as variables again. A rendered
// message either fits LINE's limits or is refused with a reason; it is never cut.
package message

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// LINE's limits on one request (reference: Messaging API, "Message objects").
const (
	MaxBlocks     = 5
	MaxTextLength = 5000 // UTF-16 code units
	maxNameLength = 120  // characters
)

// Message is a saved message in its newest version.
type Message struct {
	ID        lumo.MessageID
	Channel   lumo.ChannelID
	Name      string
	Blocks    []lumo.Block
	Version   int // starts at 1, rises by one with each change
	Archived  bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Page asks for a part of a list, newest first.
type Page struct {
	After lumo.MessageID // zero = from the start
	Limit int
}

// Store keeps messages and their versions. Each method runs in the caller's transaction.
type Store interface {
	// Create stores a message and its first version.
	Create(ctx context.Context, merchant lumo.MerchantID, m Message) error
	// Replace stores m as the next version; Stale when the stored version is not m.Version-1,
	// NotFound when the channel has no such message.
	Replace(ctx context.Context, merchant lumo.MerchantID, m Message) error
	// Get reads the newest version; NotFound.
	Get(ctx context.Context, merchant lumo.MerchantID, m lumo.MessageID) (Message, error)
	// Version reads one version, archived or not; NotFound.
	Version(ctx context.Context, merchant lumo.MerchantID, m lumo.MessageID, version int) (Message, error)
	// List reads a channel's messages that are not archived, newest first, and counts them all.
	List(ctx context.Context, merchant lumo.MerchantID, channel lumo.ChannelID, p Page) ([]Message, int, error)
}

// Tenants runs a function inside a transaction of one merchant.
type Tenants interface {
	InTenant(ctx context.Context, merchant lumo.MerchantID, fn func(ctx context.Context) error) error
}

// Channels knows the LINE accounts; NotFound for another merchant's.
type Channels interface {
	Get(ctx context.Context, merchant lumo.MerchantID, channel lumo.ChannelID) (lumo.Channel, error)
}

// Auditor writes to the audit log, inside the transaction.
type Auditor interface {
	Audit(ctx context.Context, e lumo.AuditEntry) error
}

// Config is what the service needs; all fields are required.
type Config struct {
	Store    Store
	Tenants  Tenants
	Channels Channels
	Auditor  Auditor
	IDs      func() id.ID
	Now      func() time.Time
}

// Service holds the use cases of saved messages.
type Service struct {
	store    Store
	tenants  Tenants
	channels Channels
	auditor  Auditor
	ids      func() id.ID
	now      func() time.Time
}

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Tenants == nil || c.Channels == nil || c.Auditor == nil ||
		c.IDs == nil || c.Now == nil {
		return nil, fault.New(fault.Internal, "message.New", "")
	}
	return &Service{store: c.Store, tenants: c.Tenants, channels: c.Channels,
		auditor: c.Auditor, ids: c.IDs, now: c.Now}, nil
}
