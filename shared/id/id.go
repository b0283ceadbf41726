// Package id is Lumo's identifier: a ULID, 16 bytes that sort by time.
//
// Inside it is a uuid column or 16 bytes; outside it is a prefix and 26 lower-case
// Crockford characters ("msg_01k.."); either case is accepted on the way in.
// The package has neither clock nor randomness: callers bring both.
package id

import (
	"encoding/binary"
	"time"

	"lumo/shared/fault"
)

// ID is a ULID: 48 bits of Unix milliseconds, 80 bits of entropy, big endian.
type ID [16]byte

// Prefix names what an ID identifies, in its outside form.
type Prefix string

// The prefixes of CONTRACTS.md part B.
const (
	Merchant   Prefix = "mer"
	Member     Prefix = "mem"
	Channel    Prefix = "chn"
	Account    Prefix = "acc" // Klaviyo account
	Shop       Prefix = "shp"
	Friend     Prefix = "frd"
	Link       Prefix = "lnk" // identity link
	Message    Prefix = "msg"
	Step       Prefix = "stp"
	Request    Prefix = "req"
	Delivery   Prefix = "dlv"
	QRCode     Prefix = "qrc"
	Form       Prefix = "frm"
	Import     Prefix = "imp"
	Tag        Prefix = "tag"
	FlowKey    Prefix = "key"
	Flow       Prefix = "flk"
	Edge       Prefix = "edg"
	Event      Prefix = "evt"
	Audit      Prefix = "aud"
	textLength        = 26
)

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// New makes an ID of a time in Unix milliseconds and ten bytes of entropy.
func New(unixMilli int64, entropy [10]byte) ID {
	var v ID
	binary.BigEndian.PutUint64(v[:8], uint64(unixMilli)<<16)
	copy(v[6:], entropy[:])
	return v
}

// Time is the moment the ID was made, in whole milliseconds.
func (v ID) Time() time.Time { return time.UnixMilli(v.UnixMilli()).UTC() }

// UnixMilli is the moment the ID was made.
func (v ID) UnixMilli() int64 { return int64(binary.BigEndian.Uint64(v[:8]) >> 16) }

// IsZero tells whether the ID was never set.
func (v ID) IsZero() bool { return v == ID{} }

// String is the bare ULID text, 26 lower-case characters.
func (v ID) String() string {
	var out [textLength]byte
	hi, lo := binary.BigEndian.Uint64(v[:8]), binary.BigEndian.Uint64(v[8:])
	for i := textLength - 1; i >= 0; i-- {
		out[i] = alphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}

// With is the outside form: prefix, underscore, ULID text.
func (v ID) With(p Prefix) string { return string(p) + "_" + v.String() }

// Parse reads bare ULID text in either case.
func Parse(text string) (ID, error) {
	if len(text) != textLength || text[0] > '7' {
		return ID{}, malformed()
	}
	var hi, lo uint64
	for i := range textLength {
		digit := value(text[i])
		if digit > 31 {
			return ID{}, malformed()
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(digit)
	}
	var v ID
	binary.BigEndian.PutUint64(v[:8], hi)
	binary.BigEndian.PutUint64(v[8:], lo)
	return v, nil
}

// ParseWith reads the outside form and insists on its prefix.
func ParseWith(p Prefix, text string) (ID, error) {
	n := len(p)
	if len(text) != n+1+textLength || text[:n] != string(p) || text[n] != '_' {
		return ID{}, malformed()
	}
	return Parse(text[n+1:])
}

func malformed() error {
	return &fault.Error{Kind: fault.Invalid, Op: "id.Parse", Message: "This is not an id of the expected form."}
}

// value is a character's five bits, or 255. Only the canonical alphabet counts, so
// that one ID has one text in each case.
func value(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'Z':
		c += 'a' - 'A'
	case c < 'a' || c > 'z':
		return 255
	}
	switch {
	case c < 'i':
		return c - 'a' + 10
	case c == 'j' || c == 'k':
		return c - 'j' + 18
	case c == 'm' || c == 'n':
		return c - 'm' + 20
	case c >= 'p' && c <= 't':
		return c - 'p' + 22
	case c >= 'v':
		return c - 'v' + 27
	}
	return 255
}
