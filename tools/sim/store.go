package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const pauseBetween = 500 * time.Millisecond

// store keeps the simulator's state in one file, written whole and moved into place.
type store struct {
	sim   *sim
	file  string // empty = nothing is kept
	dirty atomic.Bool
	mu    sync.Mutex // one writer at a time
	first saved      // the state at the first start, for reset
}

// saved is the file.
type saved struct {
	Version int             `json:"version"`
	Offset  time.Duration   `json:"clock_offset"`
	Line    json.RawMessage `json:"line"`
	Klaviyo json.RawMessage `json:"klaviyo"`
}

func newStore(s *sim, dir string) *store {
	st := &store{sim: s}
	if dir != "" {
		st.file = filepath.Join(dir, "state.json")
	}
	return st
}

// touch notes that something changed.
func (st *store) touch() { st.dirty.Store(true) }

// begin remembers the seeded state and takes up the stored one, where there is one.
func (st *store) begin() error {
	first, err := st.snapshot()
	if err != nil {
		return err
	}
	st.first = first
	if st.file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(st.file), 0o755); err != nil {
		return err
	}
	text, err := os.ReadFile(st.file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var s saved
	if err := json.Unmarshal(text, &s); err != nil || s.Version != 1 {
		return fmt.Errorf("%s cannot be read; remove it to begin anew", st.file)
	}
	return st.restore(s)
}

func (st *store) snapshot() (saved, error) {
	line, err := st.sim.line.Snapshot()
	if err != nil {
		return saved{}, err
	}
	klaviyo, err := st.sim.klaviyo.Snapshot()
	if err != nil {
		return saved{}, err
	}
	return saved{1, st.sim.clock.Offset(), line, klaviyo}, nil
}

func (st *store) restore(s saved) error {
	st.sim.clock.Advance(s.Offset - st.sim.clock.Offset())
	if err := st.sim.line.Restore(s.Line); err != nil {
		return err
	}
	return st.sim.klaviyo.Restore(s.Klaviyo)
}

// reset goes back to the state of the first start.
func (st *store) reset() error {
	st.sim.faults.Clear()
	return st.restore(st.first)
}

// Run writes what changed, twice a second at most, and more seldom when that takes long.
func (st *store) Run(ctx context.Context) error {
	pause := time.NewTimer(pauseBetween)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
		begun := time.Now()
		if st.dirty.Load() {
			if err := st.save(); err != nil {
				return err
			}
		}
		pause.Reset(max(pauseBetween, 30*time.Since(begun)))
	}
}

// save writes the state where it is kept.
func (st *store) save() error {
	if st.file == "" {
		return nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.dirty.Store(false)
	s, err := st.snapshot()
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	temporary := st.file + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return fmt.Errorf("store the state: %w", err)
	}
	return os.Rename(temporary, st.file)
}
