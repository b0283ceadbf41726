package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lumo/edge/edgetest"
	"lumo/edge/wasm"
	"lumo/shared/bundle"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/fault"
)

const (
	hostileDeadline = 50 * time.Millisecond
	neighbourLimit  = 100 * time.Millisecond
	// Compiled code that never loops cannot be interrupted until its stack is used up.
	recursionLimit = 1500 * time.Millisecond
	// What the edge tells Go to keep to, and what the process may have from the system: a
	// stack of 100 MB that is being copied comes on top.
	memoryLimit = 512 << 20
	memoryCap   = memoryLimit + memoryLimit/2

	fewestCalls = 100 // of a neighbour
	tries       = 3   // the machine is shared: the best one counts
	slack       = 10  // by which the limits are wider where other tests run beside this one
)

// One hostile module at a time beside traffic: the process lives, nobody waits long, the
// memory stays under its cap. A busy machine makes neighbours wait, too: what they wait
// without anything hostile is measured first and granted on top, and the limits are ten
// times as wide as they hold on a machine of one's own.
func TestHostileModulesHarmNobody(t *testing.T) { harmNobody(t, slack) }

// The limits as they are promised; nothing else may run on the machine.
func TestSoakHostileModulesHarmNobody(t *testing.T) {
	if os.Getenv("LUMO_SOAK") == "" {
		t.Skip("skipped: exact times need a quiet machine; LUMO_SOAK=1 runs it")
	}
	harmNobody(t, 1)
}

func harmNobody(t *testing.T, slack time.Duration) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryLimit))
	set, hostile := defaultSet(t), edgetest.Hostile()
	maps.Copy(set, hostile)
	set[slowLookups] = edgetest.Asking()
	h := hostOn(t, newSlowWorld(10*hostileDeadline), set, hostileDeadline)
	for name := range set {
		if defaults := bundle.Names(); !slices.Contains(defaults, name) {
			t.Run(name, func(t *testing.T) {
				besideTraffic(t, h, slack, name == "deep recursion", func() { beHostile(t, h, name) })
			})
		}
	}
	for name, file := range edgetest.HostileStarts() {
		t.Run(name, func(t *testing.T) {
			besideTraffic(t, h, slack, name == "deep start", func() { beRefused(t, h, file) })
		})
	}
	debug.FreeOSMemory()
	if used := resident(t); used > notes*memoryLimit {
		t.Errorf("%d MB are in use afterwards", used>>20)
	}
}

// besideTraffic sees what a neighbour and the machine's memory say to something hostile.
func besideTraffic(t *testing.T, h *wasm.Host, slack time.Duration, recurses bool, hostile func()) {
	t.Helper()
	limit := slack * neighbourLimit
	if recurses {
		limit = slack * recursionLimit
	}
	var worst, quiet time.Duration
	mb := peakMB(t, func() {
		for range tries {
			quiet = longest(t, h, func() { idle(t, h) })
			worst = longest(t, h, hostile)
			if worst < limit+quiet {
				break
			}
		}
	})
	if worst >= limit+quiet {
		t.Errorf("a neighbour waited %s, without anything hostile %s", worst, quiet)
	}
	if mb > notes*memoryCap>>20 {
		t.Errorf("%d MB were in use", mb)
	}
	t.Logf("the longest wait: %s, without anything hostile %s; at most %d MB in use", worst, quiet, mb)
}

// beHostile asks more often than there are instances, so that each is met and replaced.
func beHostile(t *testing.T, h *wasm.Host, name string) {
	begun := time.Now()
	for n := 0; n < runtime.GOMAXPROCS(0)+2 || time.Since(begun) < 2*hostileDeadline; n++ {
		call := wasm.Call{Request: hostileRequest()}
		if err := h.Do(context.Background(), name, &call); !errors.Is(err, wasm.ErrUndecided) {
			t.Errorf("got %v want undecided", err)
		}
	}
}

func hostileRequest() edgeapi.Request {
	return edgeapi.Request{Method: edgeapi.GET, Path: []byte("/c/x")}
}

// beRefused offers a set that must not come to decide; the one before goes on.
func beRefused(t *testing.T, h *wasm.Host, file []byte) {
	begun := time.Now()
	if err := h.Swap(context.Background(), map[string][]byte{"bad": file}); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v want invalid", err)
	}
	if took := time.Since(begun); took > notes*soon {
		t.Errorf("it took %s", took)
	}
}

// idle does what lets the machine show how slow it is.
func idle(t *testing.T, h *wasm.Host) {
	c := edgeapitest.CaseOf("line")
	call := wasm.Call{Request: c.Request, Body: c.Body}
	for begun := time.Now(); time.Since(begun) < 2*hostileDeadline; {
		err := h.Do(context.Background(), c.Module, &call)
		if err != nil && !errors.Is(err, wasm.ErrUndecided) { // late on a busy machine
			t.Error(err)
		}
	}
}

// longest is the longest that a click waits while something happens.
func longest(t *testing.T, h *wasm.Host, meanwhile func()) time.Duration {
	t.Helper()
	var stop atomic.Bool
	worst := make(chan time.Duration)
	go func() {
		var longest time.Duration
		c := edgeapitest.CaseOf("link")
		call := wasm.Call{Request: c.Request}
		for n := 0; n < fewestCalls || !stop.Load(); n++ {
			begun := time.Now()
			err := h.Do(context.Background(), c.Module, &call)
			longest = max(longest, time.Since(begun))
			if late := errors.Is(err, wasm.ErrUndecided); err != nil && !late ||
				err == nil && call.Verdict.Status != 302 {
				t.Errorf("status %d, %v", call.Verdict.Status, err)
			}
		}
		worst <- longest
	}()
	meanwhile()
	stop.Store(true)
	return <-worst
}

// resident is the memory that the process has from the system.
func resident(t *testing.T) int { return statusKB(t, "VmRSS") << 10 }

// peakMB is the most memory that the process had from the system while something happened; 0
// where the system does not tell.
func peakMB(t *testing.T, happens func()) int {
	t.Helper()
	const resetPeak = "5"
	err := os.WriteFile("/proc/self/clear_refs", []byte(resetPeak), 0)
	happens()
	if err != nil {
		t.Logf("the memory is not looked at: %v", err)
		return 0
	}
	return statusKB(t, "VmHWM") >> 10
}

// statusKB is a line of what the system says of this process; 0 = it says nothing.
func statusKB(t *testing.T, name string) (kb int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if _, err := fmt.Sscanf(line, name+": %d kB", &kb); err == nil {
			return kb
		}
	}
	return 0
}

const soon = 10 * time.Second

// What a module remembers ends with its instance: at the latest with its next mistake.
func TestAMistakeEndsWhatAModuleRemembers(t *testing.T) {
	t.Parallel()
	h, err := wasm.New(context.Background(), wasm.Config{CacheDir: cacheDir(), Pool: 1,
		Modules: map[string][]byte{"bad": edgetest.Counting()}, Replica: edgeapitest.NewWorld()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	var got []string
	for range 7 {
		call := wasm.Call{Request: edgeapi.Request{Method: edgeapi.GET, Path: []byte("/c/x")}}
		err := h.Do(context.Background(), "bad", &call)
		got = append(got, fmt.Sprint(call.Verdict.Status, err != nil))
	}
	want := "200 false 204 false 0 true 200 false 204 false 0 true 200 false"
	if strings.Join(got, " ") != want {
		t.Errorf("got %s want %s", got, want)
	}
}

// slowWorld is a replica whose look-ups take their time, for hostile requests alone.
type slowWorld struct {
	edgeapitest.World
	key   []byte
	takes time.Duration
}

// slowLookups is the module that meets it.
const slowLookups = "slow look-ups"

func newSlowWorld(takes time.Duration) slowWorld {
	r := hostileRequest()
	return slowWorld{edgeapitest.NewWorld(), r.Append(nil)[:8], takes}
}

func (w slowWorld) Lookup(table uint8, key []byte) ([]byte, bool) {
	if bytes.Equal(key, w.key) {
		<-time.After(w.takes)
	}
	return w.World.Lookup(table, key)
}

func TestSlowHostCallsCountAgainstTheDeadline(t *testing.T) {
	t.Parallel()
	for takes, late := range map[time.Duration]bool{0: false, 20 * hostileDeadline: true} {
		h, err := wasm.New(context.Background(), wasm.Config{CacheDir: cacheDir(), Pool: 1,
			Deadline: hostileDeadline, Modules: map[string][]byte{"bad": edgetest.Asking()},
			Replica: newSlowWorld(takes)})
		if err != nil {
			t.Fatal(err)
		}
		err = ask(t, h)
		if got := errors.Is(err, wasm.ErrUndecided); got != late && !(got && takes == 0) {
			t.Errorf("a look-up of %s: got %v", takes, err)
		}
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
