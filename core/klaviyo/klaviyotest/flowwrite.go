package klaviyotest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// createFlow is POST /api/flows: a whole definition. A new flow is in draft.
func (s *Server) createFlow(c *call) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	const pointer = "/data/attributes/definition"
	attributes, _ := data["attributes"].(object)
	name, _ := attributes["name"].(string)
	definition, is := attributes["definition"].(object)
	if data["type"] != "flow" || name == "" || !is {
		return s.invalid("/data/attributes", "A name and a definition are required.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	f := &Flow{ID: s.short(6), Name: name, Status: Draft, Created: s.now(), Updated: s.now()}
	if err := s.readDefinition(t, f, definition); err != nil {
		return s.invalid(pointer, err.Error())
	}
	t.Flows = append(t.Flows, f)
	c.URL.RawQuery = "additional-fields[flow]=definition" // it is shown at once
	return s.frozen(answer{status: 201, body: object{"data": s.flowResource(c, f)}})
}

// readDefinition fills a flow in from the form of the API. The lock is held.
func (s *Server) readDefinition(t *site, f *Flow, d object) error {
	triggers, _ := itemsOf(d["triggers"])
	for _, trigger := range triggers {
		id, _ := trigger["id"].(string)
		switch trigger["type"] {
		case "metric":
			i := slices.IndexFunc(t.Metrics, func(m *Metric) bool { return m.ID == id })
			if i < 0 {
				return fmt.Errorf("there is no metric %s", id)
			}
			f.Metric = t.Metrics[i].Name
		case "list":
			f.List = id
		case "segment":
			f.Segment = id
		default:
			return fmt.Errorf("the simulator does not know triggers of the type %v", trigger["type"])
		}
	}
	filter, err := s.readFilterBody(t, d["profile_filter"])
	if err != nil {
		return err
	}
	f.Filter = filter
	return s.readActions(t, f, d)
}

// readActions gives each action an id of its own in place of its temporary one, and puts
// the entry first. The lock is held.
func (s *Server) readActions(t *site, f *Flow, d object) error {
	list, fine := itemsOf(d["actions"])
	if !fine || len(list) == 0 {
		return fmt.Errorf("actions must not be empty")
	}
	ids := map[string]string{}
	for i, raw := range list {
		temporary, _ := raw["temporary_id"].(string)
		if temporary == "" {
			return fmt.Errorf("actions/%d: a temporary_id is required", i)
		}
		ids[temporary] = s.actionID()
	}
	for i, raw := range list {
		a, err := s.readAction(t, raw, ids)
		if err != nil {
			return fmt.Errorf("actions/%d: %w", i, err)
		}
		a.ID = ids[raw["temporary_id"].(string)]
		f.Actions = append(f.Actions, a)
	}
	entry, _ := d["entry_action_id"].(string)
	first := slices.IndexFunc(f.Actions, func(a Action) bool { return a.ID == ids[entry] })
	if first < 0 {
		return fmt.Errorf("entry_action_id names no action")
	}
	f.Actions[0], f.Actions[first] = f.Actions[first], f.Actions[0]
	return nil
}

// actionID is a number as text, as Klaviyo's are.
func (s *Server) actionID() string {
	n := uint32(0)
	for _, b := range s.bytes(4) {
		n = n<<8 | uint32(b)
	}
	return fmt.Sprint(100_000_000 + n%900_000_000)
}

// readAction reads one action. links names other actions by the ids of the request, which
// ids turns into real ones. The lock is held.
func (s *Server) readAction(t *site, raw object, ids map[string]string) (Action, error) {
	link := func(name string) string {
		to, _ := path(raw, "links", name).(string)
		switch {
		case to == "":
			return endOfFlow
		case ids[to] != "":
			return ids[to]
		}
		return to
	}
	kind, _ := raw["type"].(string)
	a := Action{Type: kind, Status: Draft, Next: link("next")}
	data, _ := raw["data"].(object)
	if status, _ := data["status"].(string); status != "" {
		a.Status = status
	}
	message, _ := data["message"].(object)
	a.Name, _ = message["name"].(string)
	switch kind {
	case SendWebhook:
		a.URL, _ = message["url"].(string)
		a.Body, _ = message["body"].(string)
		headers, _ := message["headers"].(object)
		a.Headers = map[string]string{}
		for name, value := range headers {
			a.Headers[name] = fmt.Sprint(value)
		}
		if _, ok := s.local(a.URL); !ok {
			return a, fmt.Errorf("data/message/url must be a valid https URL")
		}
	case SendEmail:
		a.Subject, _ = message["subject_line"].(string)
	case TimeDelay:
		unit := map[any]int{"days": 86400, "hours": 3600, "minutes": 60}[data["unit"]]
		n := 0
		_, err := fmt.Sscan(fmt.Sprint(data["value"]), &n)
		if unit == 0 || err != nil || n < 0 {
			return a, fmt.Errorf("data needs a unit of days, hours or minutes and a value")
		}
		a.DelaySeconds = unit * n
	case ConditionalSplit:
		filter, err := s.readFilterBody(t, data["profile_filter"])
		if err != nil || len(filter) == 0 {
			return a, fmt.Errorf("data/profile_filter is required: %w", err)
		}
		a.Filter, a.Next, a.NextFalse = filter, link("next_if_true"), link("next_if_false")
	default:
		return a, fmt.Errorf("the simulator does not know actions of the type %s", kind)
	}
	return a, nil
}

// patchFlow is PATCH /api/flows/{id}: the status of the flow and of all of its actions.
func (s *Server) patchFlow(c *call) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	status, _ := path(data, "attributes", "status").(string)
	if !slices.Contains([]string{Draft, Manual, Live}, status) {
		return s.invalid("/data/attributes/status", "The status is draft, manual or live.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.db.Sites[c.account].flow(c.PathValue("id"))
	if f == nil {
		return s.missing("A flow with id " + c.PathValue("id") + " does not exist.")
	}
	f.Status, f.Updated = status, s.now()
	for i := range f.Actions {
		f.Actions[i].Status = status
	}
	return s.frozen(answer{status: 200, body: object{"data": s.flowResource(c, f)}})
}

// deleteFlow is DELETE /api/flows/{id}.
func (s *Server) deleteFlow(c *call) answer {
	if !s.RemoveFlow(c.account, c.PathValue("id")) {
		return s.missing("A flow with id " + c.PathValue("id") + " does not exist.")
	}
	return answer{status: http.StatusNoContent}
}

// action finds an action of any flow. The lock is held.
func (t *site) action(id string) (*Flow, int) {
	for _, f := range t.Flows {
		for i, a := range f.Actions {
			if a.ID == id {
				return f, i
			}
		}
	}
	return nil, -1
}

func (s *Server) actionResource(c *call, f *Flow, i int) object {
	self := c.base + "/api/flow-actions/" + f.Actions[i].ID
	return object{"type": "flow-action", "id": f.Actions[i].ID,
		"attributes": object{"created": moment(f.Created), "updated": moment(f.Updated),
			"definition": s.actionBody(s.db.Sites[c.account], f, i)},
		"relationships": object{"flow": object{"data": object{"type": "flow", "id": f.ID},
			"links": object{"self": self + "/relationships/flow/", "related": self + "/flow/"}}},
		"links": object{"self": self + "/"}}
}

// getFlowActions is GET /api/flows/{id}/flow-actions.
func (s *Server) getFlowActions(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.db.Sites[c.account].flow(c.PathValue("id"))
	if f == nil {
		return s.missing("A flow with id " + c.PathValue("id") + " does not exist.")
	}
	var items []item
	for i, a := range f.Actions {
		items = append(items, item{fields: map[string]any{"id": a.ID, "status": a.Status,
			"action_type": upper(strings.ReplaceAll(a.Type, "-", "_"))},
			body: func() object { return s.actionResource(c, f, i) }})
	}
	return s.frozen(s.collect(c, rule{kind: "flow-action", size: 50, most: 50,
		filters: map[string][]string{"id": {"any"}, "action_type": {"any", "equals"},
			"status": {"equals"}},
		sorts: []string{"action_type", "-action_type", "id", "-id", "status", "-status"}}, items))
}

// getFlowAction is GET /api/flow-actions/{id}.
func (s *Server) getFlowAction(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, i := s.db.Sites[c.account].action(c.PathValue("id"))
	if f == nil {
		return s.invalid("/data/id", "Invalid flow action id.")
	}
	return s.frozen(answer{status: 200, body: object{"data": s.actionResource(c, f, i)}})
}

// patchFlowAction is PATCH /api/flow-actions/{id}: the whole definition is replaced.
func (s *Server) patchFlowAction(c *call) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	definition, is := path(data, "attributes", "definition").(object)
	if !is {
		return s.invalid("/data/attributes/definition", "A definition is required.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	f, i := t.action(c.PathValue("id"))
	if f == nil {
		return s.invalid("/data/id", "Invalid flow action id.")
	}
	a, err := s.readAction(t, definition, nil)
	if err != nil {
		return s.invalid("/data/attributes/definition", err.Error())
	}
	if a.Type != f.Actions[i].Type {
		return s.invalid("/data/attributes/definition/type", "The type of an action cannot change.")
	}
	a.ID, f.Updated = f.Actions[i].ID, s.now()
	f.Actions[i] = a
	return s.frozen(answer{status: 200, body: object{"data": s.actionResource(c, f, i)}})
}

// deleteFlowAction is DELETE /api/flow-actions/{id}: what led to it leads to what follows.
func (s *Server) deleteFlowAction(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, i := s.db.Sites[c.account].action(c.PathValue("id"))
	if f == nil {
		return s.invalid("/data/id", "Invalid flow action id.")
	}
	gone, after := f.Actions[i], f.following(i)
	for k := range f.Actions {
		if f.Actions[k].Next == gone.ID {
			f.Actions[k].Next = after
		}
		if f.Actions[k].NextFalse == gone.ID {
			f.Actions[k].NextFalse = after
		}
	}
	f.Actions = slices.Delete(f.Actions, i, i+1)
	return answer{status: http.StatusNoContent}
}
