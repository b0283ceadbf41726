// Package prooftest proves what Lumo promises of its sending, on the whole product: shops with
// many friends, real PostgreSQL, LINE and Klaviyo as their fakes, senders that are killed.
// Its checks read what the vendors took, what the database says and what the console shows,
// and compare all three. Tests and measurements build on the same world.
//
// The invariants, and what shows each:
//
//	I1  what is answered 2xx is in the core once   edge/app, edge/spool: TestAnEdgeFromItsFirstStartToLife..
//	I2  LINE takes nobody's message twice          OnceEach, SameBytes: TestEverybodyGetsItOnce.., TestSoak..
//	I3  everything ends, or is visibly unknown     Ended: the same, TestScenariosHoldWithoutBugs/day
//	I4  LINE = database = Klaviyo = console        Agree: the same
//	I5  nothing of one merchant reaches another    Apart: the same; core/postgres: TestNoTableLetsAnotherTenantIn
//	I6  no secret or person in logs                Silent: the same
//	I7  nothing to who is known to have blocked    OnceEach, with blocked friends among the recipients
//	I8  LINE's limits and the month are kept       Within: the same; TestNothingLeavesBeyondTheMonthAndTheReserve
//	I9  a tap counts once, a crawler's never       Taps: TestACountedCrawlerIsCaught; core/tracking
//	I10 a link changes by a logged step alone      Linked: the same; TestALinkThatChangesWithoutAStepIsCaught; tools/chaos
//	I11 every unknown outcome is visible           Ended: the same
//	I12 the audit log only grows                   core/postgres: TestAuditAndLinkHistoryOnlyGrow
//	I13 goroutines, files and memory return        Usage: TestGoroutinesFilesAndMemoryReturn; tools/chaos
//	I14 the console shows the database             Agree: the same, for the numbers
//
// TestPlantedBugsAreCaught shows that the checks are worth something: each breaks one rule of
// the engine on purpose, and is found.
package prooftest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
	"lumo/core/lumo"
	"lumo/core/postgres"
	"lumo/core/postgres/vault"
	"lumo/core/vendortest"
	"lumo/shared/id"
)

// EdgeURL is where tracked links of the world would lead.
const EdgeURL = "https://l.lumo.example"

// Config says how large a world is.
type Config struct {
	URL     string // of a migrated, empty database
	Shops   int
	Friends int // of each shop
	// LinkEvery and BlockEvery say how many friends are linked to a Klaviyo profile, and have
	// blocked the account: one in so many, 0 = none.
	LinkEvery  int
	BlockEvery int
	Now        func() time.Time // nil = the machine's clock; it moves with Clock
	// OwnClock gives the database a clock that Advance moves. It needs a superuser's URL.
	OwnClock bool
}

// World is shops, their friends, and both vendors.
type World struct {
	Config
	DB      *postgres.DB
	Vault   *vault.Vault
	Clock   *vendortest.Clock
	LINE    *linetest.Server
	Klaviyo *klaviyotest.Server
	Faults  *Chaos // between senders and LINE, and between writers and Klaviyo
	Shops   []*Shop

	lineURL, klaviyoURL string
	stops               []func()
	newID               func() id.ID

	mu     sync.Mutex // guards wanted
	wanted map[string]*Wanted
}

// Shop is a merchant with one LINE account.
type Shop struct {
	Name        string
	Merchant    lumo.MerchantID
	Channel     lumo.Channel
	Account     lumo.AccountID
	Site        string // Klaviyo's name of the account
	Friends     []Friend
	MessagingID string
	byLine      map[lumo.LineUserID]*Friend
}

// Friend is a person of a shop.
type Friend struct {
	ID      lumo.FriendID
	Line    lumo.LineUserID
	Profile lumo.ProfileID // empty = not linked
	Blocked bool
}

// masterKey protects what the world stores; every sender gets it.
func masterKey() []byte { return bytes.Repeat([]byte{7}, 32) }

func masterKeyText() string { return base64.StdEncoding.EncodeToString(masterKey()) }

// New makes a world. Close ends it.
func New(ctx context.Context, c Config) (*World, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	w := &World{Config: c, Clock: vendortest.NewClock(c.Now), Faults: &Chaos{}, newID: idsOf(c.Now),
		wanted: map[string]*Wanted{}}
	return w, w.build(ctx)
}

func (w *World) build(ctx context.Context) (err error) {
	if w.OwnClock {
		if w.URL, err = ownClock(ctx, w.URL); err != nil {
			return err
		}
	}
	if w.DB, err = postgres.Open(ctx, w.URL); err != nil {
		return err
	}
	w.stops = append(w.stops, w.DB.Close)
	if w.Vault, err = vault.New(w.DB, masterKey()); err != nil {
		return err
	}
	if err := w.startVendors(); err != nil {
		return err
	}
	for n := range w.Config.Shops {
		if err := w.addShop(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// Close ends what the world runs.
func (w *World) Close() {
	for i := len(w.stops) - 1; i >= 0; i-- {
		w.stops[i]()
	}
}

// idsOf makes ULIDs that rise even within one millisecond.
func idsOf(now func() time.Time) func() id.ID {
	var mu sync.Mutex
	entropy := ulid.Monotonic(rand.Reader, 0)
	return func() id.ID {
		mu.Lock()
		defer mu.Unlock()
		return id.ID(ulid.MustNew(ulid.Timestamp(now()), entropy))
	}
}

// in runs fn in a transaction of a shop.
func (w *World) in(ctx context.Context, s *Shop, fn func(context.Context) error) error {
	return w.DB.InTenant(ctx, s.Merchant, fn)
}

// Exec runs a statement as a shop; $1 is its merchant.
func (w *World) Exec(ctx context.Context, s *Shop, sql string, args ...any) error {
	return w.in(ctx, s, func(ctx context.Context) error {
		_, err := postgres.Tx(ctx).Exec(ctx, sql, append([]any{s.Merchant}, args...)...)
		return postgres.Fault("prooftest.Exec", err)
	})
}

// number reads one number as a shop; $1 is its merchant.
func (w *World) number(ctx context.Context, s *Shop, sql string, args ...any) (n int64, err error) {
	err = w.in(ctx, s, func(ctx context.Context) error {
		return postgres.Tx(ctx).QueryRow(ctx, sql, append([]any{s.Merchant}, args...)...).Scan(&n)
	})
	return n, postgres.Fault("prooftest.number", err)
}

var errNoAccount = errors.New("klaviyo gave no code")
