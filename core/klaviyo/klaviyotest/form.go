package klaviyotest

import (
	"slices"
	"time"

	"lumo/shared/fault"
)

// FormMetric is what Klaviyo records when somebody submits a form.
const FormMetric = "Form submitted by profile"

// Form is a sign-up form of the shop.
type Form struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Status  string    `json:"status"` // draft or live
	List    string    `json:"list"`   // whoever submits it joins this list
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

func (f *Form) resource(base string) object {
	self := base + "/api/forms/" + f.ID
	return object{"type": "form", "id": f.ID,
		"attributes": object{"name": f.Name, "status": f.Status, "ab_test": false,
			"created_at": moment(f.Created), "updated_at": moment(f.Updated)},
		"relationships": object{"form-versions": object{"links": object{
			"self": self + "/relationships/form-versions/", "related": self + "/form-versions/"}}},
		"links": object{"self": self + "/"}}
}

// getForms is GET /api/forms.
func (s *Server) getForms(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []item
	for _, f := range s.db.Sites[c.account].Forms {
		items = append(items, item{fields: map[string]any{"id": f.ID, "name": f.Name, "status": f.Status,
			"ab_test": false, "created_at": f.Created, "updated_at": f.Updated},
			body: func() object { return f.resource(c.base) }})
	}
	times := []string{"greater-or-equal", "greater-than", "less-or-equal", "less-than"}
	return s.frozen(s.collect(c, rule{kind: "form", size: 20, most: 100,
		filters: map[string][]string{"id": {"any", "equals"}, "name": {"any", "contains", "equals"},
			"status": {"equals"}, "ab_test": {"equals"}, "created_at": times, "updated_at": times},
		sorts: []string{"created_at", "-created_at", "updated_at", "-updated_at"}}, items))
}

// getForm is GET /api/forms/{id}.
func (s *Server) getForm(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.db.Sites[c.account].form(c.PathValue("id"))
	if f == nil {
		return s.missing("A form with id " + c.PathValue("id") + " does not exist.")
	}
	body := f.resource(c.base)
	// What the form looks like is nothing the simulator knows.
	body["attributes"].(object)["definition"] = object{"versions": []any{object{"steps": []any{}}}}
	return s.frozen(answer{status: 200, body: object{"data": body}})
}

func (t *site) form(id string) *Form {
	if i := slices.IndexFunc(t.Forms, func(f *Form) bool { return f.ID == id }); i >= 0 {
		return t.Forms[i]
	}
	return nil
}

// SetForm makes a form, or changes the one with its id.
func (s *Server) SetForm(account string, f Form) (Form, error) {
	const op = "klaviyotest.SetForm"
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.site(account)
	if t == nil {
		return Form{}, fault.New(fault.NotFound, op, "There is no such account.")
	}
	if f.Name == "" || f.List != "" && t.list(f.List) == nil {
		return Form{}, fault.New(fault.Invalid, op, "A form needs a name, and its list must exist.")
	}
	if f.ID == "" {
		f.ID = s.short(6)
	}
	if f.Status == "" {
		f.Status = Live
	}
	f.Created, f.Updated = s.now(), s.now()
	if old := t.form(f.ID); old != nil {
		f.Created = old.Created
		*old = f
		return f, nil
	}
	kept := f
	t.Forms = append(t.Forms, &kept)
	return f, nil
}

// Forms lists the account's forms.
func (s *Server) Forms(account string) []Form {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Form{}
	if t := s.site(account); t != nil {
		for _, f := range t.Forms {
			out = append(out, *f)
		}
	}
	return out
}

// SubmitForm is a visitor who fills a form in: the profile is made or found by its email or
// phone, joins the form's list, and the event of a submitted form is recorded.
func (s *Server) SubmitForm(account, form string, fields map[string]string) (Profile, error) {
	const op = "klaviyotest.SubmitForm"
	attrs := object{}
	for name, value := range fields {
		if (&Profile{}).textFields()[name] == nil {
			return Profile{}, fault.New(fault.Invalid, op, "A form has no field %s.", name)
		}
		if value != "" {
			attrs[name] = value
		}
	}
	s.mu.Lock()
	t := s.site(account)
	if t == nil || t.form(form) == nil || t.form(form).Status != Live {
		s.mu.Unlock()
		return Profile{}, fault.New(fault.NotFound, op, "There is no such form, or it is in draft.")
	}
	f := t.form(form)
	if bad := s.contactFault(attrs, ""); bad != nil || !identified(attrs) {
		s.mu.Unlock()
		return Profile{}, fault.New(fault.Invalid, op, "A valid email or phone number is needed.")
	}
	in := incoming{metric: FormMetric, unique: s.uuid(), at: s.now().Truncate(time.Second),
		properties: object{"form_id": f.ID, "form_name": f.Name}, profile: change{attrs: attrs}}
	if _, bad := s.record(t, in, "klaviyo"); bad != nil {
		s.mu.Unlock()
		return Profile{}, fault.New(fault.Conflict, op, "Email and phone belong to two profiles.")
	}
	email, _ := attrs["email"].(string)
	p := t.find(email)
	if p == nil {
		phone, _ := attrs["phone_number"].(string)
		p = t.Profiles[t.byPhone[phone]]
	}
	if f.List != "" {
		s.join(t, f.List, p.ID)
	}
	out := p.copied()
	s.mu.Unlock()
	s.hurry()
	s.changed("profile", out.ID)
	return out, nil
}
