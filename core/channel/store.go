package channel

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/id"
)

// The stores below run inside a transaction of the merchant, taken from the context. What
// is not there is fault.NotFound; secrets and LINE ids are sealed and opened by the store.

// DirectoryStore looks channels and friends up.
type DirectoryStore interface {
	Channel(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (Channel, error)
	Channels(ctx context.Context, m lumo.MerchantID) ([]Channel, error)
	// Counts are how many people follow the account, and how many of its friends are linked.
	Counts(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (following, linked int64, err error)
	Keys(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (Keys, error)
	EdgeKey(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kind EdgeKeyKind, number uint16) (
		EdgeKey, error) // number 0 = the newest that is valid now
	Friend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (lumo.Friend, error)
	FriendsByID(ctx context.Context, m lumo.MerchantID, ids []lumo.FriendID) (
		map[lumo.FriendID]lumo.Friend, error)
}

// Numbers resolves a global number; it needs a transaction without a merchant.
type Numbers interface {
	ByNumber(ctx context.Context, number uint32) (lumo.MerchantID, lumo.ChannelID, error)
}

// ChannelStore changes channels.
type ChannelStore interface {
	DirectoryStore
	// Create fills in number, hook keys and property number; an account that is there
	// already is fault.Conflict.
	Create(ctx context.Context, n NewChannel) (Channel, error)
	SetKeys(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, k Keys, now time.Time) error
	// SetTracking stores what is measured, and the campaign parameters of links.
	SetTracking(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, opens bool, utm lumo.UTM, now time.Time) error
	SetRing(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, ring string, now time.Time) error
	// SetShop stores the shop's address; empty = none.
	SetShop(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, address string, now time.Time) error
	SetState(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, u StateUpdate) error
	// Connected tells whether an account is one of the merchant's channels.
	Connected(ctx context.Context, m lumo.MerchantID, bot lumo.LineUserID) (bool, error)
	BotUser(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (lumo.LineUserID, error)
	// Seen notes that an event came in, at most once in a while.
	Seen(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) error
	SetQuota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, q Quota) error
	// JoinAccount gives channels without a Klaviyo account this one, and their numbers.
	JoinAccount(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, now time.Time) (
		[]lumo.ChannelID, error)
}

// NewChannel is a channel as it is first stored.
type NewChannel struct {
	Merchant    lumo.MerchantID
	ID          lumo.ChannelID
	Account     Account
	Keys        Keys
	HookKey     string
	FlowHookKey string
	EdgeKeys    []EdgeKey
	State       State
	Problem     string
	Now         time.Time
}

// EdgeKeyKind is what a key held by edges is for.
type EdgeKeyKind string

// The kinds of keys that edges hold per channel.
const (
	LinkMAC  EdgeKeyKind = "link_mac" // tracked links, beacons
	StateKey EdgeKeyKind = "state"    // login states
)

// EdgeKey is one 32-byte key of a channel.
type EdgeKey struct {
	ID     id.ID
	Kind   EdgeKeyKind
	Number uint16
	Secret []byte
}

// StateUpdate is what we learned about a channel's connection; empty fields stay.
type StateUpdate struct {
	State          State
	Problem        string // goes with State
	WebhookActive  *bool
	WebhookURL     *string
	WebhookChecked bool
	Test           *WebhookTest
	Provider       string
	LoginJoined    string
	Verified       string
	Now            time.Time
}

// FriendStore changes friends and reads them for screens.
type FriendStore interface {
	// Upsert finds the person's row or makes it, and locks it.
	Upsert(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, user lumo.LineUserID,
		id lumo.FriendID, now time.Time) (FriendRow, error)
	Update(ctx context.Context, m lumo.MerchantID, r FriendRow, now time.Time) error
	// Erased tells when a person was erased who has not come back; zero = never.
	Erased(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, user lumo.LineUserID) (time.Time, error)
	// CameBy notes the custom QR code that led a friend here, the first one for good.
	CameBy(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, code lumo.CodeID) error
	SetContact(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f lumo.FriendID,
		v OwnContact) (bool, error)
	// Unnamed are followers whom LINE was never asked about.
	Unnamed(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, limit int) ([]FriendRow, error)
}

// RequestStore keeps what LINE sent.
type RequestStore interface {
	// Keep stores a request once and tells the state it has: the new one, or the old one's.
	Keep(ctx context.Context, r Request) (RequestState, error)
	// Finish ends a try: with a state that is final, or waiting with one more try counted.
	Finish(ctx context.Context, m lumo.MerchantID, r lumo.RequestID, s RequestState, problem string) error
	// Again gives stored requests in a state back, oldest first.
	Again(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, s RequestState, limit int) (
		[]Request, error)
	// Kept lists requests in a state, newest first.
	Kept(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, s RequestState, limit int) ([]KeptRequest, error)
	// Wake has kept requests wait again, with all their tries: one, or with the zero id all.
	Wake(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, one lumo.RequestID) (int64, error)
	// Move takes requests from one state to another: one, or with the zero id all.
	Move(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, one lumo.RequestID, from, to RequestState) (int64, error)
	// Take records an event id once; false means that it was there.
	Take(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RequestID, e Event,
		now time.Time) (bool, error)
	// DropRefused keeps the newest refused requests that are not too old.
	DropRefused(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, keep int, before time.Time) error
	// DropEnded removes requests that ended before a time.
	DropEnded(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, before time.Time) error
}

// WorkStore hands out channels whose round of upkeep is due; it needs a transaction without
// a merchant.
type WorkStore interface {
	Claim(ctx context.Context, owner string, now time.Time, lease time.Duration) (Work, bool, error)
	Done(ctx context.Context, w Work, next time.Time) error
	Hurry(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, due time.Time) error
}

// Work is one channel whose upkeep somebody has claimed.
type Work struct {
	Merchant lumo.MerchantID
	Channel  lumo.ChannelID
	Due      time.Time // the end of the lease, unless somebody hurries
	Fence    int64
}
