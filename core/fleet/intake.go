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
	// Number finds the channel's number in requests without a public key, so that an edge
	// with a scope is kept to it; ok is false for a request that names none.
	Number func(r lumo.EdgeRequest) (number uint32, ok bool)
	// People finds whom a spooled request is about: requests about the same person are worked
	// off in the order in which they came in, others side by side. nil = each for itself.
	People func(body []byte) []string
}

// Numbers finds the merchant that a channel's number belongs to; none is fault.NotFound.
type Numbers interface {
	ByNumber(ctx context.Context, number uint32) (lumo.MerchantID, lumo.ChannelID, error)
}

// HookRoutes finds what a public key in a path names. It needs a transaction without a
// merchant; a key never given out is fault.NotFound.
type HookRoutes interface {
	Hook(ctx context.Context, kind, publicKey string) (lumo.MerchantID, id.ID, error)
}

// Tracker takes edges' events; see tracking.Service.Ingest.
type Tracker interface {
	Ingest(ctx context.Context, scope lumo.Scope, events []lumo.EdgeEvent) (rejected []id.ID, err error)
}

// Meter counts what edges bring; see Service.Took.
type Meter interface {
	Took(edge id.ID, n int)
}

// IntakeConfig is what an intake needs.
type IntakeConfig struct {
	Tenants Tenants
	Store   Store
	Hooks   HookRoutes
	Numbers Numbers
	Tracker Tracker
	Meter   Meter
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
	// draining bounds how many spooled requests are worked on at once, of all edges together.
	draining chan struct{}
}

type hookKey struct{ kind, publicKey string }

type hookOwner struct {
	merchant lumo.MerchantID
	target   id.ID
}

// NewIntake makes an intake; every dependency is required.
func NewIntake(c IntakeConfig) (*Intake, error) {
	if c.Tenants == nil || c.Store == nil || c.Hooks == nil || c.Numbers == nil || c.Tracker == nil || c.Meter == nil ||
		len(c.Routes) == 0 || c.NewID == nil || c.Now == nil || c.Log == nil {
		return nil, fault.As(fault.Internal, "fleet.NewIntake", errors.New("a dependency is missing"))
	}
	return &Intake{c: c, hooks: map[hookKey]hookOwner{}, failing: map[id.ID]int{},
		draining: make(chan struct{}, drainersAtOnce)}, nil
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
			if !r.Scope.Has(owner.merchant) { // for this edge it does not exist
				return lumo.EdgeAnswer{}, fault.New(fault.NotFound, op, "This hook does not exist.")
			}
			r.Merchant, r.Subject = owner.merchant, owner.target
		}
		if err := i.within(ctx, route, r); err != nil {
			return lumo.EdgeAnswer{}, err
		}
		answer, err := route.Handler.HandleEdge(ctx, r)
		return answer, fault.Wrap(op, err)
	}
	return lumo.EdgeAnswer{}, fault.New(fault.NotFound, op, "There is nothing at this address.")
}

// within refuses what an edge with a scope passes on for a merchant outside of it. Of numbers
// that nobody has the handler knows what to say.
func (i *Intake) within(ctx context.Context, route Route, r lumo.EdgeRequest) error {
	const op = "fleet.within"
	if r.Scope.All() || route.Hook != "" {
		return nil
	}
	number, ok := uint32(0), false
	if route.Number != nil {
		number, ok = route.Number(r)
	}
	if !ok {
		return nil
	}
	m, _, err := i.c.Numbers.ByNumber(ctx, number)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil && !r.Scope.Has(m) {
		return fault.New(fault.NotFound, op, "There is nothing at this address.")
	}
	return fault.Wrap(op, err)
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
