package wasm

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"

	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/token"
)

// Labels of derive.
const (
	labelNonce     = 1
	labelChallenge = 2
	idSize         = 16
	stateKeySize   = 32
)

// stateKey is the key of login states that the call names.
func (v visit) stateKey() ([]byte, bool) {
	if edgeapi.KeyRef(v.stack[0]).Kind() != edgeapi.KeyState {
		return nil, false
	}
	keys := v.keys()
	if len(keys) == 0 || len(keys[0]) != stateKeySize {
		return nil, false
	}
	return keys[0], true
}

// seal makes a whole login state of its plain part: header with a fresh nonce, ciphertext.
func (v visit) seal() {
	ref := edgeapi.KeyRef(v.stack[0])
	plain, ok := v.in(1)
	key, known := v.stateKey()
	if !ok || !known || ref.Key() == 0 {
		v.answer(absent)
		return
	}
	state, err := token.ParseState(plain)
	if err != nil {
		v.answer(refused)
		return
	}
	header := token.StateHeader{Channel: ref.Number(), Key: ref.Key()}
	if _, err := io.ReadFull(v.host.config.Random, header.Nonce[:]); err != nil {
		v.answer(refused)
		return
	}
	text, err := token.SealState(header, [stateKeySize]byte(key), state)
	if err != nil {
		v.answer(refused)
		return
	}
	v.putText(text, 3)
}

// open gives the plain part of a state that one of our keys sealed.
func (v visit) open() {
	ref := edgeapi.KeyRef(v.stack[0])
	raw, ok := v.in(1)
	key, known := v.stateKey()
	if !known {
		v.answer(absent)
		return
	}
	if !ok || len(raw) <= token.StateHeaderSize {
		v.answer(refused)
		return
	}
	header := token.StateHeader{
		Channel: binary.BigEndian.Uint32(raw[1:]),
		Key:     binary.BigEndian.Uint16(raw[5:]),
		Nonce:   [12]byte(raw[7:]),
	}
	state, err := token.OpenState(header, key, raw[token.StateHeaderSize:])
	if err != nil || header.Channel != ref.Number() || header.Key != ref.Key() {
		v.answer(refused)
		return
	}
	v.put(state.Append(nil), 3)
}

// derive gives what belongs to a state's id. The PKCE verifier stays here; the module gets
// its challenge.
func (v visit) derive() {
	raw, ok := v.memory.Read(uint32(v.stack[2]), idSize)
	key, known := v.stateKey()
	if !ok || !known {
		v.answer(absent)
		return
	}
	var text string
	switch uint32(v.stack[1]) {
	case labelNonce:
		text = token.Nonce(key, id.ID(raw))
	case labelChallenge:
		text = token.Challenge(token.Verifier(key, id.ID(raw)))
	default:
		v.answer(refused)
		return
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || !v.memory.Write(uint32(v.stack[3]), b) {
		v.answer(refused)
		return
	}
	v.answer(sha256.Size)
}

// putText writes the bytes that a base64url text stands for.
func (v visit) putText(text string, i int) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		v.answer(refused)
		return
	}
	v.put(b, i)
}
