// Package server is the edge's public listener.
//
// A module decides about each request; this package turns its verdict into an answer and
// never invents one. Links are answered from the replica alone. Webhooks are answered 2xx
// only when the core has them or when they are synced to disk. Whatever is our own trouble
// is 503 for webhooks, which their senders repeat, and a fallback for people.
package server

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"lumo/edge/core"
	"lumo/edge/spool"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

const (
	readBuffer  = 16 << 10
	maxBody     = 5 << 20 // the largest that any hook may have
	headTime    = 10 * time.Second
	writeTime   = 15 * time.Second
	idleTime    = 75 * time.Second
	concurrency = 20_000
	lineLogin   = "https://access.line.me"
	lineFriend  = "https://line.me/"
)

// Replica is what the server itself asks of the configuration.
type Replica interface {
	Lookup(table uint8, key []byte) ([]byte, bool)
	Fresh() bool
	CoreTime() time.Time
	Version() uint64
}

// Modules decides.
type Modules interface {
	Do(ctx context.Context, module string, c *wasm.Call) error
}

// Core answers what the edge cannot.
type Core interface {
	Ask(ctx context.Context, event id.ID, r edgeapi.SpooledRequest, limit time.Duration) (core.Answer, error)
}

// Spool keeps what the core has not taken.
type Spool interface {
	AddRequest(ctx context.Context, r edgeapi.Record) error
	AddEvent(ctx context.Context, r edgeapi.Record) error
	Stats() spool.Stats
}

// Config is what a server needs; all fields but Meter are required.
type Config struct {
	Modules    Modules
	Replica    Replica
	Core       Core
	Spool      Spool
	Seal       sealing.PublicKey
	PublicURL  string // origin, no slash at its end
	LINELogin  string // origin of LINE Login; LINE's own outside of simulators
	NewID      func() id.ID
	Now        func() time.Time
	Log        *slog.Logger
	Meter      *Meter
	MaxPending int // provisional requests a second and hook
}

// Server answers the public.
type Server struct {
	Config
	host  []byte
	plain bool // the public URL is http: loopback only
	calls sync.Pool
	limit *limits
	http  *fasthttp.Server
	ready func() bool
}

// New makes a server.
func New(c Config) *Server {
	s := &Server{Config: c, limit: newLimits(c.Now)}
	if u, err := url.Parse(c.PublicURL); err == nil {
		s.host, s.plain = []byte(u.Host), u.Scheme == "http"
	}
	s.calls.New = func() any { return new(wasm.Call) }
	s.http = &fasthttp.Server{
		Handler: s.handle, ErrorHandler: s.broken, NoDefaultServerHeader: true, NoDefaultDate: false,
		ReadBufferSize: readBuffer, MaxRequestBodySize: maxBody, ReadTimeout: headTime, WriteTimeout: writeTime,
		IdleTimeout: idleTime, Concurrency: concurrency, Logger: quiet{}, CloseOnShutdown: true,
		StreamRequestBody: false, DisablePreParseMultipartForm: true,
	}
	return s
}

// quiet drops the library's lines: they quote what clients sent.
type quiet struct{}

// Printf says nothing.
func (quiet) Printf(string, ...any) {}

// HTTP is the listener's server, for serving and graceful stopping.
func (s *Server) HTTP() *fasthttp.Server { return s.http }

// broken answers what could not be read as a request at all.
func (s *Server) broken(ctx *fasthttp.RequestCtx, err error) {
	status, reason := fasthttp.StatusBadRequest, edgeapi.BadShape
	if err == fasthttp.ErrBodyTooLarge {
		status, reason = fasthttp.StatusRequestEntityTooLarge, edgeapi.TooLarge
	}
	s.problem(ctx, status, reason, "")
	ctx.SetConnectionClose()
}

func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	if !properProtocol(ctx) {
		s.problem(ctx, fasthttp.StatusHTTPVersionNotSupported, edgeapi.BadShape, "")
		ctx.SetConnectionClose()
		return
	}
	path := string(ctx.Path())
	to := routeOf(path)
	switch to.module {
	case "":
		s.ownRoutes(ctx, path)
		return
	case hookModule:
		if len(ctx.Request.Body()) > to.maxBody {
			s.problem(ctx, fasthttp.StatusRequestEntityTooLarge, edgeapi.TooLarge, "")
			return
		}
	}
	event := s.NewID()
	call := s.calls.Get().(*wasm.Call)
	defer s.calls.Put(call)
	s.fill(ctx, call, event, to)
	if err := s.Modules.Do(ctx, to.module, call); err != nil {
		s.undecided(ctx, event, to)
		return
	}
	s.answer(ctx, call, event, to)
}

// properProtocol accepts HTTP/1.0 and 1.1 alone; the library would take any number.
func properProtocol(ctx *fasthttp.RequestCtx) bool {
	switch string(ctx.Request.Header.Protocol()) {
	case "HTTP/1.1", "HTTP/1.0":
		return true
	}
	return false
}

func (s *Server) ownRoutes(ctx *fasthttp.RequestCtx, path string) {
	switch path {
	case "/healthz":
		ctx.SetBodyString("alive\n")
	case "/readyz":
		if s.Spool.Stats().Failing {
			ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
			ctx.SetBodyString("the spool cannot be written\n")
			return
		}
		ctx.SetBodyString("ready\n")
	default:
		s.page(ctx, fasthttp.StatusNotFound, edgeapi.PageNotFound, 0)
	}
}

// undecided keeps our own mistakes from costing anybody a message or a purchase.
func (s *Server) undecided(ctx *fasthttp.RequestCtx, event id.ID, to route) {
	s.Meter.undecided(to.module)
	s.Log.WarnContext(ctx, "module undecided", "op", "server.handle", "module", to.module, "event", event.String())
	if to.module == hookModule {
		s.tryAgain(ctx)
		return
	}
	answer, err := s.Core.Ask(ctx, event, s.original(ctx, "unchecked", to), linkLimit)
	if err != nil {
		s.page(ctx, fasthttp.StatusServiceUnavailable, edgeapi.PageUnavailable, 0)
		return
	}
	s.passOn(ctx, answer)
}

// isLINE tells whether a location is one of LINE's own that modules may send people to.
func isLINE(location string) bool {
	return strings.HasPrefix(location, lineLogin+"/oauth2/v2.1/authorize?") || strings.HasPrefix(location, lineFriend)
}
