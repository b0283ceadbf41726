package seed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

const pageLimit = 4 << 20

// browser is a person's browser without a screen: it keeps cookies and fills in forms.
// The standard cookie jar will not do: it withholds Secure cookies on plain http, which
// real browsers make an exception for on this machine's own address.
type browser struct {
	http    *http.Client
	cookies map[string]map[string]string // host -> name -> value
}

func newBrowser() *browser {
	b := &browser{cookies: map[string]map[string]string{}}
	b.http = &http.Client{Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return b
}

// page is where the browser ended up after redirects.
type page struct {
	url    *url.URL
	status int
	body   []byte
}

func (b *browser) get(ctx context.Context, address string) (page, error) {
	return b.follow(ctx, http.MethodGet, address, "", nil)
}

// submit sends the page's first form that has a button of the value, as a click on it would.
func (b *browser) submit(ctx context.Context, p page, button string) (page, error) {
	root, err := html.Parse(bytes.NewReader(p.body))
	if err != nil {
		return page{}, fmt.Errorf("read the page: %w", err)
	}
	for _, form := range find(root, "form") {
		values, found := fields(form, button)
		if !found {
			continue
		}
		action, err := p.url.Parse(attribute(form, "action"))
		if err != nil {
			return page{}, fmt.Errorf("read the page's form: %w", err)
		}
		return b.follow(ctx, http.MethodPost, action.String(), "application/x-www-form-urlencoded",
			[]byte(values.Encode()))
	}
	return page{}, fmt.Errorf("the page at %s has no button %q", p.url.Path, button)
}

// fields are a form's values when the button is pressed.
func fields(form *html.Node, button string) (values url.Values, found bool) {
	values = url.Values{}
	for _, input := range append(find(form, "input"), find(form, "button")...) {
		name, value := attribute(input, "name"), attribute(input, "value")
		switch attribute(input, "type") {
		case "submit", "":
			if value == button && input.Data == "button" || attribute(input, "type") == "submit" && value == button {
				found = true
				break
			}
			if input.Data == "button" || attribute(input, "type") == "submit" {
				continue
			}
		case "checkbox", "radio":
			if !has(input, "checked") {
				continue
			}
		}
		if name != "" {
			values.Set(name, value)
		}
	}
	return values, found
}

func find(n *html.Node, tag string) []*html.Node {
	var out []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == tag {
			out = append(out, d)
		}
	}
	return out
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func (b *browser) follow(ctx context.Context, method, address, kind string, body []byte) (page, error) {
	for range 10 {
		p, next, err := b.once(ctx, method, address, kind, body)
		if err != nil || next == "" {
			return p, err
		}
		method, address, kind, body = http.MethodGet, next, "", nil
	}
	return page{}, fmt.Errorf("%s redirects without end", address)
}

func (b *browser) once(ctx context.Context, method, address, kind string, body []byte) (page, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return page{}, "", err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	}
	res, err := b.do(req)
	if err != nil {
		return page{}, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, pageLimit))
	if err != nil {
		return page{}, "", err
	}
	p := page{url: req.URL, status: res.StatusCode, body: text}
	if location := res.Header.Get("Location"); location != "" && res.StatusCode/100 == 3 {
		next, err := req.URL.Parse(location)
		if err != nil {
			return p, "", fmt.Errorf("read the redirect of %s: %w", req.URL.Path, err)
		}
		return p, next.String(), nil
	}
	return p, "", nil
}

// do sends a request with the host's cookies and keeps those of the answer.
func (b *browser) do(req *http.Request) (*http.Response, error) {
	for name, value := range b.cookies[req.URL.Host] {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := b.http.Do(req)
	if err != nil {
		return nil, err
	}
	for _, c := range res.Cookies() {
		if b.cookies[req.URL.Host] == nil {
			b.cookies[req.URL.Host] = map[string]string{}
		}
		if c.MaxAge < 0 {
			delete(b.cookies[req.URL.Host], c.Name)
			continue
		}
		b.cookies[req.URL.Host][c.Name] = c.Value
	}
	return res, nil
}

// call speaks JSON; out may be nil. A refusal is an error with the answer's own sentence.
func (b *browser) call(ctx context.Context, method, address string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	res, err := b.do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, pageLimit))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s answered %d: %s", method, req.URL.Path, res.StatusCode, strings.TrimSpace(string(text)))
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", req.URL.Path, err)
	}
	return nil
}
