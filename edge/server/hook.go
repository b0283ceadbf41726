package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/valyala/fasthttp"

	"lumo/edge/core"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

// forwardHook lets the core answer, or takes the webhook durably when the core is away.
func (e *exchange) forwardHook() {
	v := &e.call.Verdict
	number := v.Number
	r := e.original(authOf(v))
	answer, err := e.ask(r, number == 0)
	switch {
	case err == nil:
		e.s.Meter.hook(r.Auth, "answered")
		e.passOn(answer)
	case errors.Is(err, core.ErrRevoked), number == 0 || isCompliance(r.Headers["X-Shopify-Topic"]):
		// What a revoked edge keeps nobody takes from it. Nobody here can say whether an unknown
		// hook exists; and who asks for erasure must hear that it reached those who do it.
		e.s.Meter.hook(r.Auth, "sent_back")
		e.s.tryAgain(e.RequestCtx)
	default:
		e.take(r)
	}
}

func isCompliance(topic string) bool {
	switch topic {
	case "customers/data_request", "customers/redact", "shop/redact":
		return true
	}
	return false
}

// take spools a request and says so; the sender never hears of it again from us.
func (e *exchange) take(r edgeapi.SpooledRequest) {
	if e.s.Core.Revoked() || e.spool(r) != nil {
		e.s.Meter.hook(r.Auth, "sent_back")
		e.s.tryAgain(e.RequestCtx)
		return
	}
	e.s.Meter.hook(r.Auth, "spooled")
	if e.to.line {
		e.bare(fasthttp.StatusAccepted)
		return
	}
	e.s.json(e.RequestCtx, fasthttp.StatusAccepted, "application/json",
		map[string]string{"status": "accepted", "request": e.id.With(id.Request)})
}

// spool returns when the request is synced to disk, where only the core can read it.
func (e *exchange) spool(r edgeapi.SpooledRequest) error {
	body, err := r.Append(nil)
	if err != nil {
		return err
	}
	record, err := sealing.Seal(e.s.Seal, edgeapi.Record{Kind: edgeapi.RecordRequest, ID: e.id,
		Body: body})
	if err != nil {
		return err
	}
	return e.s.Spool.AddRequest(context.Background(), record)
}

// denyHook refuses. A wrong key or signature is final only while the lease is fresh: an
// edge that is cut off may not know the newest key, so it takes the request provisionally
// and the core judges it later. What no key could make right, such as a signature that came
// twice, is final at any time.
func (e *exchange) denyHook() {
	v := &e.call.Verdict
	if v.Status == fasthttp.StatusUnauthorized && v.Number != 0 {
		if v.Reason != edgeapi.BadShape && !e.s.Replica.Fresh() {
			e.provisional(v.Number)
			return
		}
		e.refused(v.Number)
	}
	e.setHeaders()
	e.s.problem(e.RequestCtx, int(v.Status), v.Reason, e.id.With(id.Request))
}

// refused leaves a note of a refusal. Of LINE the whole request is passed on besides: its
// secret may have been changed there, and the core tries the new one when it learns it.
func (e *exchange) refused(number uint32) {
	v := &e.call.Verdict
	e.s.Meter.hook(authRefused, v.Reason.Code())
	if e.s.limit.note(number) {
		e.record(v.Events)
	}
	if e.to.line && v.Reason != edgeapi.BadShape && e.s.limit.refused(number) {
		if err := e.spool(e.original(authRefused)); err != nil {
			e.s.Meter.eventLost()
		}
	}
}

// provisional takes what cannot be judged here, within limits. The key itself is not kept,
// only its hash; signatures are, since the core needs them.
func (e *exchange) provisional(number uint32) {
	r := e.original(authProvisional)
	if key, ok := r.Headers[edgeapi.HeaderFlowKey]; ok {
		sum := sha256.Sum256([]byte(key))
		r.KeySHA256 = hex.EncodeToString(sum[:])
		delete(r.Headers, edgeapi.HeaderFlowKey)
	}
	waiting := e.s.Spool.Stats().Requests > 0
	if !e.s.limit.provisional(e.to.label, number, len(r.Body), waiting) {
		e.s.Meter.hook(r.Auth, "sent_back")
		e.s.tryAgain(e.RequestCtx)
		return
	}
	e.take(r)
}
