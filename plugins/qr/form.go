package main

import (
	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/event"
	"lumo/shared/id"
	"lumo/shared/token"
)

// openForm answers /f/{formKey}.js and /f/{formKey}/claim.
func openForm(c *guest.Call, rest []byte) {
	if key, ok := guest.CutSuffix(rest, ".js"); ok {
		script(c, key)
		return
	}
	if key, ok := guest.CutSuffix(rest, "/claim"); ok {
		claimByForm(c, key)
		return
	}
	c.Deny(404, edgeapi.UnknownCode)
}

func findForm(c *guest.Call, key []byte) (edgeapi.FormEntry, bool) {
	if len(key) == publicKeyLength {
		form, err := edgeapi.ParseFormEntry(c.Host.Lookup(edgeapi.TableForm, key))
		if err == nil {
			return form, true
		}
	}
	c.Deny(404, edgeapi.UnknownCode)
	return edgeapi.FormEntry{}, false
}

// script answers the form's script with its settings; its address names the form.
func script(c *guest.Call, key []byte) {
	if c.Request.Method != edgeapi.GET && c.Request.Method != edgeapi.HEAD {
		c.BadMethod("Allow: GET, HEAD")
		return
	}
	form, ok := findForm(c, key)
	if !ok {
		return
	}
	c.Respond(200)
	c.Verdict.BeginBody()
	c.Verdict.PutString(formScriptHead)
	if form.Settings == "" {
		c.Verdict.PutString("{}")
	}
	c.Verdict.PutString(form.Settings)
	c.Verdict.PutString(formScriptTail)
	c.Verdict.End()
	c.Verdict.Header("Content-Type: text/javascript; charset=utf-8")
	c.Verdict.Header("Cache-Control: public, max-age=300")
}

// claimByForm seals what a customer just typed into a shop's form. The answer is the same
// whether or not anybody knows the address: nothing is looked up by it.
func claimByForm(c *guest.Call, key []byte) {
	if c.Request.Method != edgeapi.POST && c.Request.Method != edgeapi.OPTIONS {
		c.BadMethod("Allow: POST, OPTIONS")
		return
	}
	form, ok := findForm(c, key)
	if !ok {
		return
	}
	if !allowed(c, form) {
		c.Deny(400, edgeapi.BadOrigin)
		return
	}
	if c.Request.Method == edgeapi.OPTIONS {
		c.Respond(204)
		c.Verdict.Header("Access-Control-Allow-Methods: POST")
		c.Verdict.Header("Access-Control-Allow-Headers: Content-Type")
		c.Verdict.Header("Access-Control-Max-Age: 86400")
		return
	}
	body := c.Host.Body()
	if wordValue(body, "shown=") == "1" {
		c.Respond(204)
		count(c, form, event.FormShown)
		return
	}
	value := formValue(body)
	if value == "" || len(c.Request.EventID()) != 16 {
		c.Deny(400, edgeapi.BadShape)
		return
	}
	if answerClaim(c, form, value) {
		count(c, form, event.FormSubmitted)
	}
}

// count lets a form's numbers rise where a person did something; it names nobody.
func count(c *guest.Call, form edgeapi.FormEntry, what uint32) {
	class := event.Classify(false, c.Request.Purpose(), c.Request.UserAgent())
	c.Verdict.Event(event.Event{Type: event.Form, Class: class, Number: form.Channel,
		Subject: form.Number, Link: what})
}

// allowed lets only the shop's own pages ask, and says so to the browser.
func allowed(c *guest.Call, form edgeapi.FormEntry) bool {
	for _, origin := range form.Origins {
		if origin != "" && origin == string(c.Request.Origin()) {
			c.Verdict.Header("Access-Control-Allow-Origin: " + origin)
			c.Verdict.Header("Vary: Origin")
			return true
		}
	}
	return false
}

// formValue is the email or else the phone number of an URL-encoded form. A number without a
// country is one of the shop's, which the core knows.
func formValue(body []byte) string {
	if text := wordValue(body, "email="); usable(text) {
		if text = tidy(token.ClaimEmail, text); text != "" {
			return text
		}
	}
	text := wordValue(body, "phone=")
	if !usable(text) {
		return ""
	}
	digits, abroad := dialled(text)
	if abroad {
		return "+" + digits
	}
	return digits
}

// answerClaim seals a claim; false = there is no key for it.
func answerClaim(c *guest.Call, form edgeapi.FormEntry, value string) bool {
	channel, err := edgeapi.ParseChannelEntry(
		c.Host.Lookup(edgeapi.TableChannel, edgeapi.ChannelKey(form.Channel)),
	)
	if err != nil || channel.StateKey == 0 {
		c.Deny(503, edgeapi.NoKey)
		return false
	}
	state := token.State{
		ID:       id.ID(c.Request.EventID()),
		Issued:   uint32(c.Host.Now() / 1000),
		Claim:    token.ClaimForm,
		Language: language(&c.Request, channel.Language),
		Code:     form.Code,
		Value:    value,
	}
	ref := edgeapi.Ref(edgeapi.KeyState, channel.StateKey, form.Channel)
	sealed := c.Host.Seal(ref, state.Append(nil))
	if sealed == nil {
		c.Deny(503, edgeapi.NoKey)
		return false
	}
	code, text := origin(c)+"/q/"+form.Code, encode(sealed)
	c.Respond(200)
	c.Verdict.Header("Content-Type: application/json")
	c.Verdict.Header(noStore)
	c.Verdict.BeginBody()
	c.Verdict.PutString(`{"url":"` + code + "?s=" + text)
	c.Verdict.PutString(`","image":"` + code + ".png?s=" + text + `"}`)
	c.Verdict.End()
	return true
}
