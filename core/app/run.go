package app

import (
	"context"

	"lumo/core/channel"
	"lumo/core/console"
	"lumo/core/line"
	"lumo/core/linkage"
	"lumo/core/live"
	channelstore "lumo/core/postgres/channel"
	linkagestore "lumo/core/postgres/linkage"
	runstore "lumo/core/postgres/run"
	"lumo/core/run"
)

// newRuns makes long work, and has it done once all workers are there.
func (a *App) newRuns() (*run.Service, error) {
	s, err := run.New(run.Config{Tenants: a.db, Store: runstore.Store{}, Turns: runstore.Store{}, Watcher: runWatcher{a},
		Auditor: a.accounts, NewID: a.newID, Now: a.now, Log: a.log, Owner: a.newID().String()})
	if err != nil {
		return nil, err
	}
	a.runners = append(a.runners, s.Work)
	return s, nil
}

// handleFriends gives runs the work on friends, and the API its operations.
func (a *App) handleFriends(runs *run.Service, channels *channel.Service, people *channel.People, client *line.Client) {
	paced := newPacedLINE(client)
	refresher := func(add bool) *channel.Refresher {
		return &channel.Refresher{Service: channels, Tenants: a.db, Store: channelstore.New(a.vault), Followers: paced,
			Now: a.now, Add: add}
	}
	runs.Handle(channel.RunConsent, refresher(false))
	runs.Handle(channel.RunFollowers, refresher(true))
	runs.Handle(channel.RunBulk, channel.Bulk{People: people})
	console.RegisterRuns(a.api, console.RunParts{Runs: runs, People: people, Refresher: refresher(false),
		Members: a.accounts})
}

// handleReviews gives runs the decisions of many conflicts, and the API its operations.
func (a *App) handleReviews(runs *run.Service, links *linkage.Service) {
	store := linkagestore.New(a.vault)
	reviewer := &linkage.Reviewer{Links: links, Conflicts: store, Items: store, Runs: runs}
	for kind, worker := range reviewer.Workers() {
		runs.Handle(kind, worker)
	}
	console.RegisterManyReviews(a.api, console.ReviewParts{Reviewer: reviewer, Members: a.accounts})
}

// runWatcher tells open pages of long work.
type runWatcher struct{ app *App }

func (w runWatcher) RunChanged(ctx context.Context, r run.Run) {
	w.app.publish(ctx, r.Merchant, live.Event{Kind: "run", ID: r.ID.String(), Channel: r.Channel.String()})
}
