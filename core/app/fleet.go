package app

import (
	"context"
	"encoding/base64"

	"lumo/core/console"
	"lumo/core/fleet"
	fleetstore "lumo/core/postgres/fleet"
	messagestore "lumo/core/postgres/message"
	"lumo/core/tracking"
	"lumo/core/web/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/sealing"
)

// newFleet makes the capability that knows the edges, and has it keep them up to date. The
// core's own keys are made in a database that has none.
func (a *App) newFleet(ctx context.Context) (*fleet.Service, fleet.CoreKeys, error) {
	store := fleetstore.New(a.vault)
	keys, err := fleet.LoadKeys(ctx, a.db, store)
	if err != nil {
		return nil, keys, err
	}
	moduleKey, err := base64.StdEncoding.DecodeString(a.settings.ModulePublicKey)
	if err != nil {
		return nil, keys, fault.New(fault.Invalid, "settings",
			"LUMO_MODULE_PUBLIC_KEY must be a key in base64.")
	}
	s, err := fleet.New(fleet.Config{Tenants: a.db, Store: store,
		Values: fleetstore.NewValues(a.vault, a.log, a.now), Keys: keys, Bell: fleetstore.NewBell(a.db),
		Watcher: console.NewNews(a.db, a.hub), ModuleKey: moduleKey, NewID: a.newID, Now: a.now,
		Log: a.log})
	if err != nil {
		return nil, keys, err
	}
	a.runners = append(a.runners, s.Run)
	return s, keys, nil
}

// newEdges makes the server that edges talk to.
func (a *App) newEdges(s *fleet.Service, keys fleet.CoreKeys, numbers fleet.Numbers, tracker *tracking.Service,
	files *messagestore.Files, routes []fleet.Route) (*edgeapi.Server, error) {
	private, err := sealing.ParsePrivateKey(keys.Sealing.Private)
	if err != nil {
		return nil, err
	}
	store := fleetstore.New(a.vault)
	intake, err := fleet.NewIntake(fleet.IntakeConfig{Tenants: a.db, Store: store, Hooks: store,
		Numbers: numbers, Tracker: meteredTracker{tracker, a.metrics.events}, Meter: s, Routes: a.metrics.meteredRoutes(routes), Sealing: private, NewID: a.newID, Now: a.now, Log: a.log})
	if err != nil {
		return nil, err
	}
	server, err := edgeapi.New(edgeapi.Config{Edges: s, Intake: intake, Media: edgeFiles{files}, Now: a.now, Log: a.log})
	if err != nil {
		return nil, err
	}
	a.runners = append(a.runners, server.Run)
	return server, nil
}
