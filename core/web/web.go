// Package web puts the core's HTTP parts together: API, pages, edges, health.
//
// Browser routes and edge routes share nothing but the listener. Requests are limited in
// size and time before any of them is looked at: headers, bodies that come slowly, readers
// who take nothing. When the server leaves, every answer says that it is the connection's
// last, so that nobody's next request meets a closed connection.
package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"lumo/shared/fault"
)

const (
	headerLimit  = 16 << 10
	idleTime     = 2 * time.Minute
	readyTimeout = 2 * time.Second
)

// Config names the parts.
type Config struct {
	API   http.Handler // /api/, /oauth/
	Pages http.Handler // everything else
	Edge  http.Handler // /edge/v1/; nil = none
	// Ready tells why nobody should be sent here now; nil = ready.
	Ready func(context.Context) error
	Meter *Meter // nil = nothing is counted
	Pace  Pace   // zero = the usual
	Log   *slog.Logger
}

// Site is the core's whole surface.
type Site struct {
	c       Config
	handler http.Handler
	leaving atomic.Bool
}

// New puts the parts together.
func New(c Config) *Site {
	c.Pace = c.Pace.orUsual()
	s := &Site{c: c}
	mux := http.NewServeMux()
	mux.Handle("/api/", c.API)
	mux.Handle("/oauth/", c.API)
	if c.Edge != nil {
		mux.Handle("/edge/v1/", c.Edge)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("/", c.Pages)
	s.handler = mux
	return s
}

// Leave says from now on that nobody should come any more.
func (s *Site) Leave() { s.leaving.Store(true) }

func (s *Site) ready(w http.ResponseWriter, r *http.Request) {
	if s.leaving.Load() {
		answer(w, http.StatusServiceUnavailable, "stopping\n")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := s.c.Ready(ctx); err != nil {
		text := fault.MessageOf(err)
		if text == "" {
			text = "The database does not answer."
		}
		answer(w, http.StatusServiceUnavailable, text+"\n")
		return
	}
	answer(w, http.StatusOK, "ready\n")
}

// ServeHTTP answers one request within its limits.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	class := classOf(r)
	if s.leaving.Load() {
		w.Header().Set("Connection", "close")
	}
	if upgrade(r) { // its handler keeps its own time
		defer s.c.Meter.enter(class)()
		s.handler.ServeHTTP(w, r)
		return
	}
	began := time.Now()
	paced := &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), pace: s.c.Pace}
	// A copy: by its own the server sees whether a body was read to its end, and closes the
	// connection where it was not. What is left would else be taken for the next request.
	r = r.WithContext(r.Context())
	paced.begin(r)
	defer s.c.Meter.enter(class)()
	s.serve(paced, r, class)
	s.c.Meter.answered(class, paced.status(), time.Since(began))
}

// serve has a bug cost one request. What the bug says may quote what somebody sent, so that
// only what the runtime says is logged, and where it was.
func (s *Site) serve(w *pacedWriter, r *http.Request, class string) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v == http.ErrAbortHandler {
			panic(v) // somebody breaks the connection off on purpose
		}
		what := fmt.Sprintf("%T", v)
		if err, ok := v.(runtime.Error); ok {
			what = err.Error()
		}
		s.c.Log.ErrorContext(r.Context(), "a request met a bug", "op", "web.serve", "class", class, "problem", what,
			"stack", string(debug.Stack()))
		if w.code == 0 {
			answer(w, http.StatusInternalServerError, "This did not work. It was logged.\n")
		}
	}()
	s.handler.ServeHTTP(w, r)
}

func upgrade(r *http.Request) bool { return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") }

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// NewServer makes a server with limits. Its own complaints go to the log.
func NewServer(s *Site) *http.Server {
	return &http.Server{Handler: s, ReadHeaderTimeout: s.c.Pace.Header, IdleTimeout: idleTime, MaxHeaderBytes: headerLimit,
		ErrorLog: slog.NewLogLogger(s.c.Log.Handler(), slog.LevelWarn)}
}
