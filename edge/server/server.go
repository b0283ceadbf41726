// Package server is the edge's public listener.
//
// A module decides about each request; this package turns its verdict into an answer and
// never invents one. Links are answered from the replica alone. Webhooks are answered 2xx
// only when the core has them or when they are synced to disk. Whatever is our own trouble
// is 503 for webhooks, which their senders repeat, and a fallback for people. What a client
// sent is never logged.
//
// Of an edge's processor time under redirects on two cores two fifths are the socket, a fifth the
// module's call, a tenth reading the request and writing the answer's head, a tenth the spool and
// handing over to it, 5 % switching between goroutines, 3 % handing clicks to the core and 1 %
// Go's collector. A redirect takes one write, 1.2 reads and a twentieth of a write to the spool;
// of what is left most is code and memory that the other connections pushed out of the caches.
// Groups of clicks in one write, handing over from memory, memory that requests use again and
// modules that are called once for all their life took two fifths off. fsync costs redirects
// nothing that could be measured: writes go on beside it.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"lumo/edge/core"
	"lumo/edge/media"
	"lumo/edge/spool"
	"lumo/edge/wasm"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
	"lumo/shared/sealing"
)

const (
	readBuffer = 16 << 10
	readTime   = 10 * time.Second
	writeTime  = 15 * time.Second // longer than the longest question to the core
	idleTime   = 75 * time.Second
	// MostConnections is how many are served at a time; who comes beyond is sent back at once.
	MostConnections = 20_000
)

// Replica is what the server itself asks of the configuration.
type Replica interface {
	Lookup(table uint8, key []byte) ([]byte, bool)
	Keys(ref edgeapi.KeyRef, unixMS int64) [][]byte
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
	Ask(ctx context.Context, q core.Question) (core.Answer, error)
	// Revoked tells that the core does not know this edge any more: it takes nothing from it.
	Revoked() bool
}

// Spool keeps what the core has not taken.
type Spool interface {
	AddRequest(ctx context.Context, r edgeapi.Record) error
	AddEvent(ctx context.Context, r edgeapi.Record) error
	Stats() spool.Stats
}

// Media keeps the files of messages.
type Media interface {
	Has(h media.Hash) bool
	Get(ctx context.Context, h media.Hash) (*media.File, error)
}

// Config is what a server needs; all fields but LINELogin, Proxies, Connections and Meter are
// required.
type Config struct {
	Modules   Modules
	Replica   Replica
	Core      Core
	Spool     Spool
	Media     Media
	Seal      sealing.PublicKey
	PublicURL string         // origin, no slash at its end
	LINELogin string         // origin of LINE Login where it is not LINE's own
	Proxies   []netip.Prefix // whose X-Forwarded-For counts
	// Connections are served at a time, 0 = MostConnections. Each may hold a file besides.
	Connections int
	NewID       func() id.ID
	Now         func() time.Time
	Log         *slog.Logger
	Meter       *Meter
}

// Server answers the public.
type Server struct {
	Config
	host   []byte
	plain  bool // the public URL is http: loopback only
	routes []route
	page   *template.Template
	// exchanges are used again: making one for each request would cost as much as routing it.
	exchanges sync.Pool
	limit     *limits
	http      *fasthttp.Server
	served    atomic.Uint64
	leaves    atomic.Bool
}

// New makes a server.
func New(c Config) (*Server, error) {
	const op = "server.New"
	if c.Modules == nil || c.Replica == nil || c.Core == nil || c.Spool == nil || c.Media == nil ||
		c.NewID == nil || c.Now == nil || c.Log == nil {
		return nil, fault.As(fault.Internal, op, errors.New("a dependency is missing"))
	}
	c.Connections = cmp.Or(c.Connections, MostConnections)
	public, err := url.Parse(c.PublicURL)
	if err != nil || public.Host == "" {
		return nil, fault.New(fault.Invalid, op, "The public address is not one.")
	}
	page, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	s := &Server{Config: c, host: []byte(public.Host), plain: public.Scheme == "http",
		routes: routes(), page: page,
		limit: newLimits(c.Now, c.Spool.Stats().RequestBytes)}
	s.exchanges.New = func() any { return &exchange{s: s, call: new(wasm.Call)} }
	s.http = &fasthttp.Server{
		Handler: s.handle, ErrorHandler: s.broken, HeaderReceived: s.allowance,
		NoDefaultServerHeader: true, NoDefaultContentType: true, DisablePreParseMultipartForm: true,
		ReadBufferSize: readBuffer, ReadTimeout: readTime, WriteTimeout: writeTime,
		IdleTimeout: idleTime,
		Concurrency: c.Connections + goingAway, CloseOnShutdown: true, Logger: quiet{},
		LazyRequestTime: true, // nobody asks for it
	}
	return s, nil
}

// quiet drops the library's lines: they quote what clients sent.
type quiet struct{}

// Printf says nothing.
func (quiet) Printf(string, ...any) {}

// HTTP is the listener's server, for serving and graceful stopping.
func (s *Server) HTTP() *fasthttp.Server { return s.http }

// Served counts the requests that were answered.
func (s *Server) Served() uint64 { return s.served.Load() }

// Leave tells everybody to go elsewhere: /readyz says no, and each answer is the last one on
// its connection. New requests are answered all the same. Stop listening a moment later, and
// nobody's request meets a closed connection.
func (s *Server) Leave() { s.leaves.Store(true) }

// allowance says how much of a body is read, and how long an answer may take to be written.
// It is more than what is accepted, so that whoever sends a little too much hears why.
func (s *Server) allowance(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	to := s.routeOf(h.RequestURI())
	return fasthttp.RequestConfig{MaxRequestBodySize: to.maxBody + readMore,
		WriteTimeout: to.writeTime}
}

// broken answers what could not be read as a request at all. Who sent no whole request in time
// gets no answer: one that is on its way when he begins would be taken for his request's.
func (s *Server) broken(ctx *fasthttp.RequestCtx, err error) {
	if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
		_ = ctx.Conn().Close()
		return
	}
	status, reason := fasthttp.StatusBadRequest, edgeapi.BadShape
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		status, reason = fasthttp.StatusRequestEntityTooLarge, edgeapi.TooLarge
	case errors.As(err, &small):
		status = fasthttp.StatusRequestHeaderFieldsTooLarge
	}
	s.problem(ctx, status, reason, "")
	ctx.SetConnectionClose()
}

func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	defer s.survive(ctx)
	if !properProtocol(ctx) {
		s.problem(ctx, fasthttp.StatusHTTPVersionNotSupported, edgeapi.BadShape, "")
		ctx.SetConnectionClose()
		return
	}
	path := ctx.URI().PathOriginal()
	to := s.routeOf(path)
	s.serve(ctx, to, path)
	if s.leaves.Load() {
		ctx.SetConnectionClose()
	}
	s.served.Add(1)
	s.Meter.served(to.label, ctx.Response.StatusCode())
}

// survive keeps a mistake of ours in one request from ending all others; the library would let
// it end the process. What was panicked with may hold what a client sent: only its type and the
// place are logged.
func (s *Server) survive(ctx *fasthttp.RequestCtx) {
	caught := recover()
	if caught == nil {
		return
	}
	to := s.routeOf(ctx.URI().PathOriginal())
	s.Log.Error("a request was given up", "op", "server.handle", "kind", string(fault.Internal),
		"route", to.label, "error", fmt.Sprintf("%T", caught), "at", string(debug.Stack()))
	s.Meter.panicked()
	ctx.Response.Reset()
	s.tryAgain(ctx)
	ctx.SetConnectionClose()
	s.served.Add(1)
	s.Meter.served(to.label, ctx.Response.StatusCode())
}

func (s *Server) serve(ctx *fasthttp.RequestCtx, to *route, path []byte) {
	switch {
	case to.files:
		s.serveMedia(ctx, path)
		return
	case to.module == "":
		s.ownRoutes(ctx, string(path))
		return
	case len(ctx.Request.Body()) > to.maxBody:
		s.problem(ctx, fasthttp.StatusRequestEntityTooLarge, edgeapi.TooLarge, "")
		return
	case to.claims && ctx.IsPost() && !s.limit.claim(s.address(ctx)):
		ctx.Response.Header.Set("Retry-After", "60")
		s.problem(ctx, fasthttp.StatusTooManyRequests, 0, "")
		return
	}
	e := s.exchanges.Get().(*exchange)
	defer s.exchanges.Put(e)
	e.RequestCtx, e.id, e.to, e.path = ctx, s.NewID(), to, path
	e.fill()
	// The request's own context ends when the server begins to stop; this one does not.
	if err := s.Modules.Do(context.Background(), to.module, e.call); err != nil {
		s.Log.Warn("a module did not decide", "op", "server.serve", "module", to.module, "event",
			e.id.String(), "error", err.Error())
		s.Meter.undecided(to.module)
		e.undecided()
		return
	}
	e.answer()
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
		s.text(ctx, fasthttp.StatusOK, "alive\n")
	case "/readyz":
		if why := s.unready(); why != "" {
			s.text(ctx, fasthttp.StatusServiceUnavailable, why+"\n")
			return
		}
		s.text(ctx, fasthttp.StatusOK, "ready\n")
	default:
		s.showPage(ctx, fasthttp.StatusNotFound, edgeapi.PageNotFound, 0)
	}
}

func (s *Server) text(ctx *fasthttp.RequestCtx, status int, body string) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetBodyString(body)
}

// unready says why another edge should be asked now; "" = this one answers everything. An
// edge without the core is ready: it was made for that.
func (s *Server) unready() string {
	st := s.Spool.Stats()
	switch {
	case s.leaves.Load():
		return "this edge is stopping"
	case s.Core.Revoked():
		return "this edge was revoked"
	case st.Failing:
		return "the spool cannot be written"
	case st.Full:
		return "the spool is full"
	case s.Replica.Version() == 0 && !s.Replica.Fresh():
		return "no configuration has come yet"
	}
	return ""
}
