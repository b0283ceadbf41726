package linetest

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"lumo/shared/fault"
)

// Open opens an address on a person's phone, as a scan of its QR code or a tap does, with
// LINE's in-app browser. Every redirect is a page of the answer; the last is what is shown.
func (s *Server) Open(ctx context.Context, person, address string) ([]Page, error) {
	if err := s.usable("linetest.Open", person); err != nil {
		return nil, err
	}
	t := s.tab(person, false)
	return s.finishOpen(person, t, t.follow(ctx, person, http.MethodGet, address, nil)), nil
}

func (s *Server) finishOpen(person string, t *tab, pages []Page) []Page {
	last := pages[len(pages)-1]
	s.keepTab(person, t, &last)
	s.changed("person", person)
	return pages
}

// usable tells why a phone cannot open anything.
func (s *Server) usable(op, person string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p := s.person(person); {
	case p == nil:
		return fault.New(fault.NotFound, op, "There is no such person.")
	case p.Offline:
		return fault.New(fault.Unavailable, op, "This phone is offline.")
	}
	return nil
}

// Consent answers LINE's consent screen on a phone and follows the way back. The follow
// event that the add-friend option causes is delivered before or after the callback.
func (s *Server) Consent(ctx context.Context, person string, choice Choice) ([]Page, error) {
	if err := s.usable("linetest.Consent", person); err != nil {
		return nil, err
	}
	location, follow, err := s.decide(person, choice)
	if err != nil {
		return nil, err
	}
	if choice.Order != CallbackFirst {
		follow(0)
		s.Deliver(ctx)
	}
	t := s.tab(person, choice.OtherBrowser)
	pages := t.follow(ctx, person, http.MethodGet, location, nil)
	if choice.Order == CallbackFirst {
		follow(0)
		s.Deliver(ctx)
	}
	if choice.OtherBrowser {
		s.setTab(person, &pages[len(pages)-1])
		s.changed("person", person)
		return pages, nil
	}
	return s.finishOpen(person, t, pages), nil
}

func (s *Server) setTab(person string, page *Page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tabs[person] = page
}

// Submission is a form as a person fills it in on the page that is open.
type Submission struct {
	Form   int               `json:"form"`   // which of the page's forms
	Button string            `json:"button"` // the value of the button pressed
	Values map[string]string `json:"values"` // changed fields
	URL    string            `json:"url"`    // open this page first, where it is another one
	// OtherBrowser submits without the phone's cookies.
	OtherBrowser bool `json:"other_browser"`
}

// SubmitForm sends a form of the page that is open on a phone.
func (s *Server) SubmitForm(ctx context.Context, person string, sub Submission) ([]Page, error) {
	const op = "linetest.SubmitForm"
	if err := s.usable(op, person); err != nil {
		return nil, err
	}
	s.mu.Lock()
	page := s.tabs[person]
	s.mu.Unlock()
	if sub.URL != "" && (page == nil || page.URL != sub.URL) {
		pages, err := s.Open(ctx, person, sub.URL)
		if err != nil {
			return nil, err
		}
		page = &pages[len(pages)-1]
	}
	if page == nil || sub.Form < 0 || sub.Form >= len(page.Forms) {
		return nil, fault.New(fault.NotFound, op, "The page that is open has no such form.")
	}
	f := page.Forms[sub.Form]
	values := f.values(sub.Button)
	for name, value := range sub.Values {
		values.Set(name, value)
	}
	t := s.tab(person, sub.OtherBrowser)
	t.from = page
	if f.Method == http.MethodGet {
		return s.finishOpen(
			person,
			t,
			t.follow(ctx, person, f.Method, withQuery(f.Action, values), nil),
		), nil
	}
	return s.finishOpen(person, t, t.follow(ctx, person, f.Method, f.Action, values)), nil
}

func withQuery(address string, values url.Values) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.RawQuery = values.Encode()
	return u.String()
}

// CurrentPage is what a phone's browser shows, or nil.
func (s *Server) CurrentPage(person string) *Page {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tabs[person]
}

// app opens addresses that the LINE app takes itself: an account's page, a chat with text.
func (t *tab) app(page *Page, u *url.URL) bool {
	var rest string
	switch {
	case u.Host == "line.me":
		rest = strings.TrimPrefix(u.Path, "/R/")
	case u.Scheme == "line":
		rest = u.Host + u.Path
	default:
		return false
	}
	parts := strings.SplitN(strings.Trim(rest, "/"), "/", 3)
	basic := ""
	switch {
	case len(parts) >= 3 && parts[0] == "ti" && parts[1] == "p":
		basic = parts[2]
	case len(parts) >= 2 && parts[0] == "oaMessage":
		basic = parts[1]
		page.Prefill, _ = url.QueryUnescape(u.RawQuery)
	}
	t.server.mu.Lock()
	c := t.server.find(strings.Trim(basic, "/"))
	if c != nil && basic != "" {
		account := c.account()
		page.Status, page.Title, page.AddFriend, page.Channel = 200, c.Name, &account, c.MessagingID
		page.Note = "LINE's own page of the account"
	}
	t.server.mu.Unlock()
	if page.AddFriend == nil {
		page.Note = "LINE does not know this address"
	}
	return true
}

// describe adds what LINE's consent screen asks, where the page is one.
func (s *Server) describe(page *Page) {
	if page.Status != http.StatusOK {
		return
	}
	u, err := url.Parse(page.URL)
	if err != nil || !s.ownAccess(u) {
		return
	}
	for _, f := range page.Forms {
		for _, field := range f.Fields {
			if field.Name != "request" {
				continue
			}
			if screen, err := s.Login(field.Value); err == nil {
				page.Login = &screen
			}
		}
	}
}
