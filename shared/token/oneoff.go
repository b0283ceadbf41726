package token

import "lumo/shared/internal/strict64"

// MaxOneOff is the most characters a whole one-off URL may have.
const MaxOneOff = 950

const (
	oneOffDomain  = "lumo oneoff 1\x00"
	signatureSize = 64 // Ed25519
	oneOffFixed   = prefixLength + signatureSize
)

// ParseOneOff reads a one-off link. message is what the signature must cover.
func ParseOneOff(text string) (
	t Token, target string, message []byte, signature [64]byte, err error,
) {
	o, ok := ParseOneOffBytes(nil, []byte(text))
	if !ok {
		return Token{}, "", nil, signature, bad()
	}
	return o.Token, string(o.Target), o.Message, [64]byte(o.Signature), nil
}

// OneOffParts are a one-off link's parts; the slices alias the memory it was read into.
type OneOffParts struct {
	Token     Token
	Target    []byte
	Message   []byte // what the signature covers
	Signature []byte // 64 bytes, not checked yet
}

// ParseOneOffBytes reads a one-off link into dst's spare capacity.
func ParseOneOffBytes(dst, text []byte) (o OneOffParts, ok bool) {
	size := strict64.Length(len(text))
	if len(text) > MaxOneOff || size <= oneOffFixed {
		return OneOffParts{}, false
	}
	whole := append(append(dst[:0], oneOffDomain...), make([]byte, size)...)
	raw := whole[len(oneOffDomain):]
	if !strict64.URL(raw, text) || raw[0] != version<<4|byte(OneOff) {
		return OneOffParts{}, false
	}
	end := len(raw) - signatureSize
	return OneOffParts{
		Token:     parsePrefix((*[prefixLength]byte)(raw)),
		Target:    raw[prefixLength:end:end],
		Message:   whole[:len(oneOffDomain)+end],
		Signature: raw[end:],
	}, true
}

// OneOffTarget is the target inside a message that a signature covers; ok is false for
// any other message.
func OneOffTarget(message []byte) (target []byte, ok bool) {
	const head = len(oneOffDomain) + prefixLength
	if len(message) <= head || string(message[:len(oneOffDomain)]) != oneOffDomain {
		return nil, false
	}
	return message[head:], true
}
