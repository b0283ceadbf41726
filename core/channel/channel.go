// Package channel owns a merchant's LINE accounts: their keys, the webhook, quota,
// preflight, and the friends with their follow state.
//
// What always holds: a LINE event changes a friend once, whatever arrives how often and
// in which order; the newest LINE timestamp decides the follow state and consent is
// derived from it, never set by hand; a fact is recorded in the transaction of its change;
// no secret and no LINE user id leaves in an error or a log. The package knows no database,
// no HTTP and no vendor client: it declares what it needs of them.
package channel

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/id"
)

// State is what the connection card of a channel shows.
type State string

// The states of a channel.
const (
	Working  State = "working"
	NeedsYou State = "needs_you" // something only a person can do is left
	Off      State = "off"
)

// What is wrong with a channel, as codes that screens put into words.
const (
	ProblemKeys       = "keys"        // LINE does not accept the keys any more
	ProblemWebhookURL = "webhook_url" // LINE sends events elsewhere or nowhere
	ProblemUseWebhook = "use_webhook" // the switch in LINE's console is off
)

// Channel is one LINE Official Account with all that its screens show; no secrets.
type Channel struct {
	lumo.Channel
	PictureURL         string
	MessagingChannelID string
	LoginChannelID     string
	HookKey            string // public key of /hooks/line/{key}
	FlowHookKey        string // public key of /hooks/klaviyo/flow/{key}
	FallbackURL        string
	State              State
	Problem            string
	StateChangedAt     time.Time
	WebhookURL         string    // as LINE last told it
	WebhookActive      bool      // LINE sends its events to us
	WebhookCheckedAt   time.Time // zero = never asked
	TestMS             int       // what LINE's last test took; -1 = it failed or there was none
	Provider           string    // unknown, same, different
	LoginJoined        string    // unknown, yes, no
	Verified           string    // unknown, yes, no
	Ring               string    // name of its colour, one of six
	LastEventAt        time.Time // zero = no event yet
	Quota              Quota
	CreatedAt          time.Time
}

// Keys are both LINE channels of one account as a person enters them.
type Keys struct {
	Messaging lumo.Keys
	Login     lumo.Keys
}

// Account is what LINE says about the account behind a Messaging API channel.
type Account struct {
	BotUser    lumo.LineUserID
	Name       string
	BasicID    string // with @
	PictureURL string
}

// Person is what LINE says about a friend.
type Person struct {
	Name       string
	PictureURL string
	Language   string // BCP 47
}

// Quota is the month's messages. Used is LINE's approximate count.
type Quota struct {
	Unlimited bool
	Limit     int64
	Used      int64
	ReadAt    time.Time // zero = never read
}

// Endpoint is the one place LINE sends an account's events to.
type Endpoint struct {
	URL    string // empty = none is set
	Active bool   // the switch "Use webhook"
}

// WebhookTest is LINE's own try of a webhook URL.
type WebhookTest struct {
	Success    bool
	StatusCode int
	Reason     string // OK, COULD_NOT_CONNECT, REQUEST_TIMEOUT, ERROR_STATUS_CODE, UNCLASSIFIED
	Took       time.Duration
}

// Accounts asks LINE about an account. Keys that LINE refuses are fault.Unauthenticated.
type Accounts interface {
	CheckKeys(ctx context.Context, keys lumo.Keys) error
	Account(ctx context.Context, keys lumo.Keys) (Account, error)
	Profile(ctx context.Context, keys lumo.Keys, user lumo.LineUserID) (Person, error)
	Quota(ctx context.Context, keys lumo.Keys) (Quota, error)
	// Verified tells whether LINE verified the account: only then it lists followers.
	Verified(ctx context.Context, keys lumo.Keys) (bool, error)
}

// Hooks reads and writes an account's webhook settings at LINE.
type Hooks interface {
	Endpoint(ctx context.Context, keys lumo.Keys) (Endpoint, error)
	SetEndpoint(ctx context.Context, keys lumo.Keys, url string) error
	TestEndpoint(ctx context.Context, keys lumo.Keys) (WebhookTest, error)
}

// Tenants runs a unit of work for one merchant; all stores of this package need one.
type Tenants interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Recorder takes facts into timeline, counters and the outbox, inside the transaction.
type Recorder interface {
	Record(ctx context.Context, f lumo.Fact) error
}

// Profiles writes a linked friend's LINE properties to Klaviyo, inside the transaction.
type Profiles interface {
	ProfileChanged(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) error
}

// Fleet keeps the edges up to date.
type Fleet interface {
	// Changed notes, inside the transaction, that a row of the edges' tables changed.
	Changed(ctx context.Context, m lumo.MerchantID, table uint8, key []byte) error
	// WaitApplied returns when all living edges have what is committed, or after limit.
	WaitApplied(ctx context.Context, limit time.Duration) error
}

// Replier answers what friends do, inside the transaction that takes the event.
type Replier interface {
	React(ctx context.Context, r lumo.Reaction) error
}

// Auditor writes the audit log, inside the transaction.
type Auditor interface {
	Audit(ctx context.Context, e lumo.AuditEntry) error
}

// Joiner knows the logins through QR codes.
type Joiner interface {
	// Followed tells where a new friend came from: a login within the last day. It answers
	// what to add to the followed fact, nothing when nothing is known.
	Followed(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, at time.Time) (
		map[string]any, error)
	// Forget removes logins that no follow can belong to any more.
	Forget(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error
	// LookAfter does what is due for a channel's links outside of any request.
	LookAfter(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error
}

// Watcher hears of changes that open pages should show. It is told inside the transaction
// and passes it on after the commit.
type Watcher interface {
	ChannelChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID)
	FriendChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID)
}

// Actor is the member who does something in the console.
type Actor struct {
	Member  lumo.MemberID
	Address string
}

func (a Actor) entry(action string, c lumo.ChannelID, data map[string]any) lumo.AuditEntry {
	return lumo.AuditEntry{ActorKind: "member", Actor: id.ID(a.Member), Address: a.Address,
		Action: action, TargetKind: "channel", Target: c.String(), Data: data}
}
