package channel

import (
	"time"

	"lumo/core/lumo"
	"lumo/shared/id"
)

// FriendRow is a friend with all that decides and explains the follow state.
type FriendRow struct {
	lumo.Friend
	Follow     Follow
	PictureURL string
	Named      bool // LINE was asked for the profile at least once
	New        bool // made by this call
	Changed    bool // what Klaviyo shows of the follow state is another now
}

// derive keeps what others see of a friend equal to what it follows from.
func (r *FriendRow) derive() {
	r.FollowStatus, r.Consent = r.Follow.Status, r.Follow.Consent
	r.FollowedAt, r.BlockedAt = r.Follow.FollowedAt, r.Follow.BlockedAt
}

// FriendItem is one line of the friend list.
type FriendItem struct {
	lumo.Friend
	PictureURL    string
	LastSentAt    time.Time
	LastClickedAt time.Time
	Linked        bool
	Profile       lumo.ProfileID
	Tags          []lumo.TagID
}

// FriendPage is what the page of one friend shows beside the timeline.
type FriendPage struct {
	FriendItem
	ConsentAt     time.Time
	ConsentSource string
	Link          *LinkBox
	Contacts      []OwnContact
	ErasedAt      time.Time // not zero = nothing else is left
}

// LinkBox tells of the friend's identity link.
type LinkBox struct {
	ID        lumo.LinkID
	Profile   lumo.ProfileID
	Method    string
	Assurance lumo.Assurance
	Evidence  map[string]any
	LinkedAt  time.Time
}

// FriendQuery chooses friends of one channel, newest first: by when they followed where it asks
// for that time, else by when they were first known. Empty fields choose all.
type FriendQuery struct {
	Channel lumo.ChannelID
	Friend  lumo.FriendID // exact
	Status  lumo.FollowStatus
	Linked  *bool
	Consent lumo.Consent
	Tag     lumo.TagID
	Code    lumo.CodeID // came by this custom QR code
	Tester  bool
	From    time.Time // followed at or after
	Until   time.Time // followed before
	Name    string    // part of the display name
	Line    lumo.LineUserID
	Email   string // normalised
	Phone   string // E.164
	Profile lumo.ProfileID
	PageQuery
}

// Counters tells whether the standing totals answer how many match.
func (q FriendQuery) Counters() bool {
	q.PageQuery, q.Status, q.Linked, q.Consent = PageQuery{}, "", nil, ""
	return q == FriendQuery{Channel: q.Channel}
}

// PageQuery asks for one page; a zero Before is the first one.
type PageQuery struct {
	Before id.ID
	At     time.Time // timelines, and friends of a time, sort by time first
	Limit  int
	ByID   bool // whatever the dates: what goes on for long must not lose its place
}

// FriendList is one page of friends and how many match in all.
type FriendList struct {
	Items  []FriendItem
	Next   id.ID     // zero = the last page
	NextAt time.Time // with it, where the query asks for a time
	Total  *int64    // nil = not counted yet: Count does
}

// ByTime tells whether friends are listed by when they followed.
func (q FriendQuery) ByTime() bool { return !q.ByID && !(q.From.IsZero() && q.Until.IsZero()) }

// Entry is one thing in a friend's timeline.
type Entry struct {
	ID       lumo.EventID
	At       time.Time
	Kind     lumo.FactKind
	Source   string
	Data     map[string]any
	Recorded string // yes, waiting, no, not_linked; empty where Klaviyo gets nothing of the kind
	Problem  string // why Klaviyo has it not; a code of the outbox
	Sent     []byte // the body that LINE took, for what was sent and as long as it is kept
}

// Timeline is one page of a friend's timeline, newest first.
type Timeline struct {
	Items  []Entry
	Next   id.ID
	NextAt time.Time
}

// Whether Klaviyo has an entry, as the tick of the timeline says it.
const (
	RecordedYes       = "yes"
	RecordedWaiting   = "waiting"
	RecordedNo        = "no"
	RecordedNotLinked = "not_linked"
)

// Exported tells whether Klaviyo gets events of the kind.
func Exported(k lumo.FactKind) bool {
	switch k {
	case lumo.FactFollowed, lumo.FactBlocked, lumo.FactScanned, lumo.FactLinked, lumo.FactSent,
		lumo.FactFailed, lumo.FactOpened, lumo.FactClicked:
		return true
	}
	return false
}
