package app

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// memoryGoal is what Go's collector keeps to where the environment sets no GOMEMLIMIT: a
	// module that wastes memory is then met by it sooner.
	memoryGoal = 512 << 20
	// collectAtStart lets the collector wait: what modules are made of is let go all at once.
	collectAtStart = 400
	// garbage is what may lie about before the collector runs, where the environment sets no
	// GOGC, which is a share of what is in use: that share would be little of a small
	// configuration, so that the collector took a tenth of the edge's time, and much of a large
	// one.
	garbage      = 30 << 20
	collectLeast = 20
	lookAtHeap   = time.Second
)

// With 200,000 links and 500 channels an edge takes 135 MB so: 30 of configuration, 30 of
// garbage, 26 of the modules' compiled code, 25 of the program, 13 of the modules' memory.

// limitMemory says what Go's collector keeps to while an edge starts.
func limitMemory() {
	if limit := debug.SetMemoryLimit(-1); limit == math.MaxInt64 {
		debug.SetMemoryLimit(memoryGoal)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAtStart)
	}
}

// paceCollector gives the collector its share as the configuration grows and shrinks, until
// ctx ends. Setting it stops everybody for a moment, so small changes are let be.
func paceCollector(ctx context.Context) error {
	debug.FreeOSMemory() // making the modules took more than keeping them does
	if os.Getenv("GOGC") != "" {
		return nil
	}
	tick := time.NewTicker(lookAtHeap)
	defer tick.Stop()
	live, share := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}, collectAtStart
	for {
		metrics.Read(live)
		wanted := shareOf(live[0].Value.Uint64())
		if max(wanted, share)-min(wanted, share) > share/8 {
			share = wanted
			debug.SetGCPercent(share)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// shareOf is what garbage is of the bytes in use, in percent.
func shareOf(live uint64) int {
	return int(min(max(garbage*100/max(live, 1), collectLeast), collectAtStart))
}
