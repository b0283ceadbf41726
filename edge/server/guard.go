package server

import (
	"bytes"

	"lumo/shared/id"
)

const (
	lineLogin      = "https://access.line.me"
	lineAuthorize  = lineLogin + "/oauth2/v2.1/authorize?"
	lineFriend     = "https://line.me/"
	clickParameter = "lumo_click="
	clickLength    = len(clickParameter) + 26
)

// mayLeadTo lets a redirect pass only to what was looked up or verified in this call, with
// or without this request's click id, or to LINE.
func (e *exchange) mayLeadTo(location []byte) bool {
	if bytes.HasPrefix(location, []byte(lineAuthorize)) || bytes.HasPrefix(location,
		[]byte(lineFriend)) {
		return e.to.module == codeModule
	}
	for _, target := range e.call.Targets {
		if bytes.Equal(location, target) || isClickOn(location, target, e.id) {
			return true
		}
	}
	return false
}

// isClickOn tells whether a location is a target with a click id in its query, before its
// fragment, and nothing else.
func isClickOn(location, target []byte, click id.ID) bool {
	end := len(target)
	if i := bytes.IndexByte(target, '#'); i >= 0 {
		end = i
	}
	separator := byte('?')
	if bytes.IndexByte(target[:end], '?') >= 0 {
		separator = '&'
	}
	if len(location) != len(target)+1+clickLength || location[end] != separator {
		return false
	}
	added := location[end+1 : end+1+clickLength]
	return bytes.Equal(location[:end], target[:end]) && bytes.Equal(location[end+1+clickLength:],
		target[end:]) &&
		string(added[:len(clickParameter)]) == clickParameter &&
		string(added[len(clickParameter):]) == click.String()
}
