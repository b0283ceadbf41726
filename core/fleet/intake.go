package fleet

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

// Handler answers what edges pass on for one kind of path. An answer of any status is an
// outcome; an error means that there is none: fault.Unavailable and fault.Internal are asked
// again where the sender is not waiting, others are kept for a person to see.
type Handler interface {
	HandleEdge(ctx context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error)
}

// Route says who answers the paths below a prefix.
type Route struct {
	Prefix  string
	Hook    string // kind of the public key that follows the prefix; empty = none follows
	Handler Handler
}

// HookRoutes finds what a public key in a path names. It needs a transaction without a
// merchant; a key never given out is fault.NotFound.
type HookRoutes interface {
	Hook(ctx context.Context, kind, publicKey string) (lumo.MerchantID, id.ID, error)
}

// Tracker takes edges' events; see tracking.Service.Ingest.
type Tracker interface {
	Ingest(ctx context.Context, events []lumo.EdgeEvent) (rejected []id.ID, err error)
}

// IntakeConfig is what an intake needs.
type IntakeConfig struct {
	Tenants Tenants
	Store   Store
	Hooks   HookRoutes
	Tracker Tracker
	Routes  []Route
	Sealing sealing.PrivateKey
	NewID   func() id.ID
	Now     func() time.Time
	Log     *slog.Logger
}

// Intake takes what edges bring: requests at once, events and requests from spools. It is
// safe for concurrent use.
type Intake struct {
	c  IntakeConfig
	mu sync.RWMutex // guards hooks and failing
	// hooks remembers what public keys name; they are never given out again.
	hooks map[hookKey]hookOwner
	// failing counts the tries of records that fail by our own fault.
	failing map[id.ID]int
}

type hookKey struct{ kind, publicKey string }

type hookOwner struct {
	merchant lumo.MerchantID
	target   id.ID
}

// NewIntake makes an intake; every dependency is required.
func NewIntake(c IntakeConfig) (*Intake, error) {
	if c.Tenants == nil || c.Store == nil || c.Hooks == nil || c.Tracker == nil ||
		len(c.Routes) == 0 || c.NewID == nil || c.Now == nil || c.Log == nil {
		return nil, fault.As(fault.Internal, "fleet.NewIntake", errors.New("a dependency is missing"))
	}
	return &Intake{c: c, hooks: map[hookKey]hookOwner{}, failing: map[id.ID]int{}}, nil
}

// Handle passes one request to whom its path belongs to.
func (i *Intake) Handle(ctx context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error) {
	const op = "fleet.Handle"
	path, _, _ := strings.Cut(r.Target, "?")
	for _, route := range i.c.Routes {
		rest, ok := strings.CutPrefix(path, route.Prefix)
		if !ok {
			continue
		}
		if route.Hook != "" {
			owner, err := i.hook(ctx, route.Hook, rest)
			if err != nil {
				return lumo.EdgeAnswer{}, err
			}
			r.Merchant, r.Subject = owner.merchant, owner.target
		}
		answer, err := route.Handler.HandleEdge(ctx, r)
		return answer, fault.Wrap(op, err)
	}
	return lumo.EdgeAnswer{}, fault.New(fault.NotFound, op, "There is nothing at this address.")
}

// hook finds the owner of a public key.
func (i *Intake) hook(ctx context.Context, kind, publicKey string) (o hookOwner, err error) {
	const op = "fleet.hook"
	key := hookKey{kind, publicKey}
	i.mu.RLock()
	o, ok := i.hooks[key]
	i.mu.RUnlock()
	if ok {
		return o, nil
	}
	if !wellFormed(publicKey) {
		return o, fault.New(fault.NotFound, op, "This hook does not exist.")
	}
	err = i.c.Tenants.InSystem(ctx, func(ctx context.Context) error {
		o.merchant, o.target, err = i.c.Hooks.Hook(ctx, kind, publicKey)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return o, fault.New(fault.NotFound, op, "This hook does not exist.")
	}
	if err != nil {
		return o, fault.Wrap(op, err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.hooks[key] = o
	return o, nil
}

// wellFormed tells whether a text can be a public key: 16 characters of a-z2-7.
func wellFormed(key string) bool {
	if len(key) != 16 {
		return false
	}
	for i := range key {
		if c := key[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}
