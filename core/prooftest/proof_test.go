package prooftest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lumo/core/postgres"
	"lumo/core/postgres/embedded"
	"lumo/core/postgres/postgrestest"
	"lumo/core/prooftest"
)

func TestMain(m *testing.M) {
	if prooftest.IsCore() {
		os.Exit(prooftest.RunCore())
	}
	os.Exit(postgrestest.Main(m))
}

// trial is a world with a database of its own, that can be restarted, and two replicas.
type trial struct {
	*prooftest.World
	t        *testing.T
	database embedded.Config
	server   *embedded.Server
	replicas []*prooftest.Replica
	log      string
	kills    int
	restarts int // of the database
}

func newTrial(t *testing.T, friends int) *trial {
	t.Helper()
	dir, err := os.MkdirTemp("", "lumo-proof-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // the database may run as another user
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	r := &trial{t: t, log: filepath.Join(dir, "core.log"),
		database: embedded.Config{Dir: filepath.Join(dir, "pg"), CacheDir: filepath.Join(cache, "lumo")}}
	if r.server, err = embedded.Start(t.Context(), r.database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.server.Stop() })
	if err := postgres.Migrate(t.Context(), r.server.URL()); err != nil {
		t.Fatal(err)
	}
	r.World, err = prooftest.New(t.Context(), prooftest.Config{URL: r.server.URL(), Shops: 2, Friends: friends, LinkEvery: 20,
		BlockEvery: 50})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	for range 2 {
		replica, err := r.Replica(r.log)
		if err != nil {
			t.Fatal(err)
		}
		r.replicas = append(r.replicas, replica)
		t.Cleanup(func() { replica.Kill() })
	}
	return r
}

// restart ends the database in order, or as a power cut would, and starts it again.
func (r *trial) restart(crash bool) {
	r.t.Helper()
	if crash {
		_ = syscall.Kill(r.server.PID(), syscall.SIGQUIT)
	}
	if err := r.server.Stop(); err != nil {
		r.t.Fatal(err)
	}
	server, err := embedded.Start(context.Background(), r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	r.server = server
	r.restarts++
}

// kill ends one of the replicas and starts it anew.
func (r *trial) kill() {
	r.t.Helper()
	v := r.replicas[rand.IntN(len(r.replicas))]
	v.Kill()
	if err := v.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.kills++
}

// plan has everybody get one message, half of them a personal one, half the same for all,
// and some a message of a flow besides.
func (r *trial) plan(flowEvery int) {
	r.t.Helper()
	ctx := r.t.Context()
	planner, err := r.Engine(ctx, prooftest.EngineConfig{Owner: "planner"})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range r.Shops {
		half := len(s.Friends) / 2
		if err := r.Broadcast(ctx, planner, s, s.Name+"-personal", true, s.Friends[:half]); err != nil {
			r.t.Fatal(err)
		}
		if err := r.Broadcast(ctx, planner, s, s.Name+"-same", false, s.Friends[half:]); err != nil {
			r.t.Fatal(err)
		}
		for i := 0; i < len(s.Friends); i += flowEvery {
			if err := r.Flow(ctx, planner, s, fmt.Sprintf("%s-flow%d", s.Name, i), &s.Friends[i]); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// rest waits until nothing waits any more, doing something every so often. Whatever comes to rest
// before the database ended twice and replicas were killed has proven little.
func (r *trial) rest(every time.Duration, do func(n int)) {
	r.t.Helper()
	tick := time.NewTicker(every)
	defer tick.Stop()
	deadline := time.Now().Add(40 * time.Minute)
	for n := 0; ; n++ {
		<-tick.C
		done, err := r.Rest(r.t.Context())
		if done && err == nil { // an error is the database's restart
			r.t.Logf("at rest after %d looks, %d kills, %d restarts of the database", n, r.kills, r.restarts)
			if r.kills < 2 || r.restarts != 2 {
				r.t.Error("too little went wrong: plan more, or let it go wrong earlier")
			}
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("it does not come to rest: %v", err)
		}
		do(n)
	}
}

func (r *trial) check() {
	r.t.Helper()
	problems, err := r.Check(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	log, err := os.ReadFile(r.log)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range append(problems, r.Silent(log)...) {
		r.t.Error(p)
	}
}

// The short form: a few thousand people, the same faults, each replica killed, leases lost by
// the living, the database ended twice. Waiting times are cut short.
func TestEverybodyGetsItOnceWhateverIsKilled(t *testing.T) {
	t.Parallel()
	r := newTrial(t, 1500)
	r.Faults.NoAnswer, r.Faults.Failing, r.Faults.BurstEvery, r.Faults.Busy = 5, 2, 400, 3
	r.plan(25)
	r.rest(250*time.Millisecond, func(n int) {
		switch {
		case n == 4 || n == 12:
			r.restart(n == 4)
		case n%6 == 2 && n < 20:
			r.kill()
			_ = r.Expire(t.Context())
		default:
			_ = r.Hurry(t.Context())
		}
	})
	r.check()
}

// The long form: 200,000 people, two merchants, replicas killed at random every few seconds,
// the database restarted twice. Nothing is cut short.
func TestSoakTwoHundredThousandGetItOnce(t *testing.T) {
	postgrestest.Soak(t)
	r := newTrial(t, 100_000)
	r.Faults.NoAnswer, r.Faults.Failing, r.Faults.BurstEvery, r.Faults.Busy = 5, 2, 20_000, 3
	begun := time.Now()
	r.plan(200)
	t.Logf("planned after %s", time.Since(begun).Round(time.Second))
	killAt := time.Now().Add(5 * time.Second)
	r.rest(time.Second, func(n int) {
		switch {
		case n == 30 || n == 60:
			r.restart(n == 30)
		case time.Now().After(killAt):
			r.kill()
			killAt = time.Now().Add(2*time.Second + rand.N(10*time.Second))
		case n%30 == 29:
			sums, _ := r.Sums(t.Context(), r.Shops[0])
			t.Logf("after %s: %d kills, %+v", time.Since(begun).Round(time.Second), r.kills, sums)
		}
	})
	t.Logf("at rest after %s, %d kills, 2 restarts of the database, %d requests to LINE", time.Since(begun).Round(time.Second),
		r.kills, len(r.LINE.Attempts()))
	r.check()
	for _, s := range r.Shops {
		sums, err := r.Sums(t.Context(), s)
		t.Logf("%s: %+v %v", s.Name, sums, err)
	}
}
