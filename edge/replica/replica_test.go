package replica_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
	"unsafe"

	"lumo/edge/replica"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func put(table uint8, key, value string) []byte {
	return edgeapi.Entry{Op: edgeapi.Put, Table: table, Key: []byte(key),
		Value: []byte(value)}.Append(nil)
}

func flowKey(number uint16, from, until time.Time, secret string) []byte {
	e := edgeapi.KeyEntry{ValidFrom: from.UnixMilli(), Secret: []byte(secret)}
	if !until.IsZero() {
		e.ValidUntil = until.UnixMilli()
	}
	return edgeapi.Entry{Op: edgeapi.Put, Table: edgeapi.TableKey,
		Key: edgeapi.Ref(edgeapi.KeyFlow, number, 7).Append(nil), Value: e.Append(nil)}.Append(nil)
}

func apply(t *testing.T, r *replica.Replica, kind edgeapi.FrameType, version uint64,
	payload []byte) {
	t.Helper()
	if _, err := r.Apply(edgeapi.Frame{Type: kind, Sequence: version,
		Payload: payload}); err != nil {
		t.Fatal(err)
	}
}

func look(r *replica.Replica, key string) string {
	value, _ := r.Lookup(edgeapi.TableLink, []byte(key))
	return string(value)
}

func TestSnapshotReplacesEverythingAtItsEnd(t *testing.T) {
	t.Parallel()
	r := replica.New(func() time.Time { return start })
	apply(t, r, edgeapi.FrameSnapshot, 3, put(edgeapi.TableLink, "a", "1"))
	if got := look(r, "a"); got != "" {
		t.Errorf("a part was visible before the end: %q", got)
	}
	apply(t, r, edgeapi.FrameSnapshot, 3, nil)
	apply(t, r, edgeapi.FrameSnapshot, 5, put(edgeapi.TableLink, "b", "2"))
	apply(t, r, edgeapi.FrameSnapshot, 5, nil)
	if look(r, "a") != "" || look(r, "b") != "2" || r.Version() != 5 {
		t.Errorf("got a=%q b=%q version %d", look(r, "a"), look(r, "b"), r.Version())
	}
}

func TestABadDeltaChangesNothing(t *testing.T) {
	t.Parallel()
	r := replica.New(func() time.Time { return start })
	bad := append(put(edgeapi.TableLink, "a", "1"),
		edgeapi.Entry{Op: edgeapi.Put, Table: edgeapi.TableKey, Key: []byte("short"),
			Value: []byte("x")}.Append(nil)...)
	if _, err := r.Apply(edgeapi.Frame{Type: edgeapi.FrameDelta, Sequence: 1,
		Payload: bad}); err == nil {
		t.Fatal("a broken delta was taken")
	}
	if look(r, "a") != "" || r.Version() != 0 {
		t.Error("half of a delta was applied")
	}
}

func TestKeysOfZeroAreEachValidOneNewestFirst(t *testing.T) {
	t.Parallel()
	r := replica.New(func() time.Time { return start })
	all := bytes.Join([][]byte{flowKey(1, start.Add(-time.Hour), start.Add(time.Hour), "old"),
		flowKey(3, start.Add(time.Hour), time.Time{}, "later"), flowKey(2, start, time.Time{},
			"new")}, nil)
	apply(t, r, edgeapi.FrameDelta, 1, all)
	keys := func(number uint16, at time.Time) string {
		return string(bytes.Join(r.Keys(edgeapi.Ref(edgeapi.KeyFlow, number, 7), at.UnixMilli()),
			[]byte(",")))
	}
	for _, c := range []struct {
		number uint16
		at     time.Time
		want   string
	}{{0, start, "new,old"}, {0, start.Add(2 * time.Hour), "later,new"}, {1, start, "old"},
		{1, start.Add(time.Hour), ""}, {9, start, ""}} {
		if got := keys(c.number, c.at); got != c.want {
			t.Errorf("key %d at %s: got %q want %q", c.number, c.at, got, c.want)
		}
	}
}

func TestLeaseNeedsAFreshHeartbeatAndNoGap(t *testing.T) {
	t.Parallel()
	now := start
	r := replica.New(func() time.Time { return now })
	beat := func(version uint64) {
		apply(t, r, edgeapi.FrameHeartbeat, 0, edgeapi.Heartbeat{Version: version,
			UnixMS: uint64(now.UnixMilli())}.Append(nil))
	}
	if r.Fresh() {
		t.Error("fresh before the first heartbeat")
	}
	beat(0)
	if !r.Fresh() {
		t.Error("not fresh after a heartbeat")
	}
	now = now.Add(replica.LeaseLife)
	if r.Fresh() {
		t.Error("fresh after five seconds of silence")
	}
	beat(4)
	if r.Fresh() {
		t.Error("fresh although a newer configuration exists")
	}
	apply(t, r, edgeapi.FrameDelta, 4, put(edgeapi.TableLink, "a", "1"))
	if !r.Fresh() {
		t.Error("not fresh after catching up")
	}
	r.Lapse()
	if r.Fresh() {
		t.Error("fresh after the stream broke")
	}
}

// wallSet is a moment as a machine tells it whose wall clock was set meanwhile: its monotonic
// clock went on. Nobody can set a clock in a test, so the moment's seconds are changed where
// package time keeps them; the caller sees whether that worked.
func wallSet(at time.Time, by time.Duration) time.Time {
	const nanoBits = 30
	*(*uint64)(unsafe.Pointer(&at)) += uint64(int64(by/time.Second)) << nanoBits
	return at
}

// Setting the wall clock, forward or back, neither ends a lease nor lengthens one, and the
// core's time is right again with the next heartbeat.
func TestALeaseGoesByTheMonotonicClock(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{time.Hour, -time.Hour, 0} {
		begun, passed, set := time.Now(), time.Duration(0), time.Duration(0)
		r := replica.New(func() time.Time { return wallSet(begun.Add(passed), set) })
		core := func() time.Time { return begun.Add(passed).Round(time.Millisecond) }
		beat := func() {
			apply(t, r, edgeapi.FrameHeartbeat, 0, edgeapi.Heartbeat{UnixMS: uint64(core().UnixMilli())}.Append(nil))
		}
		beat()
		passed, set = replica.LeaseLife-time.Millisecond, by
		now := wallSet(begun.Add(passed), set)
		if now.Sub(begun) != passed || now.Round(0).Sub(begun.Round(0)) != passed+by {
			t.Fatalf("the wall clock was not set: %s", now)
		}
		if !r.Fresh() {
			t.Errorf("set by %s the lease ends early", by)
		}
		passed = replica.LeaseLife
		if r.Fresh() {
			t.Errorf("set by %s the lease is longer", by)
		}
		beat()
		if off := r.CoreTime().Round(0).Sub(core()).Abs(); !r.Fresh() || off > 2*time.Millisecond {
			t.Errorf("set by %s: after a heartbeat core time is off by %s", by, off)
		}
	}
}

func TestKeptReplicaComesBackAndIsUnreadable(t *testing.T) {
	t.Parallel()
	dir, key := t.TempDir(), bytes.Repeat([]byte{1}, 32)
	now := func() time.Time { return start }
	r, err := replica.Open(dir, key, now)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, r, edgeapi.FrameSnapshot, 3, append(put(edgeapi.TableLink, "a",
		"https://secret.example"), flowKey(1, start, time.Time{}, "k")...))
	apply(t, r, edgeapi.FrameSnapshot, 3, nil)
	apply(t, r, edgeapi.FrameDelta, 4, put(edgeapi.TableLink, "b", "2"))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"snapshot", "changes"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || bytes.Contains(b, []byte("secret")) {
			t.Errorf("%s is readable: %v", name, err)
		}
	}
	again, err := replica.Open(dir, key, now)
	if err != nil {
		t.Fatal(err)
	}
	if look(again, "a") != "https://secret.example" || look(again, "b") != "2" ||
		again.Version() != 4 || again.Fresh() {
		t.Errorf("got a=%q b=%q version %d fresh %v", look(again, "a"), look(again, "b"),
			again.Version(), again.Fresh())
	}
	if got := len(again.Keys(edgeapi.Ref(edgeapi.KeyFlow, 0, 7), start.UnixMilli())); got != 1 {
		t.Errorf("got %d keys want 1", got)
	}
	stranger, err := replica.Open(dir, bytes.Repeat([]byte{2}, 32), now)
	if err != nil || stranger.Version() != 0 {
		t.Errorf("another key opened it: %v", err)
	}
}

func keep(t *testing.T, dir string) *replica.Replica {
	t.Helper()
	r, err := replica.Open(dir, bytes.Repeat([]byte{1}, 32), func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestHalfASnapshotIsForgottenWithItsStream(t *testing.T) {
	t.Parallel()
	r := replica.New(func() time.Time { return start })
	apply(t, r, edgeapi.FrameSnapshot, 3, put(edgeapi.TableLink, "deleted meanwhile", "1"))
	r.Lapse()
	apply(t, r, edgeapi.FrameSnapshot, 5, put(edgeapi.TableLink, "b", "2"))
	apply(t, r, edgeapi.FrameSnapshot, 5, nil)
	if look(r, "deleted meanwhile") != "" || look(r, "b") != "2" {
		t.Error("two snapshots were mixed")
	}
}

func TestAVersionThatNeverCameIsAGap(t *testing.T) {
	t.Parallel()
	r := replica.New(func() time.Time { return start })
	beat := edgeapi.Frame{Type: edgeapi.FrameHeartbeat,
		Payload: edgeapi.Heartbeat{Version: 4}.Append(nil)}
	for turn, want := range []bool{false, true} {
		if gap, err := r.Apply(beat); gap != want || err != nil {
			t.Errorf("heartbeat %d: gap %v want %v (%v)", turn, gap, want, err)
		}
	}
	apply(t, r, edgeapi.FrameDelta, 4, nil)
	if gap, err := r.Apply(beat); gap || err != nil {
		t.Errorf("after catching up: gap %v (%v)", gap, err)
	}
}

func TestTornChangesAreCutOffAndLaterOnesKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := keep(t, dir)
	apply(t, r, edgeapi.FrameSnapshot, 1, put(edgeapi.TableLink, "a", "1"))
	apply(t, r, edgeapi.FrameSnapshot, 1, nil)
	apply(t, r, edgeapi.FrameDelta, 2, put(edgeapi.TableLink, "b", "2"))
	apply(t, r, edgeapi.FrameDelta, 3, put(edgeapi.TableLink, "c", "3"))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "changes"))
	if err != nil || os.Truncate(filepath.Join(dir, "changes"), info.Size()-3) != nil {
		t.Fatal(err)
	}
	r = keep(t, dir)
	if look(r, "b") != "2" || look(r, "c") != "" || r.Version() != 2 {
		t.Errorf("got b=%q c=%q version %d", look(r, "b"), look(r, "c"), r.Version())
	}
	apply(t, r, edgeapi.FrameDelta, 3, put(edgeapi.TableLink, "c", "3"))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if r = keep(t, dir); look(r, "c") != "3" || r.Version() != 3 {
		t.Errorf("got c=%q version %d", look(r, "c"), r.Version())
	}
}

func TestADamagedSnapshotIsNoConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := keep(t, dir)
	apply(t, r, edgeapi.FrameSnapshot, 1, put(edgeapi.TableLink, "a", "1"))
	apply(t, r, edgeapi.FrameSnapshot, 1, nil)
	apply(t, r, edgeapi.FrameDelta, 2, put(edgeapi.TableLink, "b", "2"))
	name := filepath.Join(dir, "snapshot")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := keep(t, dir); look(r, "b") != "" || r.Version() != 0 {
		t.Errorf("changes without their snapshot count: version %d", r.Version())
	}
}

func TestADiskThatFailsStopsNoConfiguration(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "replica")
	r := keep(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	apply(t, r, edgeapi.FrameSnapshot, 1, put(edgeapi.TableLink, "a", "1"))
	apply(t, r, edgeapi.FrameSnapshot, 1, nil)
	if look(r, "a") != "1" || !r.Failing() {
		t.Errorf("got a=%q failing %v", look(r, "a"), r.Failing())
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	apply(t, r, edgeapi.FrameDelta, 2, put(edgeapi.TableLink, "b", "2"))
	if r.Failing() {
		t.Error("it did not recover")
	}
	if again := keep(t, dir); look(again, "a") != "1" || look(again, "b") != "2" {
		t.Error("what was missing is not on disk")
	}
}

func TestReadersSeeOneConfigurationOrTheOther(t *testing.T) {
	t.Parallel()
	r := replica.New(func() time.Time { return start })
	var group sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_ = r.Keys(edgeapi.Ref(edgeapi.KeyFlow, 0, 7), start.UnixMilli())
				if v := look(r, "a"); v != "" && v != "1" && v != "2" {
					t.Errorf("got %q", v)
				}
			}
		})
	}
	for v := uint64(1); v < 400; v++ {
		value := []string{"1", "2"}[v%2]
		apply(t, r, edgeapi.FrameDelta, v, append(put(edgeapi.TableLink, "a", value),
			flowKey(1, start, time.Time{}, value)...))
	}
	close(stop)
	group.Wait()
}

func TestReadingKeysAllocatesNothing(t *testing.T) {
	r := replica.New(func() time.Time { return start })
	apply(t, r, edgeapi.FrameDelta, 1, flowKey(1, start, time.Time{}, "k"))
	ref, at := edgeapi.Ref(edgeapi.KeyFlow, 1, 7), start.UnixMilli()
	if got := testing.AllocsPerRun(100, func() { _ = r.Keys(ref, at) }); got != 0 {
		t.Errorf("got %v allocations", got)
	}
}

func TestTheKeyIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new", "edge.key")
	first, err := replica.LoadKey(file)
	if err != nil {
		t.Fatal(err)
	}
	second, err := replica.LoadKey(file)
	if err != nil || !bytes.Equal(first, second) || len(first) != 32 {
		t.Errorf("got another key: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", err)
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := replica.LoadKey(file); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v want invalid", err)
	}
}
