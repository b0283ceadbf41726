package main

import (
	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/webhooksig"
)

func line(c *guest.Call, entry edgeapi.HookEntry) finding {
	sum, ok := webhooksig.DecodeBase64(c.Request.Credential())
	if !ok {
		return finding{guest.Mismatch, edgeapi.BadSignature, 0}
	}
	return signed(c, entry, edgeapi.KeyLINE, nil, sum)
}

// flow: the core is asked about no key that this edge does not hold, since anyone can
// invent a number; a key too new for this edge is what provisional is for.
func flow(c *guest.Call, entry edgeapi.HookEntry) finding {
	value := c.Request.Credential()
	if len(value) == 0 {
		return finding{guest.Mismatch, edgeapi.NoKey, 0}
	}
	key, ok := webhooksig.ParseFlowKeyBytes(value)
	if !ok {
		return finding{guest.Mismatch, edgeapi.WrongKey, 0}
	}
	if entry.Core {
		return finding{guest.NoKey, 0, uint64(key)}
	}
	result := c.Host.SHA256Equal(edgeapi.Ref(edgeapi.KeyFlow, uint16(key), entry.Number), value)
	if result != guest.Match {
		result = guest.Mismatch
	}
	return finding{result, edgeapi.WrongKey, uint64(key)}
}

// klaviyo: the signature covers the body and the timestamp as it stands in its header.
// That clock is hours off, so its age says nothing here.
func klaviyo(c *guest.Call, entry edgeapi.HookEntry) finding {
	sum, ok := webhooksig.DecodeHex(c.Request.Credential())
	if !ok || len(c.Request.Extra()) == 0 {
		return finding{guest.Mismatch, edgeapi.BadSignature, 0}
	}
	return signed(c, entry, edgeapi.KeyKlaviyo, c.Request.Extra(), sum)
}

// shopify: one app secret signs for all shops, so unless the merchant brought an own app,
// only the shape is for us and the signature for the core.
func shopify(c *guest.Call, entry edgeapi.HookEntry) finding {
	sum, ok := webhooksig.DecodeBase64(c.Request.Credential())
	if _, shop := guest.CutSuffix(c.Request.Extra(), ".myshopify.com"); !ok || !shop {
		return finding{guest.Mismatch, edgeapi.BadShape, 0}
	}
	return signed(c, entry, edgeapi.KeyShopify, nil, sum)
}

// signed lets the host check the body, unless only the core can.
func signed(
	c *guest.Call, entry edgeapi.HookEntry, kind edgeapi.KeyKind, suffix []byte, sum [32]byte,
) finding {
	if entry.Core {
		return finding{guest.NoKey, 0, 0}
	}
	tag := c.Room(len(sum))
	copy(tag, sum[:])
	result := c.Host.BodyHMAC(edgeapi.Ref(kind, 0, entry.Number), suffix, tag)
	return finding{result, edgeapi.BadSignature, 0}
}
