package main

import (
	"encoding/json"
	"net/http"
	"slices"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/shared/fault"
)

// accountView is a Klaviyo account with the state of Lumo's connection to it.
type accountView struct {
	klaviyotest.Account
	Installed bool     `json:"installed"`
	Scopes    []string `json:"scopes"`
	Profiles  int      `json:"profile_count"`
	Waiting   int      `json:"waiting_in_flows"`
}

func (s *sim) accountViews() []accountView {
	out := []accountView{}
	for _, a := range s.klaviyo.Accounts() {
		scopes := s.klaviyo.Installed(a.ID)
		out = append(out, accountView{Account: a, Installed: scopes != nil, Scopes: scopes,
			Profiles: len(s.klaviyo.Profiles(a.ID)), Waiting: s.klaviyo.Waiting(a.ID)})
	}
	return out
}

func account(r *http.Request) string { return r.URL.Query().Get("account") }

func (s *sim) klaviyoRoutes(mux *http.ServeMux) {
	const base = "/sim/v1/klaviyo"
	mux.HandleFunc("GET "+base+"/accounts", on(func(*http.Request, nothing) (any, error) {
		return items(s.accountViews()), nil
	}))
	mux.HandleFunc("POST "+base+"/accounts", on(s.setAccount))
	mux.HandleFunc("GET "+base+"/connection", on(s.connection))
	mux.HandleFunc("PATCH "+base+"/app", on(s.patchApp))
	mux.HandleFunc("POST "+base+"/uninstall", on(func(r *http.Request, _ nothing) (any, error) {
		s.klaviyo.Uninstall(account(r))
		s.changed("account", account(r))
		return nil, nil
	}))
	mux.HandleFunc("POST "+base+"/oauth/decide", on(s.decide))
	mux.HandleFunc("GET "+base+"/profiles", on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.Profiles(account(r))), nil
	}))
	mux.HandleFunc("POST "+base+"/profiles", on(s.addProfile))
	mux.HandleFunc("GET "+base+"/profiles/{ref}", on(s.profile))
	mux.HandleFunc("POST "+base+"/profiles/{ref}/merge", on(s.merge))
	mux.HandleFunc("GET "+base+"/events", on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.Events(account(r), r.URL.Query().Get("profile"))), nil
	}))
	mux.HandleFunc("POST "+base+"/events", on(s.happen))
	mux.HandleFunc("GET "+base+"/metrics", on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.Metrics(account(r))), nil
	}))
	mux.HandleFunc("GET "+base+"/ledger", on(func(r *http.Request, _ nothing) (any, error) {
		return map[string]any{"events": s.klaviyo.Events(account(r), ""),
			"profiles": s.klaviyo.Profiles(account(r)), "calls": s.klaviyo.Calls()}, nil
	}))
	mux.HandleFunc("GET "+base+"/webhooks", on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.Hooks(account(r))), nil
	}))
	mux.HandleFunc(
		"POST "+base+"/webhooks/{id}/send",
		on(func(r *http.Request, in hookInput) (any, error) {
			status, err := s.klaviyo.SendHook(
				r.Context(),
				account(r),
				r.PathValue("id"),
				in.Topic,
				in.Payload,
			)
			return map[string]int{"status_code": status}, err
		}),
	)
	mux.HandleFunc("GET "+base+"/webhooks/log", on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.HookLog(account(r))), nil
	}))
	mux.HandleFunc("POST "+base+"/forget_merged", on(func(r *http.Request, _ nothing) (any, error) {
		s.klaviyo.ForgetMerged(account(r))
		return nil, nil
	}))
	s.groupRoutes(mux, base)
	s.emailRoutes(mux, base)
	s.formRoutes(mux, base)
}

func (s *sim) formRoutes(mux *http.ServeMux, base string) {
	mux.HandleFunc("GET "+base+"/forms", on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.Forms(account(r))), nil
	}))
	mux.HandleFunc("POST "+base+"/forms", on(func(r *http.Request, f klaviyotest.Form) (any, error) {
		made, err := s.klaviyo.SetForm(account(r), f)
		s.changed("form", made.ID)
		return made, err
	}))
	mux.HandleFunc("POST "+base+"/forms/{id}/submit",
		on(func(r *http.Request, fields map[string]string) (any, error) {
			return s.klaviyo.SubmitForm(account(r), r.PathValue("id"), fields)
		}))
}

func (s *sim) groupRoutes(mux *http.ServeMux, base string) {
	mux.HandleFunc("GET "+base+"/lists", on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.Lists(account(r))), nil
	}))
	mux.HandleFunc("POST "+base+"/lists", on(func(r *http.Request, l klaviyotest.List) (any, error) {
		defer s.changed("list", l.ID)
		return s.klaviyo.SetList(account(r), l)
	}))
	mux.HandleFunc(
		"POST "+base+"/lists/{id}/join",
		on(func(r *http.Request, in profileInput) (any, error) {
			if !s.klaviyo.JoinList(account(r), r.PathValue("id"), in.Profile) {
				return nil, fault.New(fault.NotFound, "sim.join", "There is no such list or profile.")
			}
			s.changed("list", r.PathValue("id"))
			return nil, nil
		}),
	)
	mux.HandleFunc("POST "+base+"/lists/{id}/leave", on(func(r *http.Request, in profileInput) (any, error) {
		if !s.klaviyo.LeaveList(account(r), r.PathValue("id"), in.Profile) {
			return nil, fault.New(fault.NotFound, "sim.leave", "There is no such list or profile.")
		}
		s.changed("list", r.PathValue("id"))
		return nil, nil
	}))
	mux.HandleFunc("GET "+base+"/segments", on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.Segments(account(r))), nil
	}))
	mux.HandleFunc(
		"POST "+base+"/segments",
		on(func(r *http.Request, g klaviyotest.Segment) (any, error) {
			defer s.changed("segment", g.ID)
			return s.klaviyo.SetSegment(account(r), g)
		}),
	)
}

func (s *sim) emailRoutes(mux *http.ServeMux, base string) {
	mux.HandleFunc(
		"POST "+base+"/emails/render",
		on(func(r *http.Request, in emailInput) (any, error) {
			return s.klaviyo.RenderEmail(account(r), in.Profile, in.Subject, in.HTML, in.Tracking)
		}),
	)
	mux.HandleFunc("POST "+base+"/emails/send", on(func(r *http.Request, in emailInput) (any, error) {
		return s.klaviyo.SendEmail(account(r), in.Profile, in.Subject, in.HTML, in.Tracking)
	}))
	mux.HandleFunc("GET "+base+"/emails", on(func(r *http.Request, _ nothing) (any, error) {
		return items(s.klaviyo.Emails(account(r), r.URL.Query().Get("profile"))), nil
	}))
}

type hookInput struct {
	Topic   string          `json:"topic"`
	Payload json.RawMessage `json:"payload"`
}

type profileInput struct {
	Profile string `json:"profile"`
}

type emailInput struct {
	Profile  string `json:"profile"`
	Subject  string `json:"subject"`
	HTML     string `json:"html"`
	Tracking bool   `json:"tracking"`
}

// setAccount makes an account, or changes the settings of the one with the id.
func (s *sim) setAccount(_ *http.Request, in json.RawMessage) (any, error) {
	var named struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(in, &named); err != nil || len(named.ID) != 6 {
		return nil, fault.New(fault.Invalid, "sim.account", "An account's id has six characters.")
	}
	a := klaviyotest.Account{Name: "Shop", Timezone: "UTC", Currency: "USD", Locale: "en-US",
		SenderEmail: "hello@shop.example"}
	for _, known := range s.klaviyo.Accounts() {
		if known.ID == named.ID {
			a = known
		}
	}
	if err := strict(in, &a); err != nil {
		return nil, err
	}
	s.klaviyo.AddAccount(a)
	return a, nil
}

func (s *sim) connection(r *http.Request, _ nothing) (any, error) {
	scopes := s.klaviyo.Installed(account(r))
	app, _ := s.klaviyo.App(klaviyotest.DemoAccount.ClientID)
	return map[string]any{"installed": scopes != nil, "scopes": scopes, "app": app}, nil
}

func (s *sim) patchApp(_ *http.Request, in json.RawMessage) (any, error) {
	app, _ := s.klaviyo.App(klaviyotest.DemoAccount.ClientID)
	if err := strict(in, &app); err != nil {
		return nil, err
	}
	app.ClientID = klaviyotest.DemoAccount.ClientID
	s.klaviyo.SetApp(app)
	s.changed("account", "")
	return app, nil
}

type decideInput struct {
	AuthorizeURL string `json:"authorize_url"`
	Approve      bool   `json:"approve"`
}

func (s *sim) decide(r *http.Request, in decideInput) (any, error) {
	back, err := s.klaviyo.Decide(in.AuthorizeURL, account(r), in.Approve)
	return map[string]string{"redirect_url": back}, err
}

func (s *sim) addProfile(r *http.Request, p klaviyotest.Profile) (any, error) {
	made, err := s.klaviyo.AddProfile(account(r), p)
	if err == nil {
		s.changed("profile", made.ID)
	}
	return made, err
}

// profile is a profile with all that Klaviyo's page of it shows.
func (s *sim) profile(r *http.Request, _ nothing) (any, error) {
	p, ok := s.klaviyo.Profile(account(r), r.PathValue("ref"))
	if !ok {
		return nil, fault.New(fault.NotFound, "sim.profile", "There is no such profile.")
	}
	lists, segments := []string{}, []string{}
	for _, l := range s.klaviyo.Lists(account(r)) {
		if slices.Contains(l.Members, p.ID) {
			lists = append(lists, l.Name)
		}
	}
	for _, g := range s.klaviyo.Segments(account(r)) {
		if slices.Contains(g.Members, p.ID) {
			segments = append(segments, g.Name)
		}
	}
	return map[string]any{"profile": p, "events": s.klaviyo.Events(account(r), p.ID),
		"emails": s.klaviyo.Emails(account(r), p.ID), "lists": lists, "segments": segments}, nil
}

type mergeInput struct {
	Into string `json:"into"`
}

func (s *sim) merge(r *http.Request, in mergeInput) (any, error) {
	from, found := s.klaviyo.Profile(account(r), r.PathValue("ref"))
	into, known := s.klaviyo.Profile(account(r), in.Into)
	if !found || !known || !s.klaviyo.Merge(account(r), from.ID, into.ID) {
		return nil, fault.New(fault.NotFound, "sim.merge", "Two different profiles are needed.")
	}
	return nil, nil
}

// happen records an event; a checkout without properties gets a cart of its own.
func (s *sim) happen(r *http.Request, h klaviyotest.Happening) (any, error) {
	if h.Metric == klaviyotest.DemoMetric && h.Properties == nil {
		if h.UniqueID == "" {
			h.UniqueID = "cart-" + s.clock.Now().Format("20060102150405.000000000")
		}
		h.Properties = klaviyotest.DemoCart(h.UniqueID)
	}
	id, err := s.klaviyo.Happen(account(r), h)
	return map[string]string{"id": id}, err
}
