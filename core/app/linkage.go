package app

import (
	"context"

	"lumo/core/channel"
	"lumo/core/line"
	"lumo/core/linkage"
	"lumo/core/live"
	"lumo/core/lumo"
	linkagestore "lumo/core/postgres/linkage"
	"lumo/core/web/linkpage"
)

// newLinkDirectory makes the look-ups of identity links.
func (a *App) newLinkDirectory(channels *channel.Directory) *linkage.Directory {
	return linkage.NewDirectory(a.db, linkagestore.New(a.vault), channels)
}

// newJoiner joins follow events with the logins before them.
func (a *App) newJoiner() *linkage.Joiner {
	store := linkagestore.New(a.vault)
	return linkage.NewJoiner(a.db, store, store, a.now)
}

// linkageNeeds are the capabilities that linkage asks and tells.
type linkageNeeds struct {
	directory *linkage.Directory
	channels  *channel.Service
	line      *line.Client
	profiles  linkage.Profiles
	recorder  linkage.Recorder
	outbox    linkage.Outbox
	fleet     linkage.Fleet
}

// newLinkage makes the linkage capability and the pages that customers see.
func (a *App) newLinkage(n linkageNeeds) (*linkage.Service, *linkpage.Pages, error) {
	store := linkagestore.New(a.vault)
	s, err := linkage.New(linkage.Config{Directory: n.directory, Tenants: a.db, Links: store,
		States: store, Codes: store, Channels: n.channels, Friends: n.channels, LINE: n.line,
		Profiles: n.profiles, Recorder: n.recorder, Outbox: n.outbox, Fleet: n.fleet,
		Auditor: a.accounts, Watcher: linkWatcher{a}, EdgeURL: a.settings.EdgePublicURL,
		NewID: a.newID, Now: a.now, Log: a.log})
	if err != nil {
		return nil, nil, err
	}
	pages, err := linkpage.New(s, n.channels, a.accounts)
	return s, pages, err
}

// linkWatcher tells open pages of identity links and QR codes.
type linkWatcher struct{ app *App }

func (w linkWatcher) LinkChanged(ctx context.Context, m lumo.MerchantID, l lumo.Link, linked bool) {
	w.app.publish(ctx, m, live.Event{Kind: "link", ID: l.ID.String(), Channel: l.Channel.String(),
		Data: map[string]any{"friend": l.Friend.String(), "linked": linked}})
}

func (w linkWatcher) CodeChanged(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID,
	code lumo.CodeID) {
	w.app.publish(ctx, m, live.Event{Kind: "qr_code", ID: code.String(), Channel: c.String()})
}
