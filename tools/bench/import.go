package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"lumo/tools/seed"
)

const (
	importIDs      = 1000 // within the burst that Klaviyo allows, so that its pace is not measured
	importProperty = "Old LINE ID"
	importOpen     = 16 // people made side by side
	importPatience = 3 * time.Minute
	importLook     = 20 * time.Millisecond
)

// importFigures measures LINE ids of a Klaviyo segment being checked and linked: read from
// Klaviyo, matched with friends, linked, told to timelines and the outbox.
func importFigures(ctx context.Context, console *seed.Console, sim *seed.Sim, shop seed.Shop, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, importPatience)
	defer cancel()
	segment, err := importShop(ctx, console, sim, shop)
	if err != nil {
		return err
	}
	begun := time.Now()
	var check importRun
	err = console.Post(ctx, "/channels/"+shop.Channel+"/imports",
		map[string]string{"segment": segment, "property": importProperty}, &check)
	if err == nil {
		err = worked(ctx, console, shop, &check, "will_link")
	}
	if err != nil {
		return err
	}
	var link importRun
	err = console.Post(ctx, "/channels/"+shop.Channel+"/imports/"+check.ID+"/link", map[string]any{}, &link)
	if err == nil {
		err = worked(ctx, console, shop, &link, "linked")
	}
	if err != nil {
		return err
	}
	bench(out, "import_ids_per_s", importIDs/time.Since(begun).Seconds(), "/s")
	return nil
}

// importRun is long work as the API tells of it.
type importRun struct {
	ID     string           `json:"id"`
	State  string           `json:"state"`
	Counts map[string]int64 `json:"counts"`
}

// worked waits until a run is done, and looks whether it did what it should.
func worked(ctx context.Context, console *seed.Console, shop seed.Shop, r *importRun, result string) error {
	tick := time.NewTicker(importLook)
	defer tick.Stop()
	for r.State != "done" {
		select {
		case <-ctx.Done():
			return fmt.Errorf("an import is %s, with %v", r.State, r.Counts)
		case <-tick.C:
		}
		if err := console.Get(ctx, "/channels/"+shop.Channel+"/runs/"+r.ID, r); err != nil {
			return err
		}
	}
	if r.Counts[result] != importIDs {
		return fmt.Errorf("an import found %v, want %d %s", r.Counts, importIDs, result)
	}
	return nil
}

// importShop makes friends whom Klaviyo knows by an old tool's property, and their segment.
func importShop(ctx context.Context, console *seed.Console, sim *seed.Sim, shop seed.Shop) (string, error) {
	before, err := friendsKnown(ctx, console, shop) // other figures may have made some
	if err != nil {
		return "", err
	}
	var next atomic.Int64
	errs := make([]error, importOpen)
	var group sync.WaitGroup
	for lane := range importOpen {
		group.Go(func() {
			for n := next.Add(1); n <= importIDs && errs[lane] == nil; n = next.Add(1) {
				errs[lane] = importPerson(ctx, sim, n)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return "", err
		}
	}
	var segment struct {
		ID string `json:"id"`
	}
	err = sim.Post(ctx, "/klaviyo/segments", map[string]string{"name": "Old tool", "property": importProperty,
		"operator": "is_set"}, &segment)
	if err != nil {
		return "", err
	}
	return segment.ID, metAll(ctx, console, shop, before+importIDs)
}

// importPerson adds the account as a friend and is a customer with a LINE id.
func importPerson(ctx context.Context, sim *seed.Sim, n int64) error {
	var person struct {
		ID          string `json:"id"`
		Friendships map[string]struct {
			UserID string `json:"user_id"`
		} `json:"friendships"`
	}
	name := fmt.Sprintf("Friend %d", n)
	if err := sim.Post(ctx, "/people", map[string]string{"name": name, "language": "ja"}, &person); err != nil {
		return err
	}
	if err := sim.Post(ctx, "/people/"+person.ID+"/follow", map[string]any{}, nil); err != nil {
		return err
	}
	for _, f := range person.Friendships {
		return sim.Post(ctx, "/klaviyo/profiles", map[string]any{
			"email": fmt.Sprintf("friend%d@import.example", n), "properties": map[string]string{importProperty: f.UserID}}, nil)
	}
	return fmt.Errorf("%s knows no account", name)
}

// friendsKnown is how many friends the account has.
func friendsKnown(ctx context.Context, console *seed.Console, shop seed.Shop) (int64, error) {
	var list struct {
		Total int64 `json:"total"`
	}
	err := console.Get(ctx, "/channels/"+shop.Channel+"/friends?limit=1", &list)
	return list.Total, err
}

// metAll waits until the account heard of so many friends.
func metAll(ctx context.Context, console *seed.Console, shop seed.Shop, all int64) error {
	tick := time.NewTicker(importLook * 10)
	defer tick.Stop()
	for {
		known, err := friendsKnown(ctx, console, shop)
		if err != nil {
			return err
		}
		if known >= all {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the account heard of %d friends of %d", known, all)
		case <-tick.C:
		}
	}
}
