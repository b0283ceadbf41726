// Package run owns long work of merchants: imports, refreshes, changes of many friends.
//
// What always holds: work goes on in small steps, each committed together with how far it
// got, so that a crash at any moment costs one step that is done again, and nothing is done
// twice; a LINE account does one such work at a time, in the order they were started; whoever
// pauses or stops it is heard before the next step. The package knows no work by itself:
// others bring workers.
package run

import (
	"context"
	"log/slog"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// State is how a run is.
type State string

// The states of a run.
const (
	Waiting State = "waiting" // for its turn
	Running State = "running"
	Paused  State = "paused"
	Stopped State = "stopped"
	Done    State = "done"
	Failed  State = "failed"
)

// For whom or what a run waits.
const (
	WaitsVendor = "vendor" // LINE or Klaviyo asked to go slower, or does not answer
	WaitsSample = "sample" // what was found so far is odd: a person has to look before it goes on
)

// Run is one piece of long work.
type Run struct {
	ID        lumo.RunID
	Merchant  lumo.MerchantID
	Channel   lumo.ChannelID
	Kind      string
	State     State
	Params    map[string]string // ids and fixed words
	Cursor    string            // how far it got, in the worker's own terms
	Total     *int64            // nil = being counted
	Done      int64
	Problems  int64
	Counts    map[string]int64
	Waits     string
	StartedBy lumo.MemberID
	CreatedAt time.Time
	StartedAt time.Time
	EndedAt   time.Time
	UndoneAt  time.Time
	Fence     int64
}

// Ended tells that nothing more will happen.
func (r Run) Ended() bool { return r.State == Stopped || r.State == Done || r.State == Failed }

// Step is what one step did.
type Step struct {
	Cursor   string
	Total    *int64 // nil = as before
	Done     int64  // more than before
	Problems int64
	Counts   map[string]int64
	Ended    bool
	Pause    string        // not empty: the run pauses itself and waits for a person, for this reason
	Wait     time.Duration // until the next step
}

// Worker does the work of one kind.
type Worker interface {
	// Prepare asks vendors what the next step needs. What it answers is run in the
	// transaction that stores how far the run got.
	Prepare(ctx context.Context, r Run) (apply func(ctx context.Context) (Step, error), err error)
}

// Store keeps runs; it runs inside a transaction of the merchant.
type Store interface {
	Add(ctx context.Context, r Run) error
	// Run reads a run and locks it.
	Run(ctx context.Context, m lumo.MerchantID, v lumo.RunID) (Run, error)
	Runs(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kind string, limit int) ([]Run, error)
	// Recent are a merchant's runs that have not ended, and those that ended since a time.
	Recent(ctx context.Context, m lumo.MerchantID, since time.Time, limit int) ([]Run, error)
	// Next is the oldest run whose turn it is, marked as running under a fence.
	Next(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, fence int64, now time.Time) (Run, bool, error)
	Update(ctx context.Context, r Run) error
}

// Turns hands out LINE accounts with work; it needs a transaction without a merchant.
type Turns interface {
	Claim(ctx context.Context, owner string, now time.Time, lease time.Duration) (Turn, bool, error)
	// Extend answers false when the turn went to somebody else.
	Extend(ctx context.Context, t Turn, until time.Time) (bool, error)
	// Release gives the turn back until a time; zero = until somebody hurries.
	Release(ctx context.Context, t Turn, next time.Time) error
	Hurry(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, due time.Time) error
}

// Turn is the right to work for one LINE account.
type Turn struct {
	Merchant lumo.MerchantID
	Channel  lumo.ChannelID
	Fence    int64
}

// Tenants runs units of work.
type Tenants interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
	InSystem(ctx context.Context, fn func(context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Watcher hears that a run is another; inside the transaction.
type Watcher interface {
	RunChanged(ctx context.Context, r Run)
}

// Auditor writes the audit log, inside the transaction.
type Auditor interface {
	Audit(ctx context.Context, e lumo.AuditEntry) error
}

// Config is what the service needs; everything is required.
type Config struct {
	Tenants Tenants
	Store   Store
	Turns   Turns
	Watcher Watcher
	Auditor Auditor
	NewID   func() id.ID
	Now     func() time.Time
	Log     *slog.Logger
	Owner   string // names this process
}

// Service holds the use cases. It is safe for concurrent use once all workers are there.
type Service struct {
	c       Config
	workers map[string]Worker
	bell    chan struct{}
}

// New makes the service without workers.
func New(c Config) (*Service, error) {
	if c.Tenants == nil || c.Store == nil || c.Turns == nil || c.Watcher == nil || c.Auditor == nil || c.NewID == nil ||
		c.Now == nil || c.Log == nil || c.Owner == "" {
		return nil, fault.New(fault.Internal, "run.New", "a dependency is missing")
	}
	return &Service{c: c, workers: map[string]Worker{}, bell: make(chan struct{}, 1)}, nil
}

// Handle gives a kind of run its worker; before Work.
func (s *Service) Handle(kind string, w Worker) { s.workers[kind] = w }

// Start puts a run into its account's queue. It joins the transaction it is called in.
func (s *Service) Start(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kind string,
	params map[string]string, by lumo.MemberID) (Run, error) {
	const op = "run.Start"
	if s.workers[kind] == nil {
		return Run{}, fault.New(fault.Internal, op, "nobody does work of this kind")
	}
	r := Run{ID: lumo.RunID(s.c.NewID()), Merchant: m, Channel: c, Kind: kind, State: Waiting, Params: params,
		Counts: map[string]int64{}, StartedBy: by, CreatedAt: s.c.Now()}
	err := s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if err := s.c.Store.Add(ctx, r); err != nil {
			return err
		}
		return s.told(ctx, r, by, "start")
	})
	return r, fault.Wrap(op, err)
}

// told notes who did what to a run, and has it looked at.
func (s *Service) told(ctx context.Context, r Run, by lumo.MemberID, verb string) error {
	err := s.c.Auditor.Audit(ctx, lumo.AuditEntry{ActorKind: "member", Actor: id.ID(by), Action: "run." + verb,
		TargetKind: "run", Target: r.ID.String(), Data: map[string]any{"kind": r.Kind}})
	if err != nil {
		return err
	}
	return s.wake(ctx, r)
}

// wake has somebody look at the account's queue once the transaction stands.
func (s *Service) wake(ctx context.Context, r Run) error {
	s.c.Watcher.RunChanged(ctx, r)
	s.c.Tenants.AfterCommit(ctx, func() {
		select {
		case s.bell <- struct{}{}:
		default:
		}
	})
	return s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		return s.c.Turns.Hurry(ctx, r.Merchant, r.Channel, s.c.Now())
	})
}

// Run reads one run of a LINE account.
func (s *Service) Run(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID) (r Run, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		r, err = s.of(ctx, m, c, v)
		return err
	})
	return r, fault.Wrap("run.Run", err)
}

func (s *Service) of(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID) (Run, error) {
	r, err := s.c.Store.Run(ctx, m, v)
	if err == nil && r.Channel != c {
		err = fault.New(fault.NotFound, "run.of", "This run does not exist.")
	}
	return r, err
}

// Runs are an account's newest runs, of one kind or of all.
func (s *Service) Runs(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, kind string) (all []Run, err error) {
	const most = 50
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		all, err = s.c.Store.Runs(ctx, m, c, kind, most)
		return err
	})
	return all, fault.Wrap("run.Runs", err)
}

// Recent are a merchant's runs on all its accounts that go on, or ended in the last hour.
func (s *Service) Recent(ctx context.Context, m lumo.MerchantID) (all []Run, err error) {
	const most = 50
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		all, err = s.c.Store.Recent(ctx, m, s.c.Now().Add(-time.Hour), most)
		return err
	})
	return all, fault.Wrap("run.Recent", err)
}

// Pause holds a run before its next step; Resume lets it go on; Stop ends it for good. What
// was done stays.
func (s *Service) Pause(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, by lumo.MemberID) (
	Run, error) {
	return s.turn(ctx, m, c, v, by, "pause", Paused, Waiting, Running)
}

// Resume lets a paused or failed run go on where it was.
func (s *Service) Resume(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, by lumo.MemberID) (
	Run, error) {
	return s.turn(ctx, m, c, v, by, "resume", Waiting, Paused, Failed)
}

// Reopen lets a run that is done go on with what was left open. change says what is to be
// done, and may refuse.
func (s *Service) Reopen(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, by lumo.MemberID,
	change func(*Run) error) (r Run, err error) {
	const op = "run.Reopen"
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if r, err = s.of(ctx, m, c, v); err != nil {
			return err
		}
		if r.State != Done {
			return fault.New(fault.Conflict, op, "This work has not ended yet.")
		}
		if err := change(&r); err != nil {
			return err
		}
		r.State, r.EndedAt = Waiting, time.Time{}
		if err := s.c.Store.Update(ctx, r); err != nil {
			return err
		}
		return s.told(ctx, r, by, "reopen")
	})
	return r, fault.Wrap(op, err)
}

// Stop ends a run.
func (s *Service) Stop(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, by lumo.MemberID) (
	Run, error) {
	return s.turn(ctx, m, c, v, by, "stop", Stopped, Waiting, Running, Paused)
}

// turn changes a run's state by hand, from one of those it may be in.
func (s *Service) turn(ctx context.Context, m lumo.MerchantID, c lumo.ChannelID, v lumo.RunID, by lumo.MemberID,
	verb string, to State, from ...State) (r Run, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		if r, err = s.of(ctx, m, c, v); err != nil || r.State == to {
			return err
		}
		for _, one := range from {
			if r.State == one {
				r.State, r.Waits = to, ""
				if r.EndedAt = (time.Time{}); r.Ended() {
					r.EndedAt = s.c.Now()
				}
				if err := s.c.Store.Update(ctx, r); err != nil {
					return err
				}
				return s.told(ctx, r, by, verb)
			}
		}
		return fault.New(fault.Conflict, "run.turn", "This work has ended already.")
	})
	return r, fault.Wrap("run.turn", err)
}
