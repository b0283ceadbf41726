package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/valyala/fasthttp"

	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

const retryAfter = "5"

// forwardHook lets the core answer, or takes the webhook durably when the core is away.
func (s *Server) forwardHook(ctx *fasthttp.RequestCtx, c *wasm.Call, event id.ID, to route) {
	auth, number := "verified", c.Verdict.Number
	if c.Verdict.Auth != edgeapi.AuthVerified {
		auth = "unchecked"
	}
	r := s.original(ctx, auth, to)
	answer, err := s.Core.Ask(ctx, event, r, to.limit)
	if err == nil {
		s.Meter.hook(to.prefix, "core")
		s.passOn(ctx, answer)
		return
	}
	if number == 0 { // nobody here can say whether the hook exists
		s.tryAgain(ctx)
		return
	}
	s.take(ctx, event, r)
}

// take spools a request and says so; the sender never hears of it again from us.
func (s *Server) take(ctx *fasthttp.RequestCtx, event id.ID, r edgeapi.SpooledRequest) {
	if err := s.spoolRequest(ctx, event, r); err != nil {
		s.Meter.hook(r.Auth, "refused")
		s.tryAgain(ctx)
		return
	}
	s.Meter.hook(r.Auth, "spooled")
	s.accepted(ctx, event)
}

func (s *Server) spoolRequest(ctx context.Context, event id.ID, r edgeapi.SpooledRequest) error {
	body, err := r.Append(nil)
	if err != nil {
		return err
	}
	record, err := sealing.Seal(s.Seal, edgeapi.Record{Kind: edgeapi.RecordRequest, ID: event, Body: body})
	if err != nil {
		return err
	}
	return s.Spool.AddRequest(context.WithoutCancel(ctx), record)
}

func (s *Server) accepted(ctx *fasthttp.RequestCtx, event id.ID) {
	s.json(ctx, fasthttp.StatusAccepted, "application/json",
		map[string]string{"status": "accepted", "request": event.With(id.Request)})
}

// denyHook refuses. A wrong key or signature is final only while the lease is fresh: an
// edge that is cut off may not know the newest key, so it takes the request provisionally
// and the core judges it later.
func (s *Server) denyHook(ctx *fasthttp.RequestCtx, c *wasm.Call, event id.ID, to route) {
	v := &c.Verdict
	status, reason, number := int(v.Status), v.Reason, v.Number
	if status == fasthttp.StatusUnauthorized && number != 0 {
		if !s.Replica.Fresh() {
			s.provisional(ctx, event, to, number)
			return
		}
		s.record(ctx, v.Events, event)
		if to.prefix == "/hooks/line/" && s.limit.refused(number) {
			// The secret may have changed at LINE; the core keeps it to try a new one.
			_ = s.spoolRequest(ctx, event, s.original(ctx, "refused", to))
		}
	}
	for _, line := range v.Headers {
		s.setHeader(ctx, line)
	}
	s.problem(ctx, status, reason, event.With(id.Request))
}

// provisional takes what cannot be judged here, within limits. The key itself is not kept,
// only its hash; signatures are, since the core needs them.
func (s *Server) provisional(ctx *fasthttp.RequestCtx, event id.ID, to route, number uint32) {
	r := s.original(ctx, "provisional", to)
	if key, ok := r.Headers[edgeapi.HeaderFlowKey]; ok {
		sum := sha256.Sum256([]byte(key))
		r.KeySHA256 = hex.EncodeToString(sum[:])
		delete(r.Headers, edgeapi.HeaderFlowKey)
	}
	if !s.limit.provisional(number, len(r.Body)) {
		s.tryAgain(ctx)
		return
	}
	s.take(ctx, event, r)
}

// tryAgain is the answer to all trouble of our own: senders repeat on 503.
func (s *Server) tryAgain(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("Retry-After", retryAfter)
	s.problem(ctx, fasthttp.StatusServiceUnavailable, 0, "")
}

type problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Request string `json:"request,omitempty"`
}

// problem writes problem details (RFC 9457).
func (s *Server) problem(ctx *fasthttp.RequestCtx, status int, reason edgeapi.Reason, request string) {
	s.json(ctx, status, "application/problem+json", problem{Type: "about:blank", Title: fasthttp.StatusMessage(status),
		Status: status, Reason: reason.Code(), Request: request})
}

func (s *Server) json(ctx *fasthttp.RequestCtx, status int, kind string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = fasthttp.StatusServiceUnavailable, nil
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType(kind)
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetBody(text)
}
