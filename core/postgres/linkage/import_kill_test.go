package linkage_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/postgres"
	runstore "lumo/core/postgres/run"
	"lumo/core/postgres/vault"
	"lumo/core/run"
)

var errKilled = errors.New("the process is dead")

// mortal is the database as a process sees it that dies at one of its units of work: before or
// after that one stands. The dead do nothing any more.
type mortal struct {
	*postgres.DB
	mu    sync.Mutex // guards left
	left  int        // units until death
	after bool       // the last one still stands
	die   func()
}

func (m *mortal) dies() (last, dead bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left--
	return m.left == 0, m.left < 0
}

func (m *mortal) unit(ctx context.Context, do func(context.Context, func(context.Context) error) error,
	fn func(context.Context) error) error {
	last, dead := m.dies()
	switch {
	case dead:
		return errKilled
	case !last:
		return do(ctx, fn)
	}
	defer m.die()
	if m.after {
		return errors.Join(errKilled, do(ctx, fn))
	}
	return do(ctx, func(ctx context.Context) error { return errors.Join(errKilled, fn(ctx)) })
}

// InTenant is a unit, unless it is part of one.
func (m *mortal) InTenant(ctx context.Context, v lumo.MerchantID, fn func(context.Context) error) error {
	if postgres.Merchant(ctx) == v {
		return m.DB.InTenant(ctx, v, fn)
	}
	return m.unit(ctx, func(ctx context.Context, fn func(context.Context) error) error {
		return m.DB.InTenant(ctx, v, fn)
	}, fn)
}

func (m *mortal) InSystem(ctx context.Context, fn func(context.Context) error) error {
	return m.unit(ctx, m.DB.InSystem, fn)
}

// killed has a process work until it dies at its n-th unit; false = it came to the end before.
func (w *world) killed(t *testing.T, n int, after bool) bool {
	t.Helper()
	return w.dying(t, n, after, func(ctx context.Context, db *mortal) {
		runs := w.mortalRuns(t, db)
		var err error
		if w.vault, err = vault.New(w.db, make([]byte, 32)); err != nil { // a new process has read no keys
			t.Fatal(err)
		}
		w.realParts(t)
		w.newImporter(t, runs)
		db.work(ctx, runs)
	})
}

// mortalRuns does long work as a process that dies; it knows no work by itself.
func (w *world) mortalRuns(t *testing.T, db *mortal) *run.Service {
	t.Helper()
	runs, err := run.New(run.Config{Tenants: db, Store: runstore.Store{}, Turns: runstore.Store{}, Watcher: w.heard,
		Auditor: w.heard, NewID: w.newID, Now: w.clock, Log: slog.New(slog.DiscardHandler), Owner: "mortal-" + w.newID().String()})
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// work works until it is dead, or nothing is due.
func (m *mortal) work(ctx context.Context, runs *run.Service) {
	for m.left > 0 {
		if did, _ := runs.Once(ctx); !did {
			return
		}
	}
}

// An import, from its check to its undoing, is killed at every unit of work that it has, before
// and after the unit stands; whoever comes next ends it. Each thing is there once.
func TestAnImportKilledAtAnyStepIsDoneOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.realParts(t)
	const each = 3
	people := 0
	for _, phase := range []string{"check", "link", "undo"} {
		for _, after := range []bool{false, true} {
			n := 1
			for died := true; died; n++ {
				if n > 40 {
					t.Fatalf("%s has no end", phase)
				}
				w.far.members = nil
				for range each {
					people++
					w.met(t, user(people))
					w.far.members = append(w.far.members, member(people, user(people)))
				}
				died = w.importedThrough(t, phase, n, after)
			}
			if n < 5 {
				t.Errorf("%s was killed at %d units only", phase, n-2)
			}
			t.Logf("%s: killed at each of %d units", phase, n-2)
		}
	}
	w.undoneOnce(t, people)
}

// importedThrough does one import, whose process dies once, in one phase.
func (w *world) importedThrough(t *testing.T, phase string, n int, after bool) (died bool) {
	t.Helper()
	var check, link, undo run.Run
	for _, now := range []struct {
		phase string
		begin func() error
		done  *run.Run
		want  map[string]int64
	}{
		{"check", func() (err error) {
			check, err = w.imports.Check(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{1}, linkage.Segment{ID: "Old1"}, property)
			return err
		}, &check, map[string]int64{"will_link": 3}},
		{"link", func() (err error) {
			link, err = w.imports.Link(t.Context(), w.merchant, w.channel.ID, check.ID, lumo.MemberID{1})
			return err
		}, &link, map[string]int64{"linked": 3}},
		{"undo", func() (err error) {
			undo, err = w.imports.Undo(t.Context(), w.merchant, w.channel.ID, link.ID, lumo.MemberID{1})
			return err
		}, &undo, map[string]int64{"undone": 3}},
	} {
		if err := now.begin(); err != nil {
			t.Fatal(err)
		}
		if now.phase == phase {
			died = w.killed(t, n, after)
			w.pass(2 * time.Minute)
		}
		w.finish(t, w.runs)
		r := w.run(t, now.done.ID)
		w.counted(t, r, run.Done, now.want)
		if r.Done != 3 {
			t.Errorf("%s, killed in %s at unit %d: %d done, want 3", now.phase, phase, n, r.Done)
		}
	}
	return died
}

// undoneOnce looks whether so many were linked, and unlinked, once each.
func (w *world) undoneOnce(t *testing.T, all int) {
	t.Helper()
	w.standOnce(t, all, map[string]string{
		"links":          `SELECT count(*) FROM identity_link WHERE state = 'unlinked'`,
		"friends":        `SELECT count(*) FROM friend WHERE NOT linked`,
		"counted so":     `SELECT coalesce(sum(n), 0) FROM friend_total WHERE NOT linked`,
		"linked steps":   `SELECT count(*) FROM link_history WHERE step = 'linked'`,
		"unlinked steps": `SELECT count(*) FROM link_history WHERE step = 'unlinked'`,
		"timeline rows":  `SELECT count(*) FROM friend_event WHERE kind = 'linked'`,
		"events":         `SELECT count(*) FROM outbox WHERE kind = 'event'`,
		"links at home":  `SELECT coalesce(sum(n), 0) FROM counter WHERE kind = 'linked'`,
		"results":        `SELECT count(*) / 3 FROM run_item`,
	})
}

// Two imports of one segment, begun together and worked on by two processes.
func TestTwoImportsAtOnceLinkEachCustomerOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.realParts(t)
	const all = 450
	w.far.size = all
	w.crowd(t, all)
	var links []run.Run
	for range 2 {
		check := w.checked(t)
		w.counted(t, check, run.Done, map[string]int64{"will_link": all})
		links = append(links, check)
	}
	for n := range links {
		r, err := w.imports.Link(t.Context(), w.merchant, w.channel.ID, links[n].ID, lumo.MemberID{1})
		if err != nil {
			t.Fatal(err)
		}
		links[n] = r
	}
	other := w.newRuns(t, "core-2")
	w.newImporter(t, other)
	var processes sync.WaitGroup
	for _, runs := range []*run.Service{w.runs, other} {
		processes.Go(func() {
			for range 500 {
				if _, err := runs.Once(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	processes.Wait()
	w.finish(t, w.runs)
	w.counted(t, w.run(t, links[0].ID), run.Done, map[string]int64{"linked": all})
	w.counted(t, w.run(t, links[1].ID), run.Done, map[string]int64{"already": all})
	w.countedOnce(t, all)
}
