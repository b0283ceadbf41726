package linetest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lumo/core/vendortest"
)

// What a phone calls itself. The agent of LINE's image loader is not documented.
const (
	inAppAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 " +
		"(KHTML, like Gecko) Mobile/15E148 Safari Line/15.12.0"
	browserAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 " +
		"(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	imageAgent   = "Line/15.12.0 (iPhone; iOS 18.5)"
	previewAgent = "facebookexternalhit/1.1;line-poker/1.0"
	maxHops      = 10
	maxPage      = 1 << 20
)

// Cookie is one cookie of a phone.
type Cookie struct {
	Value   string    `json:"value"`
	Path    string    `json:"path"`
	Expires time.Time `json:"expires"` // zero = until the browser is closed
}

// Jar holds a phone's cookies: host, then name. Browsers send Secure cookies to this
// machine's own addresses over plain http too, which net/http/cookiejar does not.
type Jar map[string]map[string]Cookie

func (j Jar) put(u *url.URL, res *http.Response, now time.Time) {
	for _, c := range res.Cookies() {
		host := u.Hostname()
		if j[host] == nil {
			j[host] = map[string]Cookie{}
		}
		kept := Cookie{Value: c.Value, Path: c.Path}
		if c.Path == "" {
			kept.Path = "/"
		}
		if c.MaxAge > 0 {
			kept.Expires = now.Add(time.Duration(c.MaxAge) * time.Second)
		} else if !c.Expires.IsZero() {
			kept.Expires = c.Expires
		}
		if c.MaxAge < 0 || !kept.Expires.IsZero() && !kept.Expires.After(now) {
			delete(j[host], c.Name)
			continue
		}
		j[host][c.Name] = kept
	}
}

func (j Jar) header(u *url.URL, now time.Time) string {
	var parts []string
	for name, c := range j[u.Hostname()] {
		if (c.Expires.IsZero() || c.Expires.After(now)) &&
			strings.HasPrefix(u.EscapedPath()+"/", c.Path) {
			parts = append(parts, name+"="+c.Value)
		}
	}
	return strings.Join(parts, "; ")
}

// tab is one browser of a phone in use.
type tab struct {
	server *Server
	agent  string
	lang   string
	jar    Jar
	from   *Page // the page that the person is on, nil = none
}

// tab opens a phone's in-app browser, with the cookies of before unless other is set.
func (s *Server) tab(person string, other bool) *tab {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &tab{server: s, agent: inAppAgent, lang: "ja-JP,ja;q=0.9", jar: Jar{}}
	if p := s.person(person); p != nil && p.Language != "ja" {
		t.lang = p.Language + ",en;q=0.8"
	}
	if other {
		t.agent = browserAgent
		return t
	}
	for host, cookies := range s.db.Jars[person] {
		t.jar[host] = map[string]Cookie{}
		for name, c := range cookies {
			t.jar[host][name] = c
		}
	}
	return t
}

// keep stores the tab's cookies and page.
func (s *Server) keepTab(person string, t *tab, page *Page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db.Jars[person] = t.jar
	s.tabs[person] = page
}

// follow loads an address and where it redirects to; each hop is a page.
func (t *tab) follow(ctx context.Context, person, method, address string, form url.Values) []Page {
	var pages []Page
	for range maxHops {
		page := t.load(ctx, person, method, address, form)
		pages = append(pages, page)
		if page.Location == "" {
			break
		}
		method, address, form = http.MethodGet, page.Location, nil
	}
	return pages
}

// load is one request of a browser.
func (t *tab) load(ctx context.Context, person, method, address string, form url.Values) Page {
	page := Page{URL: address}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		page.Note = "this is not an address"
		return page
	}
	if t.app(&page, u) {
		return page
	}
	u = t.server.rewrite(u)
	page.URL = u.String()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		page.Note = "this is not an address"
		return page
	}
	t.headers(req, person, form != nil)
	res, err := t.server.client.Do(req)
	if err != nil {
		page.Note = unreached(err)
		return page
	}
	defer res.Body.Close()
	t.jar.put(u, res, t.server.now())
	text, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	if err != nil {
		page.Note = "the answer broke off"
		return page
	}
	page.read(res, text)
	t.server.describe(&page)
	return page
}

// headers are those of a browser that navigates.
func (t *tab) headers(req *http.Request, person string, post bool) {
	h := req.Header
	h.Set("User-Agent", t.agent)
	h.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	h.Set("Accept-Language", t.lang)
	h.Set("Sec-Fetch-Dest", "document")
	h.Set("Sec-Fetch-Mode", "navigate")
	h.Set("Sec-Fetch-Site", t.site(req.URL))
	if post {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		h.Set("Origin", t.origin())
	}
	cookies := t.jar.header(req.URL, t.server.now())
	if t.server.ownAccess(req.URL) && person != "" { // this browser is signed in to LINE
		cookies = strings.TrimPrefix(cookies+"; "+sessionCookie+"="+url.QueryEscape(person), "; ")
	}
	if cookies != "" {
		h.Set("Cookie", cookies)
	}
}

// origin is what a browser says of the page that a form was on; with the policy
// no-referrer it says nothing.
func (t *tab) origin() string {
	if t.from == nil || t.from.policy == "no-referrer" {
		return "null"
	}
	u, err := url.Parse(t.from.URL)
	if err != nil {
		return "null"
	}
	return u.Scheme + "://" + u.Host
}

// site says how the page before and the address are related.
func (t *tab) site(to *url.URL) string {
	if t.from == nil {
		return "none"
	}
	u, err := url.Parse(t.from.URL)
	switch {
	case err != nil || u.Hostname() != to.Hostname() || u.Scheme != to.Scheme:
		return "cross-site"
	case u.Host != to.Host:
		return "same-site"
	}
	return "same-origin"
}

// rewrite leads LINE's own sign-in pages to the simulator's.
func (s *Server) rewrite(u *url.URL) *url.URL {
	if u.Host != "access.line.me" || s.accessURL == "" {
		return u
	}
	base, err := url.Parse(s.accessURL)
	if err != nil {
		return u
	}
	out := *u
	out.Scheme, out.Host, out.Path = base.Scheme, base.Host, strings.TrimRight(base.Path, "/")+u.Path
	return &out
}

// ownAccess tells whether an address is one of this simulator's sign-in pages.
func (s *Server) ownAccess(u *url.URL) bool {
	base, err := url.Parse(s.accessURL)
	if err != nil || s.accessURL == "" {
		return strings.Contains(u.Path, "/oauth2/v2.1/")
	}
	return u.Host == base.Host &&
		strings.HasPrefix(u.Path, strings.TrimRight(base.Path, "/")+"/oauth2/")
}

func unreached(err error) string {
	switch {
	case errors.Is(err, vendortest.ErrOutside):
		return "outside the simulator"
	case vendortest.Timeout(err):
		return "no answer in time"
	}
	return "cannot be reached"
}
