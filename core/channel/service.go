package channel

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Config is what the use cases need.
type Config struct {
	Directory *Directory
	Tenants   Tenants
	Systems   Systems
	Channels  ChannelStore
	Friends   FriendStore
	Requests  RequestStore
	Work      WorkStore
	Accounts  Accounts
	Hooks     Hooks
	Read      func(body []byte) (Batch, error) // LINE's webhook format
	Recorder  Recorder
	Profiles  Profiles
	Fleet     Fleet
	Auditor   Auditor
	Joiner    Joiner
	Replier   Replier // nil = nobody is answered
	Watcher   Watcher
	Connected func(context.Context, lumo.Channel) error // others' part of a new channel; may be nil
	EdgeURL   string                                    // public address of the edges
	NewID     func() id.ID
	Now       func() time.Time
	Log       *slog.Logger
	Owner     string // names this process in leases
}

// Service holds the use cases. It is safe for concurrent use.
type Service struct {
	*Directory
	c         Config
	questions chan question // to ask LINE when nothing waits for the answer
}

// New makes the service; every dependency but Connected is required.
func New(c Config) (*Service, error) {
	if c.Directory == nil || c.Tenants == nil || c.Systems == nil || c.Channels == nil ||
		c.Friends == nil || c.Requests == nil || c.Work == nil || c.Accounts == nil ||
		c.Hooks == nil || c.Read == nil || c.Recorder == nil || c.Profiles == nil ||
		c.Fleet == nil || c.Auditor == nil || c.Joiner == nil || c.Watcher == nil ||
		c.EdgeURL == "" || c.NewID == nil || c.Now == nil || c.Log == nil || c.Owner == "" {
		return nil, fault.New(fault.Internal, "channel.New", "a dependency is missing")
	}
	c.EdgeURL = strings.TrimRight(c.EdgeURL, "/")
	return &Service{Directory: c.Directory, c: c, questions: make(chan question, questionsMax)}, nil
}

// WebhookURL is where LINE is to send the channel's events.
func (s *Service) WebhookURL(c Channel) string { return s.c.EdgeURL + "/hooks/line/" + c.HookKey }

// CallbackURL is what the LINE Login channel must list as its callback.
func (s *Service) CallbackURL() string { return s.c.EdgeURL + "/link/callback" }
