package main

import (
	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/token"
)

const (
	loginAddress  = "https://access.line.me/oauth2/v2.1/authorize"
	friendAddress = "https://line.me/R/ti/p/"
	loginRoom     = 2 << 10
)

// toLINE answers 302 to LINE Login with the claim sealed into the state. Without a login
// channel it leads to the add-friend page, which can link nobody.
func toLINE(c *guest.Call, q code) {
	channel, err := edgeapi.ParseChannelEntry(c.Host.Lookup(edgeapi.TableChannel,
		edgeapi.AppendChannelKey(c.Room(4), q.entry.Channel)))
	if err != nil || len(c.Request.EventID) != 16 {
		unavailable(c, q.entry.Channel)
		return
	}
	if channel.LoginChannel == "" || channel.StateKey == 0 {
		c.Respond(302)
		c.Line(appendEscaped(append(c.Room(loginRoom), "Location: "+friendAddress...), channel.BasicID))
		return
	}
	claim, value, reason := claimOf(c, q.entry)
	if reason != 0 {
		gone(c, 400, reason, q.entry.Channel)
		return
	}
	state := token.State{ID: id.ID(c.Request.EventID), Issued: uint32(c.Host.Now() / 1000), Claim: claim,
		Language: language(&c.Request, channel.Language), Code: string(q.key), Value: value}
	location, ok := loginURL(c, channel, edgeapi.Ref(edgeapi.KeyState, channel.StateKey, q.entry.Channel), state)
	if !ok {
		unavailable(c, q.entry.Channel)
		return
	}
	c.Respond(302)
	c.Line(location)
	cookie := append(c.Room(128), "Set-Cookie: "+edgeapi.LinkCookie+"="...)
	c.Line(append(appendBase64(cookie, c.Request.EventID), "; Max-Age=600; Secure; HttpOnly; SameSite=Lax; Path=/"...))
}

// loginURL is the header line that leads to LINE Login. The PKCE verifier is derived again
// by the core; here is only its challenge.
func loginURL(c *guest.Call, channel edgeapi.ChannelEntry, ref edgeapi.KeyRef, state token.State) ([]byte, bool) {
	sealed := c.Host.Seal(ref, state.Append(c.Room(loginRoom/2)))
	line := append(c.Room(loginRoom), "Location: "+loginAddress+"?response_type=code&client_id="...)
	line = append(appendEscaped(line, channel.LoginChannel), "&redirect_uri="...)
	line = appendEscaped(line, string(append(appendOrigin(c.Room(512), &c.Request), callbackPath...)))
	line = append(appendBase64(append(line, "&state="...), sealed), "&scope=profile%20openid&nonce="...)
	nonce := c.Host.Derive(ref, guest.LabelNonce, c.Request.EventID)
	line = append(appendBase64(line, nonce), "&code_challenge="...)
	challenge := c.Host.Derive(ref, guest.LabelChallenge, c.Request.EventID)
	line = append(appendBase64(line, challenge), "&code_challenge_method=S256&bot_prompt=aggressive&ui_locales="...)
	return append(line, state.Language...), sealed != nil && nonce != nil && challenge != nil
}

func unavailable(c *guest.Call, channel uint32) {
	c.Deny(503, edgeapi.NoKey)
	c.Verdict.Page, c.Verdict.Number = edgeapi.PageUnavailable, channel
}

// language is the browser's first choice where LINE and our pages have it, else the shop's.
func language(r *edgeapi.Request, other string) string {
	if len(r.Language) >= 2 {
		switch first := string(r.Language[:2]); first {
		case "en", "ja", "zh", "th":
			return first
		}
	}
	if len(other) == 2 {
		return other
	}
	return "en"
}
