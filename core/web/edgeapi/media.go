package edgeapi

import (
	"encoding/hex"
	"net/http"
	"strconv"

	"lumo/core/fleet"
	"lumo/shared/fault"
)

// media gives an edge a file by its hash. Hashes are not secret: who has one has seen it in a
// message.
func (s *Server) media(w http.ResponseWriter, r *http.Request, e fleet.Edge) {
	const op = "edgeapi.media"
	var sha [32]byte
	text := r.PathValue("sha256")
	if n, err := hex.Decode(sha[:], []byte(text[:min(len(text), 64)])); err != nil || n != 32 || len(text) != 64 {
		s.problem(w, fault.New(fault.NotFound, op, "There is no such file."), "")
		return
	}
	mediaType, data, err := s.c.Media.File(r.Context(), e.Scope(), sha)
	if err != nil {
		s.problem(w, err, "")
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data)
}
