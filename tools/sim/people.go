package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
	"lumo/shared/fault"
)

// personView is a person with the state of each account on their phone.
type personView struct {
	linetest.Person
	Friendships map[string]friendship `json:"friendships"` // by messaging channel id
	Unread      int                   `json:"unread"`
}

type friendship struct {
	linetest.Friendship
	UserID string `json:"user_id"` // as the account's provider knows the person
}

func (s *sim) personView(p linetest.Person) personView {
	v := personView{Person: p, Friendships: map[string]friendship{}}
	for _, c := range s.line.Accounts() {
		v.Friendships[c.MessagingID] = friendship{s.line.FriendshipOf(p.ID, c.MessagingID),
			linetest.UserID(c.Provider, p.ID)}
	}
	chat, _ := s.line.Chat(p.ID, "") // the person is there
	for _, m := range chat {
		if m.ViewedAt == nil && m.From == "account" {
			v.Unread++
		}
	}
	return v
}

func (s *sim) person(id string) (personView, error) {
	for _, p := range s.line.People() {
		if p.ID == id {
			return s.personView(p), nil
		}
	}
	return personView{}, fault.New(fault.NotFound, "sim.person", "There is no such person.")
}

func (s *sim) peopleRoutes(mux *http.ServeMux) {
	const base = "/sim/v1/people"
	const one = base + "/{id}"
	mux.HandleFunc("GET "+base, on(func(*http.Request, nothing) (any, error) {
		var out []personView
		for _, p := range s.line.People() {
			out = append(out, s.personView(p))
		}
		return items(out), nil
	}))
	mux.HandleFunc("POST "+base, on(func(_ *http.Request, p linetest.Person) (any, error) {
		if p.Name == "" {
			return nil, fault.New(fault.Invalid, "sim.person", "A person needs a name.")
		}
		return s.personView(s.line.AddPerson(p)), nil
	}))
	mux.HandleFunc("GET "+one, on(func(r *http.Request, _ nothing) (any, error) {
		return s.person(r.PathValue("id"))
	}))
	mux.HandleFunc("PATCH "+one, on(s.patchPerson))
	mux.HandleFunc("DELETE "+one, on(func(r *http.Request, _ nothing) (any, error) {
		err := s.line.RemovePerson(r.PathValue("id"))
		s.changed("person", r.PathValue("id"))
		return nil, err
	}))
	mux.HandleFunc("POST "+one+"/follow", on(s.relate(s.line.Follow)))
	mux.HandleFunc("POST "+one+"/block", on(s.relate(s.line.Block)))
	mux.HandleFunc("POST "+one+"/unblock", on(s.relate(s.line.Unblock)))
	mux.HandleFunc("POST "+one+"/say", on(s.say))
	s.phoneRoutes(mux, one)
}

func (s *sim) phoneRoutes(mux *http.ServeMux, one string) {
	mux.HandleFunc("POST "+one+"/scan", on(s.scan))
	mux.HandleFunc("POST "+one+"/open_url", on(func(r *http.Request, in openInput) (any, error) {
		return opened(in.URL)(s.line.Open(r.Context(), r.PathValue("id"), in.URL))
	}))
	mux.HandleFunc("POST "+one+"/consent", on(func(r *http.Request, in linetest.Choice) (any, error) {
		return opened("")(s.line.Consent(r.Context(), r.PathValue("id"), in))
	}))
	mux.HandleFunc(
		"POST "+one+"/submit_form",
		on(func(r *http.Request, in linetest.Submission) (any, error) {
			return opened("")(s.line.SubmitForm(r.Context(), r.PathValue("id"), in))
		}),
	)
	mux.HandleFunc("POST "+one+"/tap", on(func(r *http.Request, in linetest.Tap) (any, error) {
		return s.line.Touch(r.Context(), r.PathValue("id"), in)
	}))
	mux.HandleFunc("POST "+one+"/view", on(func(r *http.Request, in channelInput) (any, error) {
		loads, err := s.line.View(r.Context(), r.PathValue("id"), in.Channel)
		return map[string]any{"loads": loads}, err
	}))
	mux.HandleFunc("GET "+one+"/chat", on(func(r *http.Request, _ nothing) (any, error) {
		chat, err := s.line.Chat(r.PathValue("id"), r.URL.Query().Get("channel"))
		return items(chat), err
	}))
	mux.HandleFunc("DELETE "+one+"/chat", on(func(r *http.Request, _ nothing) (any, error) {
		s.line.ClearChat(r.PathValue("id"))
		s.changed("chat", r.PathValue("id"))
		return nil, nil
	}))
	mux.HandleFunc("GET "+one+"/picture", s.picture)
	mux.HandleFunc("GET "+one+"/emails", on(func(r *http.Request, _ nothing) (any, error) {
		mail, err := s.mailbox(r.PathValue("id"))
		return items(mail), err
	}))
	mux.HandleFunc("GET "+one+"/page", on(func(r *http.Request, _ nothing) (any, error) {
		return map[string]any{"page": s.line.CurrentPage(r.PathValue("id"))}, nil
	}))
}

func (s *sim) patchPerson(r *http.Request, in json.RawMessage) (any, error) {
	now, err := s.person(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	edited := now.Person
	if err := strict(in, &edited); err != nil {
		return nil, err
	}
	edited.ID = now.ID
	if err := s.line.Switch(now.ID, func(p *linetest.Person) { *p = edited }); err != nil {
		return nil, err
	}
	return s.person(now.ID)
}

type channelInput struct {
	Channel string `json:"channel"`
}

// relate changes how a person and an account stand.
func (s *sim) relate(do func(person, channel string) error) action[channelInput] {
	return func(r *http.Request, in channelInput) (any, error) {
		if err := do(r.PathValue("id"), in.Channel); err != nil {
			return nil, err
		}
		return s.person(r.PathValue("id"))
	}
}

type sayInput struct {
	Channel string `json:"channel"`
	Text    string `json:"text"`
}

func (s *sim) say(r *http.Request, in sayInput) (any, error) {
	if in.Text == "" {
		return nil, fault.New(fault.Invalid, "sim.say", "There is nothing to say.")
	}
	return nil, s.line.Say(r.PathValue("id"), in.Channel, in.Text)
}

type openInput struct {
	URL string `json:"url"`
}

// opened answers with the pages that a phone went through.
func opened(address string) func([]linetest.Page, error) (any, error) {
	return func(pages []linetest.Page, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return map[string]any{"url": address, "pages": pages}, nil
	}
}

type scanInput struct {
	URL      string `json:"url"`
	Image    []byte `json:"image"`
	ImageURL string `json:"image_url"`
	Email    bool   `json:"email"`
}

// scan reads a QR code with the phone's camera and opens what it says.
func (s *sim) scan(r *http.Request, in scanInput) (any, error) {
	address := in.URL
	if in.Email {
		said, err := s.codeOfMail(r.Context(), r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		address = said
	}
	if address == "" {
		said, err := s.line.ReadCode(r.Context(), in.Image, in.ImageURL)
		if err != nil {
			return nil, err
		}
		address = said
	}
	return opened(address)(s.line.Open(r.Context(), r.PathValue("id"), address))
}

// picture serves a picture of a chat as the person's phone has it.
func (s *sim) picture(w http.ResponseWriter, r *http.Request) {
	p, err := s.line.Show(r.Context(), r.PathValue("id"), r.URL.Query().Get("url"))
	if err != nil {
		problem(w, err)
		return
	}
	w.Header().Set("Content-Type", p.Type)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(p.Body) // the reader is gone when this fails
}

// mailbox is what a person's address got, oldest first.
func (s *sim) mailbox(person string) ([]klaviyotest.Email, error) {
	p, err := s.person(person)
	if err != nil || p.Email == "" {
		return nil, err
	}
	return s.klaviyo.Emails("", p.Email), nil
}

// codeOfMail reads the QR code in the newest email of a person that has one.
func (s *sim) codeOfMail(ctx context.Context, person string) (string, error) {
	mail, err := s.mailbox(person)
	if err != nil {
		return "", err
	}
	for _, e := range slices.Backward(mail) {
		for _, picture := range e.Images {
			if said, err := s.line.ReadCode(ctx, nil, picture); err == nil {
				return said, nil
			}
		}
	}
	return "", fault.New(fault.NotFound, "sim.scan", "No email of this person shows a QR code.")
}
