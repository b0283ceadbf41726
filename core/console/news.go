package console

import (
	"context"

	"lumo/core/fleet"
	"lumo/core/live"
	"lumo/core/lumo"
	"lumo/core/tracking"
)

// Commits runs functions once a transaction stands.
type Commits interface {
	AfterCommit(ctx context.Context, fn func())
}

// Publisher carries messages to open pages.
type Publisher interface {
	Publish(m lumo.MerchantID, e live.Event)
}

// News tells open pages what happened in tracking, connections and the fleet.
type News struct {
	commits Commits
	pages   Publisher
}

// NewNews makes a teller.
func NewNews(c Commits, p Publisher) News { return News{c, p} }

// counterNews is the data of a message "counter": Home's numbers, and what is new in its
// feed. More tells how many lines are left out.
type counterNews struct {
	FiguresView
	Feed []FeedItemView `json:"feed"`
	More int            `json:"more"`
}

// Counted sends the numbers of Home.
func (n News) Counted(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	u tracking.Update) error {
	data := counterNews{FiguresView: figuresView(u.Figures, u.Hours), Feed: feedView(u.Feed), More: u.More}
	n.publish(ctx, m, live.Event{Kind: "counter", ID: c.String(), Channel: c.String(), Data: data})
	return nil
}

// FriendsChanged says whose timelines have something new.
func (n News) FriendsChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	f []lumo.FriendID) error {
	n.Recorded(ctx, m, c, f)
	return nil
}

// Recorded says whose events Klaviyo has now.
func (n News) Recorded(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, friends []lumo.FriendID) {
	seen := map[lumo.FriendID]bool{}
	for _, f := range friends {
		if f != (lumo.FriendID{}) && !seen[f] {
			seen[f] = true
			n.publish(ctx, m, live.Event{Kind: "friend", ID: f.String(), Channel: c.String()})
		}
	}
}

// AccountChanged says that the card of a Klaviyo account is another.
func (n News) AccountChanged(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) {
	n.publish(ctx, m, live.Event{Kind: "connection", ID: a.String()})
}

// EdgesChanged says whether links and QR codes work.
func (n News) EdgesChanged(ctx context.Context, m lumo.MerchantID, s fleet.Status) {
	n.publish(ctx, m, live.Event{Kind: "connection", ID: "edges", Data: edgesView(s)})
}

func (n News) publish(ctx context.Context, m lumo.MerchantID, e live.Event) {
	n.commits.AfterCommit(ctx, func() { n.pages.Publish(m, e) })
}
