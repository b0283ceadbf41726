package app

import (
	"context"

	"lumo/core/channel"
	"lumo/core/connection"
	"lumo/core/console"
	"lumo/core/delivery"
	"lumo/core/fleet"
	"lumo/core/flow"
	"lumo/core/klaviyo"
	"lumo/core/line"
	"lumo/core/linkage"
	"lumo/core/live"
	"lumo/core/lumo"
	"lumo/core/message"
	"lumo/core/postgres"
	deliverystore "lumo/core/postgres/delivery"
	flowstore "lumo/core/postgres/flow"
	"lumo/core/tracking"
)

// flowNeeds are the capabilities that flows and deliveries ask and tell.
type flowNeeds struct {
	directory  *channel.Directory
	recipients *linkage.Directory
	line       *line.Client
	accounts   *connection.Service
	klaviyo    *klaviyo.Client
	tracker    *tracking.Service
	fleet      *fleet.Service
	messages   messageParts
	quotas     delivery.Quotas
}

// newFlows makes deliveries and flows, and has deliveries run. Senders record what
// LINE answers, so they stop among the last.
func (a *App) newFlows(n flowNeeds) (*flow.Service, error) {
	store, err := deliverystore.New(a.db, a.vault)
	if err != nil {
		return nil, err
	}
	sender := delivery.New(delivery.Config{Units: a.db, Store: store, Leases: store, Settings: store, Tests: store, Auditor: a.accounts, Journal: n.fleet, Pusher: n.line,
		Composer: n.messages.composer, Channels: n.directory, Recorder: n.tracker, Watcher: flowWatcher{a, n.tracker},
		Quotas: n.quotas, Bells: store, Owner: a.newID().String(), NewID: a.newID, Now: a.now, Log: a.log})
	a.recorders, a.parts.sender = append(a.recorders, sender.Run), sender
	requests := flowstore.New(a.vault)
	flows := flow.New(flow.Config{Tenants: a.db, Store: requests, Keys: flowstore.Keys{Store: requests}, Views: requests, Board: requests, Repairs: requests, Readings: requests,
		Recipients: n.recipients, Messages: n.messages.service, Planner: sender, Channels: n.directory, Klaviyo: n.accounts, Editor: flowEditor{n.accounts, n.klaviyo},
		Fleet: n.fleet, Recorder: n.tracker, Auditor: a.accounts, Watcher: flowWatcher{a, n.tracker}, NewID: a.newID, Now: a.now,
		Address: func(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) (string, error) {
			account, err := n.directory.Channel(ctx, m, c)
			return a.settings.EdgePublicURL + console.FlowHookPath + account.FlowHookKey, err
		}})
	watch := flow.Watch{Flows: flows, Systems: a.db, Rounds: flowstore.Watches(), Owner: a.newID().String(), Log: a.log}
	reader := flow.Reader{Flows: flows, Systems: a.db, Rounds: flowstore.Reads(), Owner: a.newID().String(), Log: a.log}
	a.runners = append(a.runners, watch.Run, reader.Run)
	console.RegisterSending(a.api, sender)
	console.RegisterTests(a.api, sender, testContents{n.messages.service}, a.newID)
	console.RegisterFlows(a.api, console.FlowParts{Flows: flows, Messages: n.messages.service, Channels: n.directory,
		EdgeURL: a.settings.EdgePublicURL, NewID: a.newID, Now: a.now})
	return flows, nil
}

// testContents makes what tests say.
type testContents struct{ messages *message.Service }

// TestContent is a text, or a saved message; one that was never published as its draft stands.
func (t testContents) TestContent(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, test delivery.Test, f lumo.FriendID) (
	content lumo.Content, err error) {
	body := message.Text(message.Clean(test.Text))
	content.Text = test.Text
	if test.Message != (lumo.MessageID{}) {
		found, err := t.messages.Get(ctx, m, c, test.Message)
		if err != nil {
			return content, err
		}
		content.Message, body = found.ID, found.Body
		if test.Draft || found.Version == 0 {
			content, err = found.AsDraft()
		} else {
			var published message.Version
			published, err = t.messages.Published(ctx, m, c, found.ID, 0)
			content.Version, body = published.Number, published.Body
		}
		if err != nil {
			return content, err
		}
	}
	content.Vars, err = t.messages.ValuesOf(ctx, m, c, f, body)
	return content, err
}

// flowWatcher tells open pages of flow requests and deliveries.
type flowWatcher struct {
	app     *App
	tracker *tracking.Service
}

func (w flowWatcher) RequestChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, r lumo.RequestID) {
	w.app.publish(ctx, m, live.Event{Kind: "flow_request", ID: r.String(), Channel: c.String()})
}

func (w flowWatcher) DeliveryChanged(ctx context.Context, d delivery.Delivery, s delivery.State, reason string) {
	w.app.deliveryMoved(ctx, s)
	w.tracker.Touch(ctx, d.Merchant, d.Channel) // Home says how many wait for LINE's word
	w.app.publish(ctx, d.Merchant, live.Event{Kind: "delivery.state", ID: d.ID.String(), Channel: d.Channel.String(),
		Data: map[string]any{"state": string(s), "reason": reason, "logical": lumo.RequestID(d.Logical).String()}})
}

func (w flowWatcher) SendingChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) {
	w.app.publish(ctx, m, live.Event{Kind: "sending", ID: c.String(), Channel: c.String()})
}

// AllSendingChanged tells every merchant's open pages, once the stop stands.
func (w flowWatcher) AllSendingChanged(ctx context.Context) {
	w.app.db.AfterCommit(ctx, func() {
		ctx := postgres.Apart(context.WithoutCancel(ctx))
		merchants, err := w.app.parts.fleet.Merchants(ctx)
		if err != nil {
			w.app.log.WarnContext(ctx, "cannot tell pages that all sending changed", "error", err)
		}
		for _, m := range merchants {
			w.app.hub.Publish(m, live.Event{Kind: "sending", ID: m.String()})
		}
	})
}

func (w flowWatcher) BroadcastMoved(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) {
	w.tracker.Touch(ctx, m, c)
}
