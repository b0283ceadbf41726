package klaviyotest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Condition is one test of a profile: of a property, of how often an event happened, or of
// membership in a list or segment.
type Condition struct {
	Property string `json:"property,omitempty"` // custom property, or a profile's own field
	Metric   string `json:"metric,omitempty"`   // how often this happened
	Group    string `json:"group,omitempty"`    // id of a list or segment
	// Operator: equals, not_equals, is_set, is_not_set, contains of a property; at_least, at_most of
	// a metric, with a number as value; in, not_in of a group.
	Operator string `json:"operator"`
	Value    string `json:"value,omitempty"`
}

// Filter is groups of conditions: every group must hold, and of a group one condition.
type Filter [][]Condition

// holds tells whether a profile passes. The lock is held.
func (f Filter) holds(t *site, p *Profile) bool {
	for _, group := range f {
		if !slices.ContainsFunc(group, func(k Condition) bool { return k.holds(t, p) }) {
			return false
		}
	}
	return true
}

func (k Condition) holds(t *site, p *Profile) bool {
	switch {
	case k.Metric != "":
		return k.often(t, p)
	case k.Group != "":
		return t.member(k.Group, p.ID) == (k.Operator != "not_in")
	}
	value, known := p.Properties[k.Property]
	if field := p.textFields()[k.Property]; field != nil {
		value, known = *field, *field != ""
	}
	known = known && value != nil
	text := fmt.Sprint(value)
	switch k.Operator {
	case "not_equals":
		return !known || text != k.Value
	case "is_set":
		return known
	case "is_not_set":
		return !known
	case "contains":
		return known && strings.Contains(text, k.Value)
	}
	return known && text == k.Value
}

// often counts events of a metric that are visible.
func (k Condition) often(t *site, p *Profile) bool {
	n := 0
	for _, e := range t.byProfile[p.ID] {
		if e.Metric == k.Metric && e.Started {
			n++
		}
	}
	limit, err := strconv.Atoi(k.Value)
	if err != nil {
		limit = 1
	}
	if k.Operator == "at_most" {
		return n <= limit
	}
	return n >= limit
}

// member tells whether a profile is in a list or segment.
func (t *site) member(group, profile string) bool {
	if l := t.list(group); l != nil {
		return slices.Contains(l.Members, profile)
	}
	if g := t.segment(group); g != nil {
		return slices.Contains(g.Members, profile)
	}
	return false
}

// definition is a filter as the API shows it, null where there is none.
func (s *Server) filterBody(t *site, f Filter) any {
	if len(f) == 0 {
		return nil
	}
	groups := []any{}
	for _, group := range f {
		conditions := []any{}
		for _, k := range group {
			conditions = append(conditions, s.conditionBody(t, k))
		}
		groups = append(groups, object{"conditions": conditions})
	}
	return object{"condition_groups": groups}
}

func (s *Server) conditionBody(t *site, k Condition) object {
	operator := strings.ReplaceAll(k.Operator, "_", "-")
	switch {
	case k.Metric != "":
		n, _ := strconv.Atoi(k.Value)
		name := map[string]string{"at_least": "greater-than-or-equal", "at_most": "less-than-or-equal"}[k.Operator]
		return object{"type": "profile-metric", "metric_id": s.metric(t, k.Metric, "api").ID,
			"measurement":        "count",
			"measurement_filter": object{"type": "numeric", "operator": name, "value": n},
			"timeframe_filter":   object{"type": "date", "operator": "alltime"}}
	case k.Group != "":
		return object{"type": "profile-group-membership", "is_member": k.Operator != "not_in",
			"group_ids": []any{k.Group}}
	}
	filter := object{"type": "string", "operator": operator, "value": k.Value}
	if k.Operator == "is_set" || k.Operator == "is_not_set" {
		filter = object{"type": "existence", "operator": operator}
	}
	return object{"type": "profile-property", "property": propertyName(k.Property), "filter": filter}
}

// propertyName is how definitions write a property.
func propertyName(name string) string {
	if (&Profile{}).textFields()[name] != nil {
		return name
	}
	return "properties['" + name + "']"
}

// readFilterBody reads a filter of a definition. The lock is held.
func (s *Server) readFilterBody(t *site, v any) (Filter, error) {
	groups, fine := itemsOf(path(v, "condition_groups"))
	if v == nil {
		return nil, nil
	}
	if !fine {
		return nil, fmt.Errorf("condition_groups must be a list")
	}
	var out Filter
	for _, group := range groups {
		conditions, _ := itemsOf(group["conditions"])
		var one []Condition
		for _, c := range conditions {
			k, err := s.readCondition(t, c)
			if err != nil {
				return nil, err
			}
			one = append(one, k)
		}
		if len(one) == 0 {
			return nil, fmt.Errorf("a group of conditions must not be empty")
		}
		out = append(out, one)
	}
	return out, nil
}

func (s *Server) readCondition(t *site, c object) (Condition, error) {
	switch c["type"] {
	case "profile-property":
		name, _ := c["property"].(string)
		name = strings.TrimSuffix(strings.TrimPrefix(name, "properties['"), "']")
		operator, _ := path(c, "filter", "operator").(string)
		k := Condition{Property: name, Operator: strings.ReplaceAll(operator, "-", "_")}
		if value, had := c["filter"].(object)["value"]; had {
			k.Value = fmt.Sprint(value)
		}
		return k, nil
	case "profile-metric":
		id, _ := c["metric_id"].(string)
		operator, _ := path(c, "measurement_filter", "operator").(string)
		k := Condition{Operator: "at_least", Value: fmt.Sprint(path(c, "measurement_filter", "value"))}
		if strings.HasPrefix(operator, "less") {
			k.Operator = "at_most"
		}
		for _, m := range t.Metrics {
			if m.ID == id {
				k.Metric = m.Name
				return k, nil
			}
		}
		return k, fmt.Errorf("there is no metric %s", id)
	case "profile-group-membership":
		ids, _ := c["group_ids"].([]any)
		if len(ids) == 0 {
			return Condition{}, fmt.Errorf("group_ids must not be empty")
		}
		k := Condition{Operator: "in", Group: fmt.Sprint(ids[0])}
		if c["is_member"] == false {
			k.Operator = "not_in"
		}
		return k, nil
	}
	return Condition{}, fmt.Errorf("the simulator does not know conditions of the type %v", c["type"])
}
