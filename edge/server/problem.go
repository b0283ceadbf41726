package server

import (
	"encoding/json"
	"strconv"

	"github.com/valyala/fasthttp"

	"lumo/shared/edgeapi"
	"lumo/shared/fault"
)

const retrySeconds = 5

// problem is an answer in the form of RFC 9457.
type problem struct {
	Type    string     `json:"type"`
	Title   string     `json:"title"`
	Status  int        `json:"status"`
	Detail  string     `json:"detail,omitempty"`
	Kind    fault.Kind `json:"kind"`
	Reason  string     `json:"reason,omitempty"`
	Request string     `json:"request,omitempty"`
}

// tryAgain is the answer to all trouble of our own: senders repeat on 503.
func (s *Server) tryAgain(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("Retry-After", strconv.Itoa(retrySeconds))
	s.problem(ctx, fasthttp.StatusServiceUnavailable, 0, "")
}

func (s *Server) problem(ctx *fasthttp.RequestCtx, status int, reason edgeapi.Reason,
	request string) {
	s.json(ctx, status, "application/problem+json", problem{Type: "about:blank",
		Title:  fasthttp.StatusMessage(status),
		Status: status, Detail: sentence(status, reason), Kind: kindOf(status),
		Reason: reason.Code(), Request: request})
}

// kindOf is the one table from the statuses of this server to kinds.
func kindOf(status int) fault.Kind {
	switch status {
	case fasthttp.StatusUnauthorized:
		return fault.Unauthenticated
	case fasthttp.StatusNotFound:
		return fault.NotFound
	case fasthttp.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case fasthttp.StatusTooManyRequests:
		return fault.Limited
	case fasthttp.StatusServiceUnavailable:
		return fault.Unavailable
	}
	return fault.Invalid
}

// sentence says what to do about a refusal, for whoever set the sender up.
func sentence(status int, reason edgeapi.Reason) string {
	switch reason {
	case edgeapi.NoKey:
		return "The header Lumo-Flow-Key is missing. Copy it from the flow's settings in Lumo."
	case edgeapi.WrongKey:
		return "This flow key does not count. Copy the current one from the flow's settings in Lumo."
	case edgeapi.BadSignature:
		return "The signature does not belong to this body."
	case edgeapi.UnknownHook:
		return "There is no webhook at this address."
	case edgeapi.BadMethod:
		return "This address does not take this method."
	case edgeapi.TooLarge:
		return "The body is too large."
	case edgeapi.BadOrigin:
		return "This page may not ask here."
	}
	switch status {
	case fasthttp.StatusServiceUnavailable:
		return "Try again in a moment."
	case fasthttp.StatusTooManyRequests:
		return "Too many tries. Wait a minute."
	}
	return ""
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
