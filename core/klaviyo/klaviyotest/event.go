package klaviyotest

import (
	"bytes"
	"encoding/json"
	"maps"
	"time"

	"lumo/core/vendortest"
	"lumo/shared/fault"
)

const maxString = 100 << 10

// incoming is an event of a request, checked.
type incoming struct {
	metric     string
	unique     string
	at         time.Time
	properties object
	profile    change
	backfill   bool
}

// readEvent takes an event's attributes apart.
func (s *Server) readEvent(attributes object, pointer string) (incoming, *answer) {
	bad := func(at, text string) (incoming, *answer) {
		a := s.invalid(pointer+at, text)
		return incoming{}, &a
	}
	in := incoming{at: s.now()}
	properties, is := attributes["properties"].(object)
	if !is || len(properties) > 400 {
		return bad("/properties", "properties is required and holds at most 400 values.")
	}
	for name, value := range properties {
		if text, is := value.(string); is && len(text) > maxString {
			return bad("/properties/"+name, "A string is at most 100KB.")
		}
	}
	in.properties = maps.Clone(properties)
	metric, _ := path(attributes, "metric", "data", "attributes", "name").(string)
	if metric == "" || len(metric) >= 128 {
		return bad("/metric", "A metric name of less than 128 characters is required.")
	}
	in.metric = metric
	if text, given := attributes["time"].(string); given {
		at, ok := readTime(text)
		if !ok || at.Year() < 1990 || at.After(s.now().AddDate(1, 0, 0)) {
			return bad("/time", "Invalid timestamp.")
		}
		in.at = at
	}
	in.at = in.at.Truncate(time.Second)
	in.unique = itoa(int(in.at.Unix()))
	if value, given := attributes["unique_id"]; given && value != nil {
		text, is := value.(string)
		if !is || text == "" || len(text) > 255 {
			return bad("/unique_id", "unique_id has 1 to 255 characters.")
		}
		in.unique = text
	}
	if value, given := attributes["value"]; given && value != nil {
		in.properties["$value"] = value
	}
	if value, given := attributes["value_currency"]; given && value != nil {
		in.properties["$value_currency"] = value
	}
	in.backfill, _ = attributes["backfill"].(bool)
	return in, nil
}

// path walks nested objects.
func path(v any, names ...string) any {
	for _, name := range names {
		o, is := v.(object)
		if !is {
			return nil
		}
		v = o[name]
	}
	return v
}

// createEvent is POST /api/events. It answers 202 before the event is processed.
func (s *Server) createEvent(c *call) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	attributes, is := data["attributes"].(object)
	if data["type"] != "event" || !is {
		return s.invalid("/data/type", "The payload must be an event with attributes.")
	}
	const pointer = "/data/attributes"
	in, bad := s.readEvent(attributes, pointer)
	if bad != nil {
		return *bad
	}
	profile, _ := path(attributes, "profile", "data").(object)
	in.profile, bad = s.readProfile(profile, pointer+"/profile/data", true)
	if bad != nil {
		return *bad
	}
	if in.profile.id == "" && !identified(in.profile.attrs) {
		return s.invalid(pointer+"/profile", "At least one identifier of the profile is required.")
	}
	s.mu.Lock()
	id, bad := s.record(s.db.Sites[c.account], in, "api")
	s.mu.Unlock()
	if bad != nil {
		return *bad
	}
	s.hurry()
	if id != "" {
		s.changed("event", id)
	}
	return answer{status: 202}
}

// record keeps an event unless it was there before; the id is empty then. An unknown
// profile id is answered 404 here; what the real API does is not known. The lock is held.
func (s *Server) record(t *site, in incoming, source string) (string, *answer) {
	p, bad := s.locate(t, in.profile)
	if bad != nil {
		return "", bad
	}
	if p == nil || len(in.profile.attrs) > 0 || len(in.profile.patch) > 0 {
		p = s.apply(t, p, in.profile)
	}
	key := p.ID + "\x00" + in.metric + "\x00" + in.unique
	if t.Seen[key] {
		return "", nil
	}
	t.Seen[key] = true
	e := &Event{
		ID:         s.short(11),
		UUID:       s.uuid(),
		Metric:     in.metric,
		MetricID:   s.metric(t, in.metric, source).ID,
		Profile:    p.ID,
		UniqueID:   in.unique,
		At:         in.at,
		Properties: in.properties,
		Backfill:   in.backfill,
		Received:   s.now(),
		Source:     source,
	}
	e.Properties["$event_id"] = in.unique
	e.Visible = e.Received.Add(time.Duration(t.Account.EventDelaySeconds) * time.Second)
	if f, on := s.faults.Take("klaviyo.events", vendortest.Late); on {
		e.Visible = e.Visible.Add(f.Delay())
	}
	t.Events = append(t.Events, e)
	t.enterEvent(e)
	if e.At.After(p.LastEvent) {
		p.LastEvent = e.At
	}
	return e.ID, nil
}

// metric finds a metric by name or makes it. The lock is held.
func (s *Server) metric(t *site, name, source string) *Metric {
	for _, m := range t.Metrics {
		if m.Name == name {
			return m
		}
	}
	m := &Metric{ID: s.short(6), Name: name, Source: "API", Created: s.now(), Updated: s.now()}
	if source == "shop" {
		m.Source = "Shopify"
	}
	t.Metrics = append(t.Metrics, m)
	return m
}

// resource is an event as the API shows it.
func (e *Event) resource(base string) object {
	self := base + "/api/events/" + e.ID
	return object{"type": "event", "id": e.ID,
		"attributes": object{"timestamp": e.At.Unix(), "event_properties": e.Properties,
			"datetime": moment(e.At), "uuid": e.UUID},
		"relationships": object{
			"profile": object{"data": object{"type": "profile", "id": e.Profile},
				"links": object{"self": self + "/relationships/profile/", "related": self + "/profile/"}},
			"metric": object{"data": object{"type": "metric", "id": e.MetricID},
				"links": object{"self": self + "/relationships/metric/", "related": self + "/metric/"}},
		},
		"links": object{"self": self + "/"}}
}

// getEvents is GET /api/events.
func (s *Server) getEvents(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	conditions, _ := readFilter(c.URL.Query().Get("filter")) // collect refuses what is wrong
	events := t.Events
	for _, k := range conditions {
		if k.field == "profile_id" && k.op == "equals" && len(k.values) == 1 {
			events = t.byProfile[k.values[0]] // the common question, answered without a walk
		}
	}
	now := s.now()
	var items []item
	for _, e := range events {
		if e.Visible.After(now) {
			continue
		}
		items = append(
			items,
			item{fields: map[string]any{"profile_id": e.Profile, "metric_id": e.MetricID,
				"datetime": e.At, "timestamp": e.At.Unix(), "profile": true, "metric": true},
				body: func() object { return e.resource(c.base) }},
		)
	}
	times := []string{"greater-or-equal", "greater-than", "less-or-equal", "less-than"}
	return s.frozen(s.collect(c, rule{
		kind: "event",
		size: 200,
		most: 1000,
		filters: map[string][]string{
			"profile_id": {"equals"},
			"metric_id":  {"equals"},
			"profile":    {"has"},
			"metric":     {"has"},
			"datetime":   times,
			"timestamp":  times,
		},
		sorts: []string{"datetime", "-datetime", "timestamp", "-timestamp"},
		includes: map[string]func(string) object{"metric": func(id string) object {
			for _, m := range t.Metrics {
				if m.ID == id {
					return m.resource(c.base)
				}
			}
			return nil
		}},
	}, items))
}

// getEvent is GET /api/events/{id}; a wrong id is 400, as seen live.
func (s *Server) getEvent(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.db.Sites[c.account].byEvent[c.PathValue("id")]; e != nil && !e.Visible.After(s.now()) {
		body := sparse(e.resource(c.base), c.URL.Query().Get("fields[event]"))
		return s.frozen(answer{status: 200, body: object{"data": body,
			"links": object{"self": c.base + "/api/events/" + e.ID}}})
	}
	return s.invalid("/data/id", "Invalid event id.")
}

// Happening is an event that the simulator's shop or a test makes.
type Happening struct {
	Profile    string         `json:"profile"` // id or email
	Metric     string         `json:"metric"`
	Properties map[string]any `json:"properties"`
	Time       time.Time      `json:"time"` // zero = now
	UniqueID   string         `json:"unique_id"`
	Value      any            `json:"value"`
	Backfill   bool           `json:"backfill"`
}

// Happen records an event as an integration of the account would. It gives the event's id.
func (s *Server) Happen(account string, h Happening) (string, error) {
	const op = "klaviyotest.Happen"
	attributes := object{"properties": object(h.Properties), "backfill": h.Backfill,
		"metric": object{"data": object{"attributes": object{"name": h.Metric}}}}
	if h.Properties == nil {
		attributes["properties"] = object{}
	}
	if !h.Time.IsZero() {
		attributes["time"] = h.Time.UTC().Format(time.RFC3339)
	}
	if h.UniqueID == "" {
		h.UniqueID = s.uuid()
	}
	attributes["unique_id"] = h.UniqueID
	if h.Value != nil {
		attributes["value"] = h.Value
	}
	in, bad := s.readEvent(attributes, "")
	if bad != nil {
		return "", fault.New(fault.Invalid, op, "The event is not valid.")
	}
	s.mu.Lock()
	t := s.site(account)
	if t == nil {
		s.mu.Unlock()
		return "", fault.New(fault.NotFound, op, "There is no such account.")
	}
	p := t.find(h.Profile)
	if p == nil {
		s.mu.Unlock()
		return "", fault.New(fault.NotFound, op, "There is no such profile.")
	}
	in.profile = change{id: p.ID}
	id, _ := s.record(t, in, "shop")
	s.mu.Unlock()
	s.hurry()
	s.changed("event", id)
	return id, nil
}

// Events lists what was recorded, oldest first; a profile (id or email) narrows it.
func (s *Server) Events(account, profile string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Event{}
	t := s.site(account)
	if t == nil {
		return out
	}
	events := t.Events
	if profile != "" {
		p := t.find(profile)
		if p == nil {
			return out
		}
		events = t.byProfile[p.ID]
	}
	for _, e := range events {
		one := *e
		one.Properties = maps.Clone(e.Properties)
		out = append(out, one)
	}
	return out
}

// itemsOf turns a list of a request into objects; false when one is none.
func itemsOf(v any) ([]object, bool) {
	list, is := v.([]any)
	if !is {
		return nil, false
	}
	var out []object
	for _, raw := range list {
		o, is := raw.(object)
		if !is {
			return nil, false
		}
		out = append(out, o)
	}
	return out, true
}

// raw is JSON text of anything JSON gave us.
func raw(v any) json.RawMessage {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v)
	return bytes.TrimSpace(text.Bytes())
}
