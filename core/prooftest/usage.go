package prooftest

import (
	"errors"
	"os"
	"runtime"
)

// Usage is what a process holds.
type Usage struct {
	Goroutines int
	Files      int
	Heap       int64 // bytes that are reachable
}

// Used reads what this process holds now.
func Used() (u Usage, err error) {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return u, errors.New("the system does not tell the open files of a process")
	}
	runtime.GC()
	runtime.GC() // what a finalizer let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Usage{runtime.NumGoroutine(), len(files), int64(m.HeapAlloc)}, nil
}

// Beyond is I13: what is held returns to where it was, give or take a few connections and what
// caches keep.
func (u Usage) Beyond(base, slack Usage) []Problem {
	var f findings
	if u.Goroutines > base.Goroutines+slack.Goroutines {
		f.add("I13", "%d goroutines, there were %d", u.Goroutines, base.Goroutines)
	}
	if u.Files > base.Files+slack.Files {
		f.add("I13", "%d open files, there were %d", u.Files, base.Files)
	}
	if u.Heap > base.Heap+slack.Heap {
		f.add("I13", "%d bytes in memory, there were %d", u.Heap, base.Heap)
	}
	return f.all
}
