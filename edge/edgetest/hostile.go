package edgetest

import (
	"bytes"
	"slices"

	"lumo/shared/edgeapi"
)

// Hostile modules by what they do when they are asked. Each passes the self-test with which
// a set is tried, so that it comes as far as a bad module can. Of none is there a verdict.
func Hostile() map[string][]byte {
	refusal := (&edgeapi.Verdict{Kind: edgeapi.Deny, Status: 404}).Append(nil)
	with := func(imported, handle []byte, data ...byte) []byte {
		return Module{Data: append(append([]byte{}, refusal...), data...), Import: imported,
			Handle: code(when(selfTest(), verdictAt(0, len(refusal))), handle)}.File()
	}
	hostile := func(handle []byte, data ...byte) []byte { return with(nil, handle, data...) }
	fine := (&edgeapi.Verdict{Kind: edgeapi.Respond, Status: 200, Body: []byte("x")}).Append(nil)
	behind := len(refusal)
	return map[string][]byte{
		"endless loop":       hostile(code(forever(), trap())),
		"endless host calls": hostile(code(forever(lookup(0, 8, 0, 8), drop()), trap())),
		"deep recursion":     hostile(code(local0(), call(handleFunction))),
		"memory grows":       hostile(code(forever(i32(1), grow(), drop()), trap())),
		"memory at once":     hostile(code(i32(0x7fff), grow(), drop(), i64(0))),
		"no verdict":         hostile(i64(0)),
		"huge verdict":       hostile(verdictAt(0, 64<<10+1)),
		"enormous verdict":   hostile(verdictAt(0, 1<<31-1)),
		"verdict outside":    hostile(i64(0x7fffffff<<32 | 16)),
		"end outside":        hostile(i64((pages*pageSize-8)<<32 | 16)),
		"wrapping address":   hostile(i64(-1<<32 | 32)),
		"trap":               hostile(trap()),
		"division by zero":   hostile(code(i32(1), i32(0), divide(), drop(), i64(0))),
		"read outside":       hostile(code(i32(-16), load(), drop(), i64(0))),
		"exit":               hostile(code(i32(0), call(exitFunction), i64(0))),
		"exit with an error": hostile(code(i32(1), call(exitFunction), i64(0))),
		"wrong pointers": hostile(code(lookup(-16, -1, -16, -1), drop(),
			lookup(0, 0x7fffffff, 0, 8), drop(), lookup(0, 8, -8, 0x7fffffff), drop(), i64(0))),
		"nonsense":  hostile(verdictAt(behind, 8), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"truncated": hostile(verdictAt(behind, len(fine)-1), fine...),
		// Each call fills all the memory that there is with chance: few host calls, each of them slow.
		"slow host calls": with(imported("wasi_snapshot_preview1", "random_get", reads),
			code(i32(mostPages-pages), grow(), drop(),
				forever(i32(0), i32(mostPages*pageSize), call(exitFunction), drop()), trap())),
		"the other ABI's calls": with(imported("extism:host/env", "free", takesI64),
			code(forever(i64(1<<40), call(exitFunction)), trap())),
	}
}

// lookup asks for a link by wrong or right pointers; its answer is on the stack.
func lookup(at, length, out, room int32) []byte {
	return code(i32(int32(edgeapi.TableLink)), i32(at), i32(length), i32(out), i32(room),
		call(lookupFunction))
}

// HostileStarts are modules that must not even come to decide.
func HostileStarts() map[string][]byte {
	start := func(body ...[]byte) []byte { return Module{Handle: i64(0), Start: code(body...)}.File() }
	table := func(least uint64) []byte {
		return section(4, append([]byte{1, 0x70, 0}, uleb(least)...))
	}
	file := Module{Handle: i64(0)}.File()
	asks := func(module, function string) []byte {
		return Module{Handle: i64(0), Import: imported(module, function, takesI32)}.File()
	}
	return map[string][]byte{
		"files":            asks("wasi_snapshot_preview1", "path_open"),
		"requests":         asks("extism:host/env", "http_request"),
		"stored keys":      asks("lumo", "keys"),
		"the environment":  asks("env", "getenv"),
		"another shape":    asks("wasi_snapshot_preview1", "random_get"),
		"many tables":      Module{Handle: i64(0), Table: section(4, append(uleb(1000), bytes.Repeat([]byte{0x70, 0, 1}, 1000)...))}.File(),
		"endless start":    start(forever()),
		"start that traps": start(trap()),
		"start that exits": start(i32(0), call(exitFunction)),
		"deep start":       start(call(startFunction)),
		"giant table":      Module{Handle: i64(0), Table: table(100 << 20)}.File(),
		"endless table":    Module{Handle: i64(0), Table: table(1 << 40)}.File(),
		"giant memory":     Module{Handle: i64(0), Memory: 40_000}.File(),
		"list without end": append([]byte("\x00asm\x01\x00\x00\x00"), section(1, uleb(1<<32-1))...),
		"half a file":      file[:len(file)/2],
		"long section":     append(file[:8:8], 1, 0xff, 0xff, 0xff, 0xff, 0x0f),
		"nothing":          {},
	}
}

// Counting is a module that counts its calls: it answers the third with a trap, and the
// others with a status that tells whether it remembers an earlier one.
func Counting() []byte {
	answer := func(status uint16) []byte {
		return (&edgeapi.Verdict{Kind: edgeapi.Respond, Status: status}).Append(nil)
	}
	first, later := answer(200), answer(204)
	return Module{Data: append(append([]byte{}, first...), later...), Handle: code(
		i32(rememberAt), i32(rememberAt), load(), i32(1), add(), store(),
		when(code(i32(rememberAt), load(), i32(2), less()), verdictAt(0, len(first))),
		when(code(i32(rememberAt), load(), i32(3), less()), verdictAt(len(first), len(later))),
		trap())}.File()
}

// Asking is a module that looks a link up, wherever that leads, and then answers 204.
func Asking() []byte {
	fine := (&edgeapi.Verdict{Kind: edgeapi.Respond, Status: 204}).Append(nil)
	return Module{Data: fine, Handle: code(lookup(0, 8, rememberAt, 64), drop(),
		verdictAt(0, len(fine)))}.File()
}

// Prying is a module that asks for the body and for a stored secret of a channel. It answers
// 200 when there is neither for it, 204 when it got one.
func Prying(channel uint32) []byte {
	answer := func(status uint16) []byte {
		return (&edgeapi.Verdict{Kind: edgeapi.Respond, Status: status}).Append(nil)
	}
	none, some := answer(200), answer(204)
	ref := edgeapi.Ref(edgeapi.KeyLINE, 0, channel).Append(nil)
	answers := len(none) + len(some)
	refusal := (&edgeapi.Verdict{Kind: edgeapi.Deny, Status: 404}).Append(nil)
	got := code(i32(-1), differs())
	return Module{Data: slices.Concat(none, some, ref, refusal), Handle: code(
		when(selfTest(), verdictAt(answers+len(ref), len(refusal))),
		when(code(i32(rememberAt), i32(pageSize), call(bodyFunction), got),
			verdictAt(len(none), len(some))),
		when(code(i32(int32(edgeapi.TableKey)), i32(int32(answerAt+answers)), i32(int32(len(ref))),
			i32(rememberAt), i32(pageSize), call(lookupFunction), got),
			verdictAt(len(none), len(some))),
		verdictAt(0, len(none)))}.File()
}

// Answering is a module that answers the same bytes to everything.
func Answering(verdict []byte) []byte {
	return Module{Data: verdict, Handle: verdictAt(0, len(verdict))}.File()
}

// Growing is a module that takes more pages with its first call and answers 200; the second
// call, if it comes to the same instance, is answered 204.
func Growing(more int32) []byte {
	answer := func(status uint16) []byte {
		return (&edgeapi.Verdict{Kind: edgeapi.Respond, Status: status}).Append(nil)
	}
	first, later := answer(200), answer(204)
	return Module{Data: append(append([]byte{}, first...), later...), Handle: code(
		i32(rememberAt), i32(rememberAt), load(), i32(1), add(), store(),
		when(code(i32(rememberAt), load(), i32(2), less()),
			code(i32(more), grow(), drop(), verdictAt(0, len(first)))),
		verdictAt(len(first), len(later)))}.File()
}
