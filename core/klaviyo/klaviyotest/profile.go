package klaviyotest

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"lumo/shared/fault"
)

const maxProfile = 100 << 10

// change is a write to a profile: what is there is set, null clears, absent leaves.
type change struct {
	id    string
	attrs object
	patch object // meta.patch_properties
}

// textFields are the attributes that are plain text.
func (p *Profile) textFields() map[string]*string {
	return map[string]*string{
		"email":        &p.Email,
		"phone_number": &p.Phone,
		"external_id":  &p.ExternalID,
		"first_name":   &p.FirstName,
		"last_name":    &p.LastName,
		"organization": &p.Organization,
		"locale":       &p.Locale,
		"title":        &p.Title,
		"image":        &p.Image,
	}
}

// resource is a profile as the API shows it.
func (p *Profile) resource(base string) object {
	attributes := object{
		"properties":      p.Properties,
		"created":         stamp(p.Created),
		"updated":         stamp(p.Updated),
		"last_event_date": stamp(p.LastEvent),
		"location":        object{},
	}
	if p.Location != nil {
		attributes["location"] = p.Location
	}
	for name, value := range p.textFields() {
		attributes[name] = nil
		if *value != "" {
			attributes[name] = *value
		}
	}
	self := base + "/api/profiles/" + p.ID
	return object{"type": "profile", "id": p.ID, "attributes": attributes,
		"relationships": object{"lists": relation(self, "lists"), "segments": relation(self, "segments"),
			"push-tokens": relation(self, "push-tokens")},
		"links": object{"self": self + "/"}}
}

func relation(self, name string) object {
	return object{
		"links": object{
			"self":    self + "/relationships/" + name + "/",
			"related": self + "/" + name + "/",
		},
	}
}

// readProfile takes a profile object of a request apart. meta stands beside the attributes,
// or inside them in an event.
func (s *Server) readProfile(data object, pointer string, inEvent bool) (change, *answer) {
	bad := func(at, text string) (change, *answer) {
		a := s.invalid(pointer+at, text)
		return change{}, &a
	}
	if data["type"] != "profile" {
		return bad("/type", "The payload must have the type profile.")
	}
	ch := change{attrs: object{}}
	ch.id, _ = data["id"].(string)
	attributes, is := data["attributes"].(object)
	if !is && data["attributes"] != nil {
		return bad("/attributes", "The attributes must be an object.")
	}
	ch.attrs = maps.Clone(attributes)
	meta, _ := data["meta"].(object)
	if inEvent {
		meta, _ = ch.attrs["meta"].(object)
		delete(ch.attrs, "meta")
		delete(ch.attrs, "anonymous_id")
	}
	delete(ch.attrs, "_kx")
	ch.patch, _ = meta["patch_properties"].(object)
	known := (&Profile{}).textFields()
	for name, value := range ch.attrs {
		_, text := value.(string)
		switch {
		case name == "properties" || name == "location" || value == nil:
		case known[name] == nil:
			return bad("/attributes/"+name, "'"+name+"' is not a valid field for the resource 'profile'.")
		case !text:
			return bad("/attributes/"+name, "Not a valid string.")
		}
	}
	if fault := s.contactFault(ch.attrs, pointer); fault != nil {
		return change{}, fault
	}
	if len(raw(data)) > maxProfile {
		return bad("", "The profile is over 100KB.")
	}
	return ch, nil
}

// contactFault checks email and phone; numbers must be E.164.
func (s *Server) contactFault(attrs object, pointer string) *answer {
	if email, is := attrs["email"].(string); is {
		email = strings.ToLower(strings.TrimSpace(email))
		if !regexp.MustCompile(`^[^@\s"]+@[^@\s"]+\.[^@\s".]+$`).MatchString(email) {
			a := s.invalid(pointer+"/attributes/email", "Invalid email address")
			return &a
		}
		attrs["email"] = email
	}
	if phone, is := attrs["phone_number"].(string); is &&
		!regexp.MustCompile(`^\+[1-9]\d{6,14}$`).MatchString(phone) {
		a := s.invalid(pointer+"/attributes/phone_number",
			"Invalid phone number format (Example of a valid format: +12345678901)")
		return &a
	}
	return nil
}

// locate finds the profile of a change: id, external id, email, phone, in this order. Two
// different profiles are a conflict that names the other one. The lock is held.
func (s *Server) locate(t *site, ch change) (*Profile, *answer) {
	var found *Profile
	if ch.id != "" {
		if found = t.profile(ch.id); found == nil {
			a := s.missing("A profile with id " + ch.id + " does not exist.")
			return nil, &a
		}
	}
	for _, v := range []struct {
		field string
		table map[string]string
	}{{"external_id", t.byExternal}, {"email", t.byEmail}, {"phone_number", t.byPhone}} {
		value, _ := ch.attrs[v.field].(string)
		other := t.Profiles[v.table[value]]
		if value == "" || other == nil || other == found {
			continue
		}
		if found != nil {
			a := s.duplicate(other.ID)
			return nil, &a
		}
		found = other
	}
	return found, nil
}

func (s *Server) duplicate(other string) answer {
	return s.refuse(problem{409, "duplicate_profile", "Conflict.",
		"A profile already exists with one of these identifiers.", "/data/attributes",
		object{"duplicate_profile_id": other}})
}

// apply writes a change to a profile, or makes one. The lock is held.
func (s *Server) apply(t *site, p *Profile, ch change) *Profile {
	now := s.now()
	if p == nil {
		p = &Profile{ID: s.ulid(), Created: now, Properties: object{}}
		t.Profiles[p.ID] = p
		t.Sorted = append(t.Sorted, p.ID)
	} else {
		t.leave(p)
	}
	for name, field := range p.textFields() {
		if value, given := ch.attrs[name]; given {
			*field, _ = value.(string)
		}
	}
	if location, is := ch.attrs["location"].(object); is {
		p.Location = location
	}
	if properties, is := ch.attrs["properties"].(object); is {
		maps.Copy(p.Properties, properties)
	}
	patchProperties(p.Properties, ch.patch)
	p.Updated = now
	t.enter(p)
	s.resegment(t)
	return p
}

// patchProperties does append, unappend and unset.
func patchProperties(properties, patch object) {
	switch unset := patch["unset"].(type) {
	case string:
		delete(properties, unset)
	case []any:
		for _, name := range unset {
			if text, is := name.(string); is {
				delete(properties, text)
			}
		}
	}
	add, _ := patch["append"].(object)
	for name, value := range add {
		list, _ := properties[name].([]any)
		properties[name] = append(slices.Clone(list), flat(value)...)
	}
	drop, _ := patch["unappend"].(object)
	for name, value := range drop {
		list, _ := properties[name].([]any)
		properties[name] = slices.DeleteFunc(slices.Clone(list), func(v any) bool {
			return slices.Contains(flat(value), v)
		})
	}
}

func flat(value any) []any {
	if list, is := value.([]any); is {
		return list
	}
	return []any{value}
}

// readData reads the data object of a request.
func (s *Server) readData(c *call) (object, *answer) {
	var body object
	if decode(c.body, &body) != nil {
		a := s.invalid("/data", "The request body is not valid JSON.")
		return nil, &a
	}
	data, is := body["data"].(object)
	if !is {
		a := s.invalid("/data", "The field 'data' is required.")
		return nil, &a
	}
	return data, nil
}

// importProfile is POST /api/profile-import.
func (s *Server) importProfile(c *call) answer { return s.writeProfile(c, false, "") }

// createProfile is POST /api/profiles: a profile that exists is a conflict.
func (s *Server) createProfile(c *call) answer { return s.writeProfile(c, true, "") }

// patchProfile is PATCH /api/profiles/{id}.
func (s *Server) patchProfile(c *call) answer { return s.writeProfile(c, false, c.PathValue("id")) }

func (s *Server) writeProfile(c *call, fresh bool, id string) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	ch, bad := s.readProfile(data, "/data", false)
	if bad != nil {
		return *bad
	}
	if id != "" {
		ch.id = id
	}
	s.mu.Lock()
	t := s.db.Sites[c.account]
	p, bad := s.locate(t, ch)
	if bad == nil && p != nil && fresh {
		a := s.duplicate(p.ID)
		bad = &a
	}
	if bad == nil && p == nil && !identified(ch.attrs) {
		a := s.invalid(
			"/data/attributes",
			"At least one identifier is required: email, phone_number, external_id.",
		)
		bad = &a
	}
	if bad != nil {
		s.mu.Unlock()
		return *bad
	}
	status := 200
	if p == nil {
		status = 201
	}
	p = s.apply(t, p, ch)
	body := object{"data": p.resource(c.base), "links": object{"self": c.base + c.URL.Path}}
	copied := raw(body) // the profile may change once the lock is gone
	s.mu.Unlock()
	s.hurry()
	s.changed("profile", p.ID)
	return answer{status: status, body: copied}
}

func identified(attrs object) bool {
	for _, name := range []string{"email", "phone_number", "external_id"} {
		if text, _ := attrs[name].(string); text != "" {
			return true
		}
	}
	return false
}

// getProfile is GET /api/profiles/{id}.
func (s *Server) getProfile(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.db.Sites[c.account].profile(c.PathValue("id"))
	if p == nil {
		return s.missing("A profile with id " + c.PathValue("id") + " does not exist.")
	}
	body := sparse(p.resource(c.base), c.URL.Query().Get("fields[profile]"))
	return s.frozen(answer{status: 200, body: object{"data": body,
		"links": object{"self": c.base + "/api/profiles/" + p.ID}}})
}

// getProfiles is GET /api/profiles.
func (s *Server) getProfiles(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	return s.frozen(s.collect(c, profileRule(), t.profileItems(t.Sorted, c.base)))
}

func profileRule() rule {
	either := []string{"any", "equals"}
	times := []string{"greater-than", "less-than"}
	return rule{kind: "profile", size: 20, most: 100,
		filters: map[string][]string{"id": either, "email": either, "phone_number": either,
			"external_id": either, "_kx": {"equals"}, "created": times, "updated": times},
		sorts: []string{"created", "-created", "email", "-email", "id", "-id", "updated", "-updated"}}
}

func (t *site) profileItems(ids []string, base string) []item {
	var items []item
	for _, id := range ids {
		p := t.Profiles[id]
		if p == nil {
			continue
		}
		items = append(
			items,
			item{fields: map[string]any{"id": p.ID, "email": p.Email, "phone_number": p.Phone,
				"external_id": p.ExternalID, "_kx": "kx." + p.ID + "." + t.Account.ID, "created": p.Created,
				"updated": p.Updated, "profile_id": p.ID}, body: func() object { return p.resource(base) }},
		)
	}
	return items
}

// frozen turns an answer into text while the lock is held, because its parts may change.
func (s *Server) frozen(a answer) answer {
	a.body = raw(a.body)
	return a
}

// AddProfile makes a profile as a shop's integration would, or changes the one it names.
func (s *Server) AddProfile(account string, p Profile) (Profile, error) {
	attrs := object{"properties": object(p.Properties)}
	for name, value := range p.textFields() {
		if *value != "" {
			attrs[name] = *value
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.site(account)
	if t == nil {
		return Profile{}, fault.New(fault.NotFound, "klaviyotest.AddProfile", "There is no such account.")
	}
	if bad := s.contactFault(attrs, ""); bad != nil {
		return Profile{}, fault.New(
			fault.Invalid,
			"klaviyotest.AddProfile",
			"The email or phone is not valid.",
		)
	}
	found, bad := s.locate(t, change{attrs: attrs})
	if bad != nil {
		return Profile{}, fault.New(
			fault.Conflict,
			"klaviyotest.AddProfile",
			"Email and phone belong to two profiles.",
		)
	}
	if found == nil && p.ID != "" {
		found = t.profile(p.ID)
	}
	if found == nil && p.ID != "" {
		found = &Profile{ID: p.ID, Created: s.now(), Properties: object{}}
		t.Profiles[p.ID] = found
		t.Sorted = append(t.Sorted, p.ID)
	}
	return s.apply(t, found, change{attrs: attrs}).copied(), nil
}

func (p *Profile) copied() Profile {
	out := *p
	out.Properties = maps.Clone(p.Properties)
	return out
}

// Profiles lists an account's profiles in the order they were made.
func (s *Server) Profiles(account string) []Profile {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Profile{}
	if t := s.site(account); t != nil {
		for _, id := range t.Sorted {
			if p := t.Profiles[id]; p != nil {
				out = append(out, p.copied())
			}
		}
	}
	return out
}

// Profile finds a profile by id or email.
func (s *Server) Profile(account, ref string) (Profile, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.site(account); t != nil {
		if p := t.find(ref); p != nil {
			return p.copied(), true
		}
	}
	return Profile{}, false
}

// find takes a profile id or an email.
func (t *site) find(ref string) *Profile {
	if p := t.profile(ref); p != nil {
		return p
	}
	return t.Profiles[t.byEmail[strings.ToLower(ref)]]
}

// Merge joins two profiles, as Klaviyo does by itself: the source's events and lists go to
// the destination, and its id still resolves.
func (s *Server) Merge(account, source, destination string) bool {
	s.mu.Lock()
	t := s.site(account)
	from, to := t.profile(source), t.profile(destination)
	if from == nil || to == nil || from == to {
		s.mu.Unlock()
		return false
	}
	t.leave(from)
	delete(t.Profiles, from.ID)
	t.Merged[from.ID], t.MergedAt[from.ID] = to.ID, s.now()
	for name, value := range from.Properties {
		if _, has := to.Properties[name]; !has {
			to.Properties[name] = value
		}
	}
	for name, field := range from.textFields() {
		if own := to.textFields()[name]; *own == "" {
			*own = *field
		}
	}
	t.enter(to)
	for _, e := range t.byProfile[from.ID] {
		e.Profile = to.ID
		t.byProfile[to.ID] = append(t.byProfile[to.ID], e)
	}
	delete(t.byProfile, from.ID)
	s.moveMember(t, from.ID, to.ID)
	s.queueHooks(t, topicMerged, s.uuid(), s.mergedEvent(from.ID, to.ID))
	s.resegment(t)
	s.mu.Unlock()
	s.hurry()
	s.changed("profile", destination)
	return true
}
