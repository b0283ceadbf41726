package tracking

import (
	"context"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Figures are the numbers of Home. Today is a day in the merchant's time zone.
type Figures struct {
	Friends      int64 // following
	Linked       int64 // of those, with a Klaviyo profile
	Change       int64 // of Friends, today
	BlockedMonth int64
	Today        Today
}

// Today is what happened since midnight; Checking is how many wait for LINE's word now.
type Today struct {
	Sent     int64
	Clicked  int64
	Linked   int64
	NotSent  int64
	Failed   int64
	Checking int64
}

// Hours are the hours of today, up to the one that runs: what happened in each.
type Hours struct {
	Sent    []int64
	Clicked []int64
	Linked  []int64
	NotSent []int64
}

// FeedItem is one line of "Just now".
type FeedItem struct {
	ID         id.ID
	At         time.Time
	Kind       lumo.FactKind
	Friend     lumo.FriendID
	FriendName string
	Data       map[string]any
}

// Notice is something that needs a person; screens put its code into words.
type Notice struct {
	Code    string
	Subject string // what it is about, beside the account: a flow
	Data    map[string]any
}

// Step is one step of the first run.
type Step struct {
	Name   string
	Done   bool
	Friend string // who was linked by it; empty = nobody yet
}

// Home is all that the first screen of a LINE account shows.
type Home struct {
	Figures   Figures
	Hours     Hours
	Feed      []FeedItem
	Attention []Notice
	Checklist []Step
}

// Update is what open pages get when numbers changed: the numbers, what is new in the feed,
// and how many more there were than could be shown.
type Update struct {
	Figures Figures
	Hours   Hours
	Feed    []FeedItem
	More    int
}

// HomeStore reads what Home shows; its methods run inside a transaction of the merchant.
type HomeStore interface {
	Figures(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) (Figures, error)
	Hours(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) (Hours, error)
	// Feed reads the newest rows, or those with the given ids.
	Feed(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, limit int, rows []id.ID) (
		[]FeedItem, error)
	Attention(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, now time.Time) ([]Notice, error)
	Checklist(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) ([]Step, error)
}

const feedLength = 20

// Home reads the first screen of a LINE account.
func (s *Service) Home(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (h Home, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		now := s.c.Now()
		if h.Figures, err = s.c.Store.Figures(ctx, m, c, now); err != nil {
			return err
		}
		if h.Hours, err = s.c.Store.Hours(ctx, m, c, now); err != nil {
			return err
		}
		if h.Feed, err = s.c.Store.Feed(ctx, m, c, feedLength, nil); err != nil {
			return err
		}
		if h.Attention, err = s.c.Store.Attention(ctx, m, c, now); err != nil {
			return err
		}
		h.Checklist, err = s.c.Store.Checklist(ctx, m, c)
		return err
	})
	return h, fault.Wrap("tracking.Home", err)
}
