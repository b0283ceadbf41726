// Package outbox owns what Lumo writes to Klaviyo: the LINE properties of linked customers,
// and an event for what happened between them and a LINE account.
//
// Clicks and opens come faster than Klaviyo takes them. They wait as the events that they are,
// in bundles, and become items when Klaviyo has room for more.
//
// What always holds: only linked friends are written about; an item is stored in the
// transaction of the change it tells of; its unique id is worked out from what happened, so
// that writing it again is harmless and Klaviyo ends up with it once; a customer's
// properties arrive before the events that may start flows on them; an item that Klaviyo
// refuses is kept, visibly, until it is written or a person dismisses it, and never holds up
// another. Payloads are sealed at rest.
//
// Over a backlog of 2,000, first attempts go in bulk: properties as a job of Klaviyo's import, one
// at a time and known by its row here, so that whoever has the account next goes on with it;
// events a thousand at once. What Klaviyo does not take in bulk goes singly, and says by itself
// what is wrong with it.
package outbox

import (
	"context"
	"log/slog"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Kind is what an item writes.
type Kind string

// The kinds of items.
const (
	KindEvent   Kind = "event"
	KindProfile Kind = "profile"
)

// What Klaviyo had against an item that is kept, as codes that screens put into words.
const (
	ProblemProfileMissing = "profile_missing"   // the customer was deleted or merged
	ProblemDuplicate      = "duplicate_profile" // email or phone belong to another customer
	ProblemPhone          = "bad_phone"
	ProblemEmail          = "bad_email"
	ProblemTooLarge       = "too_large"
	ProblemRefused        = "refused" // anything else that will not get better by itself
)

// What an item waits for; these end by themselves.
const (
	WaitUnavailable = "unavailable" // Klaviyo does not answer
	WaitRate        = "rate"        // Klaviyo asks to go slower
	WaitPermission  = "permission"  // a scope is missing
)

// Target is a linked friend with all that may be written about them.
type Target struct {
	Friend        lumo.Friend
	ConsentAt     time.Time // zero = unknown
	ConsentSource string
	Channel       lumo.Channel
	Link          lumo.Link
}

// Payload is the part of an item that is sealed.
type Payload struct {
	Set      map[string]any `json:"set,omitempty"`
	Unset    []string       `json:"unset,omitempty"`
	Backfill bool           `json:"backfill,omitempty"`
}

// NewItem is an item to be stored.
type NewItem struct {
	ID         id.ID
	Account    lumo.AccountID
	Channel    lumo.ChannelID
	Friend     lumo.FriendID
	Kind       Kind
	Metric     string
	UniqueID   string
	Profile    lumo.ProfileID
	Payload    Payload
	OccurredAt time.Time
}

// Item is a stored item that is due.
type Item struct {
	NewItem
	Tries    int
	Revision int // rises with each change of a profile item
	Place    int // in the account's job, from 1; 0 = in none
}

// Part is which of an account's due items are meant.
type Part string

// The parts. What was never tried may go in bulk, what was goes singly.
const (
	All           Part = "all"
	Retries       Part = "retries"
	FirstProfiles Part = "profiles"
	FirstEvents   Part = "events" // of customers whose properties are there
)

// Bundle is some events of edges that an account is to be told of. A bundle takes the place of
// as many items while they wait: the items come from it as Klaviyo takes them.
type Bundle struct {
	ID      id.ID
	Account lumo.AccountID
	Events  []id.ID
}

// Lead is something that happened before a link was made and led to it.
type Lead struct {
	Row  id.ID // of the timeline
	Fact lumo.Fact
}

// Store keeps items. Its methods run inside a transaction of the merchant.
type Store interface {
	// Tenant is whose transaction the context carries.
	Tenant(ctx context.Context) lumo.MerchantID
	// Hold keeps what is known of friends, and with it what is written of them, from changing
	// elsewhere until the transaction ends. Targets that are read after it are the newest.
	Hold(ctx context.Context, m lumo.MerchantID, friends []lumo.FriendID) error
	// Targets reads the linked ones among these friends.
	Targets(ctx context.Context, m lumo.MerchantID, friends []lumo.FriendID) (
		map[lumo.FriendID]Target, error)
	// Add stores events and answers their ids; one that is there already answers its own.
	Add(ctx context.Context, m lumo.MerchantID, items []NewItem, now time.Time) ([]id.ID, error)
	// Bundle keeps edges' events that are to be told, until there is room for their items.
	Bundle(ctx context.Context, m lumo.MerchantID, bundles []Bundle, now time.Time) error
	// Unbundle takes the oldest bundle of an account, where fewer items wait than there is room
	// for, and answers what its events say of friends who were linked then and still are. found
	// is false where there was nothing to take.
	Unbundle(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, room int) (
		facts []lumo.Fact, found bool, err error)
	// Put stores a profile item, or replaces what an earlier one with its unique id says. What
	// other friends left to be written about the same customer on the same channel is dropped.
	Put(ctx context.Context, m lumo.MerchantID, item NewItem, now time.Time) error
	// PutAll is Put for many items with unique ids of their own.
	PutAll(ctx context.Context, m lumo.MerchantID, items []NewItem, now time.Time) error
	// Leads are the scan with this id and the follows since a time, not yet written.
	Leads(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, scan id.ID, since time.Time,
		now time.Time) ([]Lead, error)
	// Told notes on timeline rows which items tell Klaviyo of them.
	Told(ctx context.Context, m lumo.MerchantID, rows, items []id.ID) error
	// Due reads what of a part may be written now, in order. What is in a job is not due.
	Due(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, part Part, now time.Time, limit int) (
		[]Item, error)
	// Finish stores how tries ended.
	Finish(ctx context.Context, m lumo.MerchantID, results []Result, now time.Time) error
	// Moved sends what waits for a profile, or was refused for it, to another one. What was
	// to be written about the old one's properties is dropped.
	Moved(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, from, to lumo.ProfileID, now time.Time) error
	// DropProfile drops what was to be written about a friend's properties at a profile.
	DropProfile(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, p lumo.ProfileID) error
	// Kept are items in a state, kept or dismissed, newest first, before an id; zero = from the newest.
	Kept(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, in State, before id.ID, limit int) ([]KeptItem, error)
	// KeptTotal counts them.
	KeptTotal(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, in State) (int64, error)
	// Again has kept items tried once more: one, or with the zero id all. It tells how many.
	Again(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, item id.ID, now time.Time) (int64, error)
	// Move takes items from one of these states to the other: one, or with the zero id all.
	Move(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, item id.ID, from, to State) (int64, error)
	// Count tells how many items wait and how many are kept.
	Count(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (waiting, kept int64, err error)
	JobStore
}

// Leases shares accounts out between processes; its methods need a transaction without a
// merchant.
type Leases interface {
	// Claim takes accounts that nobody holds.
	Claim(ctx context.Context, owner string, life time.Duration, limit int) ([]Lease, error)
	// Extend answers false when the lease went to somebody else.
	Extend(ctx context.Context, l Lease, owner string, life time.Duration) (bool, error)
	Release(ctx context.Context, l Lease, owner string) error
}

// Lease is the right to write to one Klaviyo account.
type Lease struct {
	Merchant lumo.MerchantID
	Account  lumo.AccountID
	Fence    int64
}

// Klaviyo writes to an account; wait is how long the next request of its kind should.
type Klaviyo interface {
	ImportProfile(ctx context.Context, token lumo.Secret, w lumo.ProfileWrite) (
		p lumo.ProfileID, wait time.Duration, err error)
	CreateEvent(ctx context.Context, token lumo.Secret, e lumo.ProfileEvent) (
		wait time.Duration, err error)
	Bulk
}

// Accounts gives access to Klaviyo accounts. One that waits for approval is
// fault.Forbidden, one that is not connected fault.NotFound.
type Accounts interface {
	Access(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (lumo.Secret, error)
	Renew(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, stale lumo.Secret) (
		lumo.Secret, error)
	Touch(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) error
	// EnsureHook has Klaviyo tell us of merges; it does nothing where that is so.
	EnsureHook(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) error
}

// Links knows where linked customers are at Klaviyo.
type Links interface {
	// Recheck asks Klaviyo where a linked profile is now, moves its links along, and answers
	// its id of today. Nobody like it any more is fault.NotFound.
	Recheck(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID) (lumo.ProfileID, error)
	// ProfileMoved moves the links of a profile to the one that Klaviyo merged it into.
	ProfileMoved(ctx context.Context, m lumo.MerchantID, from, to lumo.ProfileID) error
}

// Auditor writes the audit log, inside the transaction.
type Auditor interface {
	Audit(ctx context.Context, e lumo.AuditEntry) error
}

// Tenants runs units of work.
type Tenants interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
	InSystem(ctx context.Context, fn func(context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Watcher hears that the timelines of friends changed. It is called outside of transactions.
type Watcher interface {
	Recorded(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, friends []lumo.FriendID)
}

// Config is what the service needs.
type Config struct {
	Tenants  Tenants
	Store    Store
	Leases   Leases
	Klaviyo  Klaviyo
	Accounts Accounts
	Links    Links
	Auditor  Auditor
	Watcher  Watcher
	NewID    func() id.ID
	Now      func() time.Time
	Log      *slog.Logger
	Owner    string // names this process in leases
}

// Service holds the use cases. It is safe for concurrent use.
type Service struct {
	c    Config
	bell bell
}

// New makes the service; every dependency is required.
func New(c Config) (*Service, error) {
	if c.Tenants == nil || c.Store == nil || c.Leases == nil || c.Klaviyo == nil ||
		c.Accounts == nil || c.Links == nil || c.Auditor == nil || c.Watcher == nil || c.NewID == nil || c.Now == nil ||
		c.Log == nil || c.Owner == "" {
		return nil, fault.As(fault.Internal, "outbox.New", errMissing)
	}
	return &Service{c: c}, nil
}

// Count tells how many items of an account wait and how many are kept.
func (s *Service) Count(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (
	waiting, kept int64, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		waiting, kept, err = s.c.Store.Count(ctx, m, a)
		return err
	})
	return waiting, kept, fault.Wrap("outbox.Count", err)
}
