package main

import (
	"encoding/json"
	"net/http"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/shared/fault"
)

// flowInput is a flow, or the short form of one with a single webhook.
type flowInput struct {
	klaviyotest.Flow
	Webhook *webhookInput `json:"webhook"`
}

type webhookInput struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Status  string            `json:"status"` // empty = as the flow
}

// flow is the whole flow that was meant.
func (in flowInput) flow() klaviyotest.Flow {
	f := in.Flow
	if in.Webhook == nil {
		return f
	}
	status := in.Webhook.Status
	if status == "" {
		status = f.Status
	}
	a := klaviyotest.Action{Type: klaviyotest.SendWebhook, Name: "LINE message"}
	at := -1
	for i, old := range f.Actions {
		if old.Type == klaviyotest.SendWebhook {
			a, at = old, i
			break
		}
	}
	a.Status, a.URL, a.Headers, a.Body = status, in.Webhook.URL, in.Webhook.Headers, in.Webhook.Body
	if at < 0 {
		f.Actions = append(f.Actions, a)
	} else {
		f.Actions[at] = a
	}
	return f
}

func (s *sim) flowRoutes(mux *http.ServeMux) {
	const base = "/sim/v1/klaviyo/flows"
	const one = base + "/{id}"
	mux.HandleFunc("GET "+base, on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.Flows(account(r))), nil
	}))
	mux.HandleFunc("POST "+base, on(func(r *http.Request, in flowInput) (any, error) {
		return s.setFlow(r, in)
	}))
	mux.HandleFunc("GET "+one, on(func(r *http.Request, _ nothing) (any, error) { return s.flow(r) }))
	mux.HandleFunc("PUT "+one, on(func(r *http.Request, in flowInput) (any, error) {
		in.ID = r.PathValue("id")
		return s.setFlow(r, in)
	}))
	mux.HandleFunc("PATCH "+one, on(s.patchFlow))
	mux.HandleFunc("DELETE "+one, on(func(r *http.Request, _ nothing) (any, error) {
		if !s.klaviyo.RemoveFlow(account(r), r.PathValue("id")) {
			return nil, fault.New(fault.NotFound, "sim.flow", "There is no such flow.")
		}
		s.changed("flow", r.PathValue("id"))
		return nil, nil
	}))
	mux.HandleFunc("POST "+one+"/status", on(s.flowStatus))
	mux.HandleFunc("POST "+one+"/preview", on(func(r *http.Request, in tryInput) (any, error) {
		return s.klaviyo.Preview(account(r), r.PathValue("id"), in.Action, in.Profile, in.Event)
	}))
	mux.HandleFunc("POST "+one+"/test_send", on(func(r *http.Request, in tryInput) (any, error) {
		return s.klaviyo.TestSend(
			r.Context(),
			account(r),
			r.PathValue("id"),
			in.Action,
			in.Profile,
			in.Event,
		)
	}))
	mux.HandleFunc("GET /sim/v1/klaviyo/activity", on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.Activity(r.URL.Query().Get("flow"))), nil
	}))
}

type tryInput struct {
	Profile string `json:"profile"`
	Event   string `json:"event"`
	Action  string `json:"action"`
}

func (s *sim) flow(r *http.Request) (klaviyotest.Flow, error) {
	f, ok := s.klaviyo.Flow(account(r), r.PathValue("id"))
	if !ok {
		return klaviyotest.Flow{}, fault.New(fault.NotFound, "sim.flow", "There is no such flow.")
	}
	return f, nil
}

func (s *sim) setFlow(r *http.Request, in flowInput) (any, error) {
	f, err := s.klaviyo.SetFlow(account(r), in.flow())
	if err != nil {
		return nil, err
	}
	s.changed("flow", f.ID)
	return f, nil
}

func (s *sim) patchFlow(r *http.Request, in json.RawMessage) (any, error) {
	f, err := s.flow(r)
	if err != nil {
		return nil, err
	}
	edited := flowInput{Flow: f}
	if err := strict(in, &edited); err != nil {
		return nil, err
	}
	edited.ID = f.ID
	return s.setFlow(r, edited)
}

type statusInput struct {
	Status string `json:"status"`
}

// flowStatus sets the flow and all of its actions.
func (s *sim) flowStatus(r *http.Request, in statusInput) (any, error) {
	f, err := s.flow(r)
	if err != nil {
		return nil, err
	}
	f.Status = in.Status
	for i := range f.Actions {
		f.Actions[i].Status = in.Status
	}
	return s.setFlow(r, flowInput{Flow: f})
}
