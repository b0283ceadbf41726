package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"lumo/core/vendortest"
	"lumo/shared/fault"
)

const maxInput = 8 << 20

// action answers a control request; in is the decoded body.
type action[In any] func(r *http.Request, in In) (any, error)

// nothing is the body of requests that need none.
type nothing struct{}

// on serves an action: JSON in, JSON out, a problem when it fails.
func on[In any](do action[In]) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := read(r, &in); err != nil {
			problem(w, err)
			return
		}
		out, err := do(r, in)
		if err != nil {
			problem(w, err)
			return
		}
		if out == nil {
			out = nothing{}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(out) // the reader is gone when this fails
	}
}

// read decodes a body strictly, so that a misspelt field does not pass in silence.
func read(r *http.Request, into any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxInput))
	if err != nil {
		return fault.New(fault.Invalid, "sim", "The body cannot be read.")
	}
	if len(bytes.TrimSpace(text)) == 0 || r.Method == http.MethodGet {
		return nil
	}
	if raw, is := into.(*json.RawMessage); is {
		*raw = text
		return nil
	}
	return strict(text, into)
}

func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fault.New(fault.Invalid, "sim", "The body is not what is expected here: %s.", err.Error())
	}
	return nil
}

// problem writes a refusal; this is the one table from kinds to statuses.
func problem(w http.ResponseWriter, err error) {
	status, known := map[fault.Kind]int{
		fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404,
		fault.Conflict: 409, fault.Stale: 412, fault.TooLarge: 413, fault.Limited: 429,
		fault.Unavailable: 503,
	}[fault.KindOf(err)]
	if !known {
		status = http.StatusInternalServerError
	}
	text := fault.MessageOf(err)
	if text == "" {
		text = err.Error()
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "title": http.StatusText(status),
		"detail": text, "kind": fault.KindOf(err)})
}

// items is how lists are answered.
func items[T any](list []T) map[string]any {
	if list == nil {
		list = []T{}
	}
	return map[string]any{"items": list, "total": len(list)}
}

func (s *sim) commonRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /sim/v1/state", on(s.state))
	mux.Handle("GET /sim/v1/events", s.live)
	mux.HandleFunc("GET /sim/v1/faults", on(func(*http.Request, nothing) (any, error) {
		return items(s.faults.List()), nil
	}))
	mux.HandleFunc("POST /sim/v1/faults", on(s.addFault))
	mux.HandleFunc("DELETE /sim/v1/faults", on(func(*http.Request, nothing) (any, error) {
		s.faults.Clear()
		s.changed("faults", "")
		return items(s.faults.List()), nil
	}))
	mux.HandleFunc(
		"GET /sim/v1/clock",
		on(func(*http.Request, nothing) (any, error) { return s.time(), nil }),
	)
	mux.HandleFunc("POST /sim/v1/clock", on(s.setClock))
	mux.HandleFunc("POST /sim/v1/reset", on(func(*http.Request, nothing) (any, error) {
		err := s.store.reset()
		s.changed("reset", "")
		return nil, err
	}))
}

func (s *sim) addFault(_ *http.Request, f vendortest.Fault) (any, error) {
	if !s.faults.Add(f) {
		return nil, fault.New(
			fault.Invalid,
			"sim.faults",
			"There is no such kind of fault, or the api is missing.",
		)
	}
	s.changed("faults", f.API)
	return items(s.faults.List()), nil
}

func (s *sim) time() map[string]any {
	return map[string]any{"now": s.clock.Now(), "offset_seconds": s.clock.Offset().Seconds()}
}

type clockInput struct {
	Now     *time.Time `json:"now"`
	Advance float64    `json:"advance_seconds"`
	Real    bool       `json:"real"`
}

func (s *sim) setClock(_ *http.Request, in clockInput) (any, error) {
	switch {
	case in.Real:
		s.clock.Advance(-s.clock.Offset())
	case in.Now != nil:
		s.clock.Set(*in.Now)
	default:
		s.clock.Advance(time.Duration(in.Advance * float64(time.Second)))
	}
	s.changed("clock", "")
	return s.time(), nil
}

// state is everything that the pages show at first.
func (s *sim) state(r *http.Request, _ nothing) (any, error) {
	account := r.URL.Query().Get("account")
	channels := []channelView{}
	for _, c := range s.line.Accounts() {
		channels = append(channels, s.channelView(c))
	}
	people := []personView{}
	for _, p := range s.line.People() {
		people = append(people, s.personView(p))
	}
	out := s.time()
	out["strict"] = s.strict
	out["faults"] = s.faults.List()
	out["channels"] = channels
	out["people"] = people
	out["accounts"] = s.accountViews()
	out["profiles"] = s.klaviyo.Profiles(account)
	out["flows"] = s.klaviyo.Flows(account)
	out["lists"] = s.klaviyo.Lists(account)
	out["segments"] = s.klaviyo.Segments(account)
	out["metrics"] = s.klaviyo.Metrics(account)
	out["settings"] = s.settings()
	return out, nil
}

// settings are what Lumo is started with to speak to this simulator.
func (s *sim) settings() map[string]string {
	out := map[string]string{
		"LUMO_LINE_API_URL":          s.url + "/line-api",
		"LUMO_LINE_DATA_URL":         s.url + "/line-data",
		"LUMO_LINE_ACCESS_URL":       s.url + "/line-access",
		"LUMO_KLAVIYO_API_URL":       s.url + "/klaviyo-api",
		"LUMO_KLAVIYO_WEB_URL":       s.url + "/klaviyo-web",
		"LUMO_ALLOW_PRIVATE_TARGETS": "true",
	}
	return out
}
