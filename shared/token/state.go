package token

import (
	"encoding/binary"
	"time"

	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/internal/strict64"
)

// StateLife is how long a login state may take to come back.
const StateLife = 10 * time.Minute

// Claim is what a scanned URL said about the customer.
type Claim uint8

// The claims, with the parameter that carries each.
const (
	ClaimNone    Claim = 0
	ClaimProfile Claim = 1 // k: Klaviyo profile id
	ClaimEmail   Claim = 2 // e
	ClaimPhone   Claim = 3 // t
	ClaimForm    Claim = 4 // s: sealed by us after a form
	ClaimUnlink  Claim = 5 // u
)

const (
	// StateHeaderSize is version, channel, key number and nonce: the associated data.
	StateHeaderSize = 19
	stateVersion    = 1
	plainFixed      = 16 + 4 + 1 + 2 + 1 + 1
	maxPlain        = plainFixed + 255 + 255
	maxStateText    = (StateHeaderSize+maxPlain+16)*4/3 + 1
)

// StateHeader is the open part of a state: it says which key opens the rest.
type StateHeader struct {
	Channel uint32
	Key     uint16
	Nonce   [12]byte
}

// State is what a login brings back, sealed on the way.
type State struct {
	ID       id.ID  // of the request that made it; single use in the core
	Issued   uint32 // Unix seconds
	Claim    Claim
	Language string // two letters
	Code     string // public key of the QR code, at most 255 bytes
	Value    string // of the claim, at most 255 bytes
}

// Append adds the header's bytes, big endian.
func (h StateHeader) Append(dst []byte) []byte {
	dst = append(dst, stateVersion)
	dst = binary.BigEndian.AppendUint32(dst, h.Channel)
	dst = binary.BigEndian.AppendUint16(dst, h.Key)
	return append(dst, h.Nonce[:]...)
}

// Append adds the bytes to be sealed.
func (s State) Append(dst []byte) []byte {
	dst = append(dst, s.ID[:]...)
	dst = binary.BigEndian.AppendUint32(dst, s.Issued)
	language := [2]byte{'e', 'n'}
	copy(language[:], s.Language)
	dst = append(dst, byte(s.Claim), language[0], language[1])
	dst = append(append(dst, byte(len(s.Code))), s.Code...)
	return append(append(dst, byte(len(s.Value))), s.Value...)
}

// ParseState reads what was sealed.
func ParseState(b []byte) (State, error) {
	if len(b) < plainFixed {
		return State{}, badState()
	}
	s := State{
		ID:       id.ID(b[:16]),
		Issued:   binary.BigEndian.Uint32(b[16:]),
		Claim:    Claim(b[20]),
		Language: string(b[21:23]),
	}
	rest := b[23:]
	var ok bool
	if s.Code, rest, ok = cut(rest); !ok {
		return State{}, badState()
	}
	if s.Value, rest, ok = cut(rest); !ok || len(rest) != 0 || s.Claim > ClaimUnlink {
		return State{}, badState()
	}
	return s, nil
}

func cut(b []byte) (text string, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}

// ParseStateHeader reads the open part; sealed is the rest.
func ParseStateHeader(text string) (h StateHeader, sealed []byte, err error) {
	raw := make([]byte, strict64.Length(len(text)))
	if len(text) > maxStateText || !strict64.URL(raw, []byte(text)) ||
		len(raw) <= StateHeaderSize || raw[0] != stateVersion {
		return StateHeader{}, nil, badState()
	}
	h = StateHeader{
		Channel: binary.BigEndian.Uint32(raw[1:]),
		Key:     binary.BigEndian.Uint16(raw[5:]),
		Nonce:   [12]byte(raw[7:]),
	}
	return h, raw[StateHeaderSize:], nil
}

func badState() error {
	return &fault.Error{Kind: fault.Invalid, Op: "token.OpenState", Message: "This link no longer works."}
}
