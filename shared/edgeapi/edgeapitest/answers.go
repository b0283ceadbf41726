package edgeapitest

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/token"
)

// Answers are the host functions of CONTRACTS.md part A, computed plainly, for one request:
// what any host must answer. Negative codes are as there; nil = absent or refused.
type Answers struct {
	World
	RequestBody []byte
	Claim       bool // see edgeapi.Request.IsClaim
}

func (a Answers) try(ref edgeapi.KeyRef, match func(key []byte) bool) int32 {
	keys := a.Keys(ref, NowMS)
	if len(keys) == 0 {
		return -1
	}
	for _, key := range keys {
		if match(key) {
			return 1
		}
	}
	return 0
}

func macOf(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// Value is lookup.
func (a Answers) Value(table uint8, key []byte) []byte {
	value, _ := a.World.Lookup(table, key)
	return value
}

// MACVerify is mac_verify.
func (a Answers) MACVerify(ref edgeapi.KeyRef, message, tag []byte) int32 {
	return a.try(ref, func(key []byte) bool {
		return hmac.Equal(macOf(key, message)[:len(tag)], tag)
	})
}

// SHA256Equal is sha256_equal.
func (a Answers) SHA256Equal(ref edgeapi.KeyRef, value []byte) int32 {
	hash := sha256.Sum256(value)
	return a.try(ref, func(key []byte) bool { return hmac.Equal(key, hash[:]) })
}

// BodyHMAC is body_hmac.
func (a Answers) BodyHMAC(ref edgeapi.KeyRef, suffix, tag []byte) int32 {
	return a.try(ref, func(key []byte) bool {
		return hmac.Equal(macOf(key, a.RequestBody, suffix), tag)
	})
}

// Body is body.
func (a Answers) Body() []byte {
	if !a.Claim || len(a.RequestBody) > 8<<10 {
		return nil
	}
	return a.RequestBody
}

// SigVerify is sig_verify.
func (a Answers) SigVerify(ref edgeapi.KeyRef, message, signature []byte) int32 {
	return a.try(ref, func(key []byte) bool { return ed25519.Verify(key, message, signature) })
}

// Seal is seal with a nonce of zeros.
func (a Answers) Seal(ref edgeapi.KeyRef, plain []byte) []byte {
	keys := a.Keys(ref, NowMS)
	state, err := token.ParseState(plain)
	if err != nil || len(keys) == 0 {
		return nil
	}
	text, err := token.SealState(
		token.StateHeader{Channel: ref.Number(), Key: ref.Key()},
		[32]byte(keys[0]),
		state,
	)
	if err != nil {
		return nil
	}
	return decode(text)
}

// Open is open.
func (a Answers) Open(ref edgeapi.KeyRef, sealed []byte) []byte {
	keys := a.Keys(ref, NowMS)
	header, rest, err := token.ParseStateHeader(base64.RawURLEncoding.EncodeToString(sealed))
	if err != nil || len(keys) == 0 {
		return nil
	}
	state, err := token.OpenState(header, keys[0], rest)
	if err != nil {
		return nil
	}
	return state.Append(nil)
}

// Derive is derive: label 1 the OIDC nonce, 2 the PKCE challenge.
func (a Answers) Derive(ref edgeapi.KeyRef, label int32, event []byte) []byte {
	keys := a.Keys(ref, NowMS)
	if len(keys) == 0 {
		return nil
	}
	if label == 1 {
		return decode(token.Nonce(keys[0], id.ID(event)))
	}
	return decode(token.Challenge(token.Verifier(keys[0], id.ID(event))))
}

// Now is now.
func (a Answers) Now() int64 { return NowMS }

func decode(text string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}
