// Package edgeapi is the core's side of the wire between edges and core, /edge/v1/*:
// enrolment, configuration stream, requests and spooled records.
//
// Every call but enrolment carries the edge's key, which is looked at each time. What an
// edge passes on is answered with the answer of whoever the path belongs to; our own trouble
// is always 503, never a status on which a vendor would give a message up.
package edgeapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/shared/fault"
)

// Edges knows the edges and keeps them up to date.
type Edges interface {
	Enrol(ctx context.Context, code, name string) (fleet.Identity, error)
	Authenticate(ctx context.Context, key string) (fleet.Edge, error)
	Stream(ctx context.Context, e fleet.Edge, after uint64, conn fleet.Conn) error
	ModuleFile(ctx context.Context, hash string) ([]byte, error)
}

// Intake takes what edges bring.
type Intake interface {
	Handle(ctx context.Context, r lumo.EdgeRequest) (lumo.EdgeAnswer, error)
	Take(ctx context.Context, e fleet.Edge, batch []byte) (fleet.Taken, error)
}

// Media reads the files that edges serve; none is fault.NotFound.
type Media interface {
	File(ctx context.Context, scope lumo.Scope, sha [32]byte) (mediaType string, data []byte, err error)
}

// Config is what the server needs.
type Config struct {
	Edges  Edges
	Intake Intake
	Media  Media
	Now    func() time.Time
	Log    *slog.Logger
}

// Server answers edges.
type Server struct {
	c       Config
	mux     *http.ServeMux
	stop    chan struct{}  // closed when streams must end
	streams sync.WaitGroup // open ones
}

// New makes a server; every dependency is required.
func New(c Config) (*Server, error) {
	if c.Edges == nil || c.Intake == nil || c.Media == nil || c.Now == nil || c.Log == nil {
		return nil, fault.As(fault.Internal, "edgeapi.New", errors.New("a dependency is missing"))
	}
	s := &Server{c: c, mux: http.NewServeMux(), stop: make(chan struct{})}
	s.routes()
	return s, nil
}

func (s *Server) routes() {
	s.mux.HandleFunc("POST /edge/v1/enrol", s.enrol)
	s.mux.HandleFunc("GET /edge/v1/stream", s.known(s.stream))
	s.mux.HandleFunc("POST /edge/v1/requests", s.known(s.request))
	s.mux.HandleFunc("POST /edge/v1/events", s.known(s.events))
	s.mux.HandleFunc("GET /edge/v1/media/{sha256}", s.known(s.media))
	s.mux.HandleFunc("GET /edge/v1/modules/{sha256}", s.known(s.module))
	s.mux.HandleFunc("/edge/", func(w http.ResponseWriter, _ *http.Request) {
		s.problem(w, fault.New(fault.NotFound, "edgeapi", "There is nothing at this address."), "")
	})
}

// Run ends the streams when ctx does, and returns when they have ended: the HTTP server does
// not know of connections that became websockets. It may be called once.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	close(s.stop)
	s.streams.Wait()
	return nil
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

type edgeHandler func(w http.ResponseWriter, r *http.Request, e fleet.Edge)

// known lets only edges through that are enrolled and not revoked.
func (s *Server) known(next edgeHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		e, err := s.c.Edges.Authenticate(r.Context(), key)
		if err != nil {
			if fault.Is(err, fault.Unauthenticated) {
				// tells the edge that it is meant itself, not who it asks for
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			s.problem(w, err, "")
			return
		}
		next(w, r, e)
	}
}

// module gives a file of a module set by its hash.
func (s *Server) module(w http.ResponseWriter, r *http.Request, _ fleet.Edge) {
	file, err := s.c.Edges.ModuleFile(r.Context(), r.PathValue("sha256"))
	if err != nil {
		s.problem(w, err, "")
		return
	}
	w.Header().Set("Content-Type", "application/wasm")
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err := w.Write(file); err != nil {
		s.c.Log.Debug("an edge left before its module", "error", err)
	}
}
