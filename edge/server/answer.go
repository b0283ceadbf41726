package server

import (
	"bytes"
	"context"
	"strings"

	"github.com/valyala/fasthttp"

	"lumo/edge/core"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/id"
)

const clickParameter = "lumo_click="

// answer turns a verdict into an answer.
func (s *Server) answer(ctx *fasthttp.RequestCtx, c *wasm.Call, eventID id.ID, to route) {
	v := &c.Verdict
	switch v.Kind {
	case edgeapi.Respond:
		s.respond(ctx, c, eventID, to)
	case edgeapi.Forward:
		s.forward(ctx, c, eventID, to)
	case edgeapi.Deny:
		s.deny(ctx, c, eventID, to)
	}
}

func (s *Server) respond(ctx *fasthttp.RequestCtx, c *wasm.Call, eventID id.ID, to route) {
	v := &c.Verdict
	if v.Status == fasthttp.StatusFound && !s.mayLeadTo(c, eventID) {
		s.undecided(ctx, eventID, to)
		return
	}
	s.record(ctx, v.Events, eventID)
	ctx.SetStatusCode(int(v.Status))
	for _, line := range v.Headers {
		s.setHeader(ctx, line)
	}
	if to.module == codeModule {
		ctx.Response.Header.Set("Referrer-Policy", "no-referrer")
	}
	switch {
	case v.Page == edgeapi.PageDesktopQR:
		s.desktopPage(ctx, string(v.Draw), v.Number)
	case len(v.Draw) > 0:
		s.drawPNG(ctx, string(v.Draw))
	default:
		ctx.SetBody(v.Body)
	}
}

func (s *Server) setHeader(ctx *fasthttp.RequestCtx, line []byte) {
	name, value, _ := bytes.Cut(line, []byte(": "))
	if string(name) == "Location" {
		ctx.Response.Header.Set("Location", s.lineOrigin(string(value)))
		return
	}
	ctx.Response.Header.AddBytesKV(name, value)
}

// lineOrigin leads to the simulated LINE Login where one is set.
func (s *Server) lineOrigin(location string) string {
	if rest, ok := strings.CutPrefix(location, lineLogin); ok && s.LINELogin != "" {
		return s.LINELogin + rest
	}
	return location
}

// mayLeadTo lets a redirect pass only to what was looked up or verified in this call, with
// or without this request's click id, or to LINE.
func (s *Server) mayLeadTo(c *wasm.Call, eventID id.ID) bool {
	location := ""
	for _, line := range c.Verdict.Headers {
		if value, ok := bytes.CutPrefix(line, []byte("Location: ")); ok {
			location = string(value)
		}
	}
	if isLINE(location) {
		return true
	}
	for _, target := range c.Targets {
		if location == string(target) || location == withClick(string(target), eventID) {
			return true
		}
	}
	return false
}

// withClick adds the click id to a target's query, before its fragment, as the module does.
func withClick(target string, eventID id.ID) string {
	rest, fragment, marked := strings.Cut(target, "#")
	separator := "?"
	if strings.Contains(rest, "?") {
		separator = "&"
	}
	rest += separator + clickParameter + eventID.String()
	if marked {
		rest += "#" + fragment
	}
	return rest
}

// record puts events into the spool. People are let through even when that fails: a lost
// count is less than a lost customer, and it shows in the metrics.
func (s *Server) record(ctx context.Context, events [][]byte, eventID id.ID) {
	for _, e := range events {
		r := edgeapi.Record{Kind: edgeapi.RecordEvent, ID: eventID, Body: bytes.Clone(e)}
		if err := s.Spool.AddEvent(context.WithoutCancel(ctx), r); err != nil {
			s.Meter.eventLost()
		}
	}
}

// forward asks the core.
func (s *Server) forward(ctx *fasthttp.RequestCtx, c *wasm.Call, eventID id.ID, to route) {
	if to.module == hookModule {
		s.forwardHook(ctx, c, eventID, to)
		return
	}
	auth := "verified"
	if c.Verdict.Auth != edgeapi.AuthVerified {
		auth = "unchecked"
	}
	events, number := cloneAll(c.Verdict.Events), c.Verdict.Number
	class := event.Classify(ctx.IsHead(), c.Request.Purpose, c.Request.UserAgent)
	answer, err := s.Core.Ask(ctx, eventID, s.original(ctx, auth, to), to.limit)
	switch {
	case to.module == codeModule && err != nil:
		s.page(ctx, fasthttp.StatusServiceUnavailable, edgeapi.PageUnavailable, number)
	case to.module == codeModule:
		s.passOn(ctx, answer)
	case err == nil && answer.Status == fasthttp.StatusFound:
		s.record(ctx, events, eventID)
		s.passClick(ctx, answer, class, eventID)
	default:
		s.fallback(ctx, number, err != nil)
	}
}

func cloneAll(all [][]byte) [][]byte {
	out := make([][]byte, len(all))
	for i, b := range all {
		out[i] = bytes.Clone(b)
	}
	return out
}

// passClick sends a person on to a target that only the core knew.
func (s *Server) passClick(ctx *fasthttp.RequestCtx, a core.Answer, class event.Class, eventID id.ID) {
	target := a.Header.Get("Location")
	if class == event.Person {
		target = withClick(target, eventID)
	}
	ctx.Response.Header.Set("Location", target)
	ctx.Response.Header.Set("Cache-Control", "private, no-store")
	ctx.SetStatusCode(fasthttp.StatusFound)
}

// fallback is the shop's own page for links that nobody knows, else a page of ours.
func (s *Server) fallback(ctx *fasthttp.RequestCtx, number uint32, away bool) {
	if shop, ok := s.channel(number); ok && shop.FallbackURL != "" {
		ctx.Response.Header.Set("Location", shop.FallbackURL)
		ctx.Response.Header.Set("Cache-Control", "no-store")
		ctx.SetStatusCode(fasthttp.StatusFound)
		return
	}
	if away {
		s.page(ctx, fasthttp.StatusServiceUnavailable, edgeapi.PageUnavailable, number)
		return
	}
	s.page(ctx, fasthttp.StatusNotFound, edgeapi.PageNotFound, number)
}

// passOn gives the core's answer as it is, less what only concerns the two of us.
func (s *Server) passOn(ctx *fasthttp.RequestCtx, a core.Answer) {
	for name, values := range a.Header {
		switch name {
		case "Content-Length", "Date", "Connection", "Transfer-Encoding":
			continue
		}
		for _, value := range values {
			if name == "Location" {
				value = s.lineOrigin(value)
			}
			ctx.Response.Header.Add(name, value)
		}
	}
	ctx.SetStatusCode(a.Status)
	ctx.SetBody(a.Body)
}

func (s *Server) deny(ctx *fasthttp.RequestCtx, c *wasm.Call, eventID id.ID, to route) {
	v := &c.Verdict
	if to.module == hookModule {
		s.denyHook(ctx, c, eventID, to)
		return
	}
	for _, line := range v.Headers {
		s.setHeader(ctx, line)
	}
	page := v.Page
	if page == edgeapi.PageNone {
		page = edgeapi.PageNotFound
	}
	s.page(ctx, int(v.Status), page, v.Number)
}

// channel reads what pages say of a LINE account.
func (s *Server) channel(number uint32) (edgeapi.ChannelEntry, bool) {
	value, ok := s.Replica.Lookup(edgeapi.TableChannel, edgeapi.ChannelKey(number))
	if !ok || number == 0 {
		return edgeapi.ChannelEntry{}, false
	}
	entry, err := edgeapi.ParseChannelEntry(value)
	return entry, err == nil
}
