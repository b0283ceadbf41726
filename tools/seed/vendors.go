package seed

import (
	"context"
	"encoding/json"
	"net/url"
	"time"
)

// What the vendors' own screens and phones would do and show, typed as far as the demo looks.

// InstallFlow fills a flow's webhook with what the console gave and sets it live. A flow
// that is not there yet is made.
func (s *Sim) InstallFlow(ctx context.Context, flow, name, metric string, settings FlowSettings) error {
	in := map[string]any{"id": flow, "name": name, "metric": metric, "status": "live",
		"webhook": map[string]any{"url": settings.URL, "body": settings.Body,
			"headers": map[string]string{settings.Header: settings.Key, "Content-Type": "application/json"}}}
	return s.Post(ctx, "/klaviyo/flows", in, nil)
}

// Trigger lets something happen to a customer in Klaviyo.
func (s *Sim) Trigger(ctx context.Context, profile, metric string) error {
	return s.Post(ctx, "/klaviyo/events", map[string]any{"profile": profile, "metric": metric}, nil)
}

// Email renders an email for a customer and gives its HTML.
func (s *Sim) Email(ctx context.Context, profile, html string) (string, error) {
	var out struct {
		HTML string `json:"html"`
	}
	err := s.Post(ctx, "/klaviyo/emails/render", map[string]any{"profile": profile, "subject": "Tea", "html": html}, &out)
	return out.HTML, err
}

// Page is what a phone shows after an address was opened.
type Page struct {
	URL    string `json:"url"`
	Status int    `json:"status"`
	Text   string `json:"text"`
	Login  *struct {
		Request string `json:"request"`
	} `json:"login"`
	Forms []struct {
		Buttons []struct {
			Text string `json:"text"`
		} `json:"buttons"`
	} `json:"forms"`
	Location string `json:"location"`
}

type pages struct {
	Pages []Page `json:"pages"`
}

func (s *Sim) phone(ctx context.Context, person, action string, in any) ([]Page, error) {
	var out pages
	err := s.Post(ctx, "/people/"+person+"/"+action, in, &out)
	return out.Pages, err
}

// Scan holds a phone's camera to a code.
func (s *Sim) Scan(ctx context.Context, person, address string) ([]Page, error) {
	return s.phone(ctx, person, "scan", map[string]any{"url": address})
}

// Consent answers LINE's consent screen.
func (s *Sim) Consent(ctx context.Context, person, request, order string) ([]Page, error) {
	return s.phone(ctx, person, "consent", map[string]any{"request": request, "add_friend": true, "order": order})
}

// OpenURL opens an address on a phone.
func (s *Sim) OpenURL(ctx context.Context, person, address string) ([]Page, error) {
	return s.phone(ctx, person, "open_url", map[string]any{"url": address})
}

// Submit presses the first button of the page that a phone shows.
func (s *Sim) Submit(ctx context.Context, person string) ([]Page, error) {
	return s.phone(ctx, person, "submit_form", map[string]any{})
}

// Tap taps a link in a chat.
func (s *Sim) Tap(ctx context.Context, person, address string) ([]Page, error) {
	return s.phone(ctx, person, "tap", map[string]any{"url": address})
}

// View opens the chat: previews and pictures load, as on a real phone.
func (s *Sim) View(ctx context.Context, person string) error {
	_, err := s.phone(ctx, person, "view", map[string]any{})
	return err
}

// Block blocks the account.
func (s *Sim) Block(ctx context.Context, person string) error {
	_, err := s.phone(ctx, person, "block", map[string]any{})
	return err
}

// ChatMessage is a message as a phone received it.
type ChatMessage struct {
	At      time.Time       `json:"at"`
	From    string          `json:"from"`
	Message json.RawMessage `json:"message"`
}

// Text is the message's text, "" for other kinds.
func (m ChatMessage) Text() string {
	var body struct{ Text string }
	if json.Unmarshal(m.Message, &body) != nil {
		return ""
	}
	return body.Text
}

// Chat is what the account wrote to a person.
func (s *Sim) Chat(ctx context.Context, person string) ([]ChatMessage, error) {
	var all []ChatMessage
	if err := s.list(ctx, "/people/"+person+"/chat", &all); err != nil {
		return nil, err
	}
	var received []ChatMessage
	for _, m := range all {
		if m.From == "account" {
			received = append(received, m)
		}
	}
	return received, nil
}

// list reads a list, with or without an envelope around it.
func (s *Sim) list(ctx context.Context, path string, out any) error {
	var raw json.RawMessage
	if err := s.Get(ctx, path, &raw); err != nil {
		return err
	}
	if len(raw) > 0 && raw[0] == '[' {
		return json.Unmarshal(raw, out)
	}
	var envelope struct{ Items json.RawMessage }
	if err := json.Unmarshal(raw, &envelope); err != nil || len(envelope.Items) == 0 {
		return err
	}
	return json.Unmarshal(envelope.Items, out)
}

// ProfileEvent is an event that stands at Klaviyo.
type ProfileEvent struct {
	Metric     string         `json:"metric"`
	UniqueID   string         `json:"unique_id"`
	Properties map[string]any `json:"properties"`
}

// Events are a customer's events at Klaviyo.
func (s *Sim) Events(ctx context.Context, profile string) ([]ProfileEvent, error) {
	var all []ProfileEvent
	err := s.list(ctx, "/klaviyo/events?profile="+url.QueryEscape(profile), &all)
	return all, err
}

// Properties are a customer's custom properties at Klaviyo.
func (s *Sim) Properties(ctx context.Context, profile string) (map[string]any, error) {
	var out struct {
		Profile struct {
			Properties map[string]any `json:"properties"`
		} `json:"profile"`
	}
	err := s.Get(ctx, "/klaviyo/profiles/"+url.PathEscape(profile), &out)
	return out.Profile.Properties, err
}

// Fault makes a vendor's API misbehave a number of times.
func (s *Sim) Fault(ctx context.Context, api, kind string, times int) error {
	return s.Post(ctx, "/faults", map[string]any{"api": api, "kind": kind, "times": times}, nil)
}
