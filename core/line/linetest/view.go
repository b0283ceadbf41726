package linetest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"lumo/shared/fault"
)

// Load is one picture or preview that a phone or LINE's crawler fetched.
type Load struct {
	URL    string `json:"url"`
	Kind   string `json:"kind"` // image or preview
	Status int    `json:"status"`
	Type   string `json:"content_type,omitempty"`
	Cached bool   `json:"cached,omitempty"`
	Note   string `json:"note,omitempty"`
}

// View displays a person's chat: what was not shown before loads its pictures, once per
// phone and address as far as the answer may be kept, and LINE's crawler fetches a preview
// of each bare address in a text.
func (s *Server) View(ctx context.Context, person, channel string) ([]Load, error) {
	if err := s.usable("linetest.View", person); err != nil {
		return nil, err
	}
	loads := []Load{}
	for _, m := range s.unseen(person, channel) {
		pictures, previews := displayed(m)
		for _, address := range pictures {
			loads = append(loads, s.image(ctx, person, address))
		}
		for _, address := range previews {
			loads = append(loads, s.preview(ctx, address))
		}
	}
	s.changed("chat", person)
	return loads, nil
}

// unseen marks the messages that are displayed for the first time and gives them.
func (s *Server) unseen(person, channel string) []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var out []json.RawMessage
	for _, m := range s.db.Chats[person] {
		if m.ViewedAt == nil && m.From == "account" && (channel == "" || m.Channel == channel) {
			m.ViewedAt = &now
			s.count(person, m, "")
			out = append(out, m.Message)
		}
	}
	return out
}

// displayed are the pictures that a message shows, and the addresses LINE previews.
func displayed(raw json.RawMessage) (pictures, previews []string) {
	var m object
	if json.Unmarshal(raw, &m) != nil {
		return nil, nil
	}
	switch m.text("type") {
	case "text", "textV2":
		previews = addresses(m.text("text"))
	case "image", "video":
		pictures = append(pictures, m.text("previewImageUrl"))
	case "imagemap":
		pictures = append(pictures, m.text("baseUrl")+"/1040")
	default:
		pictures = pictureFields(map[string]any(m), "")
	}
	if icon := m.child("sender").text("iconUrl"); icon != "" {
		pictures = append(pictures, icon)
	}
	for _, item := range m.child("quickReply").list("items") {
		if icon := item.text("imageUrl"); icon != "" {
			pictures = append(pictures, icon)
		}
	}
	return pictures, previews
}

// pictureFields walks a template or Flex message for the addresses of its pictures.
func pictureFields(v any, key string) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		kind, _ := v["type"].(string)
		for name, inner := range v {
			if address, is := inner.(string); is {
				flex := name == "url" && (kind == "image" || kind == "icon" || kind == "video")
				if flex || name == "thumbnailImageUrl" || name == "imageUrl" && kind != "action" ||
					name == "previewUrl" {
					out = append(out, address)
				}
				continue
			}
			if name != "action" && name != "actions" && name != "quickReply" {
				out = append(out, pictureFields(inner, name)...)
			}
		}
	case []any:
		for _, inner := range v {
			out = append(out, pictureFields(inner, key)...)
		}
	}
	return out
}

// addresses finds the web addresses of a text, as LINE underlines them.
func addresses(text string) []string {
	found := regexp.MustCompile(`https?://[!-~]+`).FindAllString(text, -1)
	for i, address := range found {
		found[i] = strings.TrimRight(address, ".,;:!?)\"'")
	}
	return found
}

// image loads a picture unless the phone still has it.
func (s *Server) image(ctx context.Context, person, address string) Load {
	l := Load{URL: address, Kind: "image"}
	now := s.now()
	s.mu.Lock()
	until, cached := s.db.Cached[person][address]
	s.mu.Unlock()
	if cached && now.Before(until) {
		l.Cached = true
		return l
	}
	header, body := s.fetch(ctx, &l, imageAgent)
	s.keepPicture(person, address, l, body)
	if life := cacheLife(header); l.Status == http.StatusOK && life > 0 {
		s.mu.Lock()
		if s.db.Cached[person] == nil {
			s.db.Cached[person] = map[string]time.Time{}
		}
		s.db.Cached[person][address] = now.Add(life)
		s.mu.Unlock()
	}
	if l.Status == http.StatusOK && !strings.HasPrefix(l.Type, "image/") {
		l.Note = "not a picture: the phone shows an empty area"
	}
	return l
}

func (s *Server) preview(ctx context.Context, address string) Load {
	l := Load{URL: address, Kind: "preview"}
	s.fetch(ctx, &l, previewAgent)
	return l
}

// fetch gets an address and follows its redirects.
func (s *Server) fetch(ctx context.Context, l *Load, agent string) (http.Header, []byte) {
	address := l.URL
	for range maxHops {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			l.Note = "this is not an address"
			return nil, nil
		}
		req.Header.Set("User-Agent", agent)
		res, err := s.client.Do(req)
		if err != nil {
			l.Note = unreached(err)
			return nil, nil
		}
		body, _ := io.ReadAll(io.LimitReader(res.Body, 10<<20)) // what came before a break is kept
		res.Body.Close()
		l.Status = res.StatusCode
		l.Type, _, _ = strings.Cut(res.Header.Get("Content-Type"), ";")
		to, err := res.Location()
		if res.StatusCode/100 != 3 || err != nil {
			return res.Header, body
		}
		address = to.String()
	}
	l.Note = "too many redirects"
	return nil, nil
}

// cacheLife is how long an answer may be kept: LINE's app keeps pictures per address, and
// obeys Cache-Control. Without one they are kept for a day here.
func cacheLife(h http.Header) time.Duration {
	control := strings.ToLower(h.Get("Cache-Control"))
	if strings.Contains(control, "no-store") || strings.Contains(control, "no-cache") {
		return 0
	}
	if _, after, found := strings.Cut(control, "max-age="); found {
		digits, _, _ := strings.Cut(after, ",")
		if n, err := strconv.Atoi(strings.TrimSpace(digits)); err == nil {
			return time.Duration(n) * time.Second
		}
	}
	return 24 * time.Hour
}

// Tap is what a person touches in a chat: an address, or a whole action object.
type Tap struct {
	URL     string          `json:"url"`
	Action  json.RawMessage `json:"action"`
	Channel string          `json:"channel"` // the chat it is in; empty = the first account
	Message string          `json:"message"` // the message it is in; empty = the newest with this link
}

// Tapped is what a tap did.
type Tapped struct {
	Did   string `json:"did"` // opened, said, sent_data, nothing
	Pages []Page `json:"pages"`
}

// Touch does what a tap in a chat does: open a link in LINE's browser, say a text, send data.
func (s *Server) Touch(ctx context.Context, person string, tap Tap) (Tapped, error) {
	var a object
	if len(tap.Action) > 0 {
		if err := json.Unmarshal(tap.Action, &a); err != nil {
			return Tapped{}, fault.New(fault.Invalid, "linetest.Touch", "The action is not a JSON object.")
		}
	}
	address := tap.URL
	for _, field := range []string{"uri", "linkUri"} {
		if address == "" {
			address = a.text(field)
		}
	}
	if address != "" {
		if u, err := url.Parse(address); err == nil && u.Scheme == "tel" {
			return Tapped{
				Did:   "nothing",
				Pages: []Page{{URL: address, Note: "the phone would call this number"}},
			}, nil
		}
		s.countTap(person, tap.Channel, tap.Message, address)
		pages, err := s.Open(ctx, person, address)
		return Tapped{Did: "opened", Pages: pages}, err
	}
	switch a.text("type") {
	case "message":
		return Tapped{Did: "said"}, s.Say(person, tap.Channel, a.text("text"))
	case "postback":
		if text := a.text("displayText"); text != "" {
			s.showOwn(person, tap.Channel, text)
		}
		return Tapped{Did: "sent_data"}, s.Postback(person, tap.Channel, a.text("data"))
	}
	return Tapped{Did: "nothing"}, nil
}

// showOwn puts a text into the chat that only the phone shows.
func (s *Server) showOwn(person, channel, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.only(channel)
	if c == nil || s.person(person) == nil {
		return
	}
	shown, _ := json.Marshal(map[string]string{"type": "text", "text": text}) // strings
	s.db.Numbers++
	s.db.Chats[person] = append(s.db.Chats[person], &Message{ID: itoa(int(s.db.Numbers)), At: s.now(),
		Channel: c.MessagingID, Account: c.account(), From: "person", Message: shown})
}
