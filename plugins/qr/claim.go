package main

import (
	"strings"

	"lumo/plugins/internal/guest"
	"lumo/shared/edgeapi"
	"lumo/shared/token"
)

const maxValue = 255

// parameter is a part of a code's URL that says who the customer is.
type parameter struct {
	name  byte
	claim token.Claim
}

// parameters, the surest first: one URL may carry several.
func parameters() [4]parameter {
	return [...]parameter{
		{'k', token.ClaimProfile},
		{'s', token.ClaimForm},
		{'e', token.ClaimEmail},
		{'t', token.ClaimPhone},
	}
}

// claimOf reads what a URL says about the customer, as far as the code accepts it. reason
// is not 0 when a sealed claim is not ours or too old: then the link no longer works.
func claimOf(
	c *guest.Call, e edgeapi.CodeEntry,
) (claim token.Claim, value string, reason edgeapi.Reason) {
	if unlinks(c) {
		return token.ClaimUnlink, "", 0
	}
	for _, p := range parameters() {
		text := unescape(rawValue(c.Request.Query(), p.name))
		if !usable(text) {
			continue
		}
		switch {
		case p.claim == token.ClaimForm:
			value, reason := formClaim(c, text, e.Channel)
			return p.claim, value, reason
		case e.Claims&(1<<(p.claim-1)) != 0:
			if text = tidy(p.claim, text); text != "" {
				return p.claim, text, 0
			}
		}
	}
	return token.ClaimNone, "", 0
}

// unlinks tells whether a URL asks to end a link, which a friend always can: a code that rests
// does not take that away.
func unlinks(c *guest.Call) bool {
	return string(rawValue(c.Request.Query(), 'u')) == "1"
}

// usable refuses values that no customer has: an empty one, one too long for a state, a
// template that Klaviyo did not fill in.
func usable(text string) bool {
	return text != "" && !strings.ContainsAny(text, "{}<>\x00\r\n")
}

// tidy brings a claim into its one form; "" = it cannot be one.
func tidy(claim token.Claim, text string) string {
	switch claim {
	case token.ClaimEmail:
		text = strings.ToLower(strings.Trim(text, " "))
		text = strings.ReplaceAll(text, " ", "+") // a plus that a mailer took for a space
		if at := strings.IndexByte(text, '@'); at < 1 || at == len(text)-1 {
			return ""
		}
	case token.ClaimPhone: // a plus that a mailer took away is put back
		digits, _ := dialled(text)
		if digits == "" || digits[0] == '0' {
			return ""
		}
		text = "+" + digits
	}
	if len(text) > maxValue {
		return ""
	}
	return text
}

// dialled are the digits of a phone number in any notation, and whether a country's come first:
// none begins with a zero. "" = it is no phone number.
func dialled(text string) (digits string, abroad bool) {
	for _, r := range text {
		switch {
		case r >= '０' && r <= '９':
			digits += string('0' + r - '０')
		case r >= '0' && r <= '9':
			digits += string(r)
		case (r == '+' || r == '＋') && digits == "":
			abroad = true
		case !strings.ContainsRune("+-().\u2010\u2011\u2013\u2212\uff0d\u30fc\uff08\uff09/ \t\u3000\u00a0", r):
			return "", false
		}
	}
	if len(digits) < 5 || len(digits) > 20 {
		return "", false
	}
	return digits, abroad && digits[0] != '0'
}

// formClaim opens what we sealed ourselves after a form.
func formClaim(c *guest.Call, text string, channel uint32) (string, edgeapi.Reason) {
	state, header, reason := openState(c, text)
	if reason == 0 && (header.Channel != channel || state.Claim != token.ClaimForm) {
		reason = edgeapi.BadState
	}
	return state.Value, reason
}

// rawValue is a one-letter parameter's first value, escapes and all. A plus sign stays one:
// emails and phone numbers hold them.
func rawValue(query []byte, name byte) []byte {
	for len(query) > 0 {
		var pair []byte
		pair, query = cutPair(query)
		if len(pair) > 2 && pair[0] == name && pair[1] == '=' {
			return pair[2:]
		}
	}
	return nil
}

func cutPair(query []byte) (pair, rest []byte) {
	end := guest.Index(query, '&')
	if end < 0 {
		return query, nil
	}
	return query[:end], query[end+1:]
}

// putKnown adds the query's parameters that are ours, as they stand in it.
func putKnown(c *guest.Call, query []byte) {
	separator := "?"
	for len(query) > 0 {
		var pair []byte
		pair, query = cutPair(query)
		if len(pair) < 3 || len(pair) > 3*maxValue || pair[1] != '=' {
			continue
		}
		switch pair[0] {
		case 'u', 'k', 's', 'e', 't':
			c.Verdict.PutString(separator)
			c.Verdict.Put(pair)
			separator = "&"
		}
	}
}
