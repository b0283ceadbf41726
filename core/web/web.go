// Package web puts the core's HTTP parts together: API, pages, edges, health.
//
// Browser routes and edge routes share nothing but the listener. Requests are limited in
// size and time before any of them is looked at.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

const (
	headerLimit  = 16 << 10
	headerTime   = 5 * time.Second
	idleTime     = 2 * time.Minute
	readyTimeout = 2 * time.Second
)

// Config names the parts.
type Config struct {
	API   http.Handler // /api/, /oauth/
	Pages http.Handler // everything else
	Edge  http.Handler // /edge/v1/; nil = none
	Ready func(context.Context) error
}

// Routes is the core's whole surface.
func Routes(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", c.API)
	mux.Handle("/oauth/", c.API)
	if c.Edge != nil {
		mux.Handle("/edge/v1/", c.Edge)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := c.Ready(ctx); err != nil {
			answer(w, http.StatusServiceUnavailable, "the database does not answer\n")
			return
		}
		answer(w, http.StatusOK, "ready\n")
	})
	mux.Handle("/", c.Pages)
	return mux
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// NewServer makes a server with limits. Its own complaints go to the log.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: headerLimit,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
}
