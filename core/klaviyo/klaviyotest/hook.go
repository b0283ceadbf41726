package klaviyotest

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// hook is a system webhook of an account.
type hook struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	URL         string    `json:"url"`
	Secret      string    `json:"secret"`
	Enabled     bool      `json:"enabled"`
	Topics      []string  `json:"topics"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
}

// resource masks the address, as Klaviyo does.
func (h *hook) resource(base string) object {
	masked := h.URL
	if u, err := url.Parse(h.URL); err == nil {
		masked = u.Scheme + "://" + u.Host + "/*****"
	}
	topics := []any{}
	for _, topic := range h.Topics {
		topics = append(topics, object{"type": "webhook-topic", "id": topic})
	}
	self := base + "/api/webhooks/" + h.ID
	return object{"type": "webhook", "id": h.ID,
		"attributes": object{"name": h.Name, "description": h.Description, "endpoint_url": masked,
			"enabled": h.Enabled, "created_at": moment(h.Created), "updated_at": moment(h.Updated)},
		"relationships": object{"webhook-topics": object{"data": topics, "links": object{
			"self": self + "/relationships/webhook-topics/", "related": self + "/webhook-topics/"}}},
		"links": object{"self": self + "/"}}
}

// topics are Klaviyo's own and one for each metric. The lock is held.
func (t *site) topics() []string {
	out := []string{"event:klaviyo.merged_profile", "event:klaviyo.subscribed_to_list",
		"event:klaviyo.subscribed_to_email_marketing", "event:klaviyo.clicked_email"}
	for _, m := range t.Metrics {
		out = append(out, m.topic())
	}
	return out
}

func (m *Metric) topic() string {
	return "event:" + strings.ToLower(m.Source) + "." + strings.ReplaceAll(strings.ToLower(m.Name), " ", "_")
}

// topic is the topic of an event's metric. The lock is held.
func (e *Event) topic(t *site) string {
	for _, m := range t.Metrics {
		if m.ID == e.MetricID {
			return m.topic()
		}
	}
	return ""
}

// getTopics is GET /api/webhook-topics.
func (s *Server) getTopics(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	data := []any{}
	for _, topic := range s.db.Sites[c.account].topics() {
		data = append(data, object{"type": "webhook-topic", "id": topic, "attributes": object{},
			"links": object{"self": c.base + "/api/webhook-topics/" + topic + "/"}})
	}
	return answer{status: 200, body: object{"data": data,
		"links": object{"self": c.base + c.URL.Path, "next": nil, "prev": nil}}}
}

// getHooks is GET /api/webhooks.
func (s *Server) getHooks(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	data := []any{}
	for _, h := range s.db.Sites[c.account].Hooks {
		data = append(data, h.resource(c.base))
	}
	return s.frozen(answer{status: 200, body: object{"data": data,
		"links": object{"self": c.base + c.URL.Path, "next": nil, "prev": nil}}})
}

func (t *site) hook(id string) *hook {
	if i := slices.IndexFunc(t.Hooks, func(h *hook) bool { return h.ID == id }); i >= 0 {
		return t.Hooks[i]
	}
	return nil
}

// getHook is GET /api/webhooks/{id}.
func (s *Server) getHook(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.db.Sites[c.account].hook(c.PathValue("id"))
	if h == nil {
		return s.missing("A webhook with id " + c.PathValue("id") + " does not exist.")
	}
	return s.frozen(answer{status: 200, body: object{"data": h.resource(c.base)}})
}

// createHook is POST /api/webhooks.
func (s *Server) createHook(c *call) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &hook{ID: s.ulid(), Enabled: true, Created: s.now()}
	if bad := s.fillHook(s.db.Sites[c.account], h, data, true); bad != nil {
		return *bad
	}
	t := s.db.Sites[c.account]
	t.Hooks = append(t.Hooks, h)
	return s.frozen(answer{status: 201, body: object{"data": h.resource(c.base)}})
}

// patchHook is PATCH /api/webhooks/{id}.
func (s *Server) patchHook(c *call) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	h := t.hook(c.PathValue("id"))
	if h == nil {
		return s.missing("A webhook with id " + c.PathValue("id") + " does not exist.")
	}
	if bad := s.fillHook(t, h, data, false); bad != nil {
		return *bad
	}
	return s.frozen(answer{status: 200, body: object{"data": h.resource(c.base)}})
}

// fillHook reads a webhook of a request. The lock is held.
func (s *Server) fillHook(t *site, h *hook, data object, fresh bool) *answer {
	bad := func(at, text string) *answer {
		a := s.invalid("/data/attributes"+at, text)
		return &a
	}
	attributes, _ := data["attributes"].(object)
	text := func(name string, into *string) {
		if value, is := attributes[name].(string); is {
			*into = value
		}
	}
	text("name", &h.Name)
	text("description", &h.Description)
	text("secret_key", &h.Secret)
	text("endpoint_url", &h.URL)
	if _, ok := s.local(h.URL); !ok {
		return bad("/endpoint_url", "The endpoint must be a valid https URL.")
	}
	if len(h.Secret) < 16 {
		return bad("/secret_key", "The secret has at least 16 characters.")
	}
	if on, is := attributes["enabled"].(bool); is && !fresh {
		h.Enabled = on
	}
	if list, is := itemsOf(path(data, "relationships", "webhook-topics", "data")); is {
		h.Topics = nil
		for _, topic := range list {
			id, _ := topic["id"].(string)
			if !slices.Contains(t.topics(), id) {
				return bad("/relationships/webhook-topics", "There is no topic "+id+".")
			}
			h.Topics = append(h.Topics, id)
		}
	}
	if h.Name == "" || len(h.Topics) == 0 {
		return bad("", "A name and at least one topic are required.")
	}
	h.Updated = s.now()
	return nil
}

// deleteHook is DELETE /api/webhooks/{id}.
func (s *Server) deleteHook(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	if t.hook(c.PathValue("id")) == nil {
		return s.missing("A webhook with id " + c.PathValue("id") + " does not exist.")
	}
	t.Hooks = slices.DeleteFunc(t.Hooks, func(h *hook) bool { return h.ID == c.PathValue("id") })
	return answer{status: 204}
}
