package wasm

import (
	"encoding/binary"

	"lumo/shared/fault"
)

const (
	maxTable     = 64 << 10 // elements; Go's modules have a few thousand
	tableSection = 4
	dataCount    = 12 // a number, not a list
)

// checkShape refuses a file whose few bytes would cost much memory before anything runs:
// lists longer than their section, tables of millions. The runtime reads the rest.
func checkShape(name string, file []byte) error {
	bad := fault.New(fault.Invalid, "wasm.checkShape",
		"the module %s is no module, or asks for too much", name)
	const head = 8 // magic and version
	if len(file) < head || string(file[:4]) != "\x00asm" {
		return bad
	}
	for rest := file[head:]; len(rest) > 0; {
		id := rest[0]
		size, n := binary.Uvarint(rest[1:])
		if n <= 0 || size > uint64(len(rest)-1-n) {
			return bad
		}
		section := rest[1+n : 1+n+int(size)]
		rest = rest[1+n+int(size):]
		if id != 0 && id <= dataCount && !believable(id, section) {
			return bad
		}
	}
	return nil
}

// believable tells whether a section may hold what it says it does: each element of a list
// is at least a byte.
func believable(id byte, section []byte) bool {
	count, n := binary.Uvarint(section)
	if n <= 0 {
		return false
	}
	rest := section[n:]
	switch id {
	case 8, dataCount: // one index, one number
		return count < maxTable*maxTable
	case tableSection:
		return tablesFit(count, rest)
	}
	return count <= uint64(len(rest))
}

// tablesFit reads {type, flags, least, most?}*.
func tablesFit(count uint64, rest []byte) bool {
	for range count {
		if len(rest) < 3 {
			return false
		}
		bounded := rest[1]&1 == 1
		least, n := binary.Uvarint(rest[2:])
		if n <= 0 || least > maxTable {
			return false
		}
		rest = rest[2+n:]
		if bounded {
			if _, n = binary.Uvarint(rest); n <= 0 {
				return false
			}
			rest = rest[n:]
		}
	}
	return true
}
