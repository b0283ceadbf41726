package console

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"lumo/shared/fault"
	"lumo/shared/id"
)

// SessionView is one place where a person is signed in.
type SessionView struct {
	ID        string     `json:"id"`
	Device    string     `json:"device" doc:"kind of browser and system; empty = not known"`
	Current   bool       `json:"current" doc:"the one that asks"`
	StartedAt *time.Time `json:"started_at"`
	SeenAt    *time.Time `json:"seen_at"`
}

type inSession struct {
	SessionID string `path:"session"`
}

func (a *API) registerSessions() {
	Register(a, Op{ID: "list-sessions", Method: http.MethodGet, Path: "/me/sessions", Role: SignedIn,
		Summary: "List where one is signed in"}, a.ownSessions)
	Register(a, Op{ID: "end-session", Method: http.MethodPost, Path: "/me/sessions/{session}/end", Role: SignedIn,
		Summary: "Sign out somewhere else"},
		func(ctx context.Context, who Caller, in *inSession) (List[SessionView], error) {
			v, err := id.Parse(in.SessionID)
			if err != nil {
				return List[SessionView]{}, fault.New(fault.NotFound, "console.endSession", "This does not exist.")
			}
			return a.ended(ctx, who, func() ([]string, error) { return a.Accounts.EndSession(ctx, who.Members, who.Address, v) })
		})
	Register(a, Op{ID: "end-other-sessions", Method: http.MethodPost, Path: "/me/sessions/end_others", Role: SignedIn,
		Summary: "Sign out everywhere else"}, func(ctx context.Context, who Caller, _ *None) (List[SessionView], error) {
		return a.ended(ctx, who, func() ([]string, error) {
			return a.Accounts.EndOtherSessions(ctx, who.Members, who.Address, tokenHash(a.sessions.Token(ctx)))
		})
	})
}

func (a *API) ownSessions(ctx context.Context, who Caller, _ *None) (List[SessionView], error) {
	all, err := a.Accounts.Sessions(ctx, who.Members)
	own := tokenHash(a.sessions.Token(ctx))
	var list List[SessionView]
	for _, s := range all {
		list.Items = append(list.Items, SessionView{ID: s.ID.String(), Device: s.Device, Current: s.Hash == own,
			StartedAt: moment(s.StartedAt), SeenAt: moment(s.SeenAt)})
	}
	return list, err
}

// ended ends sessions, closes what this process has open under them, and answers the rest.
func (a *API) ended(ctx context.Context, who Caller, end func() ([]string, error)) (List[SessionView], error) {
	hashes, err := end()
	if err != nil {
		return List[SessionView]{}, err
	}
	for _, h := range hashes {
		a.sockets.end(h)
	}
	return a.ownSessions(ctx, who, &None{})
}

// tokenHash is a token as the store of sessions has it.
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

type deviceKey struct{}

func deviceOf(ctx context.Context) string {
	text, _ := ctx.Value(deviceKey{}).(string)
	return text
}

// device says of a browser what its owner knows it by, and nothing that could tell people apart.
func device(agent string) string {
	return strings.Trim(named(agent, "Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari")+
		" · "+named(agent, "iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows", "Mac OS", "Mac",
		"CrOS", "ChromeOS", "Linux", "Linux"), " ·")
}

// named is the name of the first mark that stands in a text.
func named(text string, marks ...string) string {
	for i := 0; i < len(marks); i += 2 {
		if strings.Contains(text, marks[i]) {
			return marks[i+1]
		}
	}
	return ""
}
