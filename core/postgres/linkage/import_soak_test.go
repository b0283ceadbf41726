package linkage_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lumo/core/linkage"
	"lumo/core/lumo"
	"lumo/core/outbox"
	"lumo/core/postgres"
	outboxstore "lumo/core/postgres/outbox"
	"lumo/core/postgres/postgrestest"
	trackingstore "lumo/core/postgres/tracking"
	"lumo/core/run"
	"lumo/core/tracking"
	"lumo/shared/id"
)

const (
	importMemory = 400 << 20
	// Klaviyo gives pages of a hundred members: 75 at once, and 750 a minute.
	pagesAtOnce = 75
	pagesPause  = 6 * time.Second
	pacedIDs    = pagesAtOnce * memberPage / 6 // ids a second, in the long run
	memberPage  = 100
)

// LINE ids of a segment are checked and linked, told to timelines, counters and the outbox by
// the product's own parts: no slower than Klaviyo gives them, each once, in bounded memory.
func TestAnImportOfManyIsLinkedOnceInBoundedMemory(t *testing.T) {
	t.Parallel()
	newWorld(t).imported(t, 2_000)
}

// BENCH import_ids_per_s: the same with 500,000 ids, or LUMO_SOAK_IDS, and what it costs.
func TestSoakImport(t *testing.T) {
	postgrestest.Soak(t)
	all := postgrestest.SoakSize("LUMO_SOAK_IDS", 500_000)
	check, link := newWorld(t).imported(t, all)
	each := func(d time.Duration) int64 { return max(d.Microseconds()/int64(all), 1) }
	fmt.Printf("BENCH import_ids_per_s %.0f /s\n", float64(all)/(check.wall+link.wall).Seconds())
	fmt.Printf("BENCH import_check_cpu_us_per_id %d us (core %d, database %d)\n", each(check.both()), each(check.core), each(check.database))
	fmt.Printf("BENCH import_link_cpu_us_per_id %d us (core %d, database %d)\n", each(link.both()), each(link.core), each(link.database))
	fmt.Printf("BENCH import_memory %d MB\n", postgrestest.MostResident()>>20)
	const second = int64(time.Second / time.Microsecond)
	if n := second / each(check.both()); n < 2*pacedIDs {
		t.Errorf("one processor checks %d ids a second, want twice the %d that Klaviyo gives", n, pacedIDs)
	}
	if n := second / each(link.both()); n < pacedIDs/2 { // linking asks no vendor, and stands beside reading
		t.Errorf("one processor links %d ids a second, want %d", n, pacedIDs/2)
	}
}

// imported does an import of so many ids at Klaviyo's pace, and answers what both parts cost.
func (w *world) imported(t *testing.T, all int) (check, link spent) {
	t.Helper()
	w.realParts(t)
	w.far.size, w.far.pause = all, pagesPause
	w.crowd(t, all)
	begun, from := w.spent(t), w.clock()
	r, err := w.imports.Check(t.Context(), w.merchant, w.channel.ID, lumo.MemberID{1}, linkage.Segment{ID: "Old1"}, property)
	if err != nil {
		t.Fatal(err)
	}
	w.worked(t, r.ID)
	w.counted(t, w.run(t, r.ID), run.Done, map[string]int64{"will_link": int64(all)})
	pauses := time.Duration((all - 1) / memberPage / pagesAtOnce)
	if took := w.clock().Sub(from); took > pauses*pagesPause {
		t.Errorf("reading took %v, want the %v that Klaviyo's limits take", took, pauses*pagesPause)
	}
	checked := w.spent(t)
	l, err := w.imports.Link(t.Context(), w.merchant, w.channel.ID, r.ID, lumo.MemberID{1})
	if err != nil {
		t.Fatal(err)
	}
	w.worked(t, l.ID)
	w.counted(t, w.run(t, l.ID), run.Done, map[string]int64{"linked": int64(all)})
	w.countedOnce(t, all)
	if most := postgrestest.MostResident(); most > importMemory {
		t.Errorf("%d MB were in use at most, want %d", most>>20, importMemory>>20)
	}
	return checked.less(begun), w.spent(t).less(checked)
}

// realParts has the product's outbox and timelines hear of links, instead of the test.
func (w *world) realParts(t *testing.T) {
	t.Helper()
	w.outbox, w.facts = w.parts(t, w.db)
	w.imports = w.newImporter(t, w.runs)
}

// parts are the product's outbox and timelines, as a process has them.
func (w *world) parts(t *testing.T, db database) (*outbox.Service, *tracking.Service) {
	t.Helper()
	log := slog.New(slog.NewJSONHandler(w.logs, nil))
	store := outboxstore.New(w.vault)
	out, err := outbox.New(outbox.Config{Tenants: db, Store: store, Leases: store, Klaviyo: struct{ outbox.Klaviyo }{},
		Accounts: struct{ outbox.Accounts }{}, Links: struct{ outbox.Links }{}, Auditor: w.heard,
		Watcher: struct{ outbox.Watcher }{}, NewID: w.newID, Now: w.clock, Log: log, Owner: "core-1"})
	if err != nil {
		t.Fatal(err)
	}
	facts, err := tracking.New(tracking.Config{Tenants: db, Store: trackingstore.Store{}, Outbox: out,
		Refusals: struct{ tracking.Refusals }{}, Numbers: struct{ tracking.Numbers }{}, Keys: struct{ tracking.Keys }{},
		Fleet: w.heard, Watcher: struct{ tracking.Watcher }{}, EdgeURL: edgeURL,
		OneOff: tracking.OneOffKey{Number: 1, Private: ed25519.NewKeyFromSeed(make([]byte, 32))},
		NewID:  w.newID, Now: w.clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return out, facts
}

// countedOnce looks whether an import of so many left each thing once.
func (w *world) countedOnce(t *testing.T, all int) {
	t.Helper()
	for what, sql := range map[string]string{
		"links":              `SELECT count(*) FROM identity_link WHERE state = 'linked'`,
		"linked friends":     `SELECT count(*) FROM friend WHERE linked`,
		"friends counted":    `SELECT coalesce(sum(n), 0) FROM friend_total WHERE linked`,
		"friends not linked": `SELECT $1 + coalesce(sum(n), 0) FROM friend_total WHERE NOT linked`,
		"histories":          `SELECT count(*) FROM link_history WHERE step = 'linked'`,
		"timeline rows":      `SELECT count(*) FROM friend_event WHERE kind = 'linked' AND outbox_id IS NOT NULL`,
		"events":             `SELECT count(*) FROM outbox WHERE kind = 'event' AND state = 'waiting'`,
		"properties":         `SELECT count(*) FROM outbox WHERE kind = 'profile' AND state = 'waiting' AND payload_enc <> ''`,
		"links at home":      `SELECT coalesce(sum(n), 0) FROM counter WHERE kind = 'linked'`,
	} {
		var args []any
		if strings.Contains(sql, "$1") {
			args = append(args, all)
		}
		if n := w.count(t, sql, args...); n != all {
			t.Errorf("%s: got %d, want %d", what, n, all)
		}
	}
}

// worked works until a run has ended; time passes only while nothing is due.
func (w *world) worked(t *testing.T, v lumo.RunID) {
	t.Helper()
	for !w.run(t, v).Ended() {
		did, err := w.runs.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !did {
			w.pass(time.Second)
		}
	}
}

// crowd makes friends by the thousand, in transactions of their own.
func (w *world) crowd(t *testing.T, all int) {
	t.Helper()
	const each = 5000
	for from := 0; from < all; from += each {
		err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
			return w.addCrowd(ctx, from, min(from+each, all))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// As if they had come long ago: what the planner knows is what it would know.
	conn, err := pgx.Connect(t.Context(), w.url)
	if err == nil {
		_, err = conn.Exec(t.Context(), "ANALYZE friend")
		conn.Close(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) addCrowd(ctx context.Context, from, to int) error {
	var ids []id.ID
	var sealed, keys [][]byte
	for n := from; n < to; n++ {
		v := w.newID()
		one, err := w.vault.Seal(ctx, w.merchant, "friend", "line_user_enc", v, []byte(user(n)))
		if err != nil {
			return err
		}
		key, err := w.vault.BlindIndex(ctx, w.merchant, "line_user", user(n))
		if err != nil {
			return err
		}
		ids, sealed, keys = append(ids, v), append(sealed, one), append(keys, key)
	}
	_, err := postgres.Tx(ctx).Exec(ctx, `
INSERT INTO friend (merchant_id, channel_id, id, line_user_enc, line_user_bidx, display_name, follow_status,
                    follow_changed_at, consent, created_at, updated_at)
SELECT $1, $2, *, '山田 花子', 'following', now(), 'given', now(), now()
  FROM unnest($3::uuid[], $4::bytea[], $5::bytea[])`, w.merchant, w.channel.ID, ids, sealed, keys)
	return postgres.Fault("test.crowd", err)
}

// spent is processor time, of this process and of the database's for it, and the time of the wall.
type spent struct{ core, database, wall time.Duration }

func (s spent) less(o spent) spent {
	return spent{s.core - o.core, s.database - o.database, s.wall - o.wall}
}

func (s spent) both() time.Duration { return s.core + s.database }

func (w *world) spent(t *testing.T) spent {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	s := spent{core: time.Duration(u.Utime.Nano() + u.Stime.Nano()), wall: time.Duration(time.Now().UnixNano())}
	err := w.db.InTenant(t.Context(), w.merchant, func(ctx context.Context) error {
		rows, _ := postgres.Tx(ctx).Query(ctx, `SELECT pid FROM pg_stat_activity WHERE datname = current_database()`)
		pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
		for _, pid := range pids {
			s.database += ofProcess(pid)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ofProcess is the processor time of another process, where the system tells it in files.
func ofProcess(pid int) time.Duration {
	const tick = 10 * time.Millisecond
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}
