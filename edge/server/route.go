package server

import (
	"bytes"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
)

const (
	hookModule = "hookauth"
	linkModule = "redirect"
	codeModule = "qr"

	linkLimit     = 300 * time.Millisecond
	callbackLimit = 10 * time.Second
	lineLimit     = 800 * time.Millisecond
	klaviyoLimit  = 1500 * time.Millisecond
	shopifyLimit  = 3 * time.Second

	smallBody = 1 << 20
)

// route is how a path is served.
type route struct {
	prefix     string
	module     string
	credential string // header with the signature or key
	extra      string // header that the signature also needs
	maxBody    int
	limit      time.Duration // for asking the core
}

func routes() []route {
	return []route{
		{prefix: "/c/", module: linkModule, limit: linkLimit},
		{prefix: "/o/", module: linkModule, limit: linkLimit},
		{prefix: "/i/", module: linkModule, limit: linkLimit},
		{prefix: "/q/", module: codeModule, limit: linkLimit},
		{prefix: "/link/", module: codeModule, limit: callbackLimit},
		{prefix: "/f/", module: codeModule, limit: linkLimit},
		{prefix: "/hooks/line/", module: hookModule, credential: "X-Line-Signature", maxBody: smallBody, limit: lineLimit},
		{prefix: "/hooks/klaviyo/flow/", module: hookModule, credential: edgeapi.HeaderFlowKey, maxBody: smallBody,
			limit: klaviyoLimit},
		{prefix: "/hooks/klaviyo/system/", module: hookModule, credential: "Klaviyo-Signature", extra: "Klaviyo-Timestamp",
			maxBody: maxBody, limit: klaviyoLimit},
		{prefix: "/hooks/shopify/", module: hookModule, credential: "X-Shopify-Hmac-Sha256", extra: "X-Shopify-Shop-Domain",
			maxBody: maxBody, limit: shopifyLimit},
		{prefix: "/hooks/", module: hookModule, maxBody: smallBody, limit: lineLimit},
	}
}

func routeOf(path string) route {
	for _, to := range routes() {
		if strings.HasPrefix(path, to.prefix) {
			return to
		}
	}
	return route{}
}

// passedOn are the original headers that the core gets.
func passedOn() []string {
	return []string{"User-Agent", "Accept-Language", "Content-Type", "X-Line-Signature", "Klaviyo-Signature",
		"Klaviyo-Timestamp", "Klaviyo-Webhook-Id", "X-Klaviyo-Flow-Id", "X-Shopify-Hmac-Sha256", "X-Shopify-Shop-Domain",
		"X-Shopify-Topic", "X-Shopify-Event-Id", edgeapi.HeaderFlowKey}
}

// fill makes the request as modules see it. Its values belong to the request in progress.
func (s *Server) fill(ctx *fasthttp.RequestCtx, c *wasm.Call, event id.ID, to route) {
	h := &ctx.Request.Header
	r := &c.Request
	*r = edgeapi.Request{Method: methodOf(h.Method()), Path: ctx.Path(), Query: ctx.URI().QueryString(), Host: s.host,
		EventID: event[:], UserAgent: h.UserAgent(), Purpose: h.Peek("Sec-Purpose"), Language: h.Peek("Accept-Language"),
		LinkCookie: h.Cookie(edgeapi.LinkCookie), Origin: h.Peek("Origin"), ContentType: h.ContentType()}
	if len(r.Purpose) == 0 {
		r.Purpose = h.Peek("Purpose")
	}
	if len(s.host) == 0 {
		r.Host = h.Host()
	}
	if s.plain {
		r.Flags |= edgeapi.FlagPlainHTTP
	}
	if c.Body = ctx.Request.Body(); len(c.Body) > 0 {
		r.Flags |= edgeapi.FlagHasBody
	}
	for _, name := range []string{to.credential, to.extra} {
		if name != "" && len(h.PeekAll(name)) > 1 {
			r.Flags |= edgeapi.FlagRepeatedHeader
		}
	}
	if to.credential != "" {
		r.Credential = h.Peek(to.credential)
	}
	if to.extra != "" {
		r.Extra = h.Peek(to.extra)
	}
}

func methodOf(method []byte) edgeapi.Method {
	switch string(method) {
	case "GET":
		return edgeapi.GET
	case "HEAD":
		return edgeapi.HEAD
	case "POST":
		return edgeapi.POST
	case "OPTIONS":
		return edgeapi.OPTIONS
	}
	return edgeapi.OtherMethod
}

// original copies the request for the core: the library reuses its memory.
func (s *Server) original(ctx *fasthttp.RequestCtx, auth string, to route) edgeapi.SpooledRequest {
	headers := map[string]string{}
	for _, name := range passedOn() {
		if value := ctx.Request.Header.Peek(name); len(value) > 0 {
			headers[name] = string(value)
		}
	}
	if cookie := ctx.Request.Header.Cookie(edgeapi.LinkCookie); len(cookie) > 0 && to.module == codeModule {
		headers[edgeapi.HeaderLinkCookie] = string(cookie)
	}
	return edgeapi.SpooledRequest{Method: string(ctx.Method()), Target: string(ctx.RequestURI()),
		ReceivedAt: s.Replica.CoreTime().UnixMilli(), Auth: auth, Config: s.Replica.Version(), Headers: headers,
		Body: bytes.Clone(ctx.Request.Body())}
}
