package wasm

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/tetratelabs/wazero/api"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/token"
)

// Answers of host functions (CONTRACTS.md part A).
const (
	yes      int32 = 1
	no       int32 = 0
	absent   int32 = -1 // also: no key
	tooSmall int32 = -2
	refused  int32 = -3

	minTag  = 12
	maxBody = 8 << 10
)

// visit is one host call: the call it belongs to, the guest's memory, its arguments. The
// upper half of a 32-bit argument is not defined.
type visit struct {
	*callContext
	memory api.Memory
	stack  []uint64
}

type fastFunction struct {
	name   string
	call   func(v visit)
	params []api.ValueType
	result api.ValueType
}

func fastFunctions() []fastFunction {
	return []fastFunction{
		{"lookup", visit.lookup, []api.ValueType{i32, i32, i32, i32, i32}, i32},
		{"mac_verify", visit.macVerify, []api.ValueType{i64, i32, i32, i32, i32}, i32},
		{"sha256_equal", visit.sha256Equal, []api.ValueType{i64, i32, i32}, i32},
		{"body_hmac", visit.bodyHMAC, []api.ValueType{i64, i32, i32, i32}, i32},
		{"body", visit.body, []api.ValueType{i32, i32}, i32},
		{"sig_verify", visit.sigVerify, []api.ValueType{i64, i32, i32, i32}, i32},
		{"seal", visit.seal, []api.ValueType{i64, i32, i32, i32, i32}, i32},
		{"open", visit.open, []api.ValueType{i64, i32, i32, i32, i32}, i32},
		{"derive", visit.derive, []api.ValueType{i64, i32, i32, i32}, i32},
		{"now", visit.time, nil, i64},
	}
}

// exportFast offers the host functions of the fast ABI. Pointers are the guest's own; a
// wrong one makes the function answer "no" or "absent", never touch anything else.
func (h *Host) exportFast(ctx context.Context) error {
	builder := h.runtime.NewHostModuleBuilder(fastModule)
	for _, f := range fastFunctions() {
		call := api.GoModuleFunc(func(ctx context.Context, m api.Module, stack []uint64) {
			c, ok := ctx.Value(callKey{}).(*callContext)
			if !ok || c.call == nil { // while a module starts there is no call
				stack[0] = api.EncodeI32(absent)
				return
			}
			f.call(visit{c, m.Memory(), stack})
		})
		builder = builder.NewFunctionBuilder().
			WithGoModuleFunction(call, f.params, []api.ValueType{f.result}).
			Export(f.name)
	}
	_, err := builder.Instantiate(ctx)
	return fault.Wrap("wasm.exportFast", err)
}

func (v visit) answer(code int32) { v.stack[0] = api.EncodeI32(code) }

// in reads the bytes that two arguments name, from argument i on.
func (v visit) in(i int) ([]byte, bool) {
	return v.memory.Read(uint32(v.stack[i]), uint32(v.stack[i+1]))
}

// put writes a result into the room that two arguments name and answers its length.
func (v visit) put(value []byte, i int) {
	switch {
	case uint64(len(value)) > uint64(uint32(v.stack[i+1])):
		v.answer(tooSmall)
	case !v.memory.Write(uint32(v.stack[i]), value):
		v.answer(absent)
	default:
		v.answer(int32(len(value)))
	}
}

func (v visit) keys() [][]byte {
	return v.host.config.Replica.Keys(edgeapi.KeyRef(v.stack[0]), v.now())
}

func (v visit) lookup() {
	key, ok := v.in(1)
	table := uint8(v.stack[0])
	if !ok || table < edgeapi.TableHook || table > edgeapi.TableForm { // never the keys
		v.answer(absent)
		return
	}
	value, found := v.host.config.Replica.Lookup(table, key)
	if !found {
		v.answer(absent)
		return
	}
	v.note(table, value)
	v.put(value, 3)
}

// note remembers where this call may redirect to.
func (v visit) note(table uint8, value []byte) {
	switch table {
	case edgeapi.TableLink:
		if target, ok := edgeapi.CutTarget(value); ok {
			v.call.Targets = append(v.call.Targets, target)
		}
	case edgeapi.TableImage:
		if image, err := edgeapi.ParseImageEntry(value); err == nil {
			v.call.Targets = append(
				v.call.Targets,
				[]byte(edgeapi.MediaPath+hex.EncodeToString(image.SHA256[:])),
			)
		}
	}
}

func (v visit) macVerify() {
	message, ok1 := v.in(1)
	tag, ok2 := v.in(3)
	if !ok1 || !ok2 || len(tag) < minTag || len(tag) > sha256.Size {
		v.answer(no)
		return
	}
	v.tryKeys(message, nil, tag)
}

func (v visit) bodyHMAC() {
	suffix, ok1 := v.in(1)
	tag, ok2 := v.memory.Read(uint32(v.stack[3]), sha256.Size)
	if !ok1 || !ok2 {
		v.answer(no)
		return
	}
	v.tryKeys(v.call.Body, suffix, tag)
}

// tryKeys compares a MAC under each valid key; without a key the answer is that.
func (v visit) tryKeys(message, suffix, tag []byte) {
	keys := v.keys()
	if len(keys) == 0 {
		v.answer(absent)
		return
	}
	for _, key := range keys {
		if hmac.Equal(v.instance.mac(key, message, suffix)[:len(tag)], tag) {
			v.answer(yes)
			return
		}
	}
	v.answer(no)
}

func (v visit) sha256Equal() {
	value, ok := v.in(1)
	keys := v.keys()
	switch {
	case !ok:
		v.answer(no)
		return
	case len(keys) == 0:
		v.answer(absent)
		return
	}
	sum := sha256.Sum256(value)
	for _, key := range keys {
		if hmac.Equal(key, sum[:]) {
			v.answer(yes)
			return
		}
	}
	v.answer(no)
}

// body gives a form claim to the module that reads it. Webhooks' bodies are only verified:
// whoever asks for one is told that there is none.
func (v visit) body() {
	if !v.call.Request.IsClaim() || len(v.call.Body) > maxBody {
		v.answer(absent)
		return
	}
	v.put(v.call.Body, 0)
}

// sigVerify checks one-off links. What it found genuine may be redirected to.
func (v visit) sigVerify() {
	message, ok1 := v.in(1)
	signature, ok2 := v.memory.Read(uint32(v.stack[3]), ed25519.SignatureSize)
	if !ok1 || !ok2 {
		v.answer(no)
		return
	}
	keys := v.keys()
	if len(keys) == 0 {
		v.answer(absent)
		return
	}
	for _, key := range keys {
		if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, signature) {
			if target, ok := token.OneOffTarget(message); ok {
				v.call.Targets = append(v.call.Targets, append([]byte(nil), target...))
			}
			v.answer(yes)
			return
		}
	}
	v.answer(no)
}

func (v visit) time() { v.stack[0] = uint64(v.now()) }
