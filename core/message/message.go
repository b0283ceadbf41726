// Package message owns saved messages: their blocks, drafts and versions, variables, the
// checks before anything is sent, the exact bytes of a send, pictures, automatic replies, and
// the JSON that a Klaviyo flow sends to name a message.
//
// A version, once published, never changes: what was sent stays readable. What a merchant
// wrote goes to LINE byte for byte, except variables, tracked links and pictures, and the
// beacon. Values of variables are put in exactly once and never read as variables, JSON or
// another scheme of address. A rendered message either fits LINE's limits or is refused with
// a reason; it is never cut.
package message

import (
	"context"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// LINE's limits on one request (reference: Messaging API, "Message objects").
const (
	MaxBlocks     = 5
	MaxTextLength = 5000 // UTF-16 code units
	maxAltText    = 1500 // UTF-16 code units
	maxURI        = 1000 // characters
	maxPictureURL = 2000
	maxBubble     = 30 << 10
	maxCarousel   = 50 << 10
	maxBubbles    = 12
	maxAreas      = 50
	maxQuick      = 13
	maxLabel      = 20 // graphemes
	maxFlexLabel  = 40
	maxPostback   = 300
	maxSenderName = 20
	maxNameLength = 120 // characters of a saved message's name; ours
	maxDraft      = 400 << 10
)

// Message is a saved message: what is being written, and what is published.
type Message struct {
	ID       lumo.MessageID
	Channel  lumo.ChannelID
	Name     string
	Body     Body // the draft
	Revision int  // of the draft; rises by one with each change
	Version  int  // published newest; 0 = none yet
	// Changed tells that the draft is not what is published.
	Changed   bool
	Archived  bool
	CreatedAt time.Time
	UpdatedAt time.Time
	UpdatedBy string        // name of who wrote the draft last; empty = not known any more
	Writer    lumo.MemberID // who writes it now, for the store
}

// Version is a message as it was published.
type Version struct {
	Message     lumo.MessageID
	Number      int // starts at 1, rises by one
	Name        string
	Body        Body
	PublishedAt time.Time
	PublishedBy string // member's name; empty = not known any more
	Sends       int64  // accepted by LINE
}

// Row is a message in the list, with how it is used.
type Row struct {
	Message
	Sends      int64 // of all versions
	Clickers   int64 // deliveries of them with a click
	Flows      int64 // that named it in the last 30 days
	LastSentAt time.Time
}

// Page asks for a part of a list, newest first.
type Page struct {
	After    lumo.MessageID // zero = from the start
	Limit    int
	Archived bool // only those put away, else only the others
}

// Store keeps messages and their versions. Each method runs in the caller's transaction.
type Store interface {
	Create(ctx context.Context, m lumo.MerchantID, v Message) error
	// Save stores the draft as revision v.Revision; fault.Stale when another was saved since.
	Save(ctx context.Context, m lumo.MerchantID, v Message) error
	// Publish stores the version and makes it the message's newest; fault.Stale when the draft
	// is no longer at the revision.
	Publish(ctx context.Context, m lumo.MerchantID, v Version, revision int, by lumo.MemberID) error
	// Archive puts a message away, or back.
	Archive(ctx context.Context, m lumo.MerchantID, v lumo.MessageID, archived bool, now time.Time) error
	Get(ctx context.Context, m lumo.MerchantID, v lumo.MessageID) (Message, error)
	Versions
	// History are all versions, newest first.
	History(ctx context.Context, m lumo.MerchantID, v lumo.MessageID) ([]Version, error)
	List(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p Page) (rows []Row, total int, err error)
}

// Tenants runs a function inside a transaction of one merchant.
type Tenants interface {
	InTenant(ctx context.Context, merchant lumo.MerchantID, fn func(ctx context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Channels knows the LINE accounts; NotFound for another merchant's.
type Channels interface {
	Get(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (lumo.Channel, error)
	MessagingCredentials(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (channelID, secret string, err error)
	Friend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (lumo.Friend, error)
}

// People tells what is known of a linked person; fault.NotFound for one who is not linked.
type People interface {
	ByFriend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (lumo.Link, error)
}

// Profiles reads a Klaviyo profile.
type Profiles interface {
	Profile(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID) (lumo.Profile, error)
}

// Auditor writes to the audit log, inside the transaction.
type Auditor interface {
	Audit(ctx context.Context, e lumo.AuditEntry) error
}

// Checker has LINE look at messages without sending them.
type Checker interface {
	// Validate answers what LINE would refuse; an error means that LINE could not be asked.
	Validate(ctx context.Context, keys lumo.Keys, messages string) ([]Refusal, error)
}

// Refusal is one thing that LINE does not take.
type Refusal struct {
	Property string // LINE's name of the place: "messages[0].contents.body"
	Message  string // LINE's words
}

// Config is what the service needs; all fields are required.
type Config struct {
	Store    Store
	Tenants  Tenants
	Channels Channels
	People   People
	Profiles Profiles
	Auditor  Auditor
	Checker  Checker
	Pictures Pictures
	Media    MediaStore
	Fleet    Fleet
	EdgeURL  string
	IDs      func() id.ID
	Now      func() time.Time
}

// Service holds the use cases of saved messages.
type Service struct {
	c     Config
	drawn chan struct{} // a picture is being worked on: they take much memory

	mu    sync.RWMutex
	names map[versionKey][]string // guarded by mu
}

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Tenants == nil || c.Channels == nil || c.People == nil || c.Profiles == nil ||
		c.Auditor == nil || c.Checker == nil || c.Pictures == nil || c.Media == nil || c.Fleet == nil ||
		c.EdgeURL == "" || c.IDs == nil || c.Now == nil {
		return nil, fault.New(fault.Internal, "message.New", "")
	}
	return &Service{c: c, drawn: make(chan struct{}, 1), names: map[versionKey][]string{}}, nil
}
