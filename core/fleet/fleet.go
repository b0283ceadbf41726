// Package fleet owns the edges: who may be one, what they know, and what they bring.
//
// What always holds: an edge enrols with a code that works once and then names itself by a
// key that is stored as a hash and looked at on every call; a committed change of what edges
// need reaches every connected edge, none is skipped and none is sent before its commit;
// values are read when they are sent, so that an edge never gets an older one after a newer;
// a request is dispatched by its path alone and every record is taken, kept for a person to
// see, or asked for again: no record holds up the ones behind it; an edge with a scope hears
// of no other merchant and brings nothing for one; a set of modules reaches edges only with a
// signature that was made elsewhere.
package fleet

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// Edge is one enrolled edge.
type Edge struct {
	ID          id.ID
	Name        string
	Merchants   []lumo.MerchantID // its scope; empty = all
	CreatedAt   time.Time
	ConnectedAt time.Time // zero = never
	LastSeenAt  time.Time // zero = never; of a revoked edge that still asks, to a minute
	RevokedAt   time.Time // zero = it is not
	Report      Report
	// BehindSince is when the oldest change was made that it has not applied; zero = none.
	BehindSince time.Time
}

// Scope is whose merchants the edge may serve.
func (e Edge) Scope() lumo.Scope { return lumo.ScopeOf(e.Merchants) }

// Alive tells whether the edge was heard of within the lease.
func (e Edge) Alive(now time.Time) bool {
	return e.RevokedAt.IsZero() && now.Sub(e.LastSeenAt) < leaseSpan
}

// askedLately is longer than a revoked edge that runs is silent, and than its asking goes unnoted.
const askedLately = 2 * time.Minute

// StillAsks tells whether the edge runs although it was revoked.
func (e Edge) StillAsks(now time.Time) bool {
	return !e.RevokedAt.IsZero() && e.LastSeenAt.After(e.RevokedAt) && now.Sub(e.LastSeenAt) < askedLately
}

// Identity is what an edge gets to know when it enrols.
type Identity struct {
	Edge       id.ID
	Key        lumo.Secret // shown this once
	SealingKey []byte      // X25519 public key of the spool
	ModuleKey  []byte      // Ed25519 public key of module sets
}

// Change names a row of an edge table; its value is read when it is sent.
type Change struct {
	Sequence uint64
	Merchant lumo.MerchantID
	Table    uint8
	Key      []byte
}

// Report is what an edge tells of itself.
type Report struct {
	Version uint64 // of the configuration that it applied
	edgeapi.Status
}

// Store keeps edges and changes; its methods run inside a transaction without a merchant,
// where not said otherwise.
type Store interface {
	AddCode(ctx context.Context, c Code, hash []byte) error
	Code(ctx context.Context, code id.ID) (Code, error)
	// Enrol uses a code up and adds the edge with the code's scope and, where it has one, its
	// name; a code that is used or over is fault.NotFound.
	Enrol(ctx context.Context, codeHash []byte, e Edge, keyHash []byte) (Edge, error)
	// ByKey finds an edge that is not revoked.
	ByKey(ctx context.Context, keyHash []byte) (Edge, error)
	// Asked notes, once a minute, that an edge asks although it is revoked.
	Asked(ctx context.Context, keyHash []byte, now time.Time) error
	// Edges are those that are not revoked, oldest first.
	Edges(ctx context.Context) ([]Edge, error)
	Edge(ctx context.Context, edge id.ID) (Edge, error)
	// Revoke ends an edge and has every process look at once; false = it was revoked already.
	Revoke(ctx context.Context, edge id.ID, now time.Time) (bool, error)
	Connected(ctx context.Context, edge id.ID, now time.Time) error
	// Seen stores a report; false means that the edge is revoked.
	Seen(ctx context.Context, edge id.ID, r Report, now time.Time) (bool, error)
	// Behind counts the living edges that have not applied a version.
	Behind(ctx context.Context, version uint64, seenAfter time.Time) (int, error)

	// Add notes a change, inside the transaction that makes it.
	Add(ctx context.Context, m lumo.MerchantID, table uint8, key []byte, now time.Time) error
	// Order numbers what was committed since, one process at a time, and answers the newest
	// number.
	Order(ctx context.Context) (uint64, error)
	// Since reads changes in order. known is false when some of them were dropped, or when
	// after is a number that was never given out: only a snapshot helps then.
	Since(ctx context.Context, after uint64, limit int) (changes []Change, known bool, err error)
	Merchants(ctx context.Context) ([]lumo.MerchantID, error)

	// Keep stores what cannot be taken, for a person to see.
	Keep(ctx context.Context, k Kept) error
	// Aside counts what was kept of an edge, or with the zero id of all, by problem.
	Aside(ctx context.Context, edge id.ID) ([]Aside, error)
	ModuleStore
	HistoryStore
}

// Values reads edge tables; its methods run inside a transaction of the merchant. A row
// that cannot be read is logged and left out: what edges have stands.
type Values interface {
	// Entries reads one row per change, in their order. A row that is not there any more
	// becomes a deletion, one that cannot be read an entry without operation.
	Entries(ctx context.Context, m lumo.MerchantID, changes []Change) ([]edgeapi.Entry, error)
	// All reads everything that edges need of a merchant.
	All(ctx context.Context, m lumo.MerchantID) ([]edgeapi.Entry, error)
}

// Kept is a record that could not be taken. Its body is sealed by the store.
type Kept struct {
	ID      id.ID
	Edge    id.ID
	Kind    uint8
	Body    []byte
	Problem string
	At      time.Time
}

// Aside is how many records of an edge were kept for one problem.
type Aside struct {
	Problem string
	N       int64
	LastAt  time.Time
}

// The reasons why something is set aside, as screens and metrics name them.
const (
	AsideUnreadable = "unreadable"
	AsideMalformed  = "malformed"
	AsideDamaged    = "damaged"
	AsideRejected   = "rejected"
	AsideFailed     = "failed" // whatever a handler failed with
)

// AsideReasons are all of them.
func AsideReasons() []string {
	return []string{AsideUnreadable, AsideMalformed, AsideDamaged, AsideRejected, AsideFailed}
}

// Reason is the problem in one of a few words.
func (a Aside) Reason() string {
	if slices.Contains(AsideReasons(), a.Problem) {
		return a.Problem
	}
	return AsideFailed
}

// Tenants runs units of work.
type Tenants interface {
	InTenant(ctx context.Context, m lumo.MerchantID, fn func(context.Context) error) error
	InSystem(ctx context.Context, fn func(context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Bell carries wake-ups between processes; losing one costs a poll interval.
type Bell interface {
	// Listen calls heard for each; what is Revoked, or empty for a change.
	Listen(ctx context.Context, heard func(what string)) error
}

// Revoked is the wake-up of a revocation.
const Revoked = "revoked"

// Watcher hears that edges came or went.
type Watcher interface {
	EdgesChanged(ctx context.Context, m lumo.MerchantID, s Status)
}

// Status is what a console says about the edges.
type Status struct {
	Working bool
	Since   time.Time // zero = there never was one
	Edges   int       // alive
}

// Config is what the service needs.
type Config struct {
	Tenants   Tenants
	Store     Store
	Values    Values
	Keys      CoreKeys
	Bell      Bell
	Watcher   Watcher
	ModuleKey []byte // LUMO_MODULE_PUBLIC_KEY; empty = edges use the embedded set only
	NewID     func() id.ID
	Now       func() time.Time
	Log       *slog.Logger
}

// Service knows the edges and keeps them up to date. It is safe for concurrent use.
type Service struct {
	c       Config
	newest  atomic.Uint64 // configuration version that streams may bring edges to
	news    signal        // a higher newest
	applied signal        // an edge acknowledged something
	pending signal        // a change was committed here and has no number yet
	revoked signal        // an edge was revoked
	offered signal        // another module set is published
	modules atomic.Pointer[ModuleSet]
	taken   tallies // events taken by edge and minute, not stored yet
	known   known
}

// New makes the service; every dependency but the module key is required.
func New(c Config) (*Service, error) {
	if c.Tenants == nil || c.Store == nil || c.Values == nil || c.Bell == nil ||
		c.Watcher == nil || c.Keys.Sealing.Public == nil || c.NewID == nil || c.Now == nil ||
		c.Log == nil {
		return nil, fault.As(fault.Internal, "fleet.New", errors.New("a dependency is missing"))
	}
	return &Service{c: c, news: newSignal(), applied: newSignal(), pending: newSignal(),
		revoked: newSignal(), offered: newSignal()}, nil
}
