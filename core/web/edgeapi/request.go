package edgeapi

import (
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"lumo/core/fleet"
	"lumo/core/lumo"
	"lumo/shared/edgeapi"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// maxBody is the largest body that any hook may have, and some more.
const maxBody = 6 << 20

// maxBatch bounds one delivery of a spool.
const maxBatch = 32 << 20

// listed are the original headers that reach handlers.
func listed() []string {
	return []string{"User-Agent", "Accept-Language", "Content-Type", "Origin", "Purpose",
		"Sec-Purpose", "X-Line-Signature", "X-Klaviyo-Flow-Id", "Klaviyo-Signature",
		"Klaviyo-Timestamp", "Klaviyo-Webhook-Id", "X-Shopify-Hmac-Sha256",
		"X-Shopify-Shop-Domain", "X-Shopify-Topic", "X-Shopify-Event-Id", edgeapi.HeaderLinkCookie,
		edgeapi.HeaderFlowKey}
}

// request passes one original request on and its answer back.
func (s *Server) request(w http.ResponseWriter, r *http.Request, e fleet.Edge) {
	in, err := read(w, r, e)
	if err != nil {
		s.problem(w, err, "")
		return
	}
	answer, err := s.c.Intake.Handle(r.Context(), in)
	if err != nil {
		s.problem(w, err, in.ID.String())
		return
	}
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.Status)
	if _, err := w.Write(answer.Body); err != nil {
		s.c.Log.Debug("an edge left before its answer", "request", in.ID.String(), "error", err)
	}
}

// read takes the original request out of the call that carries it.
func read(w http.ResponseWriter, r *http.Request, e fleet.Edge) (lumo.EdgeRequest, error) {
	const op = "edgeapi.read"
	none := lumo.EdgeRequest{}
	v, err := id.Parse(r.Header.Get(edgeapi.HeaderEventID))
	if err != nil {
		return none, fault.As(fault.Invalid, op, errors.New("no event id"))
	}
	received, err := strconv.ParseInt(r.Header.Get(edgeapi.HeaderReceivedAt), 10, 64)
	if err != nil {
		return none, fault.As(fault.Invalid, op, errors.New("no time of receipt"))
	}
	key, err := hex.DecodeString(r.Header.Get(edgeapi.HeaderKeySHA256))
	if err != nil {
		return none, fault.As(fault.Invalid, op, errors.New("the key's hash is not hex"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return none, tooLarge(op, err)
	}
	in := lumo.EdgeRequest{ID: lumo.RequestID(v), Edge: e.ID, Scope: e.Scope(),
		ReceivedAt: time.UnixMilli(received).UTC(),
		Auth:       lumo.EdgeAuth(r.Header.Get(edgeapi.HeaderAuth)),
		Method:     r.Header.Get(edgeapi.HeaderMethod),
		Target:     r.Header.Get(edgeapi.HeaderTarget),
		Header:     map[string]string{}, Body: body, KeySHA256: key}
	if !fleet.ValidAuth(in.Auth) {
		return none, fault.As(fault.Invalid, op, errors.New("unknown auth"))
	}
	for _, name := range listed() {
		if value := r.Header.Get(name); value != "" {
			in.Header[name] = value
		}
	}
	return in, nil
}

func tooLarge(op string, err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return fault.New(fault.TooLarge, op, "This is too large.")
	}
	return fault.As(fault.Invalid, op, err)
}

// events takes a batch of spooled records.
func (s *Server) events(w http.ResponseWriter, r *http.Request, e fleet.Edge) {
	const op = "edgeapi.events"
	batch, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBatch))
	if err != nil {
		s.problem(w, tooLarge(op, err), "")
		return
	}
	taken, err := s.c.Intake.Take(r.Context(), e, batch)
	if err != nil {
		s.problem(w, err, "")
		return
	}
	rejected := make([]string, len(taken.Rejected))
	for i, v := range taken.Rejected {
		rejected[i] = v.String()
	}
	s.write(w, "application/json", http.StatusOK,
		map[string]any{"offset": taken.Offset, "rejected": rejected})
}
