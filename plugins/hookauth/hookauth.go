// Package main is hookauth.wasm: may this webhook come in?
//
// It says so from the hook's public key and the caller's signature or key; the host holds
// the secrets and the body. The core judges everything again. A refusal here is final only
// while the edge's lease is fresh, which the host knows and this module need not.
package main

import (
	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
)

const publicKeyLength = 16

// credential checks what came with a webhook to a hook of number.
type credential func(c *guest.Call, entry edgeapi.HookEntry) finding

// finding is what a credential showed. Subject names the flow key that was presented.
type finding struct {
	result  int32 // guest.Match, Mismatch, NoKey
	reason  edgeapi.Reason
	subject uint64
}

func handle(c *guest.Call) {
	path := c.Request.Path()
	if key, ok := guest.CutPrefix(path, "/hooks/klaviyo/flow/"); ok {
		judge(c, edgeapi.KeyFlow, key, flow)
	} else if key, ok := guest.CutPrefix(path, "/hooks/line/"); ok {
		judge(c, edgeapi.KeyLINE, key, line)
	} else if key, ok := guest.CutPrefix(path, "/hooks/klaviyo/system/"); ok {
		judge(c, edgeapi.KeyKlaviyo, key, klaviyo)
	} else if key, ok := guest.CutPrefix(path, "/hooks/shopify/"); ok {
		judge(c, edgeapi.KeyShopify, key, shopify)
	} else {
		c.Deny(404, edgeapi.UnknownHook)
	}
}

func judge(c *guest.Call, kind edgeapi.HookKind, key []byte, check credential) {
	if c.Request.Method != edgeapi.POST {
		c.BadMethod("Allow: POST")
		return
	}
	if len(key) != publicKeyLength {
		c.Deny(404, edgeapi.UnknownHook)
		return
	}
	value := c.Host.Lookup(edgeapi.TableHook, hookKey(c, kind, key))
	if value == nil { // only the core can say that it does not exist
		c.Forward(edgeapi.AuthUnchecked, 0, edgeapi.UnknownHook)
		return
	}
	entry, err := edgeapi.ParseHookEntry(value)
	if err != nil {
		c.Deny(503, edgeapi.UnknownHook)
		return
	}
	found := finding{guest.Mismatch, edgeapi.BadShape, 0}
	if c.Request.Flags&edgeapi.FlagRepeatedHeader == 0 {
		found = check(c, entry)
	}
	switch found.result {
	case guest.Match:
		c.Forward(edgeapi.AuthVerified, entry.Number, 0)
	case guest.NoKey:
		c.Forward(edgeapi.AuthUnchecked, entry.Number, 0)
	default:
		refuse(c, entry.Number, found)
	}
}

func hookKey(c *guest.Call, kind edgeapi.HookKind, publicKey []byte) []byte {
	key := c.Room(1 + publicKeyLength)
	key[0] = byte(kind)
	copy(key[1:], publicKey)
	return key
}

// refuse denies with 401 and leaves a note of it for the hook's owner.
func refuse(c *guest.Call, number uint32, found finding) {
	c.Deny(401, found.reason)
	c.Verdict.Number(number)
	c.Verdict.Event(event.Event{Type: event.RefusedHook, Number: number, Subject: found.subject,
		Reason: uint16(found.reason)})
}
