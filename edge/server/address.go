package server

import (
	"bytes"
	"net/netip"

	"github.com/valyala/fasthttp"
)

// wholeNet is how much of an IPv6 address tells one customer from another: the rest is hers
// to choose.
const wholeNet = 64

// address is who asks, as far as our own proxies tell: of X-Forwarded-For, whose left part
// anybody can write, only what a trusted proxy added counts.
func (s *Server) address(ctx *fasthttp.RequestCtx) string {
	peer, ok := netip.AddrFromSlice(ctx.RemoteIP())
	if !ok {
		return ""
	}
	peer = peer.Unmap()
	if s.isProxy(peer) {
		lines := ctx.Request.Header.PeekAll("X-Forwarded-For")
		hops := bytes.Split(bytes.Join(lines, []byte(",")), []byte(","))
		for i := len(hops) - 1; i >= 0 && s.isProxy(peer); i-- {
			before, err := netip.ParseAddr(string(bytes.TrimSpace(hops[i])))
			if err != nil {
				break
			}
			peer = before.Unmap().WithZone("")
		}
	}
	if peer.Is6() {
		return netip.PrefixFrom(peer, wholeNet).Masked().String()
	}
	return peer.String()
}

func (s *Server) isProxy(a netip.Addr) bool {
	for _, p := range s.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
