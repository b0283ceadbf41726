package replica_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lumo/edge/replica"
	"lumo/shared/edgeapi"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func put(table uint8, key, value string) []byte {
	return edgeapi.Entry{Op: edgeapi.Put, Table: table, Key: []byte(key), Value: []byte(value)}.Append(nil)
}

func flowKey(number uint16, from, until time.Time, secret string) []byte {
	e := edgeapi.KeyEntry{ValidFrom: from.UnixMilli(), Secret: []byte(secret)}
	if !until.IsZero() {
		e.ValidUntil = until.UnixMilli()
	}
	return edgeapi.Entry{Op: edgeapi.Put, Table: edgeapi.TableKey,
		Key: edgeapi.Ref(edgeapi.KeyFlow, number, 7).Append(nil), Value: e.Append(nil)}.Append(nil)
}

func apply(t *testing.T, r *replica.Replica, kind edgeapi.FrameType, version uint64, payload []byte) {
	t.Helper()
	if _, err := r.Apply(edgeapi.Frame{Type: kind, Sequence: version, Payload: payload}); err != nil {
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
		edgeapi.Entry{Op: edgeapi.Put, Table: edgeapi.TableKey, Key: []byte("short"), Value: []byte("x")}.Append(nil)...)
	if _, err := r.Apply(edgeapi.Frame{Type: edgeapi.FrameDelta, Sequence: 1, Payload: bad}); err == nil {
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
		flowKey(3, start.Add(time.Hour), time.Time{}, "later"), flowKey(2, start, time.Time{}, "new")}, nil)
	apply(t, r, edgeapi.FrameDelta, 1, all)
	keys := func(number uint16, at time.Time) string {
		return string(bytes.Join(r.Keys(edgeapi.Ref(edgeapi.KeyFlow, number, 7), at.UnixMilli()), []byte(",")))
	}
	for _, c := range []struct {
		number uint16
		at     time.Time
		want   string
	}{{0, start, "new,old"}, {0, start.Add(2 * time.Hour), "later,new"}, {1, start, "old"}, {1, start.Add(time.Hour), ""}, {9, start, ""}} {
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
		apply(t, r, edgeapi.FrameHeartbeat, 0, edgeapi.Heartbeat{Version: version, UnixMS: uint64(now.UnixMilli())}.Append(nil))
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

func TestKeptReplicaComesBackAndIsUnreadable(t *testing.T) {
	t.Parallel()
	dir, key := t.TempDir(), bytes.Repeat([]byte{1}, 32)
	now := func() time.Time { return start }
	r, err := replica.Open(dir, key, now)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, r, edgeapi.FrameSnapshot, 3, append(put(edgeapi.TableLink, "a", "https://secret.example"), flowKey(1, start, time.Time{}, "k")...))
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
	if look(again, "a") != "https://secret.example" || look(again, "b") != "2" || again.Version() != 4 || again.Fresh() {
		t.Errorf("got a=%q b=%q version %d fresh %v", look(again, "a"), look(again, "b"), again.Version(), again.Fresh())
	}
	if got := len(again.Keys(edgeapi.Ref(edgeapi.KeyFlow, 0, 7), start.UnixMilli())); got != 1 {
		t.Errorf("got %d keys want 1", got)
	}
	stranger, err := replica.Open(dir, bytes.Repeat([]byte{2}, 32), now)
	if err != nil || stranger.Version() != 0 {
		t.Errorf("another key opened it: %v", err)
	}
}

func FuzzApply(f *testing.F) {
	f.Add(uint8(2), put(edgeapi.TableLink, "a", "1"))
	f.Add(uint8(3), edgeapi.Heartbeat{Version: 1, UnixMS: 2}.Append(nil))
	f.Fuzz(func(t *testing.T, kind uint8, payload []byte) {
		r := replica.New(func() time.Time { return start })
		_, _ = r.Apply(edgeapi.Frame{Type: edgeapi.FrameType(kind), Sequence: 1, Payload: payload})
	})
}
