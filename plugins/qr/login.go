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
)

// toLINE answers 302 to LINE Login with the claim sealed into the state. Without a login
// channel it leads to the add-friend page, which can link nobody.
func toLINE(c *guest.Call, q code) {
	channel, err := edgeapi.ParseChannelEntry(
		c.Host.Lookup(edgeapi.TableChannel, edgeapi.ChannelKey(q.entry.Channel)),
	)
	if err != nil || len(c.Request.EventID()) != 16 {
		unavailable(c, q.entry.Channel)
		return
	}
	if channel.LoginChannel == "" || channel.StateKey == 0 {
		c.Respond(302)
		c.Verdict.Header("Location: " + friendAddress + escape(channel.BasicID))
		return
	}
	claim, value, reason := claimOf(c, q.entry)
	if reason != 0 {
		gone(c, 400, reason, q.entry.Channel)
		return
	}
	state := token.State{
		ID:       id.ID(c.Request.EventID()),
		Issued:   uint32(c.Host.Now() / 1000),
		Claim:    claim,
		Language: language(&c.Request, channel.Language),
		Code:     string(q.key),
		Value:    value,
	}
	ref := edgeapi.Ref(edgeapi.KeyState, channel.StateKey, q.entry.Channel)
	location := loginURL(c, channel, ref, state)
	if location == "" {
		unavailable(c, q.entry.Channel)
		return
	}
	c.Respond(302)
	c.Verdict.Header("Location: " + location)
	c.Verdict.Header("Set-Cookie: " + edgeapi.LinkCookie + "=" + encode(c.Request.EventID()) +
		"; Max-Age=600; Secure; HttpOnly; SameSite=Lax; Path=/")
}

// loginURL leads to LINE Login; "" when a key is missing. The PKCE verifier is derived
// again by the core; here is only its challenge.
func loginURL(
	c *guest.Call, channel edgeapi.ChannelEntry, ref edgeapi.KeyRef, state token.State,
) string {
	sealed := encode(c.Host.Seal(ref, state.Append(nil)))
	nonce := encode(c.Host.Derive(ref, guest.LabelNonce, c.Request.EventID()))
	challenge := encode(c.Host.Derive(ref, guest.LabelChallenge, c.Request.EventID()))
	if sealed == "" || nonce == "" || challenge == "" {
		return ""
	}
	scope := "profile%20openid"
	if channel.AskEmail {
		scope += "%20email"
	}
	return loginAddress + "?response_type=code&client_id=" + escape(channel.LoginChannel) +
		"&redirect_uri=" + escape(origin(c)+callbackPath) + "&state=" + sealed +
		"&scope=" + scope + "&nonce=" + nonce + "&code_challenge=" + challenge +
		"&code_challenge_method=S256&bot_prompt=aggressive&ui_locales=" + state.Language
}

func unavailable(c *guest.Call, channel uint32) {
	c.Deny(503, edgeapi.NoKey)
	c.Verdict.Page(edgeapi.PageUnavailable)
	c.Verdict.Number(channel)
}

// language is the browser's first choice where LINE and our pages have it, else the shop's.
func language(r *edgeapi.Fields, other string) string {
	if len(r.Language()) >= 2 {
		switch first := string(r.Language()[:2]); first {
		case "en", "ja", "zh", "th":
			return first
		}
	}
	if len(other) == 2 {
		return other
	}
	return "en"
}
