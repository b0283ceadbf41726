package app

import (
	"context"

	"lumo/core/channel"
	"lumo/core/line"
	"lumo/core/live"
	"lumo/core/lumo"
	channelstore "lumo/core/postgres/channel"
)

// newLINE makes the client for LINE's APIs.
func (a *App) newLINE() (*line.Client, error) {
	return line.New(line.Config{API: a.settings.LINEAPIURL, HTTP: a.http,
		Dial: guardedDialer(a.settings.AllowPrivateTargets).DialContext, Sent: a.metrics.lineSent, Now: a.now})
}

// newChannelDirectory makes the look-ups that most capabilities need; it needs none of them.
func (a *App) newChannelDirectory() *channel.Directory {
	store := channelstore.New(a.vault)
	return channel.NewDirectory(a.db, a.db, store, store)
}

// channelNeeds are the capabilities that hear of LINE accounts and friends.
type channelNeeds struct {
	directory *channel.Directory
	line      *line.Client
	recorder  channel.Recorder
	profiles  channel.Profiles
	fleet     channel.Fleet
	joiner    channel.Joiner
	replier   channel.Replier
	connected func(context.Context, lumo.Channel) error
}

// newChannels makes the channel capability and has its upkeep run.
func (a *App) newChannels(n channelNeeds) (*channel.Service, error) {
	store := channelstore.New(a.vault)
	s, err := channel.New(channel.Config{Directory: n.directory, Tenants: a.db, Systems: a.db,
		Channels: store, Friends: store, Requests: store, Work: store, Accounts: n.line, Hooks: n.line,
		Read: line.ReadWebhook, Recorder: n.recorder, Profiles: n.profiles, Fleet: n.fleet,
		Auditor: a.accounts, Joiner: n.joiner, Replier: n.replier, Watcher: channelWatcher{a}, Connected: n.connected,
		EdgeURL: a.settings.EdgePublicURL, NewID: a.newID, Now: a.now, Log: a.log,
		Owner: a.newID().String()})
	if err != nil {
		return nil, err
	}
	a.runners = append(a.runners, s.RunQuestions, s.RunUpkeep)
	return s, nil
}

// newPeople makes what members do with friends.
func (a *App) newPeople(directory *channel.Directory, customers channel.Customers, facts channel.Facts,
	eraser channel.Eraser) (*channel.People, error) {
	return channel.NewPeople(channel.PeopleConfig{Directory: directory, Tenants: a.db,
		Store: channelstore.New(a.vault), Merchants: a.accounts, Customers: customers, Facts: facts,
		Eraser: eraser, Auditor: a.accounts, Watcher: channelWatcher{a}, NewID: a.newID, Now: a.now, Log: a.log})
}

// channelWatcher tells open pages of LINE accounts and friends.
type channelWatcher struct{ app *App }

func (w channelWatcher) ChannelChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) {
	w.app.publish(ctx, m, live.Event{Kind: "connection", ID: c.String(), Channel: c.String()})
}

func (w channelWatcher) FriendChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	f lumo.FriendID) {
	w.app.publish(ctx, m, live.Event{Kind: "friend", ID: f.String(), Channel: c.String()})
}

// publish tells open pages when the transaction of ctx stands.
func (a *App) publish(ctx context.Context, m lumo.MerchantID, e live.Event) {
	a.db.AfterCommit(ctx, func() { a.hub.Publish(m, e) })
}
