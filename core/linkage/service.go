package linkage

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Config is what the use cases need; everything is required.
type Config struct {
	Directory *Directory
	Tenants   Tenants
	Links     LinkStore
	States    StateStore
	Codes     CodeStore
	Forms     FormStore
	Settings  SettingStore
	Health    HealthStore
	Channels  Channels
	Friends   Friends
	Merchants Merchants
	LINE      LINELogin
	Profiles  Profiles
	Recorder  Recorder
	Outbox    Outbox
	Greeter   Greeter
	Messages  Messages
	Tokens    TokenStore
	Upkeep    Upkeep
	Hooks     SystemHooks
	Pages     Pages
	Fleet     Fleet
	Auditor   Auditor
	Watcher   Watcher
	EdgeURL   string // public address of the edges
	NewID     func() id.ID
	Now       func() time.Time
	Log       *slog.Logger
}

// Service holds the use cases. It is safe for concurrent use.
type Service struct {
	*Directory
	c    Config
	seen *seenCustomers
}

// New makes the service.
func New(c Config) (*Service, error) {
	if c.Directory == nil || c.Tenants == nil || c.Links == nil || c.States == nil ||
		c.Codes == nil || c.Forms == nil || c.Settings == nil || c.Health == nil ||
		c.Hooks == nil || c.Pages == nil || c.Channels == nil || c.Friends == nil || c.LINE == nil ||
		c.Merchants == nil ||
		c.Profiles == nil || c.Recorder == nil || c.Outbox == nil || c.Greeter == nil ||
		c.Messages == nil || c.Tokens == nil || c.Upkeep == nil ||
		c.Fleet == nil || c.Auditor == nil || c.Watcher == nil || c.EdgeURL == "" ||
		c.NewID == nil || c.Now == nil || c.Log == nil {
		return nil, fault.New(fault.Internal, "linkage.New", "a dependency is missing")
	}
	c.EdgeURL = strings.TrimRight(c.EdgeURL, "/")
	return &Service{Directory: c.Directory, c: c, seen: &seenCustomers{}}, nil
}

// inTenant runs work that may link. Where another link was faster the database refuses, and
// the work is run again: then it sees the other link and keeps the conflict.
func (s *Service) inTenant(ctx context.Context, m lumo.MerchantID,
	work func(context.Context) error) error {
	err := s.c.Tenants.InTenant(ctx, m, work)
	if fault.Is(err, fault.Conflict) {
		return s.c.Tenants.InTenant(ctx, m, work)
	}
	return err
}

// redirectURI is what LINE Login was given; the edges give the same.
func (s *Service) redirectURI() string { return s.c.EdgeURL + "/link/callback" }
