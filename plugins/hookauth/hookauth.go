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
	"lumo/shared/webhooksig"
)

// route is one kind of hook.
type route struct {
	prefix string
	kind   edgeapi.HookKind
	check  func(h guest.Host, r *edgeapi.Request, number uint32) (int32, edgeapi.Reason, uint64)
}

func routes() [4]route {
	return [...]route{
		{"/hooks/line/", edgeapi.KeyLINE, line},
		{"/hooks/klaviyo/flow/", edgeapi.KeyFlow, flow},
		{"/hooks/klaviyo/system/", edgeapi.KeyKlaviyo, klaviyo},
		{"/hooks/shopify/", edgeapi.KeyShopify, shopify},
	}
}

func handle(h guest.Host, r *edgeapi.Request, v *edgeapi.Verdict) {
	for _, to := range routes() {
		if key, ok := guest.CutPrefix(r.Path, to.prefix); ok {
			judge(h, r, v, to, key)
			return
		}
	}
	guest.Deny(v, 404, edgeapi.UnknownHook)
}

func judge(h guest.Host, r *edgeapi.Request, v *edgeapi.Verdict, to route, key []byte) {
	if r.Method != edgeapi.POST {
		guest.BadMethod(v, "POST")
		return
	}
	value := h.Lookup(edgeapi.TableHook, edgeapi.HookKey(to.kind, string(key)))
	entry, err := edgeapi.ParseHookEntry(value)
	if err != nil { // only the core can say that it does not exist
		guest.Forward(v, edgeapi.AuthUnchecked, 0)
		v.Reason = edgeapi.UnknownHook
		return
	}
	if r.Flags&edgeapi.FlagRepeatedHeader != 0 {
		refuse(v, entry.Number, 0, edgeapi.BadShape)
		return
	}
	result, reason, subject := to.check(h, r, entry.Number)
	switch {
	case result == guest.Match:
		guest.Forward(v, edgeapi.AuthVerified, entry.Number)
	case result == guest.NoKey && (entry.Core || to.kind != edgeapi.KeyFlow):
		guest.Forward(v, edgeapi.AuthUnchecked, entry.Number)
	default:
		refuse(v, entry.Number, subject, reason)
	}
}

// refuse denies with 401 and leaves a note of it for the owner.
func refuse(v *edgeapi.Verdict, number uint32, subject uint64, reason edgeapi.Reason) {
	guest.Deny(v, 401, reason)
	v.Number = number
	note := event.Event{Type: event.RefusedHook, Number: number, Subject: subject, Reason: uint16(reason)}
	v.Events = append(v.Events, note.Append(nil))
}

func line(h guest.Host, r *edgeapi.Request, number uint32) (int32, edgeapi.Reason, uint64) {
	sum, ok := webhooksig.DecodeBase64(r.Credential)
	if !ok {
		return guest.Mismatch, edgeapi.BadSignature, 0
	}
	return h.BodyHMAC(edgeapi.Ref(edgeapi.KeyLINE, 0, number), nil, sum), edgeapi.BadSignature, 0
}

func flow(h guest.Host, r *edgeapi.Request, number uint32) (int32, edgeapi.Reason, uint64) {
	if len(r.Credential) == 0 {
		return guest.Mismatch, edgeapi.NoKey, 0
	}
	key, err := webhooksig.ParseFlowKey(string(r.Credential))
	if err != nil {
		return guest.Mismatch, edgeapi.WrongKey, 0
	}
	result := h.SHA256Equal(edgeapi.Ref(edgeapi.KeyFlow, uint16(key), number), r.Credential)
	return result, edgeapi.WrongKey, uint64(key)
}

func klaviyo(h guest.Host, r *edgeapi.Request, number uint32) (int32, edgeapi.Reason, uint64) {
	sum, ok := webhooksig.DecodeHex(r.Credential)
	if !ok || len(r.Extra) == 0 {
		return guest.Mismatch, edgeapi.BadSignature, 0
	}
	return h.BodyHMAC(edgeapi.Ref(edgeapi.KeyKlaviyo, 0, number), r.Extra, sum), edgeapi.BadSignature, 0
}

// shopify: one app secret signs for all shops, so unless the merchant brought an own app,
// only the shape is for us and the signature for the core.
func shopify(h guest.Host, r *edgeapi.Request, number uint32) (int32, edgeapi.Reason, uint64) {
	sum, ok := webhooksig.DecodeBase64(r.Credential)
	if !ok || len(r.Extra) == 0 {
		return guest.Mismatch, edgeapi.BadShape, 0
	}
	return h.BodyHMAC(edgeapi.Ref(edgeapi.KeyShopify, 0, number), nil, sum), edgeapi.BadSignature, 0
}
