package klaviyotest

import (
	"strings"
	"time"

	"golang.org/x/net/html"

	"lumo/shared/fault"
)

// Email is an email as a person gets it.
type Email struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Profile string    `json:"profile"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	HTML    string    `json:"html"`
	Links   []string  `json:"links"`
	Images  []string  `json:"images"`
	Problem string    `json:"problem,omitempty"`
}

// RenderEmail fills an email's merge variables in for a profile (id or email). With tracking
// Klaviyo's own parameters are added to the links, as an account can switch on.
func (s *Server) RenderEmail(account, profile, subject, text string, tracking bool) (Email, error) {
	const op = "klaviyotest.RenderEmail"
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.site(account)
	if t == nil {
		return Email{}, fault.New(fault.NotFound, op, "There is no such account.")
	}
	p := t.find(profile)
	if p == nil {
		return Email{}, fault.New(fault.NotFound, op, "There is no such profile.")
	}
	e := t.compose(p, "", subject, text)
	if e.Problem != "" {
		return Email{}, fault.New(fault.Invalid, op, "The template cannot be rendered: %s", e.Problem)
	}
	if tracking {
		for i, link := range e.Links {
			separator := "?"
			if strings.Contains(link, "?") {
				separator = "&"
			}
			tracked := link + separator + "utm_source=Klaviyo&utm_medium=email&_kx=kx." +
				p.ID + "." + t.Account.ID
			for _, written := range []string{html.EscapeString(link), link} {
				e.HTML = strings.ReplaceAll(
					e.HTML,
					`href="`+written+`"`,
					`href="`+html.EscapeString(tracked)+`"`,
				)
			}
			e.Links[i] = tracked
		}
	}
	e.ID, e.At = s.ulid(), s.now()
	return e, nil
}

// compose renders subject and body. The lock is held.
func (t *site) compose(p *Profile, event, subject, text string) Email {
	context := t.context(p.ID, event)
	e := Email{Profile: p.ID, To: p.Email, Links: []string{}, Images: []string{}}
	var err error
	if e.Subject, err = Render(subject, context); err == nil {
		e.HTML, err = Render(text, context)
	}
	if err != nil {
		e.Problem = err.Error()
		return e
	}
	root, err := html.Parse(strings.NewReader(e.HTML))
	if err != nil {
		e.Problem = err.Error()
		return e
	}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			switch {
			case n.Data == "a" && a.Key == "href" && strings.HasPrefix(a.Val, "http"):
				e.Links = append(e.Links, a.Val)
			case n.Data == "img" && a.Key == "src":
				e.Images = append(e.Images, a.Val)
			}
		}
	}
	return e
}

// email sends a flow's email into the mailboxes of the simulator. The lock is held.
func (s *Server) email(t *site, r *run, a Action) {
	p := t.profile(r.Profile)
	if p == nil || p.Email == "" {
		return
	}
	e := t.compose(p, r.Event, a.Subject, a.HTML)
	e.ID, e.At = s.ulid(), s.now()
	t.Emails = trim(append(t.Emails, e), s.keep)
}

// SendEmail puts an email into a profile's mailbox, as a campaign does.
func (s *Server) SendEmail(account, profile, subject, text string, tracking bool) (Email, error) {
	e, err := s.RenderEmail(account, profile, subject, text, tracking)
	if err != nil {
		return Email{}, err
	}
	s.mu.Lock()
	t := s.site(account)
	t.Emails = trim(append(t.Emails, e), s.keep)
	s.mu.Unlock()
	s.changed("email", e.Profile)
	return e, nil
}

// Emails is a profile's mailbox (id or email), or all of them, oldest first.
func (s *Server) Emails(account, profile string) []Email {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Email{}
	t := s.site(account)
	if t == nil {
		return out
	}
	p := t.find(profile)
	for _, e := range t.Emails {
		if profile == "" || p != nil && e.Profile == p.ID {
			out = append(out, e)
		}
	}
	return out
}
