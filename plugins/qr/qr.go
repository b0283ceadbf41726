// Package main is qr.wasm: custom QR codes and the way back from LINE Login.
//
// Opening a code changes nothing: what the customer claims to be travels sealed through
// LINE Login and counts only when it comes back in time. Nothing personal is written into
// a URL, a page or an event here.
package main

import (
	"encoding/base64"
	"strings"

	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/id"
	"lumo/shared/token"
)

const (
	loginAddress  = "https://access.line.me/oauth2/v2.1/authorize"
	friendAddress = "https://line.me/R/ti/p/"
	noStore       = "no-store"
	imageCache    = "public, max-age=86400"
	maxValue      = 255
)

func handle(h guest.Host, r *edgeapi.Request, v *edgeapi.Verdict) {
	if rest, ok := guest.CutPrefix(r.Path, "/q/"); ok {
		code(h, r, v, string(rest))
		return
	}
	switch string(r.Path) {
	case "/link/callback":
		callback(h, r, v)
	case "/link/confirm":
		confirm(r, v)
	default:
		guest.Deny(v, 404, edgeapi.UnknownCode)
	}
}

func code(h guest.Host, r *edgeapi.Request, v *edgeapi.Verdict, name string) {
	if r.Method != edgeapi.GET && r.Method != edgeapi.HEAD {
		guest.BadMethod(v, "GET, HEAD")
		return
	}
	name, image := strings.CutSuffix(name, ".png")
	entry, reason := live(h, name)
	if reason != 0 {
		guest.Deny(v, 404, reason)
		return
	}
	if image {
		draw(r, v, name, edgeapi.PageNone)
		guest.Header(v, "Cache-Control", imageCache)
		return
	}
	class := event.Classify(r.Method == edgeapi.HEAD, r.Purpose, r.UserAgent)
	scan := event.Event{Type: event.Scan, Class: class, Number: entry.Channel, Subject: entry.Number}
	if class != event.Person || !phone(r.UserAgent) {
		// A desktop visitor scans what she sees with her phone; only that is a scan.
		draw(r, v, name, edgeapi.PageDesktopQR)
		guest.Header(v, "Cache-Control", noStore)
		return
	}
	toLogin(h, r, v, name, entry)
	if v.Kind == edgeapi.Respond {
		v.Events = append(v.Events, scan.Append(nil))
	}
}

// live finds a code that works now; a reason else.
func live(h guest.Host, name string) (edgeapi.CodeEntry, edgeapi.Reason) {
	value := h.Lookup(edgeapi.TableCode, []byte(name))
	if value == nil {
		return edgeapi.CodeEntry{}, edgeapi.UnknownCode
	}
	entry, err := edgeapi.ParseCodeEntry(value)
	if err != nil {
		return edgeapi.CodeEntry{}, edgeapi.UnknownCode
	}
	if entry.State != edgeapi.CodeLive || entry.Expires != 0 && int64(entry.Expires) < h.Now()/1000 {
		return edgeapi.CodeEntry{}, edgeapi.PausedCode
	}
	return entry, 0
}

// draw lets the host make the PNG or the desktop page of this same URL.
func draw(r *edgeapi.Request, v *edgeapi.Verdict, name string, page edgeapi.Page) {
	v.Kind, v.Status, v.Page = edgeapi.Respond, 200, page
	v.Draw = append([]byte(origin(r)+"/q/"), name...)
	if len(r.Query) > 0 {
		v.Draw = append(append(v.Draw, '?'), r.Query...)
	}
}

func origin(r *edgeapi.Request) string {
	if r.Flags&edgeapi.FlagPlainHTTP != 0 {
		return "http://" + string(r.Host)
	}
	return "https://" + string(r.Host)
}

func phone(userAgent []byte) bool {
	text := string(userAgent)
	for _, name := range []string{"iPhone", "Android", "iPad", "Mobile", " Line/"} {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// toLogin answers 302 to LINE Login with the claim sealed into the state. Without a login
// channel it leads to the add-friend page, which can link nobody.
func toLogin(h guest.Host, r *edgeapi.Request, v *edgeapi.Verdict, name string, entry edgeapi.CodeEntry) {
	value := h.Lookup(edgeapi.TableChannel, edgeapi.ChannelKey(entry.Channel))
	channel, err := edgeapi.ParseChannelEntry(value)
	if err != nil || len(r.EventID) != 16 {
		guest.Deny(v, 503, edgeapi.UnknownCode)
		return
	}
	if channel.LoginChannel == "" {
		respond302(v, friendAddress+escape(channel.BasicID))
		return
	}
	claim, text := claimOf(h, r, entry)
	state := token.State{ID: id.ID(r.EventID), Issued: uint32(h.Now() / 1000), Claim: claim,
		Language: language(r, channel.Language), Code: name, Value: text}
	ref := edgeapi.Ref(edgeapi.KeyState, channel.StateKey, entry.Channel)
	sealed := h.Seal(ref, state.Append(nil))
	stateText := encode(sealed)
	nonce, ok1 := h.Derive(ref, guest.LabelNonce, r.EventID)
	challenge, ok2 := h.Derive(ref, guest.LabelChallenge, r.EventID)
	if sealed == nil || !ok1 || !ok2 {
		guest.Deny(v, 503, edgeapi.UnknownCode)
		return
	}
	respond302(v, loginAddress+"?response_type=code&client_id="+escape(channel.LoginChannel)+
		"&redirect_uri="+escape(origin(r)+"/link/callback")+"&state="+stateText+"&scope=profile%20openid"+
		"&nonce="+encode(nonce[:])+"&code_challenge="+encode(challenge[:])+"&code_challenge_method=S256"+
		"&bot_prompt=aggressive&ui_locales="+state.Language)
	guest.Header(v, "Set-Cookie", edgeapi.LinkCookie+"="+encode(r.EventID)+
		"; Max-Age=600; Secure; HttpOnly; SameSite=Lax; Path=/")
}

func respond302(v *edgeapi.Verdict, location string) {
	v.Kind, v.Status = edgeapi.Respond, 302
	guest.Header(v, "Location", location)
	guest.Header(v, "Cache-Control", noStore)
}

// claimOf reads what the URL says about the customer, as far as the code accepts it.
func claimOf(h guest.Host, r *edgeapi.Request, entry edgeapi.CodeEntry) (token.Claim, string) {
	query := string(r.Query)
	if parameter(query, "u") == "1" {
		return token.ClaimUnlink, ""
	}
	if sealed := parameter(query, "s"); sealed != "" {
		return formClaim(h, sealed, entry)
	}
	for _, known := range []struct {
		name  string
		claim token.Claim
	}{{"k", token.ClaimProfile}, {"e", token.ClaimEmail}, {"t", token.ClaimPhone}} {
		value := parameter(query, known.name)
		if value == "" || len(value) > maxValue || entry.Claims&(1<<(known.claim-1)) == 0 {
			continue
		}
		if known.claim != token.ClaimProfile {
			value = strings.ReplaceAll(value, " ", "+") // a plus sign that a mailer took for a space
		}
		return known.claim, value
	}
	return token.ClaimNone, ""
}

// formClaim opens what we sealed ourselves after a form, at most ten minutes ago.
func formClaim(h guest.Host, text string, entry edgeapi.CodeEntry) (token.Claim, string) {
	state, header, ok := openState(h, text)
	if !ok || header.Channel != entry.Channel || state.Claim != token.ClaimForm || expired(h, state) {
		return token.ClaimNone, ""
	}
	return token.ClaimForm, state.Value
}

func callback(h guest.Host, r *edgeapi.Request, v *edgeapi.Verdict) {
	if r.Method != edgeapi.GET {
		guest.BadMethod(v, "GET")
		return
	}
	state, header, ok := openState(h, parameter(string(r.Query), "state"))
	if !ok {
		guest.Deny(v, 400, edgeapi.BadState)
		return
	}
	if expired(h, state) {
		guest.Deny(v, 400, edgeapi.ExpiredState)
		return
	}
	guest.Forward(v, edgeapi.AuthVerified, header.Channel)
}

// confirm passes the form on: the one-time value in it is the core's to judge.
func confirm(r *edgeapi.Request, v *edgeapi.Verdict) {
	if r.Method != edgeapi.POST {
		guest.BadMethod(v, "POST")
		return
	}
	guest.Forward(v, edgeapi.AuthUnchecked, 0)
}

func openState(h guest.Host, text string) (token.State, token.StateHeader, bool) {
	header, _, err := token.ParseStateHeader(text)
	if err != nil {
		return token.State{}, header, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return token.State{}, header, false
	}
	plain := h.Open(edgeapi.Ref(edgeapi.KeyState, header.Key, header.Channel), raw)
	if plain == nil {
		return token.State{}, header, false
	}
	state, err := token.ParseState(plain)
	return state, header, err == nil
}

func expired(h guest.Host, s token.State) bool {
	age := h.Now()/1000 - int64(s.Issued)
	return age > int64(token.StateLife.Seconds()) || age < -60
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
