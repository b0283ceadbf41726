package console

import (
	"context"
	"net/http"
	"sync"
	"time"

	"lumo/core/live"
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
			a.answerProblem(w, r, err)
			return
		}
		cookie, err := r.Cookie(sessionCookie)
		if err != nil {
			a.answerProblem(w, r, fault.New(fault.Unauthenticated, "console.live", "Sign in to go on."))
			return
		}
		ctx, end := context.WithCancelCause(r.Context())
		defer end(nil)
		defer a.sockets.add(tokenHash(cookie.Value), func() { end(live.ErrSignedOut) })()
		s.Serve(w, r.WithContext(ctx), who.Merchant.ID, func(context.Context) bool {
			return a.alive(cookie.Value, r.PathValue("merchant"))
		})
	})
}

// alive reads a session anew, not the one that the request began with. A store that does
// not answer is not a sign-out.
func (a *API) alive(token, merchant string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), sessionCheck)
	defer cancel()
	fresh, err := a.sessions.Load(ctx, token)
	if err != nil {
		return true
	}
	_, err = a.Caller(fresh, lumo.Viewer, merchant)
	return err == nil || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Internal)
}

// sockets are the open pages of this process by the hash of their session's token, so that they close at once where
// their session ends here; elsewhere the next check closes them.
type sockets struct {
	mu   sync.Mutex
	open map[string]map[int]func() // guarded by mu
	last int                       // guarded by mu
}

// add remembers how to close a page; the answer forgets it.
func (s *sockets) add(hash string, end func()) (forget func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	n := s.last
	if s.open == nil {
		s.open = map[string]map[int]func(){}
	}
	if s.open[hash] == nil {
		s.open[hash] = map[int]func(){}
	}
	s.open[hash][n] = end
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if delete(s.open[hash], n); len(s.open[hash]) == 0 {
			delete(s.open, hash)
		}
	}
}

// end closes the pages of a session.
func (s *sockets) end(hash string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, end := range s.open[hash] {
		end()
	}
}
