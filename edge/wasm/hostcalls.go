package wasm

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"io"

	"github.com/tetratelabs/wazero/api"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

// Answers of host functions (CONTRACTS.md part A).
const (
	yes      int32 = 1
	no       int32 = 0
	absent   int32 = -1 // also: no key
	tooSmall int32 = -2
	refused  int32 = -3

	maxBody = 8 << 10
	oneOff  = "lumo oneoff 1\x00"
)

// exportFast offers the host functions of the fast ABI. Pointers are the guest's own; a
// wrong one makes the function answer "absent", never touch anything else.
func (h *Host) exportFast(ctx context.Context) error {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	functions := []struct {
		name   string
		call   func(*callContext, guestMemory, []uint64)
		params []api.ValueType
		result api.ValueType
	}{
		{"lookup", h.lookup, []api.ValueType{i32, i32, i32, i32, i32}, i32},
		{"mac_verify", h.macVerify, []api.ValueType{i64, i32, i32, i32, i32}, i32},
		{"sha256_equal", h.sha256Equal, []api.ValueType{i64, i32, i32}, i32},
		{"body_hmac", h.bodyHMAC, []api.ValueType{i64, i32, i32, i32}, i32},
		{"body", h.body, []api.ValueType{i32, i32}, i32},
		{"sig_verify", h.sigVerify, []api.ValueType{i64, i32, i32, i32}, i32},
		{"seal", h.seal, []api.ValueType{i64, i32, i32, i32, i32}, i32},
		{"open", h.open, []api.ValueType{i64, i32, i32, i32, i32}, i32},
		{"derive", h.derive, []api.ValueType{i64, i32, i32, i32}, i32},
		{"now", h.time, nil, i64},
	}
	builder := h.runtime.NewHostModuleBuilder(fastModule)
	for _, f := range functions {
		call := f.call
		builder = builder.NewFunctionBuilder().WithGoModuleFunction(
			api.GoModuleFunc(func(ctx context.Context, m api.Module, stack []uint64) {
				c, ok := ctx.Value(callKey{}).(*callContext)
				if !ok { // while the module starts there is no call
					stack[0] = api.EncodeI32(absent)
					return
				}
				call(c, guestMemory{m.Memory()}, stack)
			}), f.params, []api.ValueType{f.result}).Export(f.name)
	}
	_, err := builder.Instantiate(ctx)
	return fault.Wrap("wasm.exportFast", err)
}

// guestMemory reads and writes what pointers on a stack name.
type guestMemory struct{ api.Memory }

func (m guestMemory) at(pointer, length uint64) ([]byte, bool) {
	return m.Read(uint32(pointer), uint32(length))
}

// put writes a result where the guest has room for it and answers its length.
func (m guestMemory) put(value []byte, pointer, room uint64) uint64 {
	if uint64(len(value)) > uint64(uint32(room)) {
		return api.EncodeI32(tooSmall)
	}
	if !m.Write(uint32(pointer), value) {
		return api.EncodeI32(absent)
	}
	return api.EncodeI32(int32(len(value)))
}

func (h *Host) lookup(c *callContext, m guestMemory, stack []uint64) {
	key, ok := m.at(stack[1], stack[2])
	if !ok {
		stack[0] = api.EncodeI32(absent)
		return
	}
	table := uint8(stack[0])
	value, found := h.replica.Lookup(table, key)
	if !found {
		stack[0] = api.EncodeI32(absent)
		return
	}
	if table == edgeapi.TableLink && len(value) >= 2 {
		c.call.Targets = append(c.call.Targets, value[2:])
	}
	stack[0] = m.put(value, stack[3], stack[4])
}

func (h *Host) keys(ref uint64) [][]byte {
	return h.replica.Keys(edgeapi.KeyRef(ref), h.now().UnixMilli())
}

func (h *Host) macVerify(c *callContext, m guestMemory, stack []uint64) {
	message, ok1 := m.at(stack[1], stack[2])
	tag, ok2 := m.at(stack[3], stack[4])
	if !ok1 || !ok2 || len(tag) < 12 || len(tag) > sha256.Size {
		stack[0] = api.EncodeI32(no)
		return
	}
	stack[0] = api.EncodeI32(anyKey(h.keys(stack[0]), func(key []byte) bool {
		var sum [sha256.Size]byte
		return hmac.Equal(c.instance.hmac(key, sum[:0], message, nil)[:len(tag)], tag)
	}))
}

// hmac keeps the keyed hash of the last key: most calls of an edge share one.
func (i *instance) hmac(key, dst, message, suffix []byte) []byte {
	if i.mac == nil || string(i.macKey) != string(key) {
		i.mac, i.macKey = hmac.New(sha256.New, key), append(i.macKey[:0], key...)
	}
	i.mac.Reset()
	i.mac.Write(message)
	i.mac.Write(suffix)
	return i.mac.Sum(dst)
}

// anyKey tries each valid key; without one the answer is that there is none.
func anyKey(keys [][]byte, match func(key []byte) bool) int32 {
	if len(keys) == 0 {
		return absent
	}
	for _, key := range keys {
		if match(key) {
			return yes
		}
	}
	return no
}

func (h *Host) sha256Equal(_ *callContext, m guestMemory, stack []uint64) {
	value, ok := m.at(stack[1], stack[2])
	if !ok {
		stack[0] = api.EncodeI32(no)
		return
	}
	sum := sha256.Sum256(value)
	stack[0] = api.EncodeI32(anyKey(h.keys(stack[0]), func(key []byte) bool {
		return subtle.ConstantTimeCompare(key, sum[:]) == 1
	}))
}

func (h *Host) bodyHMAC(c *callContext, m guestMemory, stack []uint64) {
	suffix, ok1 := m.at(stack[1], stack[2])
	tag, ok2 := m.at(stack[3], sha256.Size)
	if !ok1 || !ok2 {
		stack[0] = api.EncodeI32(no)
		return
	}
	stack[0] = api.EncodeI32(anyKey(h.keys(stack[0]), func(key []byte) bool {
		var sum [sha256.Size]byte
		return hmac.Equal(c.instance.hmac(key, sum[:0], c.call.Body, suffix), tag)
	}))
}

func (h *Host) body(c *callContext, m guestMemory, stack []uint64) {
	if len(c.call.Body) > maxBody {
		stack[0] = api.EncodeI32(absent)
		return
	}
	stack[0] = m.put(c.call.Body, stack[0], stack[1])
}

// sigVerify checks one-off links. What it found genuine may be redirected to.
func (h *Host) sigVerify(c *callContext, m guestMemory, stack []uint64) {
	message, ok1 := m.at(stack[1], stack[2])
	signature, ok2 := m.at(stack[3], ed25519.SignatureSize)
	if !ok1 || !ok2 {
		stack[0] = api.EncodeI32(no)
		return
	}
	answer := anyKey(h.keys(stack[0]), func(key []byte) bool {
		return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, signature)
	})
	const head = len(oneOff) + 19 // domain and token prefix
	if answer == yes && len(message) > head && string(message[:len(oneOff)]) == oneOff {
		c.call.Targets = append(c.call.Targets, append([]byte(nil), message[head:]...))
	}
	stack[0] = api.EncodeI32(answer)
}

// seal makes a whole login state of its plain part: header with a fresh nonce, ciphertext.
func (h *Host) seal(_ *callContext, m guestMemory, stack []uint64) {
	ref := edgeapi.KeyRef(stack[0])
	plain, ok := m.at(stack[1], stack[2])
	keys := h.keys(stack[0])
	if !ok || len(keys) == 0 || len(keys[0]) != 32 || ref.Kind() != edgeapi.KeyState {
		stack[0] = api.EncodeI32(absent)
		return
	}
	state, err := token.ParseState(plain)
	header := token.StateHeader{Channel: ref.Number(), Key: ref.Key()}
	if _, random := io.ReadFull(h.random, header.Nonce[:]); err != nil || random != nil {
		stack[0] = api.EncodeI32(refused)
		return
	}
	text, err := token.SealState(header, [32]byte(keys[0]), state)
	if err != nil {
		stack[0] = api.EncodeI32(refused)
		return
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		stack[0] = api.EncodeI32(refused)
		return
	}
	stack[0] = m.put(sealed, stack[3], stack[4])
}

func (h *Host) open(_ *callContext, m guestMemory, stack []uint64) {
	raw, ok := m.at(stack[1], stack[2])
	keys := h.keys(stack[0])
	if !ok || len(raw) <= token.StateHeaderSize || len(keys) == 0 {
		stack[0] = api.EncodeI32(absent)
		return
	}
	header := token.StateHeader{Channel: binary.BigEndian.Uint32(raw[1:]), Key: binary.BigEndian.Uint16(raw[5:]),
		Nonce: [12]byte(raw[7:])}
	state, err := token.OpenState(header, keys[0], raw[token.StateHeaderSize:])
	if err != nil {
		stack[0] = api.EncodeI32(refused)
		return
	}
	stack[0] = m.put(state.Append(nil), stack[3], stack[4])
}

func (h *Host) derive(_ *callContext, m guestMemory, stack []uint64) {
	raw, ok := m.at(stack[2], 16)
	keys := h.keys(stack[0])
	if !ok || len(keys) == 0 {
		stack[0] = api.EncodeI32(absent)
		return
	}
	text := token.Nonce(keys[0], id.ID(raw))
	if uint32(stack[1]) == 2 { // the upper half of an i32 is not defined
		text = token.Challenge(token.Verifier(keys[0], id.ID(raw)))
	}
	out, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		stack[0] = api.EncodeI32(refused)
		return
	}
	stack[0] = m.put(out, stack[3], sha256.Size)
}

func (h *Host) time(_ *callContext, _ guestMemory, stack []uint64) {
	stack[0] = uint64(h.now().UnixMilli())
}
