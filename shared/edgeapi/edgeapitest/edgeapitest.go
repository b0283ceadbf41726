// Package edgeapitest holds the golden requests that every side reads: one small world of
// tables and keys, requests against it, and the verdicts that are right.
//
// The modules' native tests write the verdicts; the same files are then held against the
// compiled modules under each ABI. Nothing in it is secret outside of tests.
package edgeapitest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"

	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/webhooksig"
)

// The fixed world.
const (
	NowMS     = int64(1795521600000) // 2026-11-24T12:00:00Z
	Channel   = uint32(7)
	Bare      = uint32(8) // a channel without LINE Login and without secrets
	Account   = uint32(9) // Klaviyo
	ShopOwner = uint32(10)
	LINEHook  = "aaaaaaaaaaaaaaa2"
	FlowHook  = "aaaaaaaaaaaaaaa3"
	Code      = "aaaaaaaaaaaaaaa4" // accepts a profile id only
	Paused    = "aaaaaaaaaaaaaaa5"
	AnyCode   = "aaaaaaaaaaaaaaa6" // accepts every claim
	OldCode   = "aaaaaaaaaaaaaaa7" // expired
	BareCode  = "aaaaaaaaaaaaaab2" // of a channel without LINE Login
	Form      = "aaaaaaaaaaaaaab3"
	Klaviyo   = "aaaaaaaaaaaaaab4" // system webhooks
	Shop      = "aaaaaaaaaaaaaab5" // the core checks
	OwnShop   = "aaaaaaaaaaaaaab6" // an app of the merchant's own
	KeyLess   = "aaaaaaaaaaaaaab7" // a LINE hook whose secret is not here yet
	Secret    = "0123456789abcdef0123456789abcdef"
	Target    = "https://shop.example/cart?utm_source=line"
	Fragment  = "https://shop.example/tea#top"
	Phone     = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari Line/15.2.0"
	Desktop   = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"
	Crawler   = "facebookexternalhit/1.1;line-poker/1.0"
	bodyOfTwo = `{"destination":"U0","events":[]}`
	formType  = "application/x-www-form-urlencoded"
)

// Case is one golden request.
type Case struct {
	Name    string
	Module  string
	Request edgeapi.Request
	Body    []byte
}

// LinkKey, StateKey and FlowKey are the channel's keys.
func LinkKey() []byte  { return bytes.Repeat([]byte{1}, 32) }
func StateKey() []byte { return bytes.Repeat([]byte{3}, 32) }
func FlowKey() string  { return webhooksig.FormatFlowKey(1, [32]byte{5}) }

// OneOffKey signs one-off links.
func OneOffKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)) }

// Zero is a source of nonces for repeatable states.
type Zero struct{}

// Read gives zeros.
func (Zero) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// World is the tables and keys, as an edge's replica would hold them.
type World struct{ tables map[string][]byte }

// NewWorld makes the fixed world.
func NewWorld() World {
	w := World{tables: map[string][]byte{}}
	w.put(
		edgeapi.TableHook,
		edgeapi.HookKey(edgeapi.KeyLINE, LINEHook),
		edgeapi.HookEntry{Number: Channel}.Append(nil),
	)
	w.put(
		edgeapi.TableHook,
		edgeapi.HookKey(edgeapi.KeyFlow, FlowHook),
		edgeapi.HookEntry{Number: Channel}.Append(nil),
	)
	w.put(edgeapi.TableLink, edgeapi.LinkKey(Channel, 1), edgeapi.AppendTarget(nil, Target))
	w.put(edgeapi.TableLink, edgeapi.LinkKey(Channel, 2), edgeapi.AppendTarget(nil, Fragment))
	shop := edgeapi.ChannelEntry{
		StateKey: 1, LoginChannel: "2001", BasicID: "@hanatea", Shop: "Hana Tea",
		FallbackURL: "https://shop.example/", Language: "ja",
	}
	bare := edgeapi.ChannelEntry{BasicID: "@bare", Shop: "Bare", Language: "en"}
	w.put(edgeapi.TableChannel, edgeapi.ChannelKey(Channel), shop.Append(nil))
	w.put(edgeapi.TableChannel, edgeapi.ChannelKey(Bare), bare.Append(nil))
	for key, e := range map[string]edgeapi.CodeEntry{
		Code:     {Number: 4, Channel: Channel, Claims: 1, State: edgeapi.CodeLive},
		Paused:   {Number: 5, Channel: Channel, Claims: 1, State: edgeapi.CodePaused},
		AnyCode:  {Number: 6, Channel: Channel, Claims: 7, Expires: uint32(NowMS/1000) + 1, State: edgeapi.CodeLive},
		OldCode:  {Number: 7, Channel: Channel, Claims: 1, Expires: uint32(NowMS / 1000), State: edgeapi.CodeLive},
		BareCode: {Number: 1, Channel: Bare, Claims: 1, State: edgeapi.CodeLive},
	} {
		w.put(edgeapi.TableCode, []byte(key), e.Append(nil))
	}
	w.put(edgeapi.TableForm, []byte(Form), edgeapi.FormEntry{Channel: Channel, Code: AnyCode,
		Origins: []string{"https://www.shop.example", "https://shop.example"}, Number: 6,
		Settings: `{"form":"UxQt3K","show":"both","texts":{}}`}.Append(nil))
	own := edgeapi.ImageEntry{
		SHA256: [32]byte{0xab, 31: 0xcd}, MediaType: "image/jpeg", PerPerson: true,
	}
	common := edgeapi.ImageEntry{SHA256: [32]byte{1}, MediaType: "image/jpeg"}
	w.put(edgeapi.TableImage, edgeapi.ImageKey(Channel, 5, 1040), own.Append(nil))
	w.put(edgeapi.TableImage, edgeapi.ImageKey(Channel, 6, 0), common.Append(nil))
	for key, e := range map[string]edgeapi.HookEntry{
		string(edgeapi.HookKey(edgeapi.KeyLINE, KeyLess)):    {Number: Bare},
		string(edgeapi.HookKey(edgeapi.KeyFlow, KeyLess)):    {Number: Bare, Core: true},
		string(edgeapi.HookKey(edgeapi.KeyKlaviyo, Klaviyo)): {Number: Account},
		string(edgeapi.HookKey(edgeapi.KeyShopify, Shop)):    {Number: ShopOwner, Core: true},
		string(edgeapi.HookKey(edgeapi.KeyShopify, OwnShop)): {Number: ShopOwner},
	} {
		w.put(edgeapi.TableHook, []byte(key), e.Append(nil))
	}
	return w
}

func (w World) put(table uint8, key, value []byte) {
	w.tables[string(rune(table))+string(key)] = value
}

// Lookup is the replica's look-up.
func (w World) Lookup(table uint8, key []byte) ([]byte, bool) {
	value, ok := w.tables[string(rune(table))+string(key)]
	return value, ok
}

// Frames are the world as a snapshot of the configuration stream.
func (w World) Frames(version uint64) []edgeapi.Frame {
	var payload []byte
	put := func(table uint8, key, value []byte) {
		e := edgeapi.Entry{Op: edgeapi.Put, Table: table, Key: key, Value: value}
		payload = e.Append(payload)
	}
	for name, value := range w.tables {
		put(name[0], []byte(name[1:]), value)
	}
	for _, ref := range keyRefs() {
		for _, secret := range w.Keys(ref, NowMS) {
			e := edgeapi.KeyEntry{ValidFrom: 1, Secret: secret}
			put(edgeapi.TableKey, ref.Append(nil), e.Append(nil))
		}
	}
	return []edgeapi.Frame{{Type: edgeapi.FrameSnapshot, Sequence: version, Payload: payload},
		{Type: edgeapi.FrameSnapshot, Sequence: version}}
}

func keyRefs() []edgeapi.KeyRef {
	return []edgeapi.KeyRef{
		edgeapi.Ref(edgeapi.KeyLink, 1, Channel),
		edgeapi.Ref(edgeapi.KeyState, 1, Channel),
		edgeapi.Ref(edgeapi.KeyLINE, 1, Channel),
		edgeapi.Ref(edgeapi.KeyFlow, 1, Channel),
		edgeapi.Ref(edgeapi.KeyOneOff, 1, 0),
	}
}

// Keys is the replica's keys; 0 = any.
func (w World) Keys(ref edgeapi.KeyRef, _ int64) [][]byte {
	if ref.Kind() == edgeapi.KeyOneOff && ref.Key() == 1 {
		return [][]byte{OneOffKey().Public().(ed25519.PublicKey)}
	}
	if ref.Number() == Account && ref.Kind() == edgeapi.KeyKlaviyo ||
		ref.Number() == ShopOwner && ref.Kind() == edgeapi.KeyShopify {
		return [][]byte{[]byte("an older secret"), []byte(Secret)}
	}
	if ref.Number() != Channel || ref.Key() > 1 {
		return nil
	}
	switch ref.Kind() {
	case edgeapi.KeyLink:
		return [][]byte{LinkKey()}
	case edgeapi.KeyState:
		return [][]byte{StateKey()}
	case edgeapi.KeyLINE:
		return [][]byte{[]byte(Secret)}
	case edgeapi.KeyFlow:
		sum := webhooksig.HashFlowKey(FlowKey())
		return [][]byte{sum[:]}
	}
	return nil
}

// EventID is the id of every golden request.
func EventID() id.ID { return id.New(NowMS, [10]byte{1, 2, 3}) }

// Hex is how a golden verdict is kept: lines of 32 bytes.
func Hex(b []byte) []byte {
	var out bytes.Buffer
	for len(b) > 0 {
		n := min(len(b), 32)
		out.WriteString(hex.EncodeToString(b[:n]) + "\n")
		b = b[n:]
	}
	return out.Bytes()
}
