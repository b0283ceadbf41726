package edgetest

import (
	"crypto/ed25519"

	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/token"
	"lumo/shared/webhooksig"
)

// Shop is the fallback page of the demo channel.
const Shop = "https://shop.example/"

// Form is the public key of the demo form, KlaviyoHook and ShopifyHook of other hooks; the shop
// of OwnHook has an app of its own, whose secret edges know.
const (
	Form        = "aaaaaaaaaaaaaaa6"
	KlaviyoHook = "aaaaaaaaaaaaaaa7"
	ShopifyHook = "aaaaaaaaaaaaaaab"
	OwnHook     = "aaaaaaaaaaaaaaac"
	Account     = uint32(8) // number of the Klaviyo account and the shop
	Picture     = "https://profile.line-scdn.net/0h7"
)

// Seed gives the core the world of package edgeapitest: one channel with its hooks, links,
// codes and keys.
func (c *Core) Seed() {
	const channel = edgeapitest.Channel
	hook := func(kind edgeapi.HookKind, key string, e edgeapi.HookEntry) {
		c.Put(edgeapi.TableHook, edgeapi.HookKey(kind, key), e.Append(nil))
	}
	hook(edgeapi.KeyLINE, edgeapitest.LINEHook, edgeapi.HookEntry{Number: channel})
	hook(edgeapi.KeyFlow, edgeapitest.FlowHook, edgeapi.HookEntry{Number: channel})
	hook(edgeapi.KeyKlaviyo, KlaviyoHook, edgeapi.HookEntry{Number: Account})
	hook(edgeapi.KeyShopify, ShopifyHook, edgeapi.HookEntry{Number: Account, Core: true})
	hook(edgeapi.KeyShopify, OwnHook, edgeapi.HookEntry{Number: Account})
	c.Put(edgeapi.TableLink, edgeapi.LinkKey(channel, 1), edgeapi.AppendTarget(nil,
		edgeapitest.Target))
	c.Put(edgeapi.TableLink, edgeapi.LinkKey(channel, 2), edgeapi.AppendTarget(nil,
		edgeapitest.Fragment))
	c.Put(edgeapi.TableChannel, edgeapi.ChannelKey(channel), edgeapi.ChannelEntry{StateKey: 1,
		LoginChannel: "2001",
		BasicID:      "@hanatea", Shop: "Hana Tea", FallbackURL: Shop, Language: "ja"}.Append(nil))
	c.Put(edgeapi.TableChannel, edgeapi.LookKey(channel),
		edgeapi.LookEntry{Ring: "violet", Picture: Picture}.Append(nil))
	for key, state := range map[string]edgeapi.CodeState{edgeapitest.Code: edgeapi.CodeLive,
		edgeapitest.Paused: edgeapi.CodePaused} {
		c.Put(edgeapi.TableCode, []byte(key), edgeapi.CodeEntry{Number: 4, Channel: channel,
			Claims: 1, State: state}.Append(nil))
	}
	c.Put(edgeapi.TableForm, []byte(Form), edgeapi.FormEntry{Channel: channel,
		Code:    edgeapitest.Code,
		Origins: []string{"https://shop.example"}, Number: 4,
		Settings: `{"form":"","show":"both","texts":{}}`}.Append(nil))
	c.seedKeys(channel)
}

func (c *Core) seedKeys(channel uint32) {
	sum := webhooksig.HashFlowKey(edgeapitest.FlowKey())
	for ref, secret := range map[edgeapi.KeyRef][]byte{
		edgeapi.Ref(edgeapi.KeyLink, 1, channel):    edgeapitest.LinkKey(),
		edgeapi.Ref(edgeapi.KeyState, 1, channel):   edgeapitest.StateKey(),
		edgeapi.Ref(edgeapi.KeyLINE, 1, channel):    []byte(edgeapitest.Secret),
		edgeapi.Ref(edgeapi.KeyFlow, 1, channel):    sum[:],
		edgeapi.Ref(edgeapi.KeyKlaviyo, 1, Account): []byte(edgeapitest.Secret),
		edgeapi.Ref(edgeapi.KeyShopify, 1, Account): []byte(edgeapitest.Secret),
		edgeapi.Ref(edgeapi.KeyOneOff, 1,
			0): edgeapitest.OneOffKey().Public().(ed25519.PublicKey),
	} {
		c.PutKey(ref, edgeapi.KeyEntry{Secret: secret})
	}
}

// Link is the token of a tracked link of the demo channel.
func Link(number uint32, subject uint64) string {
	return token.Sign(token.Token{Kind: token.Link, Key: 1, Channel: edgeapitest.Channel,
		Subject: subject, Link: number},
		edgeapitest.LinkKey())
}

// Beacon is the token of a beacon of the demo channel.
func Beacon(subject uint64) string {
	return token.Sign(token.Token{Kind: token.Open, Key: 1, Channel: edgeapitest.Channel,
		Subject: subject},
		edgeapitest.LinkKey())
}
