package app

import (
	"context"

	"lumo/core/channel"
	"lumo/core/connection"
	"lumo/core/console"
	"lumo/core/line"
	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/message"
	messagestore "lumo/core/postgres/message"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/tracking"
	"lumo/core/web/pictures"
)

// messageNeeds are the capabilities that messages ask and tell.
type messageNeeds struct {
	directory  *channel.Directory
	recipients *linkage.Directory
	line       *line.Client
	accounts   *connection.Service
	tracker    *tracking.Service
	fleet      message.Fleet
}

// messageParts are the message capability as others use it.
type messageParts struct {
	service  *message.Service
	composer *message.Composer
	answerer *message.Answerer
	files    *messagestore.Files
}

// newMessages makes saved messages, and has automatic replies sent. They record what LINE
// answers, so they stop among the last.
func (a *App) newMessages(n messageNeeds) (messageParts, error) {
	store := messagestore.New(a.vault)
	parts := messageParts{files: messagestore.NewFiles(a.db, store),
		composer: message.NewComposer(store, store, n.tracker, a.settings.EdgePublicURL)}
	var err error
	parts.service, err = message.New(message.Config{Store: store, Tenants: a.db, Channels: n.directory, People: n.recipients,
		Profiles: n.accounts, Auditor: a.accounts, Checker: n.line, Pictures: pictures.New(a.http), Media: store,
		Fleet: n.fleet, EdgeURL: a.settings.EdgePublicURL, IDs: a.newID, Now: a.now})
	if err != nil {
		return parts, err
	}
	parts.answerer = message.NewAnswerer(message.AnswererConfig{Tenants: a.db, Systems: a.db, Rules: store, Replies: store,
		Store: store, Channels: n.directory, Composer: parts.composer, Sender: n.line, Recorder: n.tracker, IDs: a.newID,
		Now: a.now, Log: a.log})
	a.recorders = append(a.recorders, parts.answerer.Run)
	console.RegisterMessages(a.api, parts.service, a.settings.EdgePublicURL)
	console.RegisterEditing(a.api, parts.service, a.hub)
	console.RegisterReplies(a.api, message.NewReplies(parts.service, store))
	console.RegisterStatistics(a.api, console.StatisticsParts{Channels: n.directory, Now: a.now,
		Reports: tracking.NewReports(a.db, trackingstore.Store{}, n.line, n.directory, a.now)})
	return parts, nil
}

// edgeFiles gives edges the files that they serve.
type edgeFiles struct{ files *messagestore.Files }

func (e edgeFiles) File(ctx context.Context, scope lumo.Scope, sha [32]byte) (mediaType string, data []byte, err error) {
	f, err := e.files.File(ctx, scope, sha)
	return f.MediaType, f.Data, err
}
