package fleet

import (
	"context"
	"sync"
	"time"

	"lumo/shared/fault"
	"lumo/shared/id"
)

// Actions of the log: what operators did and what became of edges.
const (
	ActionCode       = "code_made"
	ActionEnrolled   = "enrolled"
	ActionConnected  = "connected"
	ActionWent       = "went"
	ActionRevoked    = "revoked"
	ActionPublished  = "modules_published"
	ActionRolledBack = "modules_rolled_back"
	ActionModules    = "modules_decide"  // another set decides at an edge
	ActionRefused    = "modules_refused" // an edge refused a set
	ActionTrouble    = "trouble"         // an edge has trouble, or none any more
	ActionStopped    = "sending_stopped"
	ActionResumed    = "sending_resumed"
)

// Entry is a line of the log.
type Entry struct {
	ID       id.ID
	Edge     id.ID // zero = of no edge
	Operator id.ID // zero = the command line, or nobody
	Action   string
	Data     map[string]any // names, numbers, sentences; nothing secret
	At       time.Time
}

// Minute is what an edge did in one minute.
type Minute struct {
	At            time.Time
	Events        uint64 // that the core took
	Waiting       uint64 // most that waited at the edge
	OldestSeconds uint64
}

// HistoryStore keeps the log and what charts draw; its methods run inside a transaction
// without a merchant.
type HistoryStore interface {
	Note(ctx context.Context, e Entry) error
	// Log reads an edge's entries, newest first; with the zero id what operators did, and all
	// else that is of no edge.
	Log(ctx context.Context, edge id.ID, limit int) ([]Entry, error)
	// Took adds to an edge's minute.
	Took(ctx context.Context, edge id.ID, minute time.Time, events uint64) error
	// Minutes are those of an edge since a time, in order; the zero id is all edges' since.
	Minutes(ctx context.Context, edge id.ID, since time.Time) (map[id.ID][]Minute, error)
}

// note writes a line of the log, inside the transaction of what it tells of.
func (s *Service) note(ctx context.Context, e Entry) error {
	e.ID, e.At = s.c.NewID(), s.c.Now()
	return s.c.Store.Note(ctx, e)
}

// Stopped notes that an operator stopped all sending.
func (s *Service) Stopped(ctx context.Context, operator id.ID, reason string) error {
	return s.note(ctx, Entry{Operator: operator, Action: ActionStopped, Data: map[string]any{"reason": reason}})
}

// Resumed notes that an operator let sending go on.
func (s *Service) Resumed(ctx context.Context, operator id.ID) error {
	return s.note(ctx, Entry{Operator: operator, Action: ActionResumed})
}

const logLength = 100

// Operations is what operators did last, newest first.
func (s *Service) Operations(ctx context.Context) (log []Entry, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		log, err = s.c.Store.Log(ctx, id.ID{}, logLength)
		return err
	})
	return log, fault.Wrap("fleet.Operations", err)
}

// History is what became of an edge in the last 24 hours, and its log.
func (s *Service) History(ctx context.Context, edge id.ID) (minutes []Minute, log []Entry, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		all, err := s.c.Store.Minutes(ctx, edge, s.c.Now().Add(-24*time.Hour))
		if err != nil {
			return err
		}
		minutes = all[edge]
		log, err = s.c.Store.Log(ctx, edge, logLength)
		return err
	})
	return minutes, log, fault.Wrap("fleet.History", err)
}

// Aside counts what an edge brought and nobody could take, by problem, the most frequent first.
// It is kept for 30 days.
func (s *Service) Aside(ctx context.Context, edge id.ID) (all []Aside, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		all, err = s.c.Store.Aside(ctx, edge)
		return err
	})
	return all, fault.Wrap("fleet.Aside", err)
}

// Rates are what all edges did in the last hour, by edge.
func (s *Service) Rates(ctx context.Context) (all map[id.ID][]Minute, err error) {
	err = s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		all, err = s.c.Store.Minutes(ctx, id.ID{}, s.c.Now().Add(-time.Hour))
		return err
	})
	return all, fault.Wrap("fleet.Rates", err)
}

// tallies counts events by edge and minute until they are stored. What a process had not
// stored when it was killed is missing in charts, nowhere else.
type tallies struct {
	mu sync.Mutex // guards n
	n  map[tallyKey]uint64
}

type tallyKey struct {
	edge   id.ID
	minute time.Time
}

func (t *tallies) add(edge id.ID, at time.Time, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[tallyKey]uint64{}
	}
	t.n[tallyKey{edge, at.Truncate(time.Minute)}] += uint64(n)
}

func (t *tallies) take() map[tallyKey]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.n
	t.n = nil
	return out
}

// Took counts events that an edge brought.
func (s *Service) Took(edge id.ID, n int) { s.taken.add(edge, s.c.Now(), n) }

// storeTallies writes down what was counted.
func (s *Service) storeTallies(ctx context.Context) {
	counted := s.taken.take()
	if len(counted) == 0 {
		return
	}
	err := s.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		for at, n := range counted {
			if err := s.c.Store.Took(ctx, at.edge, at.minute, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "charts of edges miss some events", "error", err)
	}
}
