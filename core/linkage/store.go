package linkage

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/id"
)

// The stores below run inside a transaction of the merchant, taken from the context. What
// is not there is fault.NotFound; LINE ids, emails, phones and tokens are sealed and opened
// by the store.

// LinkReader looks links up.
type LinkReader interface {
	ByProfile(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, p lumo.ProfileID) (lumo.Link, error)
	// ByProfiles are the links of many profiles on a channel.
	ByProfiles(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, all []lumo.ProfileID) ([]lumo.Link, error)
	ByFriend(ctx context.Context, m lumo.MerchantID, f lumo.FriendID) (lumo.Link, error)
	// ByLineUser are the merchant's friends with a LINE user id, on all channels.
	ByLineUser(ctx context.Context, m lumo.MerchantID, u lumo.LineUserID) ([]lumo.FriendID, error)
	// KnownProfile tells whether any channel of the merchant has a link to the profile.
	KnownProfile(ctx context.Context, m lumo.MerchantID, p lumo.ProfileID) (bool, error)
}

// LinkStore changes links. Two links that cannot both stand are fault.Conflict.
type LinkStore interface {
	LinkReader
	AddLink(ctx context.Context, m lumo.MerchantID, l NewLink) error
	// Raise gives a standing link a higher level and counts its version up.
	Raise(ctx context.Context, m lumo.MerchantID, l lumo.LinkID, n NewLink) (lumo.Link, error)
	EndLink(ctx context.Context, m lumo.MerchantID, l lumo.LinkID, now time.Time) error
	// Restore lets a link that ended stand again, one version higher.
	Restore(ctx context.Context, m lumo.MerchantID, l lumo.LinkID, now time.Time) (lumo.Link, error)
	// Move gives a standing link the profile that Klaviyo merged its own into.
	Move(ctx context.Context, m lumo.MerchantID, l lumo.LinkID, to lumo.ProfileID, now time.Time) (
		lumo.Link, error)
	// OfProfile are the standing links of a profile, on all channels.
	OfProfile(ctx context.Context, m lumo.MerchantID, p lumo.ProfileID) ([]lumo.Link, error)
	// Contact is the email and phone that a link was made with, empty where there were none.
	Contact(ctx context.Context, m lumo.MerchantID, l lumo.LinkID) (email, phone string, err error)
	// Link reads a link, standing or ended.
	Link(ctx context.Context, m lumo.MerchantID, l lumo.LinkID) (link lumo.Link, stands bool, err error)
	AddHistory(ctx context.Context, m lumo.MerchantID, h History) error
	// Histories are the steps of all links of a friend, newest first.
	Histories(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, limit int) ([]HistoryLine, error)
	HistoryStep(ctx context.Context, m lumo.MerchantID, v id.ID) (HistoryLine, error)
	ConflictStore
}

// NewLink is a link as it is first stored, with what it was made with.
type NewLink struct {
	lumo.Link
	Evidence map[string]any // no LINE id, email or phone
	Email    string         // sealed
	Phone    string
}

// History is one step in the life of a link.
type History struct {
	ID        id.ID
	Link      lumo.LinkID
	Step      string // linked, raised, unlinked, conflict, resolved, undone, moved
	ActorKind string // customer, member, system
	Actor     lumo.MemberID
	Data      map[string]any
	Now       time.Time
}

// StateStore keeps login states that came back.
type StateStore interface {
	// Take stores a state once; false means that it was used before.
	Take(ctx context.Context, m lumo.MerchantID, s State) (bool, error)
	// State reads a state and locks it.
	State(ctx context.Context, m lumo.MerchantID, v id.ID) (State, error)
	Update(ctx context.Context, m lumo.MerchantID, s State) error
	// Join marks what is left of the friend's states since a time as joined to a follow
	// event and tells the newest of them.
	Join(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, since, now time.Time) (State, bool, error)
	// DropStates removes states that were taken before a time; they ended long before.
	DropStates(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, before time.Time) error
	// FollowedSince tells whether LINE reported the friend's follow since a time.
	FollowedSince(ctx context.Context, m lumo.MerchantID, f lumo.FriendID, since time.Time) (bool, error)
}

// Phase is how far a login state got.
type Phase string

// The phases of a login state.
const (
	PhaseTaken    Phase = "taken"
	PhaseAsking   Phase = "asking"
	PhaseLinked   Phase = "linked"
	PhaseConflict Phase = "conflict"
	PhaseUnlinked Phase = "unlinked"
	PhaseRefused  Phase = "refused"
)

// State is a login state that came back.
type State struct {
	ID          id.ID
	Channel     lumo.ChannelID
	Code        lumo.CodeID // zero = none
	Claim       ClaimKind
	Value       string // of the claim, or the person's token while unlinking is asked; sealed
	Friend      lumo.FriendID
	ConfirmHash []byte
	Phase       Phase
	TakenAt     time.Time
	ExpiresAt   time.Time
	EndedAt     time.Time
}

// ClaimKind is what a scanned URL said about the customer.
type ClaimKind string

// The kinds of claims.
const (
	ClaimNone    ClaimKind = "none"
	ClaimProfile ClaimKind = "profile"
	ClaimEmail   ClaimKind = "email"
	ClaimPhone   ClaimKind = "phone"
	ClaimForm    ClaimKind = "form"
	ClaimUnlink  ClaimKind = "unlink"
)

// CodeStore keeps custom QR codes.
type CodeStore interface {
	// AddCode fills in the number.
	AddCode(ctx context.Context, m lumo.MerchantID, c Code) (Code, error)
	Codes(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]Code, error)
	Code(ctx context.Context, m lumo.MerchantID, c lumo.CodeID) (Code, error)
	CodeByKey(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, key string) (Code, error)
	// SetCode stores what a person decides about a code.
	SetCode(ctx context.Context, m lumo.MerchantID, c Code, now time.Time) error
	// Count adds to a code's numbers, and to those of its day.
	Count(ctx context.Context, m lumo.MerchantID, c lumo.CodeID, at time.Time, friends, links int) error
	// Days are a code's numbers by day since a time, oldest first.
	Days(ctx context.Context, m lumo.MerchantID, c lumo.CodeID, since time.Time) ([]CodeDay, error)
}
