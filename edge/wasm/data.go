package wasm

import (
	"cmp"
	"encoding/binary"
	"slices"
)

const (
	dataSection = 11
	joinGap     = 64 // zeros that cost less than a segment of their own
	maxMoved    = 64 // segments that may stand behind later ones; the linker has one

	opConst = 0x41 // i32.const
	opEnd   = 0x0b
)

// segment is bytes that stand in a module's memory when it starts.
type segment struct {
	at   uint64
	data []byte
}

func (s segment) end() uint64 { return s.at + uint64(len(s.data)) }

func (s segment) compare(at uint64) int { return cmp.Compare(s.at, at) }

// joinData puts a module's data into few segments. Go's linker begins a new one after every
// few zeros, thirty thousand in a module, and each costs the runtime an object of the module
// and one of each instance: a quarter of a cold start, and 12 MB of three modules. What is in
// memory at the start is the same. A file that is not plainly of that kind stays as it is.
func joinData(file []byte) []byte {
	const head = 8 // magic and version
	for at := head; at < len(file); {
		size, n := binary.Uvarint(file[at+1:])
		from := at + 1 + n
		if n <= 0 || size > uint64(len(file)-from) || file[at] == dataCount {
			return file // with a count of segments, code may name them by number
		}
		end := from + int(size)
		if file[at] == dataSection {
			segments, ok := parseData(file[from:end])
			if !ok {
				return file
			}
			section := appendData(nil, segments)
			out := make([]byte, 0, len(file)+len(section)-int(size)+binary.MaxVarintLen32)
			out = binary.AppendUvarint(append(out, file[:at+1]...), uint64(len(section)))
			return append(append(out, section...), file[end:]...)
		}
		at = end
	}
	return file
}

// parseData reads a data section, in the order of addresses. ok is false for anything but
// segments at fixed addresses that do not overlap, almost all of them in order.
func parseData(section []byte) (segments []segment, ok bool) {
	count, n := binary.Uvarint(section)
	if n <= 0 || count > uint64(len(section)) {
		return nil, false
	}
	section, segments = section[n:], make([]segment, 0, count)
	for moved := 0; len(segments) < int(count); {
		s, size := parseSegment(section)
		if size == 0 {
			return nil, false
		}
		section = section[size:]
		at := len(segments)
		if at > 0 && s.at < segments[at-1].at {
			if moved++; moved > maxMoved {
				return nil, false
			}
			at, _ = slices.BinarySearchFunc(segments, s.at, segment.compare)
		}
		if at > 0 && segments[at-1].end() > s.at || at < len(segments) && s.end() > segments[at].at {
			return nil, false
		}
		segments = slices.Insert(segments, at, s)
	}
	return segments, len(section) == 0
}

// parseSegment reads one segment and answers how long it is; 0 = it is of another kind.
func parseSegment(b []byte) (s segment, size int) {
	if len(b) < 2 || b[0] != 0 || b[1] != opConst {
		return s, 0
	}
	at, n := signed32(b[2:])
	size = 2 + n
	if n == 0 || at < 0 || len(b) == size || b[size] != opEnd {
		return s, 0
	}
	length, n := binary.Uvarint(b[size+1:])
	size += 1 + n
	if n <= 0 || length > uint64(len(b)-size) {
		return s, 0
	}
	return segment{uint64(at), b[size : size+int(length)]}, size + int(length)
}

// appendData writes a data section. Small gaps hold the zeros that a new memory has there.
func appendData(dst []byte, segments []segment) []byte {
	var zeros [joinGap]byte
	groups := group(segments)
	dst = slices.Grow(dst, roomFor(groups))
	dst = binary.AppendUvarint(dst, uint64(len(groups)))
	for _, g := range groups {
		from, to := g[0].at, g[len(g)-1].end()
		dst = appendSigned32(append(dst, 0, opConst), int32(from))
		dst = binary.AppendUvarint(append(dst, opEnd), to-from)
		for _, s := range g {
			dst = append(dst, zeros[:s.at-from]...)
			dst, from = append(dst, s.data...), s.end()
		}
	}
	return dst
}

// roomFor is the most bytes that a data section of some groups can have.
func roomFor(groups [][]segment) int {
	const heads = 3 + 2*binary.MaxVarintLen32
	size := binary.MaxVarintLen32
	for _, g := range groups {
		size += heads + int(g[len(g)-1].end()-g[0].at)
	}
	return size
}

// group puts segments together that have small gaps between them.
func group(segments []segment) (groups [][]segment) {
	first := 0
	for i := range segments {
		if i+1 == len(segments) || segments[i+1].at-segments[i].end() > joinGap {
			groups = append(groups, segments[first:i+1])
			first = i + 1
		}
	}
	return groups
}

// signed32 reads a signed LEB128 number; n = 0: there is none.
func signed32(b []byte) (v int32, n int) {
	for n < min(len(b), binary.MaxVarintLen32) {
		c := b[n]
		v |= int32(c&0x7f) << (7 * n)
		if n++; c < 0x80 {
			if c&0x40 != 0 && n < binary.MaxVarintLen32 {
				v |= -1 << (7 * n)
			}
			return v, n
		}
	}
	return 0, 0
}

func appendSigned32(dst []byte, v int32) []byte {
	for {
		c := byte(v & 0x7f)
		if v >>= 7; v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(dst, c)
		}
		dst = append(dst, c|0x80)
	}
}
