package lumo

import (
	"time"

	"lumo/shared/id"
)

// FactKind is what happened to or by a friend.
type FactKind string

// The kinds of facts; timeline, counters and Klaviyo's events all come from them.
const (
	FactFollowed FactKind = "followed"
	FactBlocked  FactKind = "blocked"
	FactScanned  FactKind = "scanned"
	FactLinked   FactKind = "linked"
	FactUnlinked FactKind = "unlinked"
	FactSent     FactKind = "sent"
	FactNotSent  FactKind = "not_sent"
	FactFailed   FactKind = "failed"
	FactOpened   FactKind = "opened"
	FactClicked  FactKind = "clicked"
	FactConsent  FactKind = "consent"
	FactSaid     FactKind = "said"
	FactTagged   FactKind = "tagged"
	FactUntagged FactKind = "untagged"
)

// Fact is one thing that happened to or by a friend. It is recorded in the same
// transaction as the change it tells of, so that both stand or neither does.
type Fact struct {
	Merchant   MerchantID
	Channel    ChannelID
	Friend     FriendID
	Kind       FactKind
	Source     string         // webhook, qr, flow, test, edge, console
	Ref        string         // makes Klaviyo's unique_id: ULID text or delivery number
	OccurredAt time.Time      // when it happened, not when we learned of it
	Data       map[string]any // names, numbers, reason codes; no LINE id, email, phone
}

// EdgeAuth says what an edge could prove about a request.
type EdgeAuth string

// The four answers of an edge; the core is the final authority.
const (
	AuthVerified    EdgeAuth = "verified"
	AuthProvisional EdgeAuth = "provisional" // lease lapsed and the key did not match
	AuthUnchecked   EdgeAuth = "unchecked"   // signature is for the core to check
	AuthRefused     EdgeAuth = "refused"     // answered 401, kept to try a new secret
)

// EdgeRequest is one request that an edge took and passed on, now or from its spool.
type EdgeRequest struct {
	ID         RequestID // ULID given on arrival, the same on every path
	Edge       id.ID
	ReceivedAt time.Time // core time at the edge
	Auth       EdgeAuth
	Method     string
	Target     string            // original path and query
	Header     map[string]string // the listed original headers, canonical names
	Body       []byte
	KeySHA256  []byte // of the presented flow key, provisional requests only
	Spooled    bool   // the sender has its answer already
	Scope      Scope  // whose merchants the edge may serve
	Merchant   MerchantID
	Subject    id.ID // what the public key in the path names: channel, account, code
}

// EdgeAnswer is passed through the edge to whoever asked.
type EdgeAnswer struct {
	Status int
	Header map[string]string
	Body   []byte
}
