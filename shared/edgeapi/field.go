package edgeapi

import "encoding/binary"

// Requests and verdicts are a fixed head and then fields: u8 tag, u32 length, bytes.

const fieldHead = 5

func appendField(dst []byte, tag uint8, value []byte) []byte {
	dst = append(dst, tag)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}

// nextField cuts the first field off. ok is false when the bytes end inside it.
func nextField(b []byte) (tag uint8, value, rest []byte, ok bool) {
	if len(b) < fieldHead {
		return 0, nil, nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(b[1:]))
	if uint64(len(b)-fieldHead) < n {
		return 0, nil, nil, false
	}
	end := fieldHead + int(n)
	return b[0], b[fieldHead:end:end], b[end:], true
}
