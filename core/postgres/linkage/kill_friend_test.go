package linkage_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/channel"
	"lumo/core/lumo"
	"lumo/core/outbox"
	outboxstore "lumo/core/postgres/outbox"
	"lumo/core/run"
	"lumo/shared/fault"
)

// follows is LINE as a consent refresh asks it: who follows, as a list where the account is
// verified, and one by one.
type follows struct {
	vendors  *vendors
	verified bool
}

func (f follows) Followers(context.Context, lumo.Keys, string, int) (users []lumo.LineUserID, next string, _ error) {
	f.vendors.mu.Lock()
	defer f.vendors.mu.Unlock()
	if !f.verified {
		return nil, "", fault.New(fault.Forbidden, "test", "not verified")
	}
	for user, yes := range f.vendors.friends {
		if yes {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users, "", nil
}

func (f follows) Profile(_ context.Context, _ lumo.Keys, user lumo.LineUserID) (channel.Person, error) {
	f.vendors.mu.Lock()
	defer f.vendors.mu.Unlock()
	if !f.vendors.friends[user] {
		return channel.Person{}, fault.New(fault.NotFound, "test", "nobody")
	}
	return channel.Person{Name: "Friend"}, nil
}

// refreshes has a process read consents again.
func (w *world) refreshes(t *testing.T, runs *run.Service, db database, line follows) {
	t.Helper()
	out, facts := w.parts(t, db)
	runs.Handle(channel.RunConsent, &channel.Refresher{Service: w.newChannels(t, db, facts, out), Tenants: db,
		Store: channelStore(w), Followers: line, Now: w.clock})
}

// written is what waits to be written on customers, by customer.
func (w *world) written(t *testing.T) map[lumo.ProfileID][]outbox.Item {
	t.Helper()
	all := map[lumo.ProfileID][]outbox.Item{}
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		items, err := outboxstore.New(w.vault).Due(ctx, w.merchant, w.channel.KlaviyoAccount, outbox.All, w.clock(), 10_000)
		for _, item := range items {
			if item.Kind == outbox.KindProfile {
				all[item.Profile] = append(all[item.Profile], item)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// tells wants exactly one thing to be written on a customer, once, that says so of the consent.
func tells(t *testing.T, items []outbox.Item, consent, source string) {
	t.Helper()
	if len(items) != 1 || items[0].Revision != 1 || items[0].Payload.Set["LINE Consent"] != consent ||
		items[0].Payload.Set["LINE Consent Source"] != source {
		t.Errorf("Klaviyo is to be told %+v, want once that it is %s because of %s", items, consent, source)
	}
}

// The core dies over a consent refresh at every unit of work, whether LINE hands over its list or
// is asked about one friend after the other. Whoever goes on ends it: who left unheard and who
// came back unheard is known once, and Klaviyo told once.
func TestAConsentRefreshKilledAtAnyStepChangesEachFriendOnce(t *testing.T) {
	t.Parallel()
	for name, verified := range map[string]bool{"list": true, "one by one": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			line := follows{w.vendors, verified}
			w.refreshes(t, w.runs, w.db, line)
			rounds := atEachUnit(t, func(n int, after bool, round int) bool {
				who := func(n int) lumo.LineUserID { return lumo.LineUserID(user(3*round + n)) }
				customer := func(n int) lumo.ProfileID { return member(3*round+n, nil).ID }
				for n := range 3 {
					w.linked(t, who(n), customer(n))
				}
				w.pass(time.Second)
				w.webhook(t, "unfollow", who(2), fmt.Sprint("E", round))
				w.vendors.befriend(who(1), false) // left, and back is 2: LINE told nothing of either
				w.pass(time.Minute)
				begun, err := w.runs.Start(t.Context(), w.merchant, w.channel.ID, channel.RunConsent, nil, lumo.MemberID{1})
				if err != nil {
					t.Fatal(err)
				}
				died := w.dying(t, n, after, func(ctx context.Context, db *mortal) {
					runs := w.mortalRuns(t, db)
					w.refreshes(t, runs, db, line)
					db.work(ctx, runs)
				})
				w.pass(2 * time.Minute)
				w.finish(t, w.runs)
				r := w.run(t, begun.ID)
				all := int64(3 * round)
				w.counted(t, r, run.Done, map[string]int64{"given": 1, "withdrawn": 1, "unchanged": all - 2})
				if r.Done != all {
					t.Errorf("killed at unit %d (after %t): %d done, want %d", n, after, r.Done, all)
				}
				waiting := w.written(t)
				tells(t, waiting[customer(1)], "withdrawn", "status_refresh")
				tells(t, waiting[customer(2)], "given", "status_refresh")
				if about := waiting[customer(0)]; len(about) != 0 {
					t.Errorf("Klaviyo is to be told of whom nothing changed: %+v", about)
				}
				return died
			})
			w.standOnce(t, rounds, map[string]string{
				"withdrawn":         `SELECT count(*) FROM friend WHERE follow_status = 'blocked' AND consent = 'withdrawn'`,
				"given":             `SELECT count(*) / 2 FROM friend WHERE follow_status = 'following' AND consent = 'given'`,
				"counted withdrawn": `SELECT sum(n) FROM friend_total WHERE consent = 'withdrawn' AND linked`,
				"counted given":     `SELECT sum(n) / 2 FROM friend_total WHERE consent = 'given' AND linked`,
				"taken back":        `SELECT count(*) FROM friend_event WHERE kind = 'consent' AND source = 'refresh' AND data->>'consent' = 'withdrawn'`,
				"given again":       `SELECT count(*) FROM friend_event WHERE kind = 'consent' AND source = 'refresh' AND data->>'consent' = 'given'`,
				"links":             `SELECT count(*) / 3 FROM identity_link WHERE state = 'linked'`,
			})
		})
	}
}

// audits counts what the audit log has once a transaction stands.
type audits struct {
	db    *mortal
	stand int
}

func (a *audits) Audit(ctx context.Context, e lumo.AuditEntry) error {
	if e.Action == "friend.erase" {
		a.db.AfterCommit(ctx, func() { a.stand++ })
	}
	return nil
}

// newPeople is what members do with friends, in a process that dies.
func (w *world) newPeople(t *testing.T, db *mortal, log *audits) *channel.People {
	t.Helper()
	cs := channelStore(w)
	out, facts := w.parts(t, db)
	p, err := channel.NewPeople(channel.PeopleConfig{Directory: channel.NewDirectory(db, db, cs, cs), Tenants: db, Store: cs,
		Merchants: struct{ channel.Merchants }{}, Customers: w.vendors, Facts: facts, Eraser: out, Auditor: log,
		Watcher: w.heard, NewID: w.newID, Now: w.clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// known are how many rows tell of a person, by table.
func (w *world) known(t *testing.T, f lumo.FriendID) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, table := range []string{"friend_name", "friend_contact", "friend_tag", "friend_event", "identity_link", "link_conflict"} {
		all[table] = w.count(t, "SELECT count(*) FROM "+table+" WHERE friend_id = $1", f)
	}
	all["friend"] = w.count(t, `SELECT count(*) FROM friend WHERE id = $1`, f)
	maps.DeleteFunc(all, func(_ string, n int) bool { return n == 0 })
	return all
}

// The core dies over the erasing of a person at every unit of work. Either nothing has happened,
// or all of it; whoever erases again leaves one tombstone, one line of the audit log, and one thing
// for Klaviyo to be told.
func TestAnErasingKilledAtAnyStepHoldsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var logged int
	people := atEachUnit(t, func(n int, after bool, person int) bool {
		who, customer := lumo.LineUserID(user(person)), member(person, nil).ID
		link := w.linked(t, who, customer)
		w.owns(t, link.Friend, channel.ContactEmail, fmt.Sprint("a", person, "@customer.example"))
		w.claims(t, who, member(person+1000, nil).ID)
		whole := w.known(t, link.Friend)
		erase := func(ctx context.Context, db *mortal) (err error) {
			log := &audits{db: db}
			err = w.newPeople(t, db, log).Erase(ctx, w.merchant, w.channel.ID, link.Friend, channel.Actor{}, "Yuki S.")
			logged += log.stand
			return err
		}
		died := w.dying(t, n, after, func(ctx context.Context, db *mortal) { _ = erase(ctx, db) })
		gone := w.count(t, `SELECT count(*) FROM friend_tombstone WHERE id = $1`, link.Friend) == 1
		if gone {
			whole = map[string]int{}
		}
		if diff := cmp.Diff(whole, w.known(t, link.Friend)); diff != "" {
			t.Errorf("killed at unit %d (after %t), erased %t, what is known (-want +got):\n%s", n, after, gone, diff)
		}
		err := erase(t.Context(), &mortal{DB: w.db, left: 1000})
		if gone != fault.Is(err, fault.NotFound) || !gone && err != nil {
			t.Errorf("erasing again, erased %t: got %v", gone, err)
		}
		tells(t, w.written(t)[customer], "withdrawn", "erased")
		return died
	})
	w.standOnce(t, people, map[string]string{
		"tombstones": `SELECT count(*) FROM friend_tombstone`,
		"at Klaviyo": `SELECT count(*) FROM outbox`,
	})
	w.standOnce(t, 0, map[string]string{
		"friends":    `SELECT count(*) FROM friend`,
		"counted so": `SELECT coalesce(sum(n), 0) FROM friend_total`,
		"links":      `SELECT count(*) FROM identity_link`,
		"histories":  `SELECT count(*) FROM link_history`,
	})
	if logged != people {
		t.Errorf("%d lines of the audit log for %d people", logged, people)
	}
}
