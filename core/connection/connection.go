// Package connection owns a merchant's Klaviyo account: approving it by OAuth, its tokens,
// and whether it works.
//
// What always holds: an OAuth try is used once, within ten minutes, by the session that
// began it; access and refresh token are stored as one pair; one replica at a time refreshes
// an account, all others take what it stored; a refresh token that Klaviyo no longer takes
// turns the account to "reconnect" and loses nothing; a Klaviyo account has one merchant.
// Tokens are in no error and no log.
package connection

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// State is what the connection card of an account shows.
type State string

// The states of an account.
const (
	Working   State = "working"
	Reconnect State = "reconnect" // Klaviyo wants to be asked again; updates wait
	Off       State = "off"
)

// Account is a Klaviyo account without its tokens.
type Account struct {
	Merchant       lumo.MerchantID
	ID             lumo.AccountID
	Site           Site
	State          State
	Problem        string // code of what is wrong, empty when nothing is
	Scopes         []string
	StateChangedAt time.Time
	RefreshedAt    time.Time
	LastContactAt  time.Time
}

// Site is Klaviyo's own name for an account: its public key, and the organisation.
type Site struct {
	ID   string
	Name string
}

// Tokens are what Klaviyo gave us for an account; they are only stored together.
type Tokens struct {
	Access    lumo.Secret
	Refresh   lumo.Secret
	ExpiresAt time.Time
	Scopes    []string
}

// Try is one member's way to Klaviyo's consent page and back.
type Try struct {
	Merchant  lumo.MerchantID
	ID        id.ID
	StateHash []byte      // of state and session
	Verifier  lumo.Secret // PKCE
	Member    lumo.MemberID
	ExpiresAt time.Time
}

// Klaviyo is the part of Klaviyo's API that connecting needs.
type Klaviyo interface {
	AuthorizeURL(state, verifier string, scopes []string) (string, error)
	Exchange(ctx context.Context, code, verifier string) (Tokens, error)
	// Refresh answers fault.Unauthenticated for a token that is no longer good.
	Refresh(ctx context.Context, refresh lumo.Secret) (Tokens, error)
	Account(ctx context.Context, token lumo.Secret) (Site, error)
}

// Data is the part of Klaviyo's API that reads and writes an account's data.
type Data interface {
	Profile(ctx context.Context, token lumo.Secret, p lumo.ProfileID) (lumo.Profile, error)
	ProfileByEmail(ctx context.Context, token lumo.Secret, email string) (lumo.Profile, error)
	ProfileByPhone(ctx context.Context, token lumo.Secret, phone string) (lumo.Profile, error)
	EventPage(ctx context.Context, token lumo.Secret, p lumo.ProfileID, since time.Time, after string, limit int) (
		lumo.EventPage, error)
	Flows(ctx context.Context, token lumo.Secret) ([]lumo.KlaviyoFlow, error)
	FlowWebhooks(ctx context.Context, token lumo.Secret, flow string) ([]lumo.FlowWebhook, error)
	ImportProfile(ctx context.Context, token lumo.Secret, w lumo.ProfileWrite) (
		lumo.ProfileID, time.Duration, error)
	CreateEvent(ctx context.Context, token lumo.Secret, e lumo.ProfileEvent) (time.Duration, error)
	// CreateHook makes a system webhook and answers Klaviyo's id of it.
	CreateHook(ctx context.Context, token lumo.Secret, h Hook) (string, error)
}

// Fleet keeps the edges up to date.
type Fleet interface {
	// Changed notes, inside the transaction, that a row of the edges' tables changed.
	Changed(ctx context.Context, m lumo.MerchantID, table uint8, key []byte) error
	// WaitApplied returns when all living edges have what is committed, or after limit.
	WaitApplied(ctx context.Context, limit time.Duration) error
}

// Store keeps accounts and tries. Its methods run inside a transaction of the merchant.
type Store interface {
	AddTry(ctx context.Context, t Try, now time.Time) error
	// TakeTry uses a try up; one that is used, over or another's is fault.NotFound.
	TakeTry(ctx context.Context, m lumo.MerchantID, stateHash []byte, member lumo.MemberID,
		now time.Time) (Try, error)
	// Slug is the merchant's name in the console's addresses.
	Slug(ctx context.Context, m lumo.MerchantID) (string, error)
	// Save stores an account that was approved, again or for the first time, and starts its
	// outbox. An account of another merchant is fault.Conflict.
	Save(ctx context.Context, a Account, t Tokens, now time.Time) (Account, error)
	// Accounts are the merchant's accounts, oldest first.
	Accounts(ctx context.Context, m lumo.MerchantID) ([]Account, error)
	Account(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (Account, error)
	// Tokens reads the pair; with lock others wait until this transaction ends.
	Tokens(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, lock bool) (
		Account, Tokens, error)
	SaveTokens(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, t Tokens, now time.Time) error
	SetState(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, s State, problem string,
		now time.Time) error
	Touch(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, now time.Time) error
	// SystemHook reads an account's system webhook and locks it; without one it has no key.
	SystemHook(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) (SystemHook, error)
	SetSystemHook(ctx context.Context, m lumo.MerchantID, a lumo.AccountID, h SystemHook, now time.Time) error
}

// Tenants runs a unit of work for one merchant.
type Tenants interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
}

// Channels joins LINE accounts that have no Klaviyo account yet to this one, which gives
// them their property numbers.
type Channels interface {
	JoinAccount(ctx context.Context, m lumo.MerchantID, a lumo.AccountID) error
}

// Auditor writes the audit log, inside the transaction.
type Auditor interface {
	Audit(ctx context.Context, e lumo.AuditEntry) error
}

// Watcher hears of changes that open pages should show, and passes them on after the commit.
type Watcher interface {
	AccountChanged(ctx context.Context, m lumo.MerchantID, a lumo.AccountID)
}

// Config is what the service needs.
type Config struct {
	Tenants  Tenants
	Store    Store
	Klaviyo  Klaviyo
	Data     Data
	Channels Channels
	Fleet    Fleet
	EdgeURL  string // public address of the edges
	Auditor  Auditor
	Watcher  Watcher
	NewID    func() id.ID
	Now      func() time.Time
	Log      *slog.Logger
	// Wait lets time pass, unless ctx ends before; nil = by the system's clock.
	Wait func(ctx context.Context, d time.Duration) error
}

// Service holds the use cases. It is safe for concurrent use.
type Service struct {
	c     Config
	renew singleflight.Group // by account, inside this process
}

// New makes the service; every dependency is required.
func New(c Config) (*Service, error) {
	if c.Tenants == nil || c.Store == nil || c.Klaviyo == nil || c.Data == nil ||
		c.Channels == nil || c.Fleet == nil || c.EdgeURL == "" || c.Auditor == nil || c.Watcher == nil || c.NewID == nil ||
		c.Now == nil || c.Log == nil {
		return nil, fault.New(fault.Internal, "connection.New", "a dependency is missing")
	}
	c.EdgeURL = strings.TrimRight(c.EdgeURL, "/")
	if c.Wait == nil {
		c.Wait = lumo.Pause
	}
	return &Service{c: c}, nil
}
