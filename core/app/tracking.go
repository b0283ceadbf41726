package app

import (
	"context"
	"crypto/ed25519"

	"lumo/core/channel"
	"lumo/core/console"
	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/core/outbox"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/tracking"
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
		OneOff: tracking.OneOffKey{Number: uint16(n.oneOff.Number),
			Private: ed25519.NewKeyFromSeed(n.oneOff.Private)},
		NewID: a.newID, Now: a.now, Log: a.log})
	if err != nil {
		return nil, err
	}
	a.runners = append(a.runners, s.Run)
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
