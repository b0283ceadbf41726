// Package delivery brings each logical message to each person exactly once.
//
//	planned -> sending (key, exact bytes) -> accepted
//	   |-> unknown          same bytes, same key, while under 23 h old
//	   |-> unknown_expired  shown to the merchant, never sent again by itself
//	   |-> deferred | quota_blocked | rejected | skipped
//
// One row stands for one (merchant, logical message, friend); the database refuses a
// second. Retry key and bytes are committed before the first byte leaves, and every try
// sends exactly them, so LINE itself refuses a repetition. One replica owns a channel's
// sending by a lease with a fence; what a lost owner had begun is unknown until LINE says.
// Nothing that can fail stands between LINE's acceptance and its record, and evidence of
// acceptance is never dropped.
//
// Where a send's time goes: a sender looks, reads, freezes and commits in five messages to the
// database; the account's row of the month is locked for the commit alone, which is why it is
// counted last; becoming "sending" changes no index. Recording what LINE said costs the database
// most: the delivery's indexes, the timeline, the event for Klaviyo.
package delivery

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// State is where a delivery stands.
type State string

// The states of DESIGN section 4.3.
const (
	Planned        State = "planned"
	Sending        State = "sending"
	Accepted       State = "accepted"
	Skipped        State = "skipped"
	Rejected       State = "rejected"
	Deferred       State = "deferred"
	QuotaBlocked   State = "quota_blocked"
	Unknown        State = "unknown"
	UnknownExpired State = "unknown_expired"
)

// Kinds of logical messages.
const (
	KindFlow      = "flow"
	KindBroadcast = "broadcast"
	KindTest      = "test"
	KindReply     = "reply"
	KindWelcome   = "welcome"
)

// keyLife is how long a retry key is trusted. LINE forgets it after 24 h, and after that the
// same key would send again.
const keyLife = 23 * time.Hour

// Plan is a message that one person shall get.
type Plan struct {
	Merchant   lumo.MerchantID
	Channel    lumo.ChannelID
	Kind       string
	Logical    id.ID // flow request, test send, ...
	Friend     lumo.FriendID
	Profile    lumo.ProfileID
	Content    lumo.Content
	ReceivedAt time.Time // when the edge took the request
	TooLateAt  time.Time // zero = never; of flow sends the merchant's rules decide
	// WaitsUntil is when it goes out although values that Fill brings are not there; zero = it
	// waits for none.
	WaitsUntil time.Time
}

// Delivery is a plan with its place in the store.
type Delivery struct {
	Plan
	ID      lumo.DeliveryID
	Number  uint64 // of the merchant; subject of tracked links
	State   State
	Hold    string // holdKept, holdDropped, or empty
	Round   int    // how often a person had it sent again
	Key     uuid.UUID
	Body    []byte // exact request, only while in flight
	Tries   int
	Shared  bool // what it says is the same for all: it may go with others in one request
	Dropped bool // a person dropped what was left of its logical message
	Expired bool // the retry key is no longer trusted, by database time
}

// Broadcast tells whether it belongs to a message to many.
func (d Delivery) Broadcast() bool { return d.Kind == KindBroadcast }

// tried tells whether LINE may have it: only LINE can say what became of it.
func (d Delivery) tried() bool { return d.State == Sending || d.State == Unknown }

// RetryKey is the same for every try of one logical message to one person or one chunk of
// people, and for nothing else (DESIGN section 4.3). Only a person's decision to send again
// what LINE never confirmed begins another round.
func RetryKey(m lumo.MerchantID, logical, recipient id.ID, round int) uuid.UUID {
	sum := sha256.New()
	for _, part := range []id.ID{id.ID(m), logical, recipient} {
		sum.Write(part[:])
	}
	if round > 0 {
		sum.Write([]byte{byte(round >> 8), byte(round)})
	}
	var key uuid.UUID
	copy(key[:], sum.Sum(nil))
	key[6] = key[6]&0x0f | 0x80 // version 8: made of a hash of our own
	key[8] = key[8]&0x3f | 0x80
	return key
}

// Due says which deliveries a sender asks for.
type Due struct {
	Broadcasts bool // those, or everything else
	Chunks     bool // also chunks that were tried before
	Retries    bool // only what was tried before: no message of the month is left
	Now        time.Time
	Limit      int
	Alike      int // instead of Limit, where the first due is of a broadcast that says the same to all
}

// least is how many due ones mean that there may be further ones.
func (q Due) least() int {
	if q.Broadcasts {
		return min(q.Limit, q.Alike)
	}
	return q.Limit
}

// within is how much of what is due may leave: Limit pushes, and Alike that share requests.
func (q Due) within(due []Delivery) []Delivery {
	pushes, alike := 0, 0
	for i, d := range due {
		n, most := &pushes, q.Limit
		if d.Shared && !d.tried() {
			n, most = &alike, q.Alike
		}
		if *n++; *n > most {
			return due[:i]
		}
	}
	return due
}

// Store keeps deliveries. Every method runs in the transaction of its context.
type Store interface {
	// Add stores planned deliveries of one account, gives each the merchant's next number, and
	// notes that the account has something to send; a second one of the same logical message to
	// the same friend is fault.Conflict. A flow send is too late when the account's rules say so.
	Add(ctx context.Context, all []Delivery, now time.Time) error
	// Fill adds values to what a delivery that waits for them says, and makes it due; false = it
	// waits no more.
	Fill(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID, values map[string]string, now time.Time) (
		lumo.ChannelID, bool, error)
	// AddLogical stores what a message to many says; it may be there already.
	AddLogical(ctx context.Context, l Logical, now time.Time) error
	// AddAll plans one batch of its recipients; those planned before are left out.
	AddAll(ctx context.Context, l Logical, ids []lumo.DeliveryID, to []Recipient, now time.Time) (int64, error)
	// Complete notes that all recipients are planned.
	Complete(ctx context.Context, l Logical) error

	// Look holds a lease until the transaction ends, fault.Stale when it belongs to another
	// owner, and tells what a sender must know before each batch.
	Look(ctx context.Context, l Lease) (Situation, error)
	// Due locks what may be tried now, and what a lost owner left in sending.
	Due(ctx context.Context, l Lease, q Due) ([]Delivery, error)
	// DueChunks locks chunks that were tried before and may be tried again.
	DueChunks(ctx context.Context, l Lease, now time.Time, limit int) ([]Chunk, error)
	// Sent counts what LINE accepted for these friends since a time.
	Sent(ctx context.Context, m lumo.MerchantID, friends []lumo.FriendID, since time.Time) (map[lumo.FriendID]int, error)

	// Freeze commits deliveries to key and bytes before a try; fault.Stale when one of them
	// belongs to a newer owner.
	Freeze(ctx context.Context, l Lease, all []Delivery) error
	// FreezeChunks commits chunks to recipients, key and bytes.
	FreezeChunks(ctx context.Context, l Lease, all []Chunk) error
	// Count moves the month's numbers on by outcomes that changed something. It comes last in
	// its transaction: all senders of the account wait for each other here.
	Count(ctx context.Context, l Lease, changed []Outcome) error
	// Settle records outcomes and answers those that changed anything. Acceptance needs no
	// lease: it is a fact.
	Settle(ctx context.Context, l Lease, all []Outcome) ([]Outcome, error)
	// SettleChunk records what became of a chunk, and answers what that means for each of its
	// deliveries; none when it changed nothing.
	SettleChunk(ctx context.Context, l Lease, o ChunkOutcome, now time.Time) ([]Outcome, error)
	// Fail notes that our own fault ended a try; from tries on the delivery is kept aside.
	Fail(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID, next time.Time, tries int) error
	KeptStore
	QuotaStore
}

// Leases says who sends for a channel. They run without a merchant.
type Leases interface {
	// Claim takes free or expired leases for an owner, each with a higher fence.
	Claim(ctx context.Context, owner string, life time.Duration, limit int) ([]Lease, error)
	// Renew extends an owner's leases and tells which it still has.
	Renew(ctx context.Context, owner string, life time.Duration) ([]Lease, error)
	// Release gives an owner's leases back.
	Release(ctx context.Context, owner string) error
}

// Lease is the right to send for a channel.
type Lease struct {
	Merchant lumo.MerchantID
	Channel  lumo.ChannelID
	Owner    string
	Fence    int64
}

// Outcome is what a try, or the decision not to try, came to.
type Outcome struct {
	Delivery  Delivery
	State     State
	Reason    string // code of CONTRACTS.md part A
	Data      map[string]any
	Hold      string        // beside the state
	NextAt    time.Time     // of the next try
	Longer    time.Duration // added to the time after which it is too late
	RequestID string        // LINE's
	Held      bool          // it was on its way and counted so; Settle says it
}

// Result is what LINE said to one push.
type Result struct {
	Verdict   Verdict
	RequestID string
	Status    int // 0 = no answer
	Bad       int // of a refused multicast: one more than the place of the id it names
	Refusal   Refusal
}

// Refusal is why LINE refused a message.
type Refusal struct {
	Kind  string // one of the kinds, or empty
	Words string // LINE's own
}

// The kinds of refusals that have sentences of their own.
const (
	UnknownPerson = "person"  // no such person for this account
	BadMessage    = "message" // what it says breaks LINE's rules
	Wordless      = "wordless"
)

// Data is what the sentence about a refusal says.
func (r Refusal) Data(status int) map[string]any {
	data := map[string]any{"status": status}
	if r.Words != "" {
		data["words"] = r.Words
	}
	switch {
	case r.Kind != "":
		data["why"] = r.Kind
	case r.Words == "":
		data["why"] = Wordless
	}
	return data
}

// Verdict sorts LINE's answers by what they prove.
type Verdict int

// The verdicts.
const (
	Unanswered Verdict = iota // timeout, reset, 5xx: it may have been accepted
	TakenByLINE
	Refused      // 4xx: not accepted, and never will be as it is
	SlowDown     // 429 for speed
	UsedUp       // 429 for the month's messages
	AccountFails // no token, 401 or 403: it says nothing of the message or the person
)

// Pusher sends exact bytes under a retry key. It never returns before the answer, the
// timeout or ctx's end.
type Pusher interface {
	Push(ctx context.Context, keys lumo.Keys, key uuid.UUID, body []byte) Result
	// Multicast does it for a request to many.
	Multicast(ctx context.Context, keys lumo.Keys, key uuid.UUID, body []byte) Result
}

// Composer makes the exact request body for one person; number is the delivery's, for its
// tracked links. Why says why there is none.
type Composer interface {
	Compose(ctx context.Context, channel lumo.Channel, number uint64, c lumo.Content, to lumo.LineUserID) (
		body []byte, why lumo.Why, err error)
}

// Channels knows accounts and friends.
type Channels interface {
	Get(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (lumo.Channel, error)
	MessagingCredentials(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (channelID, secret string, err error)
	// FriendsByID are those of the ids that still exist.
	FriendsByID(ctx context.Context, m lumo.MerchantID, ids []lumo.FriendID) (
		map[lumo.FriendID]lumo.Friend, error)
}

// Recorder takes facts into timeline, counters and the outbox, inside the transaction.
type Recorder interface {
	RecordAll(ctx context.Context, m lumo.MerchantID, facts []lumo.Fact) error
}

// Quotas asks LINE for the month's messages and stores the answer.
type Quotas interface {
	ReadQuota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error
}

// Bells carries between replicas that a channel has something to send.
type Bells interface {
	Ring(ctx context.Context, channels []lumo.ChannelID) error
	// Hear hands on each channel rung for, until ctx ends or the line breaks.
	Hear(ctx context.Context, rung func(lumo.ChannelID)) error
}

// Watcher tells open pages, after the commit.
type Watcher interface {
	DeliveryChanged(ctx context.Context, d Delivery, s State, reason string)
	// SendingChanged tells that an account was stopped, resumed, or given other rules.
	SendingChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID)
	// AllSendingChanged tells that an operator stopped or resumed everybody's sending.
	AllSendingChanged(ctx context.Context)
	// BroadcastMoved tells that deliveries of broadcasts changed, however many.
	BroadcastMoved(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID)
}

// Units runs units of work.
type Units interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
	InSystem(ctx context.Context, fn func(context.Context) error) error
	// Attempt runs fn as a part of ctx's transaction that can fail by itself.
	Attempt(ctx context.Context, fn func(context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Config is what the service needs; all fields but Pace are required.
type Config struct {
	Units    Units
	Store    Store
	Leases   Leases
	Settings SendingStore
	Tests    TestStore
	Auditor  Auditor
	Journal  Journal
	Pusher   Pusher
	Composer Composer
	Channels Channels
	Recorder Recorder
	Watcher  Watcher
	Quotas   Quotas
	Bells    Bells
	Pace     Pace   // zero = LINE's
	Owner    string // of this process, unique
	NewID    func() id.ID
	Now      func() time.Time
	Log      *slog.Logger
}

// Service plans deliveries and sends them.
type Service struct {
	Config
	bell    *bell
	gate    chan struct{} // broadcasts that are being prepared, of all merchants
	senders *senders
	flowed  atomic.Int64 // Unix nanoseconds of the last push that was no broadcast's
}

// New makes the service.
func New(c Config) *Service {
	if c.Pace == (Pace{}) {
		c.Pace = linesPace()
	}
	return &Service{Config: c, bell: newBell(), gate: make(chan struct{}, broadcastsAtOnce),
		senders: &senders{all: map[lumo.ChannelID]*channelSender{}}}
}

// Plan stores a delivery in the caller's transaction; sending begins when it commits. The
// same logical message to the same friend is fault.Conflict.
func (s *Service) Plan(ctx context.Context, p Plan) (Delivery, error) {
	all, err := s.PlanEach(ctx, []Plan{p})
	if err != nil {
		return Delivery{}, err
	}
	s.Units.AfterCommit(ctx, func() { s.bell.ring(p.Channel, p.Kind) })
	return all[0], nil
}

// PlanEach is Plan for several messages of one kind and account: all of them or none. Begin
// has them sent.
func (s *Service) PlanEach(ctx context.Context, plans []Plan) ([]Delivery, error) {
	all := make([]Delivery, len(plans))
	if len(plans) == 0 {
		return all, nil
	}
	for i, p := range plans {
		all[i] = Delivery{Plan: p, ID: lumo.DeliveryID(s.NewID()), State: Planned,
			Key: RetryKey(p.Merchant, p.Logical, id.ID(p.Friend), 0)}
	}
	first := plans[0]
	return all, fault.Wrap("delivery.Plan", s.Units.InTenant(ctx, first.Merchant, func(ctx context.Context) error {
		return s.Store.Add(ctx, all, s.Now())
	}))
}

// Fill gives a delivery that waits for values those, in the caller's transaction, and has it sent
// when that commits. Values that it has stay. false = it waits no more: what went out is not made
// anew.
func (s *Service) Fill(ctx context.Context, m lumo.MerchantID, d lumo.DeliveryID, values map[string]string) (
	waited bool, err error) {
	err = s.Units.InTenant(ctx, m, func(ctx context.Context) error {
		var c lumo.ChannelID
		if c, waited, err = s.Store.Fill(ctx, m, d, values, s.Now()); err == nil && waited {
			s.Units.AfterCommit(ctx, func() { s.bell.ring(c, KindFlow) })
		}
		return err
	})
	return waited, fault.Wrap("delivery.Fill", err)
}

// Waiting tells whether a state is not an end.
func (s State) Waiting() bool {
	switch s {
	case Planned, Sending, Deferred, QuotaBlocked, Unknown:
		return true
	}
	return false
}

// Word is the state that people see (UX 2.2).
func (s State) Word() string {
	switch s {
	case Planned, Deferred, QuotaBlocked:
		return "waiting"
	case Sending:
		return "sending"
	case Accepted:
		return "sent"
	case Rejected:
		return "failed"
	case Unknown:
		return "checking"
	case UnknownExpired:
		return "unconfirmed"
	}
	return "not_sent"
}
