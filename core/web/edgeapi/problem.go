package edgeapi

import (
	"encoding/json"
	"net/http"

	"lumo/shared/fault"
)

const retrySeconds = "5"

// statusOf is the one table from kinds to statuses of this server. What is our own trouble
// is 503: vendors try again after it.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Stale:
		return http.StatusPreconditionFailed
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Limited:
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}

// problem is an error as problem details (RFC 9457).
type problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Detail  string `json:"detail,omitempty"`
	Kind    string `json:"kind"`
	Request string `json:"request,omitempty"`
}

func (s *Server) problem(w http.ResponseWriter, err error, request string) {
	kind := fault.KindOf(err)
	status := statusOf(kind)
	if status == http.StatusServiceUnavailable {
		s.c.Log.Error("an edge got no answer", "request", request, "kind", string(kind), "error", err)
		w.Header().Set("Retry-After", retrySeconds)
	}
	s.write(w, "application/problem+json", status, problem{Type: "about:blank",
		Title: http.StatusText(status), Status: status, Detail: fault.MessageOf(err),
		Kind: string(kind), Request: request})
}

func (s *Server) write(w http.ResponseWriter, mediaType string, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		status, encoded = http.StatusServiceUnavailable, nil
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(encoded); err != nil {
		s.c.Log.Debug("an edge left before its answer", "error", err)
	}
}
