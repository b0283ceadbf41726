// Package lumo is the vocabulary that all capabilities share: ids, people, accounts.
//
// It holds types without behaviour. A rule that only one capability needs lives there,
// not here; nothing here knows a database, a vendor or a screen.
package lumo

import (
	"time"

	"lumo/shared/id"
)

// Distinct id types, so that one kind cannot be passed for another.
type (
	MerchantID id.ID // the tenant
	MemberID   id.ID
	ChannelID  id.ID // one LINE Official Account
	AccountID  id.ID // one Klaviyo account
	FriendID   id.ID
	LinkID     id.ID // identity link
	MessageID  id.ID
	RequestID  id.ID // a request as the edge numbered it
	DeliveryID id.ID
	CodeID     id.ID // custom QR code
	FormID     id.ID // form of a shop page
	EventID    id.ID
	TagID      id.ID
	RunID      id.ID // long work
)

// String methods give the outside form of CONTRACTS.md part B.
func (v MerchantID) String() string { return id.ID(v).With(id.Merchant) }
func (v MemberID) String() string   { return id.ID(v).With(id.Member) }
func (v ChannelID) String() string  { return id.ID(v).With(id.Channel) }
func (v AccountID) String() string  { return id.ID(v).With(id.Account) }
func (v FriendID) String() string   { return id.ID(v).With(id.Friend) }
func (v LinkID) String() string     { return id.ID(v).With(id.Link) }
func (v MessageID) String() string  { return id.ID(v).With(id.Message) }
func (v RequestID) String() string  { return id.ID(v).With(id.Request) }
func (v DeliveryID) String() string { return id.ID(v).With(id.Delivery) }
func (v CodeID) String() string     { return id.ID(v).With(id.QRCode) }
func (v FormID) String() string     { return id.ID(v).With(id.Form) }
func (v EventID) String() string    { return id.ID(v).With(id.Event) }
func (v TagID) String() string      { return id.ID(v).With(id.Tag) }
func (v RunID) String() string      { return id.ID(v).With(id.Import) }

// LineUserID is a person's LINE user id on one provider, ^U[0-9a-f]{32}$. Never logged.
type LineUserID string

// ProfileID is Klaviyo's id of a profile.
type ProfileID string

// Role is what a member may do; each role includes the ones below it.
type Role string

// The roles, highest first.
const (
	Owner    Role = "owner"
	Admin    Role = "admin"
	Marketer Role = "marketer"
	Viewer   Role = "viewer"
)

// FollowStatus says whether a friend can be reached.
type FollowStatus string

// The follow states, as written to Klaviyo.
const (
	Following FollowStatus = "following"
	Blocked   FollowStatus = "blocked"
	NotFriend FollowStatus = "not_friend"
)

// Consent is derived from the follow state, never set by hand.
type Consent string

// The consent states, as written to Klaviyo.
const (
	ConsentGiven     Consent = "given"
	ConsentWithdrawn Consent = "withdrawn"
	ConsentUnknown   Consent = "unknown"
)

// Assurance says how sure an identity link is: proven > claimed > matched.
type Assurance string

// The assurance levels, highest first.
const (
	Proven  Assurance = "proven"
	Claimed Assurance = "claimed"
	Matched Assurance = "matched"
)

// Merchant is the tenant, as far as others need to know it.
type Merchant struct {
	ID       MerchantID
	Slug     string
	Name     string
	Country  string // ISO 3166-1 alpha-2
	Currency string // ISO 4217
	TimeZone string // IANA name
	Language string // BCP 47
	SetUp    bool   // first run is done
}

// Channel is one LINE Official Account of a merchant, without its secrets.
type Channel struct {
	Merchant       MerchantID
	ID             ChannelID
	Number         uint32 // global, in tokens and edge tables
	Name           string
	BasicID        string    // with @
	KlaviyoAccount AccountID // zero = not joined to one
	PropertyNumber int       // 1 = no suffix
	OpensMeasured  bool
	UTM            UTM // of tracked links, where a message has none of its own
	LinkHost       LinkHost
}

// LinkHost is a merchant's own host for tracked links.
type LinkHost struct {
	URL  string // https://go.shop.example; empty = none
	Used bool   // new links begin with it; else it does not lead to the edges yet, or no more
}

// Friend is a person's LINE user id on one channel.
type Friend struct {
	ID           FriendID
	Channel      ChannelID
	Line         LineUserID
	DisplayName  string
	Language     string
	FollowStatus FollowStatus
	FollowedAt   time.Time // zero = never seen following
	BlockedAt    time.Time // zero = never
	Consent      Consent
	Tester       bool
}

// BlockedSince is what the sentence about a friend who blocked the account says.
func (f Friend) BlockedSince() map[string]any {
	if f.BlockedAt.IsZero() {
		return nil
	}
	return map[string]any{"date": f.BlockedAt.UTC().Format(time.RFC3339)}
}

// Why is the reason why a message cannot be sent, and what its sentence says; zero = it can.
type Why struct {
	Reason string
	Data   map[string]any
}

// Link joins a friend and a Klaviyo profile.
type Link struct {
	ID        LinkID
	Channel   ChannelID
	Friend    FriendID
	Account   AccountID
	Profile   ProfileID
	Method    string // qr, form, import, automatic, console
	Assurance Assurance
	Version   int
	LinkedAt  time.Time
}

// AuditEntry is one line of the append-only audit log.
type AuditEntry struct {
	ActorKind  string // member, operator, system, customer
	Actor      id.ID  // zero for the system
	Action     string // "flow_key.reveal"
	TargetKind string
	Target     string // outside id
	Data       map[string]any
	Address    string
}
