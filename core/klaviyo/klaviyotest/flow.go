package klaviyotest

import (
	"slices"
	"time"

	"lumo/shared/fault"
)

// getFlows is GET /api/flows.
func (s *Server) getFlows(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []item
	for _, f := range s.db.Sites[c.account].Flows {
		items = append(items, item{fields: map[string]any{"id": f.ID, "name": f.Name, "status": f.Status,
			"archived": f.Archived, "created": f.Created, "updated": f.Updated, "trigger_type": f.trigger()},
			body: func() object { return s.flowResource(c, f) }})
	}
	times := []string{"equals", "greater-or-equal", "greater-than", "less-or-equal", "less-than"}
	return s.frozen(s.collect(c, rule{
		kind: "flow",
		size: 50,
		most: 50,
		filters: map[string][]string{
			"id":           {"any"},
			"name":         {"contains", "ends-with", "equals", "starts-with"},
			"status":       {"equals"},
			"archived":     {"equals"},
			"created":      times,
			"updated":      times,
			"trigger_type": {"equals"},
		},
		sorts: []string{"created", "-created", "id", "-id", "name", "-name", "status", "-status",
			"updated", "-updated"},
	}, items))
}

// getFlow is GET /api/flows/{id}.
func (s *Server) getFlow(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.db.Sites[c.account].flow(c.PathValue("id"))
	if f == nil {
		return s.missing("A flow with id " + c.PathValue("id") + " does not exist.")
	}
	body := sparse(s.flowResource(c, f), c.URL.Query().Get("fields[flow]"))
	return s.frozen(answer{status: 200, body: object{"data": body,
		"links": object{"self": c.base + "/api/flows/" + f.ID}}})
}

// flowResource is a flow as the API shows it, with its definition where that is asked for.
func (s *Server) flowResource(c *call, f *Flow) object {
	attributes := object{"name": f.Name, "status": f.Status, "archived": f.Archived,
		"created": moment(f.Created), "updated": moment(f.Updated), "trigger_type": f.trigger()}
	if c.URL.Query().Get("additional-fields[flow]") == "definition" {
		attributes["definition"] = s.definition(c, f)
	}
	return object{"type": "flow", "id": f.ID, "attributes": attributes,
		"links": object{"self": c.base + "/api/flows/" + f.ID + "/"}}
}

func (s *Server) definition(c *call, f *Flow) object {
	t := s.db.Sites[c.account]
	triggers := []any{}
	switch {
	case f.Metric != "":
		m := s.metric(t, f.Metric, "api")
		triggers = append(triggers, object{"type": "metric", "id": m.ID, "trigger_filter": nil})
	case f.List != "":
		triggers = append(triggers, object{"type": "list", "id": f.List})
	case f.Segment != "":
		triggers = append(triggers, object{"type": "segment", "id": f.Segment})
	}
	actions := []any{}
	for i := range f.Actions {
		actions = append(actions, s.actionBody(t, f, i))
	}
	entry := any(nil)
	if len(f.Actions) > 0 {
		entry = f.Actions[0].ID
	}
	return object{
		"triggers":        triggers,
		"profile_filter":  s.filterBody(t, f.Filter),
		"actions":         actions,
		"entry_action_id": entry,
	}
}

// actionBody is an action in a definition.
func (s *Server) actionBody(t *site, f *Flow, i int) object {
	a := f.Actions[i]
	link := func(id string) any {
		if id == endOfFlow || f.at(id) < 0 {
			return nil
		}
		return id
	}
	links := object{"next": link(f.following(i))}
	data := object{"status": a.Status}
	switch a.Type {
	case SendWebhook:
		headers := a.Headers
		if t.Account.MaskHeaders {
			headers = map[string]string{}
			for name := range a.Headers {
				headers[name] = "****"
			}
		}
		data["message"] = object{"name": a.Name, "url": a.URL, "headers": headers, "body": a.Body}
	case SendEmail:
		data["message"] = object{"name": a.Name, "subject_line": a.Subject}
	case TimeDelay:
		data = object{"unit": "minutes", "value": a.DelaySeconds / 60}
	case ConditionalSplit:
		data = object{"profile_filter": s.filterBody(t, a.Filter)}
		links = object{"next_if_true": link(f.following(i)), "next_if_false": link(a.NextFalse)}
	}
	return object{"id": a.ID, "type": a.Type, "data": data, "links": links}
}

// following is the id of what comes after an action.
func (f *Flow) following(i int) string {
	switch {
	case f.Actions[i].Next != "":
		return f.Actions[i].Next
	case i+1 < len(f.Actions):
		return f.Actions[i+1].ID
	}
	return endOfFlow
}

// at is where an action stands, -1 = nowhere.
func (f *Flow) at(id string) int {
	return slices.IndexFunc(f.Actions, func(a Action) bool { return a.ID == id })
}

func (f *Flow) trigger() string {
	switch {
	case f.Metric != "":
		return "Metric"
	case f.List != "" || f.Segment != "":
		return "Added to List"
	}
	return "Unconfigured"
}

func (t *site) flow(id string) *Flow {
	if i := slices.IndexFunc(t.Flows, func(f *Flow) bool { return f.ID == id }); i >= 0 {
		return t.Flows[i]
	}
	return nil
}

func (f *Flow) copied() Flow {
	out := *f
	out.Actions = slices.Clone(f.Actions)
	return out
}

// SetFlow makes a flow, or changes the one with its id. Actions without a status are in
// draft, as in Klaviyo; times stay as they were.
func (s *Server) SetFlow(account string, f Flow) (Flow, error) {
	const op = "klaviyotest.SetFlow"
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.site(account)
	if t == nil {
		return Flow{}, fault.New(fault.NotFound, op, "There is no such account.")
	}
	if f.ID == "" {
		f.ID = s.short(6)
	}
	if f.Status == "" {
		f.Status = Draft
	}
	if !slices.Contains([]string{Draft, Manual, Live}, f.Status) {
		return Flow{}, fault.New(fault.Invalid, op, "The status is draft, manual or live.")
	}
	f.Actions = slices.Clone(f.Actions)
	for i := range f.Actions {
		if bad := s.completeAction(&f.Actions[i]); bad != nil {
			return Flow{}, bad
		}
	}
	f.Created, f.Updated = s.now(), s.now()
	if f.Metric != "" {
		s.metric(t, f.Metric, "shop")
	}
	kept := f.copied()
	if old := t.flow(f.ID); old != nil {
		kept.Created = old.Created
		*old = kept
	} else {
		t.Flows = append(t.Flows, &kept)
	}
	return kept.copied(), nil
}

func (s *Server) completeAction(a *Action) error {
	if a.Type == "" || a.Type == "webhook" {
		a.Type = SendWebhook
	}
	if a.ID == "" {
		a.ID = s.actionID()
	}
	if a.Status == "" {
		a.Status = Draft
	}
	if !slices.Contains([]string{Draft, Manual, Live, Disabled}, a.Status) {
		return fault.New(
			fault.Invalid,
			"klaviyotest.SetFlow",
			"An action's status is draft, manual, live or disabled.",
		)
	}
	if a.Type == SendWebhook && a.URL != "" {
		if _, ok := s.local(a.URL); !ok {
			return fault.New(
				fault.Invalid,
				"klaviyotest.SetFlow",
				"The URL of a webhook must begin with https://.",
			)
		}
	}
	if !slices.Contains([]string{SendWebhook, SendEmail, TimeDelay, ConditionalSplit}, a.Type) {
		return fault.New(
			fault.Invalid,
			"klaviyotest.SetFlow",
			"An action is send-webhook, send-email, time-delay or conditional-split.",
		)
	}
	return nil
}

// Flows lists the account's flows.
func (s *Server) Flows(account string) []Flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Flow{}
	if t := s.site(account); t != nil {
		for _, f := range t.Flows {
			out = append(out, f.copied())
		}
	}
	return out
}

// Flow finds a flow by id.
func (s *Server) Flow(account, id string) (Flow, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.site(account); t != nil {
		if f := t.flow(id); f != nil {
			return f.copied(), true
		}
	}
	return Flow{}, false
}

// RemoveFlow deletes a flow and what waits in it.
func (s *Server) RemoveFlow(account, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.site(account)
	if t == nil || t.flow(id) == nil {
		return false
	}
	t.Flows = slices.DeleteFunc(t.Flows, func(f *Flow) bool { return f.ID == id })
	t.Runs = slices.DeleteFunc(t.Runs, func(r *run) bool { return r.Flow == id })
	return true
}

// run is one profile on its way through a flow.
type run struct {
	ID      string    `json:"id"`
	Flow    string    `json:"flow"`
	Profile string    `json:"profile"`
	Event   string    `json:"event,omitempty"`
	Step    int       `json:"step"`
	Due     time.Time `json:"due"`
	Attempt int       `json:"attempt"`
	First   time.Time `json:"first"` // of the step's attempts
}
