package server

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"lumo/edge/core"
	"lumo/shared/edgeapi"
)

const (
	authVerified    = "verified"
	authUnchecked   = "unchecked"
	authProvisional = "provisional"
	authRefused     = "refused"
)

// answer turns a verdict into an answer.
func (e *exchange) answer() {
	switch v := &e.call.Verdict; {
	case v.Kind == edgeapi.Respond:
		e.respond()
	case e.to.module == hookModule && v.Kind == edgeapi.Forward:
		e.forwardHook()
	case e.to.module == hookModule:
		e.denyHook()
	case v.Kind == edgeapi.Forward && e.to.core:
		e.forwardPage()
	case v.Kind == edgeapi.Forward:
		e.forwardLink()
	default:
		e.deny()
	}
}

// respond answers as the module said. A redirect must lead where it may.
func (e *exchange) respond() {
	v := &e.call.Verdict
	if v.Status == fasthttp.StatusFound {
		switch location := e.location(); {
		case e.to.image && bytes.HasPrefix(location, []byte(edgeapi.MediaPath)):
			e.media(location[len(edgeapi.MediaPath):])
			return
		case !e.mayLeadTo(location):
			e.s.Log.Warn("a module led astray", "op", "server.respond", "module", e.to.module,
				"event", e.id.String())
			e.s.Meter.undecided(e.to.module)
			e.undecided()
			return
		}
	}
	e.record(v.Events)
	e.SetStatusCode(int(v.Status))
	e.setHeaders()
	switch {
	case v.Page == edgeapi.PageDesktopQR:
		e.s.desktopPage(e.RequestCtx, string(v.Draw), v.Number)
	case len(v.Draw) > 0:
		e.s.drawPNG(e.RequestCtx, string(v.Draw))
	default:
		e.SetBody(v.Body)
	}
}

func (e *exchange) bare(status int) { bare(e.RequestCtx, status) }

func (e *exchange) location() []byte {
	for _, line := range e.call.Verdict.Headers {
		if value, ok := bytes.CutPrefix(line, []byte("Location: ")); ok {
			return value
		}
	}
	return nil
}

func (e *exchange) setHeaders() {
	h := &e.Response.Header
	h.DisableNormalizing() // modules write names as they should be
	for _, line := range e.call.Verdict.Headers {
		name, value, _ := bytes.Cut(line, []byte(": "))
		if e.s.LINELogin != "" && string(name) == "Location" {
			value = []byte(e.s.lineOrigin(string(value)))
		}
		h.AddBytesKV(name, value)
	}
	if e.to.module == codeModule {
		h.Set("Referrer-Policy", "no-referrer")
	}
}

// record puts events into the spool. People are let through even when that fails: a lost
// count is less than a lost customer, and it shows in the metrics.
func (e *exchange) record(events [][]byte) {
	for _, body := range events {
		r := edgeapi.Record{Kind: edgeapi.RecordEvent, ID: e.id, Body: body}
		if err := e.s.Spool.AddEvent(context.Background(), r); err != nil {
			e.s.Meter.eventLost()
		}
	}
}

// forwardPage lets the core answer a person who comes back from LINE Login. It is never
// done later: she waits, and what LINE gave her counts for minutes.
func (e *exchange) forwardPage() {
	number := e.call.Verdict.Number
	answer, err := e.ask(e.original(authOf(&e.call.Verdict)), false)
	if err != nil {
		e.s.showPage(e.RequestCtx, fasthttp.StatusServiceUnavailable, edgeapi.PageUnavailable,
			number)
		return
	}
	e.passOn(answer)
}

// forwardLink asks about a link that is not in the replica. Only what leads somewhere is
// recorded; the core adds the click id.
func (e *exchange) forwardLink() {
	v := &e.call.Verdict
	answer, err := e.ask(e.original(authOf(v)), v.Auth != edgeapi.AuthVerified)
	if err == nil && answer.Status == fasthttp.StatusFound {
		location := answer.Header.Get("Location")
		if file, ours := strings.CutPrefix(location, edgeapi.MediaPath); ours && e.to.image {
			e.media([]byte(file))
			return
		}
		e.record(v.Events)
		e.passOn(answer)
		return
	}
	e.fallback(v.Number, err != nil)
}

func authOf(v *edgeapi.Verdict) string {
	if v.Auth == edgeapi.AuthVerified {
		return authVerified
	}
	return authUnchecked
}

// fallback is the shop's own page for links that nobody knows, else a page of ours. away
// tells that it is for want of an answer.
func (e *exchange) fallback(number uint32, away bool) {
	shop, known := e.s.channel(number)
	switch {
	case e.to.claims:
		e.s.tryAgain(e.RequestCtx)
	case e.to.image && away:
		e.Response.Header.Set("Retry-After", strconv.Itoa(retrySeconds))
		e.bare(fasthttp.StatusServiceUnavailable)
	case e.to.image:
		e.bare(fasthttp.StatusNotFound)
	case known && shop.FallbackURL != "" && e.to.module == linkModule:
		e.Response.Header.Set("Location", shop.FallbackURL)
		e.bare(fasthttp.StatusFound)
	case away:
		e.s.showPage(e.RequestCtx, fasthttp.StatusServiceUnavailable, edgeapi.PageUnavailable,
			number)
	default:
		e.s.showPage(e.RequestCtx, fasthttp.StatusNotFound, edgeapi.PageNotFound, number)
	}
}

// passOn gives the core's answer as it is, less what only concerns the two of us.
func (e *exchange) passOn(a core.Answer) {
	h := &e.Response.Header
	for name, values := range a.Header {
		switch name {
		case "Content-Length", "Date", "Connection", "Keep-Alive", "Transfer-Encoding", "Server":
			continue
		}
		for _, value := range values {
			if name == "Location" {
				value = e.s.lineOrigin(value)
			}
			h.Add(name, value)
		}
	}
	e.SetStatusCode(a.Status)
	e.SetBody(a.Body)
}

// deny shows a page that says what is wrong, as far as it concerns a customer.
func (e *exchange) deny() {
	v := &e.call.Verdict
	e.setHeaders()
	switch {
	case e.to.claims:
		e.s.problem(e.RequestCtx, int(v.Status), v.Reason, "")
	case e.to.image:
		e.bare(int(v.Status))
	default:
		page := v.Page
		if page == edgeapi.PageNone {
			page = edgeapi.PageNotFound
		}
		e.s.showPage(e.RequestCtx, int(v.Status), page, v.Number)
	}
}

// channel reads what pages say of a LINE account.
func (s *Server) channel(number uint32) (edgeapi.ChannelEntry, bool) {
	if number == 0 {
		return edgeapi.ChannelEntry{}, false
	}
	value, ok := s.Replica.Lookup(edgeapi.TableChannel, edgeapi.ChannelKey(number))
	if !ok {
		return edgeapi.ChannelEntry{}, false
	}
	entry, err := edgeapi.ParseChannelEntry(value)
	return entry, err == nil
}

// look reads how an account looks on pages.
func (s *Server) look(number uint32) edgeapi.LookEntry {
	value, ok := s.Replica.Lookup(edgeapi.TableChannel, edgeapi.LookKey(number))
	if !ok {
		return edgeapi.LookEntry{}
	}
	entry, err := edgeapi.ParseLookEntry(value)
	if err != nil {
		return edgeapi.LookEntry{}
	}
	return entry
}

// lineOrigin leads to the simulated LINE Login where one is set.
func (s *Server) lineOrigin(location string) string {
	if rest, ok := strings.CutPrefix(location, lineLogin); ok && s.LINELogin != "" {
		return s.LINELogin + rest
	}
	return location
}
