package app

import (
	"context"

	"lumo/core/channel"
	"lumo/core/connection"
	"lumo/core/console"
	"lumo/core/fleet"
	"lumo/core/klaviyo"
	"lumo/core/lumo"
	"lumo/core/outbox"
	connectionstore "lumo/core/postgres/connection"
	outboxstore "lumo/core/postgres/outbox"
)

// newKlaviyo makes the client for Klaviyo's API.
func (a *App) newKlaviyo() (*klaviyo.Client, error) {
	return klaviyo.New(klaviyo.Config{API: a.settings.KlaviyoAPIURL, Web: a.settings.KlaviyoWebURL,
		ClientID: a.settings.KlaviyoClientID, ClientSecret: a.settings.KlaviyoClientSecret.Reveal(),
		RedirectURL: a.settings.PublicURL + "/oauth/klaviyo/callback", HTTP: a.http, Now: a.now})
}

// newConnection makes the capability that owns Klaviyo accounts. Channels come later: they
// need what is written to Klaviyo, which needs the accounts.
func (a *App) newConnection(client *klaviyo.Client, channels *laterChannels, edges *fleet.Service) (
	*connection.Service, error) {
	return connection.New(connection.Config{Tenants: a.db, Store: connectionstore.New(a.vault),
		Klaviyo: client, Data: client, Channels: channels, Fleet: edges,
		EdgeURL: a.settings.EdgePublicURL, Auditor: a.accounts,
		Watcher: console.NewNews(a.db, a.hub), NewID: a.newID, Now: a.now, Log: a.log})
}

// newOutbox makes the capability that writes to Klaviyo, and has it write.
func (a *App) newOutbox(client *klaviyo.Client, accounts *connection.Service, links outbox.Links) (
	*outbox.Service, error) {
	store := outboxstore.New(a.vault)
	s, err := outbox.New(outbox.Config{Tenants: a.db, Store: store, Leases: store, Klaviyo: client,
		Accounts: accounts, Links: links, Auditor: a.accounts, Watcher: console.NewNews(a.db, a.hub), NewID: a.newID, Now: a.now,
		Log: a.log, Owner: a.newID().String()})
	if err != nil {
		return nil, err
	}
	a.recorders = append(a.recorders, s.Run)
	return s, nil
}

// laterChannels are LINE accounts for those that are made before them.
type laterChannels struct{ channels *channel.Service }

func (l *laterChannels) JoinAccount(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) error {
	return l.channels.JoinAccount(ctx, m, a)
}

func (l *laterChannels) ReadQuota(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID) error {
	return l.channels.ReadQuota(ctx, m, c)
}
