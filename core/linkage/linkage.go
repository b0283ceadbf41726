package linkage

import "lumo/core/lumo"

// Code is what LINE Login's callback brought, with what proves that we asked for it.
type Code struct {
	Code        string
	RedirectURI string
	Verifier    string // PKCE
	Nonce       string
}

// Login is a person who signed in with LINE, verified by the ID token.
type Login struct {
	User       lumo.LineUserID
	Name       string
	PictureURL string
	Token      lumo.Secret
}
