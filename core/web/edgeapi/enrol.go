package edgeapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"lumo/shared/fault"
	"lumo/shared/id"
)

const maxEnrol = 4 << 10

// enrol makes an edge of whoever brings a code. The answer is the only time its key is shown.
func (s *Server) enrol(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Code string `json:"code"`
		Name string `json:"name"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxEnrol)).Decode(&in)
	if err != nil {
		s.problem(w, fault.New(fault.Invalid, "edgeapi.enrol", "Send the code as JSON."), "")
		return
	}
	identity, err := s.c.Edges.Enrol(r.Context(), in.Code, in.Name)
	if err != nil {
		s.problem(w, err, "")
		return
	}
	s.write(w, "application/json", http.StatusOK, map[string]string{
		"edge":        identity.Edge.With(id.Edge),
		"key":         identity.Key.Reveal(),
		"sealing_key": base64.StdEncoding.EncodeToString(identity.SealingKey),
		"module_key":  base64.StdEncoding.EncodeToString(identity.ModuleKey),
	})
}
