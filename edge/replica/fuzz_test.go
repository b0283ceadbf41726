package replica_test

import (
	"encoding/binary"
	"testing"
	"time"

	"lumo/edge/replica"
	"lumo/shared/edgeapi"
)

// A script is frames in a row: type, number, length, payload.
func script(frames ...edgeapi.Frame) (out []byte) {
	for _, f := range frames {
		out = append(out, byte(f.Type), byte(f.Sequence))
		out = append(binary.AppendUvarint(out, uint64(len(f.Payload))), f.Payload...)
	}
	return out
}

func nextFrame(script []byte) (f edgeapi.Frame, rest []byte) {
	if len(script) < 3 {
		return f, nil
	}
	f.Type, f.Sequence = edgeapi.FrameType(script[0]), uint64(script[1])
	length, n := binary.Uvarint(script[2:])
	if n <= 0 {
		return f, nil
	}
	rest = script[2+n:]
	length = min(length, uint64(len(rest)))
	f.Payload = rest[:length]
	return f, rest[length:]
}

// state is what anybody can see of a replica.
type state struct {
	version uint64
	rows    [edgeapi.TableKey]int
	link    string
	keys    int
}

func stateOf(r *replica.Replica) (s state) {
	s.version = r.Version()
	for table := edgeapi.TableHook; table < edgeapi.TableKey; table++ {
		s.rows[table] = r.Size(table)
	}
	s.link, s.keys = look(r, "a"), len(r.Keys(edgeapi.Ref(edgeapi.KeyFlow, 0, 7), start.UnixMilli()))
	return s
}

// Whatever the stream brings, frame after frame: a frame that is refused changes nothing, nor
// does what is known already, only a snapshot leads back, and a lease is never fresh below the version that the core told of.
func FuzzApply(f *testing.F) {
	a, b := put(edgeapi.TableLink, "a", "1"), put(edgeapi.TableLink, "a", "2")
	key := flowKey(1, start, time.Time{}, "secret")
	beat := func(version uint64) []byte { return edgeapi.Heartbeat{Version: version, UnixMS: 2}.Append(nil) }
	whole := []edgeapi.Frame{{Type: edgeapi.FrameSnapshot, Sequence: 3, Payload: a},
		{Type: edgeapi.FrameSnapshot, Sequence: 3, Payload: key}, {Type: edgeapi.FrameSnapshot, Sequence: 3}}
	f.Add(script(whole...))
	f.Add(script(append(whole, edgeapi.Frame{Type: edgeapi.FrameDelta, Sequence: 4, Payload: b},
		edgeapi.Frame{Type: edgeapi.FrameHeartbeat, Payload: beat(4)},
		edgeapi.Frame{Type: edgeapi.FrameDelta, Sequence: 4, Payload: a},
		edgeapi.Frame{Type: edgeapi.FrameDelta, Sequence: 6, Payload: b[:len(b)-1]},
		edgeapi.Frame{Type: edgeapi.FrameHeartbeat, Payload: beat(7)},
		edgeapi.Frame{Type: edgeapi.FrameHeartbeat, Payload: beat(7)})...))
	f.Add(script(append(append(whole[:2:2], edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: 3, Payload: a[:3]},
		edgeapi.Frame{Type: edgeapi.FrameAck, Sequence: 9}), whole...)...))
	f.Add(script(append(whole, edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: 1, Payload: b},
		edgeapi.Frame{Type: edgeapi.FrameSnapshot, Sequence: 1})...))
	f.Fuzz(func(t *testing.T, script []byte) {
		r, told := replica.New(func() time.Time { return start }), uint64(0)
		for len(script) > 0 {
			var frame edgeapi.Frame
			frame, script = nextFrame(script)
			before := stateOf(r)
			_, err := r.Apply(frame)
			after := stateOf(r)
			if err != nil && after != before {
				t.Fatalf("frame %d was refused (%v) and changed %+v to %+v", frame.Type, err, before, after)
			}
			if after.version < before.version && frame.Type != edgeapi.FrameSnapshot {
				t.Fatalf("frame %d led from version %d back to %d", frame.Type, before.version, after.version)
			}
			if frame.Type == edgeapi.FrameDelta && frame.Sequence <= before.version && after != before {
				t.Fatalf("what came before changed %+v to %+v", before, after)
			}
			if err == nil && frame.Type == edgeapi.FrameHeartbeat {
				h, _ := edgeapi.ParseHeartbeat(frame.Payload)
				told = h.Version
			}
			if r.Fresh() && after.version < told {
				t.Fatalf("fresh at version %d, the core told of %d", after.version, told)
			}
		}
	})
}
