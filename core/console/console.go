// Package console is the HTTP API behind the console, which is also the public one, and
// the pages themselves.
//
// Every operation is registered with the role it needs and is refused without it; a test
// walks them all. Another merchant's ids do not exist. Errors are problem details with a
// kind; whatever has no sentence for people is logged and answered with a number. A file
// here per capability registers its operations:
//
//	func RegisterTags(a *API, tags *tag.Service) {
//		Register(a, Op{ID: "list-tags", Method: "GET", Path: "/merchants/{merchant}/tags",
//			Role: lumo.Viewer}, func(ctx context.Context, who Caller, in *InMerchant) (List[Tag], error) {
//			...
//		})
//	}
package console

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

const (
	base          = "/api/v1"
	sessionCookie = "__Host-lumo_session"
	sessionLife   = 30 * 24 * time.Hour
	sessionIdle   = 7 * 24 * time.Hour
	maxBody       = 1 << 20
	largestBody   = 11 << 20 // of any operation; each has its own limit below it
)

// Roles beside those of members.
const (
	Anyone   lumo.Role = "anyone"
	SignedIn lumo.Role = "signed_in"
	Operator lumo.Role = "operator"
)

// Accounts is what the API needs of people and merchants.
type Accounts interface {
	SignIn(ctx context.Context, email, password, address string) (account.Signed, error)
	Find(ctx context.Context, m account.Membership) (account.Member, lumo.Merchant, error)
	Update(ctx context.Context, who account.Membership, address string, c account.Settings) (lumo.Merchant, error)
	SetLanguage(ctx context.Context, who account.Membership, address, language string) error
	HideSteps(ctx context.Context, who account.Membership, address string, hide bool) error
	Sessions(ctx context.Context, members []account.Membership) ([]account.Session, error)
	// EndSession and EndOtherSessions answer the hashes of the tokens that no longer hold.
	EndSession(ctx context.Context, members []account.Membership, address string, one id.ID) ([]string, error)
	EndOtherSessions(ctx context.Context, members []account.Membership, address, except string) ([]string, error)
	// FindOperator is fault.NotFound for one who was removed.
	FindOperator(ctx context.Context, operator id.ID) (account.Operator, error)
}

// Config is what the API needs; all fields but Address are required.
type Config struct {
	Accounts Accounts
	Sessions scs.CtxStore
	Repeats  Repeats
	Log      *slog.Logger
	Now      func() time.Time
	// Address tells who calls, behind trusted proxies; nil = the connection's other end.
	Address func(*http.Request) string
}

// API holds the registered operations.
type API struct {
	Config
	mux      *http.ServeMux
	huma     huma.API
	sessions *scs.SessionManager
	roles    map[string]lumo.Role // operation id -> least role
	names    map[string]bool      // of all members of inputs
	advices  []advised
	japanese sentences
	sockets  sockets
	keys     APIKeys // nil = nobody comes with a key
}

// New makes an API with the operations of accounts; other capabilities register theirs.
func New(c Config) *API {
	if c.Address == nil {
		c.Address = func(r *http.Request) string { return r.RemoteAddr }
	}
	a := &API{Config: c, mux: http.NewServeMux(), roles: map[string]lumo.Role{},
		names: map[string]bool{}, advices: advices(), japanese: readSentences(japanese)}
	a.sessions = newSessions(c.Sessions)
	a.sessions.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		if !left(r.Context()) {
			a.answerProblem(w, r, fault.As(fault.Unavailable, "console.session", err))
		}
	}
	settings := huma.DefaultConfig("Lumo", "1")
	settings.CreateHooks, settings.DocsPath, settings.SchemasPath = nil, "", ""
	settings.OpenAPIPath = "/api/openapi"
	settings.Transformers = append(settings.Transformers, a.refuse)
	a.huma = humago.New(a.mux, settings)
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.answerProblem(w, r, fault.New(fault.NotFound, "console.unknown", "This address does not exist."))
	})
	a.registerAccount()
	a.registerSessions()
	return a
}

func newSessions(store scs.CtxStore) *scs.SessionManager {
	s := scs.New()
	s.Store, s.HashTokenInStore = store, true
	s.Lifetime, s.IdleTimeout = sessionLife, sessionIdle
	s.Cookie.Name, s.Cookie.Path = sessionCookie, "/"
	s.Cookie.Secure, s.Cookie.HttpOnly, s.Cookie.SameSite = true, true, http.SameSiteLaxMode
	return s
}

// Handler serves the API. Requests that browsers make for other sites are refused.
func (a *API) Handler() http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.answerProblem(w, r, fault.New(fault.Forbidden, "console.guard",
			"This request came from another site. Open the console itself."))
	}))
	limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, largestBody)
		ctx := context.WithValue(r.Context(), addressKey{}, a.Address(r))
		a.mux.ServeHTTP(w, r.WithContext(context.WithValue(ctx, deviceKey{}, device(r.UserAgent()))))
	})
	return listening(guard.Handler(a.sessions.LoadAndSave(limited)))
}

// HandlePage registers a plain handler below the session: redirects from vendors, sockets.
// It checks the role itself, by Caller.
func (a *API) HandlePage(pattern string, h http.HandlerFunc) { a.mux.HandleFunc(pattern, h) }

// OpenAPI describes the operations registered so far, as JSON.
func (a *API) OpenAPI() ([]byte, error) { return a.huma.OpenAPI().MarshalJSON() }

// Roles are the operations with the least role of each, for the test that walks them.
func (a *API) Roles() map[string]lumo.Role { return a.roles }

type addressKey struct{}

func addressOf(ctx context.Context) string {
	address, _ := ctx.Value(addressKey{}).(string)
	return address
}
