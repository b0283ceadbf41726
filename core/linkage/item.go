package linkage

import (
	"context"
	"time"

	"lumo/core/lumo"
)

// ItemResult is what was found out of one customer or friend, or what came of them.
type ItemResult string

// The results of a check. Only WillLink is linked; ForReview becomes a conflict.
const (
	WillLink    ItemResult = "will_link"
	Already     ItemResult = "already"
	Malformed   ItemResult = "malformed"   // not a LINE user id
	Unreachable ItemResult = "unreachable" // LINE knows nobody by this id on the account
	ForReview   ItemResult = "review"
	NotKnown    ItemResult = "unknown" // nobody here is known by this id; LINE was not asked
	NoValue     ItemResult = "empty"   // the customer has no LINE id
	LeftAlone   ItemResult = "left"    // a person left the two unlinked before
	NoCustomer  ItemResult = "nobody"  // no customer has the friend's email or phone
)

// The results of linking and of taking an import back, beside those of a check.
const (
	ItemLinked ItemResult = "linked"
	ItemUndone ItemResult = "undone"
	ItemKept   ItemResult = "kept" // the link was changed since, or is gone already
)

// Item is one customer or friend of an import.
type Item struct {
	N       int64 // counts from 1 in its run
	Result  ItemResult
	Profile lumo.ProfileID
	Other   lumo.ProfileID // the other customer of the same friend, where there are two
	Friend  lumo.FriendID
	User    lumo.LineUserID // of somebody nobody here is known by; sealed
	Twin    []byte          // equal for items that want the same friend, or the same customer
	Claim   ClaimKind       // what a match goes by; ClaimNone for a LINE id
	Link    lumo.LinkID     // made by this run
	Version int             // of that link
}

// KnownUser is somebody on a channel with a LINE user id that was asked for.
type KnownUser struct {
	Friend lumo.FriendID
	Erased bool // there was somebody, who is not to come back by an import
}

// Pair is a friend and a customer.
type Pair struct {
	Friend  lumo.FriendID
	Profile lumo.ProfileID
}

// ItemStore keeps what imports find and do; it runs inside a transaction of the merchant.
type ItemStore interface {
	AddItems(ctx context.Context, m lumo.MerchantID, r lumo.RunID, items []Item) error
	// SetItems stores items of a run anew, by their number.
	SetItems(ctx context.Context, m lumo.MerchantID, r lumo.RunID, items []Item) error
	// Items are a run's items after a number, of some results; none = of all.
	Items(ctx context.Context, m lumo.MerchantID, r lumo.RunID, results []ItemResult, after int64, limit int) (
		[]Item, error)
	// Made are a run's items that made a link, after a number.
	Made(ctx context.Context, m lumo.MerchantID, r lumo.RunID, after int64, limit int) ([]Item, error)
	// Twins are the items of a run with one of these keys, by number.
	Twins(ctx context.Context, m lumo.MerchantID, r lumo.RunID, keys [][]byte) ([]Item, error)
	// UserKeys name LINE user ids without telling them.
	UserKeys(ctx context.Context, m lumo.MerchantID, users []lumo.LineUserID) ([][]byte, error)
	// KnownUsers are those on a channel, by their keys.
	KnownUsers(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, keys [][]byte) (map[string]KnownUser, error)
	// Follower is the newest run of a kind whose parameter names another run; none is
	// fault.NotFound.
	Follower(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kind, param string, of lumo.RunID) (
		lumo.RunID, error)
	// SetUndone notes that a run was taken back, and closes the open conflicts that it raised.
	SetUndone(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RunID, now time.Time) error
	// FriendNames are the names of friends.
	FriendNames(ctx context.Context, m lumo.MerchantID, f []lumo.FriendID) (map[lumo.FriendID]string, error)
}

// ManyLinks reads and makes links many at once.
type ManyLinks interface {
	// StandingOf are the standing links of friends, and of profiles on a channel.
	StandingOf(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, f []lumo.FriendID, p []lumo.ProfileID) (
		map[lumo.FriendID]lumo.Link, map[lumo.ProfileID]lumo.Link, error)
	// LeftUnlinked are pairs of these friends that a person left unlinked.
	LeftUnlinked(ctx context.Context, m lumo.MerchantID, f []lumo.FriendID) (map[Pair]bool, error)
	// AddLinks stores links and tells which; the others contradict one that is there by now.
	AddLinks(ctx context.Context, m lumo.MerchantID, links []NewLink) ([]bool, error)
	AddHistories(ctx context.Context, m lumo.MerchantID, h []History) error
	// SettledAll closes open conflicts whose claims came true.
	SettledAll(ctx context.Context, m lumo.MerchantID, links []lumo.Link, now time.Time) error
}

// found is all that stands where links are to be: links by both ends, and what a person left.
type found struct {
	byFriend  map[lumo.FriendID]lumo.Link
	byProfile map[lumo.ProfileID]lumo.Link
	left      map[Pair]bool
}

// foundFor reads what stands for items.
func (s *Importer) foundFor(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, items []Item) (f found, err error) {
	var friends []lumo.FriendID
	var profiles []lumo.ProfileID
	for _, i := range items {
		if i.Friend != (lumo.FriendID{}) {
			friends = append(friends, i.Friend)
		}
		if i.Profile != "" {
			profiles = append(profiles, i.Profile)
		}
	}
	if f.byFriend, f.byProfile, err = s.c.Many.StandingOf(ctx, m, c, friends, profiles); err != nil {
		return f, err
	}
	f.left, err = s.c.Many.LeftUnlinked(ctx, m, friends)
	return f, err
}

// standing is what is linked where an item's link is to be.
func (f found) standing(i Item) (there standing) {
	if l, ok := f.byFriend[i.Friend]; ok {
		there.ofFriend = &l
	}
	if l, ok := f.byProfile[i.Profile]; ok {
		there.ofProfile = &l
	}
	return there
}

// judge says what a friend and a customer who fit each other mean.
func (f found) judge(i Item) ItemResult {
	switch there := f.standing(i); {
	case there.same():
		return Already
	case there.conflict():
		return ForReview
	case f.left[Pair{i.Friend, i.Profile}]:
		return LeftAlone
	}
	return WillLink
}
