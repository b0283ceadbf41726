package server

import (
	"bytes"
	"context"

	"github.com/valyala/fasthttp"

	"lumo/edge/core"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/token"
)

// exchange is one request on its way to an answer. What it holds of the request belongs to
// the library and is gone when the handler returns.
type exchange struct {
	*fasthttp.RequestCtx
	s    *Server
	id   id.ID
	to   *route
	path []byte // as it came, nothing unescaped
	call *wasm.Call
}

// fill makes the request as modules see it. Looking for a header that is not there costs as
// much as for one that is, so only what the module decides by is looked for.
func (e *exchange) fill() {
	h := &e.Request.Header
	r := &e.call.Request
	*r = edgeapi.Request{
		Method:    methodOf(h.Method()),
		Path:      e.path,
		EventID:   e.id[:],
		UserAgent: h.UserAgent(),
	}
	if e.to.module != hookModule {
		if r.Purpose = h.PeekCanonical([]byte("Sec-Purpose")); len(r.Purpose) == 0 {
			r.Purpose = h.PeekCanonical([]byte("Purpose"))
		}
	}
	if e.to.module == codeModule {
		r.Query, r.Host = e.URI().QueryString(), e.s.host
		r.Language, r.Origin = h.Peek("Accept-Language"), h.Peek("Origin")
		r.ContentType, r.LinkCookie = h.ContentType(), h.Cookie(edgeapi.LinkCookie)
	}
	if e.s.plain {
		r.Flags |= edgeapi.FlagPlainHTTP
	}
	if e.call.Body = e.Request.Body(); len(e.call.Body) > 0 {
		r.Flags |= edgeapi.FlagHasBody
	}
	r.Credential = e.listed(e.to.credential)
	r.Extra = e.listed(e.to.extra)
}

// listed is a header that a signature hangs on. That it came twice is for the module.
func (e *exchange) listed(name string) []byte {
	if name == "" {
		return nil
	}
	values := e.Request.Header.PeekAll(name)
	if len(values) > 1 {
		e.call.Request.Flags |= edgeapi.FlagRepeatedHeader
	}
	if len(values) == 0 {
		return nil
	}
	return values[0]
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

// passedOn are the original headers that the core gets.
func passedOn() [16]string {
	return [...]string{"User-Agent", "Accept-Language", "Content-Type", "Origin", "Purpose",
		"Sec-Purpose", "X-Line-Signature", "Klaviyo-Signature", "Klaviyo-Timestamp",
		"Klaviyo-Webhook-Id", "X-Klaviyo-Flow-Id", "X-Shopify-Hmac-Sha256",
		"X-Shopify-Shop-Domain", "X-Shopify-Topic", "X-Shopify-Event-Id", edgeapi.HeaderFlowKey}
}

// original copies the request for the core.
func (e *exchange) original(auth string) edgeapi.SpooledRequest {
	headers := map[string]string{}
	for _, name := range passedOn() {
		if value := e.Request.Header.Peek(name); len(value) > 0 {
			headers[name] = string(value)
		}
	}
	if cookie := e.Request.Header.Cookie(edgeapi.LinkCookie); len(cookie) > 0 &&
		e.to.module == codeModule {
		headers[edgeapi.HeaderLinkCookie] = string(cookie)
	}
	target := string(e.path)
	if query := e.URI().QueryString(); len(query) > 0 {
		target += "?" + string(query)
	}
	return edgeapi.SpooledRequest{
		Method:     string(e.Method()),
		Target:     target,
		ReceivedAt: e.s.Replica.CoreTime().UnixMilli(),
		Auth:       auth,
		Config:     e.s.Replica.Version(),
		Headers:    headers,
		Body:       bytes.Clone(e.Request.Body()),
	}
}

// ask passes the request on to the core and waits for its answer as long as the route may.
// Of what anybody can make up, stranger, not everything is asked.
func (e *exchange) ask(r edgeapi.SpooledRequest, stranger bool) (core.Answer, error) {
	if stranger && !e.s.limit.stranger() {
		return core.Answer{}, fault.New(fault.Limited, "server.ask", "too many unknown addresses")
	}
	return e.s.Core.Ask(context.Background(), core.Question{ID: e.id, Request: r, Limit: e.to.limit,
		Page: e.to.core})
}

// undecided keeps our own mistakes from costing anybody a message or a purchase: senders of
// webhooks come again, for people the core is asked.
func (e *exchange) undecided() {
	if e.to.module == hookModule {
		e.s.tryAgain(e.RequestCtx)
		return
	}
	stranger := !e.to.core && !e.genuine()
	answer, err := e.ask(e.original(authUnchecked), stranger)
	if err == nil && (e.to.core || answer.Status < fasthttp.StatusBadRequest) {
		e.passOn(answer)
		return
	}
	e.fallback(e.owner(), true)
}

// genuine tells whether a link is one that we made. It stands in for the module only in this:
// of made-up links not everything reaches the core.
func (e *exchange) genuine() bool {
	rest := e.path[len(e.to.prefix):]
	t, tag, ok := token.ParseBytes(rest[:min(len(rest), tokenLength)])
	if !ok || e.to.module != linkModule {
		return false
	}
	ref := edgeapi.Ref(edgeapi.KeyLink, t.Key, t.Channel)
	for _, key := range e.s.Replica.Keys(ref, e.s.Replica.CoreTime().UnixMilli()) {
		if token.Verify(t, tag, key) {
			return true
		}
	}
	return false
}

// owner guesses from the address alone whose link it is; enough to choose a page to show.
func (e *exchange) owner() uint32 {
	rest := e.path[len(e.to.prefix):]
	if e.to.module == linkModule {
		text := rest[:min(len(rest), tokenLength)]
		if t, _, ok := token.ParseBytes(text); ok {
			return t.Channel
		}
		return 0
	}
	value, _ := e.s.Replica.Lookup(edgeapi.TableCode, bytes.TrimSuffix(rest, []byte(".png")))
	code, err := edgeapi.ParseCodeEntry(value)
	if err != nil {
		return 0
	}
	return code.Channel
}

const tokenLength = 42
