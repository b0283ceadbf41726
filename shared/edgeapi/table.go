package edgeapi

import (
	"encoding/binary"
	"math"
)

// Numbers of the replica's tables.
const (
	TableHook    uint8 = 1 // public key -> HookEntry
	TableLink    uint8 = 2 // channel, link -> target
	TableImage   uint8 = 3 // channel, image, width -> ImageEntry
	TableChannel uint8 = 4 // channel -> ChannelEntry; channel, 1 -> LookEntry
	TableCode    uint8 = 5 // public key -> CodeEntry
	TableForm    uint8 = 6 // public key -> FormEntry
	TableKey     uint8 = 7 // KeyRef -> KeyEntry
)

// HookKind is the owner's kind of a hook; the numbers are those of KeyKind.
type HookKind = KeyKind

// HookEntry says whom a hook's public key belongs to.
type HookEntry struct {
	Kind   HookKind // KeyLINE, KeyFlow, KeyKlaviyo or KeyShopify
	Number uint32
	Core   bool // the core checks the signature
}

// HookKey is the key of table 1: kind and public key, since a key counts only on its route.
func HookKey(kind HookKind, publicKey string) []byte {
	return append([]byte{byte(kind)}, publicKey...)
}

// Append adds the entry's value.
func (e HookEntry) Append(dst []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, e.Number), flag(e.Core))
}

// ParseHookEntry reads a value of table 1. The kind is part of the key.
func ParseHookEntry(b []byte) (HookEntry, error) {
	if len(b) != 5 || b[4] > 1 {
		return HookEntry{}, malformed("edgeapi.ParseHookEntry")
	}
	return HookEntry{Number: binary.LittleEndian.Uint32(b), Core: b[4] == 1}, nil
}

// LinkKey is the key of table 2.
func LinkKey(channel, link uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, channel), link)
}

// PutLinkKey is LinkKey in memory that the caller has.
func PutLinkKey(b *[8]byte, channel, link uint32) {
	binary.LittleEndian.PutUint32(b[0:], channel)
	binary.LittleEndian.PutUint32(b[4:], link)
}

// AppendTarget adds a value of table 2: the target with UTM.
func AppendTarget(dst []byte, target string) []byte { return appendText(dst, target) }

// ParseTarget reads a value of table 2.
func ParseTarget(b []byte) (string, error) {
	target, ok := CutTarget(b)
	if !ok {
		return "", malformed("edgeapi.ParseTarget")
	}
	return string(target), nil
}

// CutTarget is ParseTarget without allocation; the target aliases b.
func CutTarget(b []byte) (target []byte, ok bool) {
	if len(b) < 2 || len(b) != 2+int(binary.LittleEndian.Uint16(b)) {
		return nil, false
	}
	return b[2:], true
}

// ImageEntry says which media an image is.
type ImageEntry struct {
	SHA256    [32]byte
	MediaType string
	PerPerson bool // its first load is an open
}

// ImageKey is the key of table 3.
func ImageKey(channel, image uint32, width uint16) []byte {
	return binary.LittleEndian.AppendUint16(LinkKey(channel, image), width)
}

// Append adds the entry's value.
func (e ImageEntry) Append(dst []byte) []byte {
	return append(appendText(append(dst, e.SHA256[:]...), e.MediaType), flag(e.PerPerson))
}

// ParseImageEntry reads a value of table 3.
func ParseImageEntry(b []byte) (ImageEntry, error) {
	r := reader{rest: b}
	var e ImageEntry
	copy(e.SHA256[:], r.take(len(e.SHA256)))
	e.MediaType = r.text()
	flag := r.byte()
	e.PerPerson, r.short = flag == 1, r.short || flag > 1
	return e, r.end("edgeapi.ParseImageEntry")
}

// ChannelEntry is what links and pages need to know of a LINE account.
type ChannelEntry struct {
	StateKey     uint16 // number of the key that seals states now
	LoginChannel string // LINE Login channel id
	BasicID      string // with @
	Shop         string // name for people
	FallbackURL  string
	Language     string // two letters
	AskEmail     bool   // LINE Login asks for the person's email
}

// ChannelKey is the key of table 4.
func ChannelKey(channel uint32) []byte { return binary.LittleEndian.AppendUint32(nil, channel) }

// Append adds the entry's value.
func (e ChannelEntry) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, e.StateKey)
	for _, text := range []string{e.LoginChannel, e.BasicID, e.Shop, e.FallbackURL, e.Language} {
		dst = appendText(dst, text)
	}
	if e.AskEmail { // an edge of before knows no such byte: it is there only where it says yes
		dst = append(dst, 1)
	}
	return dst
}

// ParseChannelEntry reads a value of table 4.
func ParseChannelEntry(b []byte) (ChannelEntry, error) {
	r := reader{rest: b}
	e := ChannelEntry{
		StateKey:     r.uint16(),
		LoginChannel: r.text(),
		BasicID:      r.text(),
		Shop:         r.text(),
		FallbackURL:  r.text(),
		Language:     r.text(),
	}
	if len(r.rest) > 0 {
		e.AskEmail = r.byte() == 1
		r.short = r.short || !e.AskEmail
	}
	return e, r.end("edgeapi.ParseChannelEntry")
}

// LookEntry is how customers see a LINE account on pages. It has a row of its own, so that who
// knows nothing of it reads channels as ever.
type LookEntry struct {
	Ring    string // name of the account's colour, empty = none
	Picture string // its address at LINE, empty = none
}

// LookKey is the key of table 4 for an account's look.
func LookKey(channel uint32) []byte { return append(ChannelKey(channel), 1) }

// Append adds the entry's value.
func (e LookEntry) Append(dst []byte) []byte { return appendText(appendText(dst, e.Ring), e.Picture) }

// ParseLookEntry reads a look of table 4.
func ParseLookEntry(b []byte) (LookEntry, error) {
	r := reader{rest: b}
	e := LookEntry{Ring: r.text(), Picture: r.text()}
	return e, r.end("edgeapi.ParseLookEntry")
}

// CodeState says whether a custom QR code works.
type CodeState uint8

// The states of a code.
const (
	CodeLive   CodeState = 1
	CodePaused CodeState = 2
)

// CodeEntry is a custom QR code.
type CodeEntry struct {
	Number  uint64 // per channel
	Channel uint32
	Claims  uint8  // bit k-1 set = claim k is accepted (token.Claim)
	Expires uint32 // Unix seconds, 0 = never
	State   CodeState
}

// Append adds the entry's value. Its key is the code's public key.
func (e CodeEntry) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, e.Number)
	dst = append(binary.LittleEndian.AppendUint32(dst, e.Channel), e.Claims)
	return append(binary.LittleEndian.AppendUint32(dst, e.Expires), byte(e.State))
}

// ParseCodeEntry reads a value of table 5.
func ParseCodeEntry(b []byte) (CodeEntry, error) {
	r := reader{rest: b}
	e := CodeEntry{
		Number:  r.uint64(),
		Channel: r.uint32(),
		Claims:  r.byte(),
		Expires: r.uint32(),
		State:   CodeState(r.byte()),
	}
	return e, r.end("edgeapi.ParseCodeEntry")
}

// FormEntry is a form of a shop page.
type FormEntry struct {
	Channel  uint32
	Code     string   // public key of the code that its links use
	Origins  []string // pages that may ask, at most 255
	Number   uint64   // of the code, the subject of events
	Settings string   // JSON that the script begins with: {"form":"","show":"both","texts":{}}
}

// Append adds the entry's value. Its key is the form's public key.
func (e FormEntry) Append(dst []byte) []byte {
	dst = appendText(binary.LittleEndian.AppendUint32(dst, e.Channel), e.Code)
	dst = append(dst, byte(min(len(e.Origins), math.MaxUint8)))
	for _, origin := range e.Origins[:min(len(e.Origins), math.MaxUint8)] {
		dst = appendText(dst, origin)
	}
	return appendText(binary.LittleEndian.AppendUint64(dst, e.Number), e.Settings)
}

// ParseFormEntry reads a value of table 6.
func ParseFormEntry(b []byte) (FormEntry, error) {
	r := reader{rest: b}
	e := FormEntry{Channel: r.uint32(), Code: r.text()}
	for range r.byte() {
		e.Origins = append(e.Origins, r.text())
	}
	e.Number, e.Settings = r.uint64(), r.text()
	return e, r.end("edgeapi.ParseFormEntry")
}

// KeyEntry is a key with the time it counts.
type KeyEntry struct {
	ValidFrom  int64 // Unix ms
	ValidUntil int64 // Unix ms, 0 = no end
	Secret     []byte
}

// Append adds the entry's value.
func (e KeyEntry) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.ValidFrom))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.ValidUntil))
	return append(dst, e.Secret...)
}

// ParseKeyEntry reads a value of table 7.
func ParseKeyEntry(b []byte) (KeyEntry, error) {
	r := reader{rest: b}
	e := KeyEntry{ValidFrom: int64(r.uint64()), ValidUntil: int64(r.uint64())}
	e.Secret = r.take(len(r.rest))
	if len(e.Secret) == 0 {
		r.short = true
	}
	return e, r.end("edgeapi.ParseKeyEntry")
}

// Append adds a key reference as a key of table 7.
func (r KeyRef) Append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(r))
}

// ParseKeyRef reads a key of table 7.
func ParseKeyRef(b []byte) (KeyRef, error) {
	if len(b) != 8 {
		return 0, malformed("edgeapi.ParseKeyRef")
	}
	return KeyRef(binary.LittleEndian.Uint64(b)), nil
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// appendText adds u16 length and UTF-8; longer text is cut, which no valid value needs.
func appendText(dst []byte, text string) []byte {
	text = text[:min(len(text), math.MaxUint16)]
	return append(binary.LittleEndian.AppendUint16(dst, uint16(len(text))), text...)
}
