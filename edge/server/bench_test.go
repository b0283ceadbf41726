package server_test

import (
	"net"
	"testing"

	"github.com/valyala/fasthttp"

	"lumo/edge/edgetest"
)

// BenchmarkRedirect is all of a redirect but the socket: routing, module, spool, answer.
func BenchmarkRedirect(b *testing.B) {
	e := start(b, setup{})
	handler := e.server.HTTP().Handler
	path := "/c/" + edgetest.Link(1, 42)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		var request fasthttp.Request
		request.SetRequestURI(path)
		request.Header.SetHost("go.example")
		request.Header.SetUserAgent(phone)
		var ctx fasthttp.RequestCtx
		for p.Next() {
			ctx.Init(&request, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil)
			handler(&ctx)
			if ctx.Response.StatusCode() != fasthttp.StatusFound {
				b.Fatal(ctx.Response.StatusCode())
			}
			ctx.Response.Reset()
		}
	})
}
