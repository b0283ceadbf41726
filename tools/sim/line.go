package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"lumo/core/line/linetest"
	"lumo/shared/fault"
)

// channelView is a LINE account with what its pages show beside it.
type channelView struct {
	linetest.Channel
	Friends int   `json:"friends"`
	Blocked int   `json:"blocked"`
	Used    int64 `json:"used"`
}

func (s *sim) channelView(c linetest.Channel) channelView {
	v := channelView{Channel: c, Used: s.line.Usage(c.MessagingID)}
	for _, p := range s.line.People() {
		switch s.line.FriendshipOf(p.ID, c.MessagingID).State {
		case linetest.Friend:
			v.Friends++
		case linetest.Blocked:
			v.Blocked++
		}
	}
	return v
}

func (s *sim) lineRoutes(mux *http.ServeMux) {
	const base = "/sim/v1/line/channels"
	mux.HandleFunc("GET "+base, on(func(*http.Request, nothing) (any, error) {
		var out []channelView
		for _, c := range s.line.Accounts() {
			out = append(out, s.channelView(c))
		}
		return items(out), nil
	}))
	mux.HandleFunc("POST "+base, on(func(_ *http.Request, c linetest.Channel) (any, error) {
		return s.channelView(s.line.AddChannel(c)), nil
	}))
	mux.HandleFunc("GET "+base+"/{id}", on(func(r *http.Request, _ nothing) (any, error) {
		return s.channel(r.PathValue("id"))
	}))
	mux.HandleFunc("PATCH "+base+"/{id}", on(s.patchChannel))
	mux.HandleFunc("POST "+base+"/{id}/use_webhook", on(s.useWebhook))
	mux.HandleFunc("POST "+base+"/{id}/quota", on(s.setQuota))
	mux.HandleFunc("POST "+base+"/{id}/reissue_secret", on(s.reissue))
	mux.HandleFunc("POST "+base+"/{id}/emit", on(s.emit))
	mux.HandleFunc("GET /sim/v1/line/ledger", on(s.lineLedger))
	mux.HandleFunc("DELETE /sim/v1/line/ledger", on(func(*http.Request, nothing) (any, error) {
		s.line.ForgetSent()
		s.changed("sent", "")
		return nil, nil
	}))
	mux.HandleFunc("GET /sim/v1/line/webhooks", on(func(r *http.Request, _ nothing) (any, error) {
		return items(slices.DeleteFunc(s.line.HookLog(), func(row linetest.HookTry) bool {
			return row.Seq <= after(r)
		})), nil
	}))
	mux.HandleFunc(
		"GET /sim/v1/line/logins/{request}",
		on(func(r *http.Request, _ nothing) (any, error) {
			return s.line.Login(r.PathValue("request"))
		}),
	)
}

// after is the newest row of a log that the caller has, by its seq.
func after(r *http.Request) int64 {
	n, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (s *sim) channel(id string) (channelView, error) {
	for _, c := range s.line.Accounts() {
		if c.MessagingID == id {
			return s.channelView(c), nil
		}
	}
	return channelView{}, fault.New(fault.NotFound, "sim.channel", "There is no such LINE account.")
}

// change edits an account and shows it.
func (s *sim) change(r *http.Request, edit func(*linetest.Channel)) (any, error) {
	id := r.PathValue("id")
	s.line.Change(id, edit)
	return s.channel(id)
}

func (s *sim) patchChannel(r *http.Request, in json.RawMessage) (any, error) {
	now, err := s.channel(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	edited := now.Channel
	if err := strict(in, &edited); err != nil {
		return nil, err
	}
	if edited.MessagingID != now.MessagingID {
		return nil, fault.New(fault.Invalid, "sim.channel", "The messaging channel id cannot be changed.")
	}
	return s.change(r, func(c *linetest.Channel) { *c = edited })
}

type switchInput struct {
	On bool `json:"on"`
}

func (s *sim) useWebhook(r *http.Request, in switchInput) (any, error) {
	return s.change(r, func(c *linetest.Channel) { c.UseWebhook = in.On })
}

type quotaInput struct {
	Limit *int64 `json:"limit"`
	Used  int64  `json:"used"`
}

func (s *sim) setQuota(r *http.Request, in quotaInput) (any, error) {
	s.line.Use(r.PathValue("id"), in.Used)
	return s.change(r, func(c *linetest.Channel) { c.Quota = in.Limit })
}

type reissueInput struct {
	Which string `json:"which"`
}

// reissue makes a new secret, as the button in LINE's console does: the old one ends at once.
func (s *sim) reissue(r *http.Request, in reissueInput) (any, error) {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	return s.change(r, func(c *linetest.Channel) {
		if in.Which == "login" {
			c.LoginSecret = hex.EncodeToString(raw)
		} else {
			c.MessagingSecret = hex.EncodeToString(raw)
		}
	})
}

type emitInput struct {
	Events []json.RawMessage `json:"events"`
}

func (s *sim) emit(r *http.Request, in emitInput) (any, error) {
	if !s.line.Emit(r.PathValue("id"), in.Events...) {
		return nil, fault.New(fault.NotFound, "sim.emit", "There is no such LINE account.")
	}
	return nil, nil
}

// lineLedger lists sending requests, by default those that LINE accepted.
func (s *sim) lineLedger(r *http.Request, _ nothing) (any, error) {
	q := r.URL.Query()
	result, to, channel := q.Get("result"), q.Get("to"), q.Get("channel")
	if result == "" {
		result = linetest.Accepted
	}
	rows := slices.DeleteFunc(s.line.Attempts(), func(row linetest.Sent) bool {
		return result != "all" && row.Result != result || to != "" && !slices.Contains(row.To, to) ||
			channel != "" && row.Channel != channel || row.Seq <= after(r)
	})
	return items(rows), nil
}
