package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
)

const sessionCheck = 2 * time.Second

// Streams serves a merchant's live messages to one page.
type Streams interface {
	Serve(w http.ResponseWriter, r *http.Request, m lumo.MerchantID, allowed func(context.Context) bool)
}

// RegisterLive adds the websocket of open pages. Its session is checked again while it
// lasts: signing out anywhere closes it.
func RegisterLive(a *API, s Streams) {
	a.HandlePage("GET "+base+"/merchants/{merchant}/live", func(w http.ResponseWriter, r *http.Request) {
		who, err := a.Caller(r.Context(), lumo.Viewer, r.PathValue("merchant"))
		if err != nil {
			http.Error(w, fault.MessageOf(err), status(fault.KindOf(err)))
			return
		}
		cookie, err := r.Cookie(sessionCookie)
		if err != nil {
			http.Error(w, "Sign in to go on.", http.StatusUnauthorized)
			return
		}
		s.Serve(w, r, who.Merchant.ID, func(context.Context) bool { return a.alive(cookie.Value) })
	})
}

// alive reads a session anew, not the one that the request began with. A store that does
// not answer is not a sign-out.
func (a *API) alive(token string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), sessionCheck)
	defer cancel()
	fresh, err := a.sessions.Load(ctx, token)
	if err != nil {
		return true
	}
	return a.sessions.GetString(fresh, membersKey) != ""
}
