// Package token holds what travels in URLs: tracked-link tokens, one-off links, login states.
//
// A token names a channel, a delivery and a link, and carries a MAC under the channel's
// key; nothing in it can be changed and nothing personal can be read from it. Text forms
// are strict: one value has exactly one text (DESIGN 3.6).
//
// Whatever needs a key is left out of modules, which are built with the tag guest: keys stay
// in the host, and cryptography that nobody calls there would make each module a quarter larger.
package token

import (
	"encoding/binary"

	"lumo/shared/fault"
	"lumo/shared/internal/strict64"
)

// Kind says what a token is for.
type Kind uint8

// The kinds of tokens.
const (
	Link   Kind = 1 // tracked link, /c/
	Open   Kind = 2 // beacon, /o/
	Image  Kind = 3 // image of a message, /i/
	OneOff Kind = 4 // signed target in the URL itself, /c/
)

const (
	// SharedSend marks a subject that stands for many recipients: clicks without a person.
	SharedSend = uint64(1) << 63
	// OneOffRow marks a link number whose target stands in the core only.
	OneOffRow = uint32(1) << 31

	version      = 1
	prefixLength = 19
	tagLength    = 12
	textLength   = 42
	linkDomain   = "lumo token 1\x00"
)

// Token is what a tracked URL says.
type Token struct {
	Kind    Kind
	Key     uint16 // number of the MAC key; of the Ed25519 key for OneOff
	Channel uint32
	Subject uint64 // delivery number, or SharedSend | number
	Link    uint32 // link or image number; 0 for Open
}

// Prefix is the part that the MAC covers, big endian.
func (t Token) Prefix() [prefixLength]byte {
	var b [prefixLength]byte
	t.put(&b)
	return b
}

func (t Token) put(b *[prefixLength]byte) {
	b[0] = version<<4 | byte(t.Kind)
	binary.BigEndian.PutUint16(b[1:], t.Key)
	binary.BigEndian.PutUint32(b[3:], t.Channel)
	binary.BigEndian.PutUint64(b[7:], t.Subject)
	binary.BigEndian.PutUint32(b[15:], t.Link)
}

func parsePrefix(b *[prefixLength]byte) Token {
	return Token{
		Kind:    Kind(b[0] & 15),
		Key:     binary.BigEndian.Uint16(b[1:]),
		Channel: binary.BigEndian.Uint32(b[3:]),
		Subject: binary.BigEndian.Uint64(b[7:]),
		Link:    binary.BigEndian.Uint32(b[15:]),
	}
}

// Parse reads the text of a token of kind Link, Open or Image. Its tag is not checked yet.
func Parse(text string) (Token, [tagLength]byte, error) {
	t, tag, ok := ParseBytes([]byte(text))
	if !ok {
		return Token{}, [tagLength]byte{}, bad()
	}
	return t, tag, nil
}

// ParseBytes is Parse for bytes.
func ParseBytes(text []byte) (t Token, tag [tagLength]byte, ok bool) {
	var room [SignedRoom]byte
	s, ok := ParseSigned(&room, text)
	if !ok {
		return Token{}, tag, false
	}
	return s.Token, [tagLength]byte(s.Tag), true
}

// SignedRoom is what ParseSigned needs: domain, token, and some bytes that are written over.
const SignedRoom = len(linkDomain) + 40

// Signed is a token with what its tag must cover. The slices alias the room it was read into.
type Signed struct {
	Token   Token
	Message []byte // domain and prefix
	Tag     []byte // not checked yet
}

// ParseSigned is Parse for modules: it copies nothing and allocates nothing.
func ParseSigned(room *[SignedRoom]byte, text []byte) (s Signed, ok bool) {
	const prefixAt, tagAt = len(linkDomain), len(linkDomain) + prefixLength
	if len(text) != textLength ||
		!strict64.URL42((*[40]byte)(room[prefixAt:]), (*[textLength]byte)(text)) {
		return Signed{}, false
	}
	copy(room[:], linkDomain)
	t := parsePrefix((*[prefixLength]byte)(room[prefixAt:]))
	ok = room[prefixAt]>>4 == version && t.Kind >= Link && t.Kind <= Image &&
		(t.Kind != Open || t.Link == 0)
	return Signed{Token: t, Message: room[:tagAt:tagAt], Tag: room[tagAt : tagAt+tagLength]}, ok
}

func bad() error {
	return &fault.Error{Kind: fault.Invalid, Op: "token.Parse", Message: "This link is not one of ours."}
}
