package edgetest

import (
	"encoding/binary"

	"lumo/shared/edgeapi"
)

// A hand-made module's memory: three pages, the request's buffer first, then what it
// answers, then what it remembers.
const (
	pageSize   = 64 << 10
	pages      = 3
	mostPages  = 512 // an instance may have no more
	answerAt   = pageSize
	rememberAt = 2 * pageSize
)

// Indexes of a hand-made module's functions: imports first.
const (
	lookupFunction = iota
	bodyFunction
	exitFunction // or what is imported in its place
	bufferFunction
	handleFunction
	startFunction
)

// Indexes of the types of functions.
const (
	answersI32 = iota
	handles
	nothing
	looksUp
	takesI32
	reads
	takesI64
)

// Module is a WebAssembly module by hand. It imports a look-up, the body and WASI's exit.
type Module struct {
	Handle []byte // body of lumo_handle(i32) i64
	Start  []byte // body of _initialize
	Data   []byte // at answerAt
	Table  []byte // section of tables, empty = none
	Memory uint32 // least pages, 0 = three
	Import []byte // in place of WASI's exit, nil = that
}

// File is the module's bytes.
func (m Module) File() []byte {
	third := m.Import
	if third == nil {
		third = imported("wasi_snapshot_preview1", "proc_exit", takesI32)
	}
	out := append([]byte("\x00asm"), 1, 0, 0, 0)
	out = append(out, section(1, list(
		[]byte{0x60, 0, 1, i32Type}, []byte{0x60, 1, i32Type, 1, i64Type}, []byte{0x60, 0, 0},
		[]byte{0x60, 5, i32Type, i32Type, i32Type, i32Type, i32Type, 1, i32Type},
		[]byte{0x60, 1, i32Type, 0}, []byte{0x60, 2, i32Type, i32Type, 1, i32Type},
		[]byte{0x60, 1, i64Type, 0}))...)
	out = append(out, section(2, list(
		imported("lumo", "lookup", looksUp),
		imported("lumo", "body", reads), third))...)
	out = append(out, section(3, []byte{3, answersI32, handles, nothing})...)
	out = append(out, m.Table...)
	out = append(out, section(5, append([]byte{1, 0}, uleb(uint64(max(m.Memory, pages)))...))...)
	out = append(out, section(7, list(
		exported("lumo_buffer", 0, bufferFunction), exported("lumo_handle", 0, handleFunction),
		exported("_initialize", 0, startFunction), exported("memory", 2, 0)))...)
	out = append(out, section(10, list(body(i32(0)), body(m.Handle), body(m.Start)))...)
	segment := append(append([]byte{0}, i32(answerAt)...), 0x0b)
	return append(out, section(11, list(append(append(segment, uleb(uint64(len(m.Data)))...),
		m.Data...)))...)
}

const (
	i32Type = 0x7f
	i64Type = 0x7e
)

func section(id byte, b []byte) []byte {
	return append(append([]byte{id}, uleb(uint64(len(b)))...), b...)
}

func list(items ...[]byte) []byte {
	out := uleb(uint64(len(items)))
	for _, item := range items {
		out = append(out, item...)
	}
	return out
}

func text(s string) []byte { return append([]byte{byte(len(s))}, s...) }

func imported(module, name string, kind byte) []byte {
	return append(append(text(module), text(name)...), 0, kind)
}

func exported(name string, kind, index byte) []byte { return append(text(name), kind, index) }

func body(code []byte) []byte {
	return append(append(uleb(uint64(len(code)+2)), 0), append(code, 0x0b)...)
}

func uleb(v uint64) []byte { return binary.AppendUvarint(nil, v) }

func sleb(v int64) []byte {
	var out []byte
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

// Instructions.
func i32(v int32) []byte { return append([]byte{0x41}, sleb(int64(v))...) }
func i64(v int64) []byte { return append([]byte{0x42}, sleb(v)...) }
func call(f byte) []byte { return []byte{0x10, f} }
func local0() []byte     { return []byte{0x20, 0} }
func drop() []byte       { return []byte{0x1a} }
func trap() []byte       { return []byte{0x00} }
func grow() []byte       { return []byte{0x40, 0} }
func equal() []byte      { return []byte{0x46} }
func differs() []byte    { return []byte{0x47} }
func less() []byte       { return []byte{0x49} }
func add() []byte        { return []byte{0x6a} }
func divide() []byte     { return []byte{0x6d} }
func load() []byte       { return []byte{0x28, 2, 0} }
func store() []byte      { return []byte{0x36, 2, 0} }
func code(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// forever repeats its body.
func forever(parts ...[]byte) []byte {
	return code([]byte{0x03, 0x40}, code(parts...), []byte{0x0c, 0, 0x0b})
}

// when answers a result at once if the condition before holds.
func when(condition, result []byte) []byte {
	return code(condition, []byte{0x04, 0x40}, result, []byte{0x0f, 0x0b})
}

// verdictAt is the result that points at bytes of the data.
func verdictAt(from, n int) []byte { return i64(int64(answerAt+from)<<32 | int64(n)) }

// selfTest is the condition that the request is the host's own, with which a set is tried
// before it decides: nobody else asks about so short a path.
func selfTest() []byte {
	r := edgeapi.Request{Method: edgeapi.GET, Path: []byte("/")}
	return code(local0(), i32(int32(len(r.Append(nil)))), equal())
}
