// Package klaviyo speaks Klaviyo's API for the capabilities: OAuth, account, profiles, events.
//
// What always holds: every call has a deadline and the one revision we are built against;
// no error carries a body, a URL or a token, only status, code and request id (a filter in a
// URL may hold an email); tokens print as a placeholder. The client keeps no state between
// calls, so one serves all accounts.
package klaviyo

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"lumo/shared/fault"
)

// Revision of Klaviyo's API that all requests name.
const Revision = "2026-07-15"

// Klaviyo's own addresses. Authorising stays on www; tokens only work on a.
const (
	DefaultAPI = "https://a.klaviyo.com"
	DefaultWeb = "https://www.klaviyo.com"
)

const (
	callTimeout = 10 * time.Second
	maxAnswer   = 8 << 20
)

// Config is what a client needs; empty addresses mean Klaviyo's own.
type Config struct {
	API          string // LUMO_KLAVIYO_API_URL
	Web          string // LUMO_KLAVIYO_WEB_URL
	ClientID     string
	ClientSecret string
	RedirectURL  string       // where Klaviyo sends the member back to
	HTTP         *http.Client // guarded against private targets by who wires
	Now          func() time.Time
}

// Client calls Klaviyo for any number of accounts. It is safe for concurrent use.
type Client struct {
	api   string
	oauth oauth2.Config
	http  *http.Client
	now   func() time.Time
}

// New makes a client. Without a client id it still reads and writes, but cannot connect.
func New(c Config) (*Client, error) {
	if c.HTTP == nil || c.Now == nil {
		return nil, fault.New(fault.Internal, "klaviyo.New", "an HTTP client or a clock is missing")
	}
	api := strings.TrimRight(cmp.Or(c.API, DefaultAPI), "/")
	web := strings.TrimRight(cmp.Or(c.Web, DefaultWeb), "/")
	return &Client{
		api:  api,
		http: noRedirects(c.HTTP),
		now:  c.Now,
		oauth: oauth2.Config{
			ClientID:     c.ClientID,
			ClientSecret: c.ClientSecret,
			RedirectURL:  c.RedirectURL,
			Endpoint: oauth2.Endpoint{
				AuthURL:   web + "/oauth/authorize",
				TokenURL:  api + "/oauth/token",
				AuthStyle: oauth2.AuthStyleInHeader,
			},
		},
	}, nil
}

// noRedirects copies a client so that no answer can lead a token to another place.
func noRedirects(h *http.Client) *http.Client {
	out := *h
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &out
}
