package server

import (
	"bytes"
	"time"

	"lumo/shared/edgeapi"
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

	mediaLimit     = 10 * time.Second // for fetching a file that is not at hand
	mediaWriteTime = 5 * time.Minute  // a film on a slow phone

	noBody    = 1 << 10 // where none is expected
	formBody  = 8 << 10
	smallBody = 1 << 20
	largeBody = 5 << 20
	readMore  = 2 << 20
)

// route is how a path is served. Where no module is named, the server answers itself.
type route struct {
	prefix     []byte
	label      string // in metrics
	module     string
	credential string // header with the signature or key
	extra      string // header that the signature also needs
	maxBody    int
	limit      time.Duration // for asking the core
	writeTime  time.Duration // for writing the answer, 0 = the usual
	image      bool          // answers are pictures, pages would not be seen
	files      bool          // uploaded media, answered without a module
	core       bool          // people wait for a page of the core's
	claims     bool          // counted by address
	line       bool          // LINE reads the status alone
}

// routes are tried in order; the last one takes the rest.
func routes() []route {
	hook := func(prefix, label, credential, extra string, maxBody int, limit time.Duration) route {
		return route{prefix: []byte(prefix), label: label, module: hookModule,
			credential: credential, extra: extra,
			maxBody: maxBody, limit: limit}
	}
	line := hook("/hooks/line/", "hook_line", "X-Line-Signature", "", smallBody, lineLimit)
	line.line = true
	return []route{
		{prefix: []byte("/c/"), label: "link", module: linkModule, maxBody: noBody,
			limit: linkLimit},
		{prefix: []byte("/o/"), label: "beacon", module: linkModule, maxBody: noBody,
			limit: linkLimit, image: true},
		{prefix: []byte("/i/"), label: "image", module: linkModule, maxBody: noBody,
			limit: linkLimit, image: true, writeTime: mediaWriteTime},
		{prefix: []byte(edgeapi.MediaPath), label: "media", maxBody: noBody,
			files: true, writeTime: mediaWriteTime},
		{prefix: []byte("/q/"), label: "code", module: codeModule, maxBody: noBody,
			limit: linkLimit},
		{prefix: []byte("/link/"), label: "login", module: codeModule, maxBody: formBody,
			limit: callbackLimit, core: true},
		{prefix: []byte("/f/"), label: "form", module: codeModule, maxBody: formBody,
			limit: linkLimit, claims: true},
		line,
		hook("/hooks/klaviyo/flow/", "hook_flow", edgeapi.HeaderFlowKey, "", smallBody,
			klaviyoLimit),
		hook("/hooks/klaviyo/system/", "hook_klaviyo", "Klaviyo-Signature", "Klaviyo-Timestamp",
			largeBody, klaviyoLimit),
		hook("/hooks/shopify/", "hook_shopify", "X-Shopify-Hmac-Sha256", "X-Shopify-Shop-Domain",
			largeBody, shopifyLimit),
		hook("/hooks/", "hook_other", "", "", smallBody, lineLimit),
		{label: "other", maxBody: noBody},
	}
}

func (s *Server) routeOf(path []byte) *route {
	for i := range s.routes {
		if bytes.HasPrefix(path, s.routes[i].prefix) {
			return &s.routes[i]
		}
	}
	return &s.routes[len(s.routes)-1]
}
