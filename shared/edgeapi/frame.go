package edgeapi

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// MaxFrame is the most bytes a stream message may have.
const MaxFrame = 1 << 20

// FrameType is what a message of the configuration stream is.
type FrameType uint8

// The types of frames. A snapshot's last part is the one without entries.
const (
	FrameSnapshot  FrameType = 1
	FrameDelta     FrameType = 2
	FrameHeartbeat FrameType = 3
	FrameAck       FrameType = 4
	FrameStatus    FrameType = 5
	FrameModules   FrameType = 6
)

const (
	frameVersion = 1
	frameHead    = 10
)

// Frame is one message of the stream. Sequence is the configuration version it brings an
// edge to; in an ack it is the version that was applied.
type Frame struct {
	Type     FrameType
	Sequence uint64
	Payload  []byte
}

// Append adds the frame's bytes.
func (f Frame) Append(dst []byte) []byte {
	dst = append(dst, frameVersion, byte(f.Type))
	return append(binary.LittleEndian.AppendUint64(dst, f.Sequence), f.Payload...)
}

// ParseFrame reads one message; the payload aliases b.
func ParseFrame(b []byte) (Frame, error) {
	if len(b) < frameHead || len(b) > MaxFrame || b[0] != frameVersion ||
		b[1] < byte(FrameSnapshot) || b[1] > byte(FrameModules) {
		return Frame{}, malformed("edgeapi.ParseFrame")
	}
	return Frame{
		Type:     FrameType(b[1]),
		Sequence: binary.LittleEndian.Uint64(b[2:]),
		Payload:  b[frameHead:],
	}, nil
}

// Operation is what an entry does to a table.
type Operation uint8

// The operations.
const (
	Put    Operation = 1
	Delete Operation = 2
)

// Entry is one change of one table.
type Entry struct {
	Op    Operation
	Table uint8
	Key   []byte
	Value []byte // empty for Delete
}

// Append adds the entry's bytes.
func (e Entry) Append(dst []byte) []byte {
	dst = append(dst, byte(e.Op), e.Table)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(e.Key)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(e.Value)))
	return append(append(dst, e.Key...), e.Value...)
}

// ParseEntries reads the payload of a snapshot part or delta; keys and values alias b.
func ParseEntries(b []byte) ([]Entry, error) {
	var entries []Entry
	for r := (reader{rest: b}); len(r.rest) > 0; {
		e := Entry{Op: Operation(r.byte()), Table: r.byte()}
		keyLength, valueLength := int(r.uint16()), int(r.uint32())
		e.Key, e.Value = r.take(keyLength), r.take(valueLength)
		if r.short || e.Op < Put || e.Op > Delete || e.Table < TableHook || e.Table > TableKey ||
			len(e.Key) == 0 {
			return nil, malformed("edgeapi.ParseEntries")
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Heartbeat says each second which configuration is newest and what time it is.
type Heartbeat struct {
	Version uint64
	UnixMS  uint64 // core time
}

// Append adds the heartbeat's payload.
func (h Heartbeat) Append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(
		binary.LittleEndian.AppendUint64(dst, h.Version),
		h.UnixMS,
	)
}

// ParseHeartbeat reads a heartbeat's payload.
func ParseHeartbeat(b []byte) (Heartbeat, error) {
	r := reader{rest: b}
	h := Heartbeat{Version: r.uint64(), UnixMS: r.uint64()}
	return h, r.end("edgeapi.ParseHeartbeat")
}

// ModuleSet is what a frame of FrameModules brings when a stream begins and whenever another
// set is published: the manifest of package bundle and its signature. Files come by their
// hash, GET /edge/v1/modules/{sha256}. An edge takes a set only of a higher version.
type ModuleSet struct {
	Signature [64]byte
	Manifest  []byte
}

// Append adds the set's payload.
func (m ModuleSet) Append(dst []byte) []byte {
	return append(append(dst, m.Signature[:]...), m.Manifest...)
}

// ParseModuleSet reads a set's payload; the manifest aliases b. Nothing is verified.
func ParseModuleSet(b []byte) (ModuleSet, error) {
	r := reader{rest: b}
	var m ModuleSet
	copy(m.Signature[:], r.take(len(m.Signature)))
	m.Manifest = r.take(len(r.rest))
	if len(m.Manifest) == 0 {
		r.short = true
	}
	return m, r.end("edgeapi.ParseModuleSet")
}

// Trouble is what is wrong with an edge that works all the same.
type Trouble uint8

// The troubles, one bit each.
const (
	TroubleSpool   Trouble = 1 << 0 // the spool cannot be written or is full
	TroubleReplica Trouble = 1 << 1 // the configuration is not kept on disk
	TroubleModules Trouble = 1 << 2 // the newest module set was refused
)

// Names are the troubles in words of the API, none for none.
func (t Trouble) Names() []string {
	names := []string{}
	for _, one := range []struct {
		bit  Trouble
		name string
	}{{TroubleSpool, "spool"}, {TroubleReplica, "replica"}, {TroubleModules, "modules"}} {
		if t&one.bit != 0 {
			names = append(names, one.name)
		}
	}
	return names
}

// maxText bounds the texts in a status.
const maxText = 200

// Status is what an edge tells of itself now and then.
type Status struct {
	WaitingEvents uint64
	OldestSeconds uint64
	Modules       uint64 // version of the module set that decides, 0 = the built-in one
	Trouble       Trouble
	Refused       uint64  // version of the newest set that was refused, 0 = none or unreadable
	SpoolBytes    uint64  // that wait on disk
	SpoolLimit    uint64  // most bytes that may
	Served        uint64  // requests answered since the program started
	Program       string  // version of the program
	Refusal       Refusal // why the newest set was refused, 0 = it was not
	Detail        string  // what exactly happened, technical; texts have at most 200 bytes
}

// Append adds the status's payload.
func (s Status) Append(dst []byte) []byte {
	for _, v := range []uint64{s.WaitingEvents, s.OldestSeconds, s.Modules} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	dst = append(dst, byte(s.Trouble))
	for _, v := range []uint64{s.Refused, s.SpoolBytes, s.SpoolLimit, s.Served} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	return append(appendText(appendText(dst, short(s.Program)), short(s.Detail)), byte(s.Refusal))
}

// short cuts a text to what a status carries, between two characters.
func short(text string) string {
	text = strings.ToValidUTF8(text, "")
	for len(text) > maxText {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// ParseStatus reads a status's payload. Edges of the first version told two numbers, those
// of the second ended behind the trouble, those of the third behind the detail.
func ParseStatus(b []byte) (Status, error) {
	const op = "edgeapi.ParseStatus"
	r := reader{rest: b}
	s := Status{WaitingEvents: r.uint64(), OldestSeconds: r.uint64()}
	if len(r.rest) > 0 {
		s.Modules, s.Trouble = r.uint64(), Trouble(r.byte())
	}
	if len(r.rest) > 0 {
		s.Refused, s.SpoolBytes, s.SpoolLimit, s.Served = r.uint64(), r.uint64(), r.uint64(), r.uint64()
		s.Program, s.Detail = r.text(), r.text()
		if !utf8.ValidString(s.Program+s.Detail) || len(s.Program) > maxText || len(s.Detail) > maxText {
			return Status{}, malformed(op)
		}
	}
	if len(r.rest) > 0 {
		s.Refusal = Refusal(r.byte())
	}
	s.Refusal = s.Refusal.known(s.Detail)
	return s, r.end(op)
}
