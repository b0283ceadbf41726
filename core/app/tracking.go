package app

import (
	"context"
	"crypto/ed25519"

	"lumo/core/channel"
	"lumo/core/console"
	"lumo/core/fleet"
	"lumo/core/live"
	"lumo/core/lumo"
	"lumo/core/outbox"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/tracking"
	"lumo/core/web/linkhost"
)

// trackingNeeds are the capabilities that tracking asks and tells.
type trackingNeeds struct {
	directory *channel.Directory
	outbox    *outbox.Service
	fleet     tracking.Fleet
	refusals  tracking.Refusals
	oneOff    fleet.CoreKey
}

// newTracking makes the tracking capability and has it tell open pages what it counts.
func (a *App) newTracking(n trackingNeeds) (*tracking.Service, error) {
	s, err := tracking.New(tracking.Config{Tenants: a.db, Store: trackingstore.Store{},
		Outbox: n.outbox, Refusals: n.refusals, Numbers: n.directory, Keys: n.directory,
		Fleet: n.fleet, Watcher: console.NewNews(a.db, a.hub), EdgeURL: a.settings.EdgePublicURL,
		OneOff: oneOffKey(n.oneOff), NewID: a.newID, Now: a.now, Log: a.log})
	if err != nil {
		return nil, err
	}
	a.runners = append(a.runners, s.Run)
	return s, nil
}

func oneOffKey(k fleet.CoreKey) tracking.OneOffKey {
	return tracking.OneOffKey{Number: uint16(k.Number), Private: ed25519.NewKeyFromSeed(k.Private)}
}

// newHosts makes merchants' own hosts for links, and has those in use checked again.
func (a *App) newHosts(edges *fleet.Service, key fleet.CoreKey) (*tracking.Hosts, error) {
	store := trackingstore.Store{}
	s, err := tracking.NewHosts(tracking.HostConfig{Tenants: a.db, Systems: a.db, Store: store, Turns: store,
		Prober: linkhost.New(a.http, linkhost.Limit), Auditor: a.accounts, Changed: func(ctx context.Context, m lumo.MerchantID) {
			a.publish(ctx, m, live.Event{Kind: "connection"})
		},
		Working: func(ctx context.Context) (bool, error) {
			status, err := edges.Status(ctx)
			return status.Working, err
		},
		EdgeURL: a.settings.EdgePublicURL, CoreURL: a.settings.PublicURL, Local: a.settings.AllowPrivateTargets,
		OneOff: oneOffKey(key), Now: a.now, Log: a.log, Owner: a.newID().String()})
	if err != nil {
		return nil, err
	}
	a.runners = append(a.runners, s.Run)
	console.RegisterLinkHost(a.api, s)
	return s, nil
}

// laterRefusals hears of refused flow webhooks once flows are there: flows need tracking.
type laterRefusals struct{ flows tracking.Refusals }

func (l *laterRefusals) RecordRefused(ctx context.Context, r lumo.RefusedHook) error {
	if l.flows == nil {
		return nil
	}
	return l.flows.RecordRefused(ctx, r)
}
