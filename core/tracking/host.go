package tracking

import (
	"context"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// A merchant may have tracked links begin with a host of its own, which it points at the edges.
// Only those: pictures, codes and LINE Login stay with the edges' own address, because cookies
// and the callback that LINE knows belong there.

// maxHost keeps a tracked address within the room that messages have for one.
const maxHost = 100

// HostState is how a merchant's host stands.
type HostState string

// The states of a host.
const (
	HostWaiting HostState = "waiting" // no check was good yet
	HostUsed    HostState = "used"    // new links begin with it
	HostLost    HostState = "lost"    // it was used, and leads to the edges no more
)

// Why a check of a host failed; screens put the code into words.
const (
	HostUnresolved  = "unresolved"  // no such name
	HostPrivate     = "private"     // it leads into a private network
	HostRefused     = "refused"     // no connection
	HostTimeout     = "timeout"     // no answer in time
	HostCertificate = "certificate" // none, or none for this name
	HostElsewhere   = "elsewhere"   // somebody else answers
	HostRewritten   = "rewritten"   // the edges answer, to something else than was asked
	HostEdges       = "edges"       // no edge works now, which says nothing of the host
)

// Host is a merchant's own host for tracked links.
type Host struct {
	URL       string // https://go.shop.example; empty = the merchant has none
	State     HostState
	Since     time.Time // of the state
	CheckedAt time.Time // zero = never
	Finding             // of the last check
	Failures  int       // in a row, while it is used
}

// Finding is what a check found; without a reason the host leads to the edges.
type Finding struct {
	Reason string
	Found  string // what answered instead: a status and where it leads
}

// Name is the host as people write it.
func (h Host) Name() string {
	_, name, _ := strings.Cut(h.URL, "://")
	return name
}

// HostStore keeps hosts; its methods run inside a transaction of the merchant.
type HostStore interface {
	// Host is the merchant's host, or the zero Host. Who wants to change it holds it until the
	// transaction ends.
	Host(ctx context.Context, m lumo.MerchantID, hold bool) (Host, error)
	// SetHost stores it; one that another merchant has is fault.Conflict.
	SetHost(ctx context.Context, m lumo.MerchantID, h Host) error
	// RemoveHost also ends its checks.
	RemoveHost(ctx context.Context, m lumo.MerchantID) error
	// CheckHost has it checked again at a time.
	CheckHost(ctx context.Context, m lumo.MerchantID, at time.Time) error
	// AnyNumber is the number of one of the merchant's channels.
	AnyNumber(ctx context.Context, m lumo.MerchantID) (uint32, error)
}

// HostTurn is the right to check one merchant's host.
type HostTurn struct {
	Merchant lumo.MerchantID
	Due      time.Time
	Fence    int64
}

// HostTurns shares the checks out; it needs a transaction without a merchant.
type HostTurns interface {
	// ClaimHost takes the host whose check is due longest and that nobody checks.
	ClaimHost(ctx context.Context, owner string, now time.Time, lease time.Duration) (HostTurn, bool, error)
	// HostDone gives it back until a time.
	HostDone(ctx context.Context, t HostTurn, next time.Time) error
}

// Prober asks with HEAD where a link leads, outside of private networks alone.
type Prober interface {
	Probe(ctx context.Context, link, target string) Finding
}

// Systems runs a unit of work over the global tables.
type Systems interface {
	InSystem(ctx context.Context, fn func(context.Context) error) error
}

// Auditor writes to the audit log, inside the transaction.
type Auditor interface {
	Audit(ctx context.Context, e lumo.AuditEntry) error
}

// Actor is the member on whose behalf something is done.
type Actor struct {
	Member  lumo.MemberID
	Address string
}

// HostConfig is what hosts need; all fields are required but Local.
type HostConfig struct {
	Tenants Tenants
	Systems Systems
	Store   HostStore
	Turns   HostTurns
	Prober  Prober
	Auditor Auditor
	Changed func(ctx context.Context, m lumo.MerchantID) // tells open pages, inside the transaction
	Working func(ctx context.Context) (bool, error)      // whether any edge works
	EdgeURL string                                       // public address of the edges
	CoreURL string                                       // public address of the console
	Local   bool                                         // private addresses may be called
	OneOff  OneOffKey
	Now     func() time.Time
	Log     *slog.Logger
	Owner   string // names this process in leases
}

// Hosts holds the use cases of merchants' hosts.
type Hosts struct{ c HostConfig }

// NewHosts makes them.
func NewHosts(c HostConfig) (*Hosts, error) {
	if c.Tenants == nil || c.Systems == nil || c.Store == nil || c.Turns == nil || c.Prober == nil || c.Auditor == nil ||
		c.Changed == nil || c.Working == nil || c.EdgeURL == "" || c.CoreURL == "" || len(c.OneOff.Private) == 0 ||
		c.Now == nil || c.Log == nil || c.Owner == "" {
		return nil, fault.New(fault.Internal, "tracking.NewHosts", "a dependency is missing")
	}
	return &Hosts{c}, nil
}

// Target is where merchants point their hosts.
func (s *Hosts) Target() string { return hostOf(s.c.EdgeURL) }

// Host is the merchant's host, or the zero Host.
func (s *Hosts) Host(ctx context.Context, m lumo.MerchantID) (h Host, err error) {
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		h, err = s.c.Store.Host(ctx, m, false)
		return err
	})
	return h, fault.Wrap("tracking.Host", err)
}

// Set takes a host; it is used once a check was good. The one that the merchant had is given
// up: links that were sent with it stay what they are.
func (s *Hosts) Set(ctx context.Context, m lumo.MerchantID, by Actor, text string) (h Host, err error) {
	const op = "tracking.Set"
	name, err := s.name(text)
	if err != nil {
		return Host{}, fault.Wrap(op, err)
	}
	err = s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		before, err := s.c.Store.Host(ctx, m, true)
		if err != nil {
			return err
		}
		h = Host{URL: originOf(name), State: HostWaiting, Since: s.c.Now()}
		if before.URL == h.URL {
			h = before
			return nil
		}
		if err := s.c.Store.RemoveHost(ctx, m); err != nil {
			return err
		}
		if err := s.c.Store.SetHost(ctx, m, h); fault.Is(err, fault.Conflict) {
			return refusedHost("Another shop has this host already. Enter another one.")
		} else if err != nil {
			return err
		}
		s.c.Changed(ctx, m)
		return s.c.Auditor.Audit(ctx, by.entry("link_host.set", h, map[string]any{"before": before.Name()}))
	})
	return h, fault.Wrap(op, err)
}

// Remove gives the host up: new links begin with the edges' address.
func (s *Hosts) Remove(ctx context.Context, m lumo.MerchantID, by Actor) error {
	return fault.Wrap("tracking.Remove", s.c.Tenants.InTenant(ctx, m, func(ctx context.Context) error {
		h, err := s.c.Store.Host(ctx, m, true)
		if err != nil || h.URL == "" {
			return err
		}
		if err := s.c.Store.RemoveHost(ctx, m); err != nil {
			return err
		}
		s.c.Changed(ctx, m)
		return s.c.Auditor.Audit(ctx, by.entry("link_host.removed", h, nil))
	}))
}

func (a Actor) entry(action string, h Host, data map[string]any) lumo.AuditEntry {
	e := lumo.AuditEntry{ActorKind: "member", Actor: id.ID(a.Member), Address: a.Address, Action: action,
		TargetKind: "link_host", Target: h.Name(), Data: data}
	if a == (Actor{}) {
		e.ActorKind = "system"
	}
	return e
}

// name is a host as it is stored. What is no bare host name is refused, and ours too. Locally a
// port may stand with it.
func (s *Hosts) name(text string) (string, error) {
	host, port, ported := strings.Cut(strings.TrimSpace(text), ":")
	switch {
	case host == "" || strings.ContainsAny(text, "/\\?#@%[]") || ported && !s.c.Local:
		return "", refusedHost("Enter a host name alone, for example go.shop.example: no https://, no port, no path.")
	case ported && !isPort(port):
		return "", refusedHost("A port is a number from 1 to 65535.")
	}
	names := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))
	ascii, err := names.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil {
		return "", refusedHost("This is no host name. Use letters, digits, hyphens and dots, for example go.shop.example.")
	}
	_, err = netip.ParseAddr(ascii)
	last := ascii[strings.LastIndexByte(ascii, '.')+1:]
	switch {
	case err == nil || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x"):
		return "", refusedHost("Enter a host name, not an IP address.")
	case !s.c.Local && last == ascii:
		return "", refusedHost("A host name has a dot in it, for example go.shop.example.")
	case len(ascii) > maxHost:
		return "", refusedHost("A host name has at most 100 characters.")
	}
	if ported {
		ascii += ":" + port
	}
	for _, own := range []string{s.c.EdgeURL, s.c.CoreURL} {
		if ascii == hostOf(own) {
			return "", refusedHost("This host is Lumo's own. Enter one of your domain.")
		}
	}
	return ascii, nil
}

func isPort(text string) bool {
	a, err := netip.ParseAddrPort("127.0.0.1:" + text)
	return err == nil && a.Port() > 0
}

func refusedHost(sentence string) error {
	return &fault.Error{Kind: fault.Invalid, Op: "tracking.host", Message: "Some fields need another value.",
		Fields: map[string]string{"host": sentence}}
}

// originOf is how links on a host begin. A host with a port is a local one, without certificate.
func originOf(name string) string {
	if strings.Contains(name, ":") {
		return "http://" + name
	}
	return "https://" + name
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}
