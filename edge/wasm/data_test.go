package wasm

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// memoryOf is what a data section puts into memory, segment by segment.
func memoryOf(t *testing.T, segments []segment) []byte {
	t.Helper()
	memory := make([]byte, 1<<16)
	for _, s := range segments {
		copy(memory[s.at:], s.data)
	}
	return memory
}

func moduleOf(section []byte) []byte {
	file := append([]byte("\x00asm\x01\x00\x00\x00"), 5, 1, 0, dataSection)
	file = append(binary.AppendUvarint(file, uint64(len(section))), section...)
	return append(file, 0, 2, 1, 'x')
}

// raw writes segments one by one, in the order given.
func raw(segments ...segment) []byte {
	section := binary.AppendUvarint(nil, uint64(len(segments)))
	for _, s := range segments {
		section = appendSigned32(append(section, 0, opConst), int32(s.at))
		section = binary.AppendUvarint(append(section, opEnd), uint64(len(s.data)))
		section = append(section, s.data...)
	}
	return section
}

func TestJoinedDataIsTheSameMemory(t *testing.T) {
	t.Parallel()
	segments := []segment{{1000, []byte("abc")}, {1010, []byte("def")}, {1013, []byte("ghi")},
		{40000, []byte("far away")}, {500, []byte("behind later ones")}, {1100, nil}}
	file := moduleOf(raw(segments...))
	joined := joinData(file)
	if bytes.Equal(joined, file) || checkShape("x", joined) != nil {
		t.Fatalf("got %x", joined)
	}
	from := bytes.IndexByte(joined, dataSection) + 1
	size, n := binary.Uvarint(joined[from:])
	got, ok := parseData(joined[from+n : from+n+int(size)])
	if !ok || len(got) != 4 {
		t.Fatalf("got %d segments, %v", len(got), ok)
	}
	if !bytes.Equal(memoryOf(t, got), memoryOf(t, segments)) {
		t.Error("the memory is another one")
	}
	if !bytes.HasSuffix(joined, []byte{0, 2, 1, 'x'}) {
		t.Error("what follows is gone")
	}
}

func TestOtherDataStaysAsItIs(t *testing.T) {
	t.Parallel()
	far := []segment{{9, []byte("x")}}
	for i := range uint64(maxMoved + 1) {
		far = append(far, segment{8 - i%8, nil})
	}
	counted := moduleOf(raw(segment{1, []byte("a")}, segment{3, []byte("b")}))
	counted[8] = dataCount
	for name, file := range map[string][]byte{
		"overlapping":    moduleOf(raw(segment{10, []byte("abc")}, segment{12, []byte("d")})),
		"behind one":     moduleOf(raw(segment{10, []byte("abc")}, segment{8, []byte("def")})),
		"out of order":   moduleOf(raw(far...)),
		"below zero":     moduleOf(raw(segment{1<<32 - 1, []byte("a")})),
		"passive":        moduleOf([]byte{1, 1, 1, 'a'}),
		"too few":        moduleOf([]byte{2, 0, opConst, 1, opEnd, 1, 'a'}),
		"cut off":        moduleOf([]byte{1, 0, opConst, 1, opEnd, 9, 'a'}),
		"named by count": counted,
		"nothing":        []byte("\x00asm\x01\x00\x00\x00"),
	} {
		if got := joinData(file); !bytes.Equal(got, file) {
			t.Errorf("%s: got %x", name, got)
		}
	}
}

func FuzzJoinData(f *testing.F) {
	f.Add(moduleOf(raw(segment{10, []byte("abc")}, segment{20, []byte("d")})))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) < 8 || checkShape("x", file) != nil {
			return
		}
		joined := joinData(file)
		if checkShape("x", joined) != nil || !bytes.Equal(joinData(joined), joined) {
			t.Errorf("%x became %x", file, joined)
		}
	})
}
