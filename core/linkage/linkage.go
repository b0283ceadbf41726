// Package linkage owns identity links: which friend is which Klaviyo profile, how sure that
// is, how it came to be, and the custom QR codes that lead there.
//
// What always holds: on one channel a friend has at most one link and a profile at most one;
// a link changes only by a step that is written to its history; no step replaces a link that
// says something else: that is a conflict, kept for a person to decide. A login state is
// taken once, whatever comes back how often. The package knows no database, no HTTP and no
// vendor client.
//
// Where an imported id's time goes: a sixth in reading and matching, which Klaviyo paces; the rest
// in linking, which asks no vendor. Of that a quarter is spent here, in sealing and in turning rows
// into parameters, and the rest in the database: half of it for the friend's own row, whose change
// enters it into the index over names again.
package linkage

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/id"
)

// IdentifyBy is what a QR code knows a customer by.
type IdentifyBy string

// The ways a code identifies, most trustworthy first.
const (
	ByProfile IdentifyBy = "profile" // Klaviyo profile id
	ByEmail   IdentifyBy = "email"
	ByPhone   IdentifyBy = "phone"
	ByNothing IdentifyBy = "none" // a counter in a shop: friends, no links
)

// Code is a custom QR code.
type Code struct {
	CodeContent
	ID         lumo.CodeID
	Channel    lumo.ChannelID
	Number     uint64 // per channel; the subject of scan events
	Key        string // public key in /q/{key}
	IdentifyBy IdentifyBy
	Form       lumo.FormID // zero = of no form
	Own        bool        // for members' own phones: whoever comes by it is a test friend
	Saved      Saved       // of Message, where somebody looks at the code
	Scans      int64
	Friends    int64
	Links      int64
	LastScanAt time.Time // zero = never
	CreatedAt  time.Time
}

// Outcome is what a person who came back from LINE Login gets to see.
type Outcome string

// The outcomes, each a page of its own.
const (
	Linked        Outcome = "linked"
	Added         Outcome = "added" // nothing to link, or nothing to link with
	AskLink       Outcome = "ask_link"
	AskUnlink     Outcome = "ask_unlink"
	Unlinked      Outcome = "unlinked"
	InReview      Outcome = "in_review" // a link that says something else stands; people decide
	Declined      Outcome = "declined"
	NoLongerWorks Outcome = "no_longer_works"
	TryAgain      Outcome = "try_again" // LINE or Klaviyo did not answer
)

// Result is the outcome, and what the page needs beside it.
type Result struct {
	Outcome  Outcome
	Merchant lumo.MerchantID // zero when the state names none
	Channel  lumo.ChannelID
	Language string // two letters, of the scan
	Confirm  string // one-time value of an ask page
	IsFriend bool
}

// AuthorizationCode is what LINE Login's callback brought, with what proves that we asked.
type AuthorizationCode struct {
	Code        string
	RedirectURI string
	Verifier    string // PKCE
	Nonce       string
}

// Login is a person who signed in with LINE, verified by the ID token.
type Login struct {
	User       lumo.LineUserID
	Name       string
	PictureURL string
	Email      string      // as LINE knows it, where the channel may see it
	Token      lumo.Secret // the person's own
}

// LINELogin is what we need of LINE Login.
type LINELogin interface {
	Exchange(ctx context.Context, keys lumo.Keys, code AuthorizationCode) (Login, error)
	// Friendship is whether the person is a friend of the account joined to the login
	// channel; an answer other than that means that none is joined.
	Friendship(ctx context.Context, user lumo.Secret) (bool, error)
	Deauthorize(ctx context.Context, keys lumo.Keys, user lumo.Secret) error
}

// Profiles looks customers up in Klaviyo. Nobody found is fault.NotFound.
type Profiles interface {
	Profile(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID) (
		lumo.Profile, error)
	ProfileByEmail(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, email string) (
		lumo.Profile, error)
	ProfileByPhone(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, phone string) (
		lumo.Profile, error)
	// LastOrder is when the customer last ordered; zero = never, or Klaviyo knows no orders.
	LastOrder(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID) (time.Time, error)
	// Forms are the account's sign-up forms.
	Forms(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) ([]KlaviyoForm, error)
}

// Channels is what linkage needs to know of LINE accounts.
type Channels interface {
	ByNumber(ctx context.Context, number uint32) (lumo.MerchantID, lumo.ChannelID, error)
	Get(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (lumo.Channel, error)
	LoginCredentials(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (
		channelID, secret string, err error)
	StateKey(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, number uint16) ([]byte, error)
}

// Friends is what linkage tells about people.
type Friends interface {
	UpsertFriend(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p lumo.Contact) (
		lumo.Friend, error)
	Friend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (lumo.Friend, error)
	SignedIn(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, user lumo.LineUserID,
		joined, friend bool)
	// OwnForm keeps the email or phone that a friend typed into a form; empty ones stay as they are.
	OwnForm(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID, email, phone string) error
}

// Merchants tells a merchant's country, which decides how phone numbers are read.
type Merchants interface {
	Merchant(ctx context.Context, m lumo.MerchantID) (lumo.Merchant, error)
}

// Tenants runs a unit of work for one merchant.
type Tenants interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Recorder takes facts into timeline, counters and the outbox, inside the transaction.
type Recorder interface {
	Record(ctx context.Context, f lumo.Fact) error
}

// Outbox tells Klaviyo of links, inside the transaction.
type Outbox interface {
	// LinkMade writes the properties, the scan and the follow that led to the link, the link.
	LinkMade(ctx context.Context, l lumo.Link, state id.ID) error
	// LinkEnded takes the properties away again, but for one that was there before the link.
	LinkEnded(ctx context.Context, f lumo.Friend, c lumo.Channel, l lumo.Link, kept string) error
	// ProfileChanged writes the properties of a linked friend again.
	ProfileChanged(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) error
	// ProfileMoved sends what waits, or was refused for it, to the profile that a link has now.
	ProfileMoved(ctx context.Context, l lumo.Link, from lumo.ProfileID) error
	// ProfileGone drops the properties that wait for a profile that was merged into another.
	ProfileGone(ctx context.Context, l lumo.Link) error
}

// Greeter does what a code promised for whom it brought, inside the transaction: tags and a
// message, each once however often it is asked.
type Greeter interface {
	Greet(ctx context.Context, m lumo.MerchantID, f lumo.Friend, code Code) error
}

// Fleet keeps the edges up to date.
type Fleet interface {
	// Changed notes, inside the transaction, that a row of the edges' tables changed.
	Changed(ctx context.Context, m lumo.MerchantID, table uint8, key []byte) error
	// WaitApplied returns when all living edges have what is committed, or after limit.
	WaitApplied(ctx context.Context, limit time.Duration) error
}

// Auditor writes the audit log, inside the transaction.
type Auditor interface {
	Audit(ctx context.Context, e lumo.AuditEntry) error
}

// Watcher hears of changes that open pages should show. It is told inside the transaction
// and passes it on after the commit.
type Watcher interface {
	LinkChanged(ctx context.Context, m lumo.MerchantID, l lumo.Link, linked bool)
	CodeChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, code lumo.CodeID)
	// ReviewChanged says that what needs review on a channel is another.
	ReviewChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID)
}
