package linetest

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

const maxPageText = 4000

// Page is what a phone's browser shows, or one step of a redirect.
type Page struct {
	URL       string     `json:"url"`
	Status    int        `json:"status"` // 0 = nothing answered; Note says why
	Location  string     `json:"location,omitempty"`
	Kind      string     `json:"content_type,omitempty"`
	Title     string     `json:"title,omitempty"`
	Text      string     `json:"text,omitempty"`
	HTML      string     `json:"html,omitempty"` // as it came, for pages of the simulator
	Forms     []Form     `json:"forms,omitempty"`
	Links     []Link     `json:"links,omitempty"`
	Login     *LoginPage `json:"login,omitempty"`      // LINE's consent screen
	AddFriend *Account   `json:"add_friend,omitempty"` // LINE's own page of an account
	Channel   string     `json:"channel,omitempty"`    // of the account
	Prefill   string     `json:"prefill,omitempty"`    // text that waits in the chat's input
	Note      string     `json:"note,omitempty"`
	policy    string
}

// Form is a form of a page.
type Form struct {
	Action  string   `json:"action"`
	Method  string   `json:"method"`
	Fields  []Field  `json:"fields"`
	Buttons []Button `json:"buttons"`
}

// Field is an input of a form.
type Field struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Value   string `json:"value"`
	Checked bool   `json:"checked,omitempty"`
}

// Button submits a form.
type Button struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Text  string `json:"text"`
}

// Link is a link of a page.
type Link struct {
	URL  string `json:"url"`
	Text string `json:"text"`
}

// read takes an answer in.
func (p *Page) read(res *http.Response, body []byte) {
	p.Status = res.StatusCode
	p.Kind, _, _ = strings.Cut(res.Header.Get("Content-Type"), ";")
	p.policy = res.Header.Get("Referrer-Policy")
	base := res.Request.URL
	if to := res.Header.Get("Location"); to != "" && res.StatusCode/100 == 3 {
		if u, err := base.Parse(to); err == nil {
			p.Location = u.String()
		}
		return
	}
	if p.Kind != "text/html" {
		return
	}
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return
	}
	p.HTML = string(body)
	p.walk(root, base)
	p.Text = strings.Join(strings.Fields(p.Text), " ")
	if len(p.Text) > maxPageText {
		p.Text = p.Text[:maxPageText]
	}
}

func (p *Page) walk(root *html.Node, base *url.URL) {
	for n := range root.Descendants() {
		switch {
		case n.Type == html.TextNode && !hidden(n):
			p.Text += " " + n.Data
		case n.Type != html.ElementNode:
		case n.Data == "title":
			p.Title = strings.TrimSpace(inner(n))
		case n.Data == "form":
			p.Forms = append(p.Forms, form(n, base))
		case n.Data == "a" && attr(n, "href") != "":
			if u, err := base.Parse(attr(n, "href")); err == nil {
				p.Links = append(p.Links, Link{u.String(), strings.TrimSpace(inner(n))})
			}
		}
	}
}

func form(n *html.Node, base *url.URL) Form {
	f := Form{Method: strings.ToUpper(attr(n, "method")), Action: base.String()}
	if f.Method == "" {
		f.Method = http.MethodGet
	}
	if u, err := base.Parse(attr(n, "action")); err == nil && attr(n, "action") != "" {
		f.Action = u.String()
	}
	for d := range n.Descendants() {
		if d.Type != html.ElementNode {
			continue
		}
		switch kind := strings.ToLower(attr(d, "type")); {
		case d.Data == "button" && (kind == "" || kind == "submit"),
			d.Data == "input" && kind == "submit":
			text := strings.Join(strings.Fields(inner(d)), " ")
			if text == "" {
				text = attr(d, "value")
			}
			f.Buttons = append(f.Buttons, Button{attr(d, "name"), attr(d, "value"), text})
		case d.Data == "input" && attr(d, "name") != "":
			f.Fields = append(f.Fields, Field{attr(d, "name"), kind, attr(d, "value"), has(d, "checked")})
		case (d.Data == "select" || d.Data == "textarea") && attr(d, "name") != "":
			f.Fields = append(f.Fields, Field{attr(d, "name"), d.Data, selected(d), false})
		}
	}
	return f
}

// values are what the form sends when a button is pressed, before changes.
func (f Form) values(button string) url.Values {
	v := url.Values{}
	for _, field := range f.Fields {
		if (field.Type == "checkbox" || field.Type == "radio") && !field.Checked {
			continue
		}
		v.Add(field.Name, field.Value)
	}
	for _, b := range f.Buttons {
		if b.Value == button || button == "" { // Enter presses the first button
			if b.Name != "" {
				v.Add(b.Name, b.Value)
			}
			break
		}
	}
	return v
}

func selected(n *html.Node) string {
	if n.Data == "textarea" {
		return inner(n)
	}
	first, found := "", false
	for d := range n.Descendants() {
		if d.Type != html.ElementNode || d.Data != "option" {
			continue
		}
		if has(d, "selected") {
			return attr(d, "value")
		}
		if !found {
			first, found = attr(d, "value"), true
		}
	}
	return first
}

func hidden(n *html.Node) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		switch p.Data {
		case "script", "style", "title", "template", "noscript", "head":
			return true
		}
	}
	return false
}

func inner(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func attr(n *html.Node, name string) string {
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
