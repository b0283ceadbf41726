// Package flow owns what Klaviyo's flows ask of us: keys, requests, and why each ended as
// it did.
//
// A request is answered 2xx only when it stands in the database. Its outcome is decided by
// look-ups alone, in one transaction with the delivery it plans, so that one call makes at
// most one message however often Klaviyo or an edge repeats it. Every call with a known
// channel leaves a row, also a refused one.
//
// Where a call's time goes: calls that come in while the database is busy share a transaction
// and its nine messages to the database: on a machine that is busy otherwise, a fifth of the
// transactions does for 200 calls a second. What is left is mostly the database's: the
// rows of the call and of its delivery with their indexes, then the sender's own transaction,
// which begins when this one has committed and is woken by it.
package flow

import (
	"context"
	"slices"
	"sync"
	"time"

	"lumo/core/delivery"
	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	// HeaderName is the header that carries a flow key.
	HeaderName = "Lumo-Flow-Key"

	keptWithEvent = 35 * 24 * time.Hour
	keptWithout   = 25 * time.Hour // Klaviyo repeats for 24 h
	testerPause   = time.Minute
)

// Outcome is what became of a call when it came in.
type Outcome string

// The outcomes.
const (
	Accepted Outcome = "accepted"
	Skipped  Outcome = "skipped"
	Refused  Outcome = "refused"
)

// Request is one call of a flow.
type Request struct {
	ID          lumo.RequestID
	Merchant    lumo.MerchantID
	Channel     lumo.ChannelID
	ReceivedAt  time.Time
	Auth        lumo.EdgeAuth
	KeyNumber   int
	KeyLast4    string
	FlowID      string
	Step        string
	Message     lumo.MessageID // zero = direct text
	Profile     lumo.ProfileID
	EventRef    string
	Friend      lumo.FriendID // zero = none found
	Delivery    lumo.DeliveryID
	Outcome     Outcome
	Reason      string
	Data        map[string]any
	Repeats     int
	DuplicateOf lumo.RequestID
	Body        []byte    // sealed at rest, 30 days
	Wanted      []string  // variables that only its event can fill
	WantedUntil time.Time // then the message goes out without them
	EventNote   string    // why it went out without them: EventMissing or EventUnread
}

// Key is a flow key as the console shows it.
type Key struct {
	ID         id.ID
	Number     uint32
	Hash       [32]byte
	Last4      string
	ValidFrom  time.Time
	ValidUntil time.Time // zero = no end
	CreatedBy  lumo.MemberID
	LastUsedAt time.Time
	CreatedAt  time.Time
	Accepted24 int64
	Refused24  int64
}

// Valid tells whether the key counted at a time. Who presented it had it from us, so its
// beginning is not asked for: an edge's clock may put a call a little before it.
func (k Key) Valid(at time.Time) bool { return k.ValidUntil.IsZero() || at.Before(k.ValidUntil) }

// Store keeps requests. Every method runs in the transaction of its context.
type Store interface {
	// Add stores requests once each, and tells which are new.
	Add(ctx context.Context, m lumo.MerchantID, all []Request, now time.Time) (map[lumo.RequestID]bool, error)
	Outcome(ctx context.Context, m lumo.MerchantID, r lumo.RequestID) (Request, error)
	// Claim takes idempotency keys, all different, for requests, and tells for those that
	// somebody else has who that is.
	Claim(ctx context.Context, m lumo.MerchantID, all []Claim, now time.Time) (taken map[[32]byte]Holder, err error)
	// Replace gives a key to a new request.
	Replace(ctx context.Context, m lumo.MerchantID, key [32]byte, r lumo.RequestID, until time.Time) error
	// Repeated counts one more call on a request.
	Repeated(ctx context.Context, m lumo.MerchantID, r lumo.RequestID) error
}

// Claim is a request that wants an idempotency key.
type Claim struct {
	Key     [32]byte
	Request lumo.RequestID
	Until   time.Time
}

// Holder is who has an idempotency key.
type Holder struct {
	Request lumo.RequestID
	Since   time.Time
}

// Keys keeps flow keys. Every method runs in the transaction of its context.
type Keys interface {
	List(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) ([]Key, error)
	// Calls counts, by key number, the calls that were let in and those that were refused.
	Calls(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, since time.Time) (map[uint32][2]int64, error)
	// Add stores a key and gives it the channel's next number.
	NextNumber(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (uint32, error)
	Add(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, k Key, value string) error
	// End ends all keys of a channel but one.
	End(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, except id.ID, at time.Time) ([]uint32, error)
	Value(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, k id.ID) (string, error)
	Used(ctx context.Context, m lumo.MerchantID, k id.ID, at time.Time) error
}

// Recipients finds who is meant; nobody is fault.NotFound.
type Recipients interface {
	ByProfile(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p lumo.ProfileID) (lumo.Link, lumo.Friend, error)
	// ByProfiles is ByProfile for many; those that are not linked are left out.
	ByProfiles(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, all []lumo.ProfileID) (
		map[lumo.ProfileID]lumo.Friend, error)
	ByFriend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (lumo.Link, error)
	ByLineUser(ctx context.Context, m lumo.MerchantID, u lumo.LineUserID) ([]lumo.Friend, error)
}

// Messages finds saved messages.
type Messages interface {
	Get(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.MessageID) (message.Message, error)
	// EventVariables are the variables of a content that the event which started a flow fills.
	EventVariables(ctx context.Context, m lumo.MerchantID, c lumo.Content) ([]string, error)
}

// Planner plans deliveries in the caller's transaction.
type Planner interface {
	Plan(ctx context.Context, p delivery.Plan) (delivery.Delivery, error)
	// TooLate is how old a flow message may become before it is sent, as the merchant set it.
	TooLate(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (time.Duration, error)
	// Had is how many messages people got within the days of the merchant's limit; 0 messages = none.
	Had(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, friends []lumo.FriendID) (
		limit delivery.Cap, had map[lumo.FriendID]int, err error)
	// PlanEach plans several messages of one account; an error asks for all to be undone.
	PlanEach(ctx context.Context, plans []delivery.Plan) ([]delivery.Delivery, error)
	// Begin has them sent once the transaction stands; it is its last step.
	Begin(ctx context.Context, planned []delivery.Delivery)
	// Fill gives a delivery that waits for values of its event those, and has it sent; false = it
	// waits no more.
	Fill(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID, values map[string]string) (bool, error)
}

// Channels knows the LINE accounts.
type Channels interface {
	Get(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (lumo.Channel, error)
}

// Profiles reads a Klaviyo profile, for calls whose own values cannot be read.
type Profiles interface {
	Profile(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, p lumo.ProfileID) (lumo.Profile, error)
}

// Fleet keeps the edges' copies of keys right.
type Fleet interface {
	Changed(ctx context.Context, m lumo.MerchantID, table uint8, key []byte) error
	WaitApplied(ctx context.Context, limit time.Duration) error
}

// Recorder takes facts into timeline and counters, inside the transaction.
type Recorder interface {
	Record(ctx context.Context, f lumo.Fact) error
}

// Auditor writes the audit log, inside the transaction.
type Auditor interface {
	Audit(ctx context.Context, e lumo.AuditEntry) error
}

// Watcher tells open pages, after the commit.
type Watcher interface {
	RequestChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RequestID)
}

// Tenants runs units of work of one merchant.
type Tenants interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Config is what the service needs; all fields are required.
type Config struct {
	Tenants    Tenants
	Store      Store
	Keys       Keys
	Views      Views
	Board      Board
	Repairs    Repairs
	Readings   Readings
	Recipients Recipients
	Messages   Messages
	Planner    Planner
	Channels   Channels
	Klaviyo    Klaviyo
	Editor     Editor
	Fleet      Fleet
	Recorder   Recorder
	Auditor    Auditor
	Watcher    Watcher
	// Address is what the webhooks of an account's flows call.
	Address func(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (string, error)
	NewID   func() id.ID
	Now     func() time.Time
}

// Service is the capability.
type Service struct {
	Config
	gatherer *gatherer
	wanting  chan struct{} // an event is to be read
	summed   sync.Map      // LINE account -> the day on which all its days were last summed
}

// New makes the service.
func New(c Config) *Service {
	return &Service{Config: c, gatherer: newGatherer(), wanting: make(chan struct{}, 1)}
}

// RecordRefused notes a call that an edge refused by itself. Of its key the edge tells the number,
// where it was one of ours.
func (s *Service) RecordRefused(ctx context.Context, r lumo.RefusedHook) error {
	const op = "flow.RecordRefused"
	return fault.Wrap(op, s.Tenants.InTenant(ctx, r.Merchant, func(ctx context.Context) error {
		call := Request{ID: r.ID, Merchant: r.Merchant, Channel: r.Channel, ReceivedAt: r.At,
			Auth: lumo.AuthRefused, KeyNumber: int(r.KeyNumber), Outcome: Refused, Reason: r.Reason}
		if err := s.nameKey(ctx, &call, r.KeyNumber); err != nil {
			return err
		}
		added, err := s.Store.Add(ctx, r.Merchant, []Request{call}, s.Now())
		if err != nil || !added[r.ID] {
			return err
		}
		s.Watcher.RequestChanged(ctx, r.Merchant, r.Channel, r.ID)
		return nil
	}))
}

// nameKey adds the end of a key to a call; 0 = none of ours, and nothing is read for strangers.
func (s *Service) nameKey(ctx context.Context, call *Request, number uint32) error {
	if number == 0 {
		return nil
	}
	keys, err := s.Keys.List(ctx, call.Merchant, call.Channel, s.Now())
	if i := slices.IndexFunc(keys, func(k Key) bool { return k.Number == number }); err == nil && i >= 0 {
		call.KeyLast4, call.Data = keys[i].Last4, map[string]any{"last4": keys[i].Last4}
	}
	return err
}
