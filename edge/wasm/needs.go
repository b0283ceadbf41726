package wasm

import "lumo/shared/edgeapi"

// needsOf is the part of a request that a module gets to see: what it does not need it is
// not shown, and each field costs it time.
func needsOf(module string) func(r *edgeapi.Request) edgeapi.Request {
	switch module {
	case "redirect":
		return func(r *edgeapi.Request) edgeapi.Request {
			return edgeapi.Request{
				Method:    r.Method,
				Flags:     r.Flags,
				Path:      r.Path,
				EventID:   r.EventID,
				UserAgent: r.UserAgent,
				Purpose:   r.Purpose,
			}
		}
	case "hookauth":
		return func(r *edgeapi.Request) edgeapi.Request {
			return edgeapi.Request{
				Method:     r.Method,
				Flags:      r.Flags,
				Path:       r.Path,
				Credential: r.Credential,
				Extra:      r.Extra,
			}
		}
	}
	return func(r *edgeapi.Request) edgeapi.Request { return *r }
}
