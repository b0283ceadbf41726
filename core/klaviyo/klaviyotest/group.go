package klaviyotest

import (
	"slices"
	"strings"

	"lumo/shared/fault"
)

// getMetrics is GET /api/metrics: 200 a page, no page[size].
func (s *Server) getMetrics(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []item
	for _, m := range s.db.Sites[c.account].Metrics {
		items = append(items, item{fields: map[string]any{"integration.name": m.Source},
			body: func() object { return m.resource(c.base) }})
	}
	return s.frozen(s.collect(c, rule{
		kind: "metric",
		filters: map[string][]string{
			"integration.name":     {"equals"},
			"integration.category": {"equals"},
		},
	}, items))
}

// getMetric is GET /api/metrics/{id}.
func (s *Server) getMetric(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.db.Sites[c.account].Metrics {
		if m.ID == c.PathValue("id") {
			return s.frozen(answer{status: 200, body: object{"data": m.resource(c.base)}})
		}
	}
	return s.missing("A metric with id " + c.PathValue("id") + " does not exist.")
}

func (m *Metric) resource(base string) object {
	return object{"type": "metric", "id": m.ID,
		"attributes": object{"name": m.Name, "created": moment(m.Created), "updated": moment(m.Updated),
			"integration": object{"object": "integration", "id": "0eMvjm", "key": strings.ToLower(m.Source),
				"name": m.Source, "category": m.Source}},
		"links": object{"self": base + "/api/metrics/" + m.ID + "/"}}
}

func groupRule(kind string) rule {
	either := []string{"any", "equals"}
	return rule{kind: kind, size: 10, most: 10,
		filters: map[string][]string{"id": either, "name": either, "created": {"greater-than"},
			"updated": {"greater-than"}, "is_active": either, "is_starred": {"equals"}},
		sorts: []string{"created", "-created", "id", "-id", "name", "-name", "updated", "-updated"}}
}

// getLists is GET /api/lists.
func (s *Server) getLists(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []item
	for _, l := range s.db.Sites[c.account].Lists {
		items = append(
			items,
			item{fields: map[string]any{"id": l.ID, "name": l.Name, "created": l.Created,
				"updated": l.Updated}, body: func() object { return l.resource(c.base) }},
		)
	}
	return s.frozen(s.collect(c, groupRule("list"), items))
}

func (l *List) resource(base string) object {
	return object{"type": "list", "id": l.ID,
		"attributes": object{"name": l.Name, "created": moment(l.Created), "updated": moment(l.Updated),
			"opt_in_process": "single_opt_in"},
		"links": object{"self": base + "/api/lists/" + l.ID + "/"}}
}

func (t *site) list(id string) *List {
	if i := slices.IndexFunc(t.Lists, func(l *List) bool { return l.ID == id }); i >= 0 {
		return t.Lists[i]
	}
	return nil
}

func (t *site) segment(id string) *Segment {
	if i := slices.IndexFunc(t.Segments, func(g *Segment) bool { return g.ID == id }); i >= 0 {
		return t.Segments[i]
	}
	return nil
}

// getList is GET /api/lists/{id}.
func (s *Server) getList(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.db.Sites[c.account].list(c.PathValue("id")); l != nil {
		body := sized(c, "list", l.resource(c.base), len(l.Members))
		return s.frozen(answer{status: 200, body: object{"data": body}})
	}
	return s.missing("A list with id " + c.PathValue("id") + " does not exist.")
}

// getListProfiles is GET /api/lists/{id}/profiles.
func (s *Server) getListProfiles(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	l := t.list(c.PathValue("id"))
	if l == nil {
		return s.missing("A list with id " + c.PathValue("id") + " does not exist.")
	}
	return s.frozen(s.collect(c, memberRule(), t.memberItems(l.Members, c.base)))
}

func memberRule() rule {
	either := []string{"any", "equals"}
	return rule{kind: "profile", size: 20, most: 100,
		filters: map[string][]string{
			"email":           either,
			"phone_number":    either,
			"_kx":             {"equals"},
			"profile_id":      either,
			"joined_group_at": {"greater-than", "less-than", "greater-or-equal", "less-or-equal"},
		},
		sorts: []string{"joined_group_at", "-joined_group_at"}}
}

func (t *site) memberItems(ids []string, base string) []item {
	items := t.profileItems(ids, base)
	for i, one := range items {
		body := one.body
		one.fields["joined_group_at"] = one.fields["updated"]
		items[i].body = func() object {
			out := body()
			attributes, _ := out["attributes"].(object)
			attributes["joined_group_at"] = attributes["updated"]
			return out
		}
	}
	return items
}

// getSegments is GET /api/segments.
func (s *Server) getSegments(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []item
	t := s.db.Sites[c.account]
	for _, g := range t.Segments {
		items = append(
			items,
			item{fields: map[string]any{"id": g.ID, "name": g.Name, "created": g.Created,
				"updated": g.Updated, "is_active": true, "is_starred": false},
				body: func() object { return s.segmentResource(c, t, g) }},
		)
	}
	return s.frozen(s.collect(c, groupRule("segment"), items))
}

// conditions are all that a segment asks of a profile.
func (g *Segment) conditions() Filter {
	if g.Property == "" && g.Metric == "" {
		return g.Filter
	}
	first := Condition{Property: g.Property, Metric: g.Metric, Operator: g.Operator, Value: g.Value}
	if first.Metric != "" {
		first.Property = ""
	}
	return append(Filter{{first}}, g.Filter...)
}

func (s *Server) segmentResource(c *call, t *site, g *Segment) object {
	return object{"type": "segment", "id": g.ID,
		"attributes": object{"name": g.Name, "created": moment(g.Created), "updated": moment(g.Updated),
			"is_active": true, "is_processing": false, "is_starred": false,
			"definition": s.filterBody(t, g.conditions())},
		"links": object{"self": c.base + "/api/segments/" + g.ID + "/"}}
}

// sized adds profile_count where it is asked for.
func sized(c *call, kind string, body object, n int) object {
	if c.URL.Query().Get("additional-fields["+kind+"]") == "profile_count" {
		body["attributes"].(object)["profile_count"] = n
	}
	return body
}

// getSegment is GET /api/segments/{id}.
func (s *Server) getSegment(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	if g := t.segment(c.PathValue("id")); g != nil {
		body := sized(c, "segment", s.segmentResource(c, t, g), len(g.Members))
		return s.frozen(answer{status: 200, body: object{"data": body}})
	}
	return s.missing("A segment with id " + c.PathValue("id") + " does not exist.")
}

// getSegmentProfiles is GET /api/segments/{id}/profiles.
func (s *Server) getSegmentProfiles(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	g := t.segment(c.PathValue("id"))
	if g == nil {
		return s.missing("A segment with id " + c.PathValue("id") + " does not exist.")
	}
	return s.frozen(s.collect(c, memberRule(), t.memberItems(g.Members, c.base)))
}

// resegment asks for the segments to be evaluated. The lock is held.
func (s *Server) resegment(t *site) {
	due := s.now().Unix() + int64(t.Account.SegmentDelaySeconds)
	if n := len(t.segmentsDue); n == 0 || t.segmentsDue[n-1] != due {
		t.segmentsDue = append(t.segmentsDue, due)
	}
}

// workSegments moves profiles in and out of segments; entering one can start flows. The
// lock is held.
func (s *Server) workSegments(t *site) {
	now, due := s.now().Unix(), false
	t.segmentsDue = slices.DeleteFunc(t.segmentsDue, func(at int64) bool {
		due = due || at <= now
		return at <= now
	})
	if !due {
		return
	}
	for _, g := range t.Segments {
		var members []string
		for _, id := range t.Sorted {
			p := t.Profiles[id]
			if p == nil || !g.conditions().holds(t, p) {
				continue
			}
			members = append(members, id)
			if !slices.Contains(g.Members, id) {
				s.entered(t, "segment", g.ID, id)
			}
		}
		g.Members = members
	}
}

// join puts a profile on a list, which can start flows. The lock is held.
func (s *Server) join(t *site, list, profile string) bool {
	l := t.list(list)
	if l == nil {
		return false
	}
	if !slices.Contains(l.Members, profile) {
		l.Members = append(l.Members, profile)
		l.Updated = s.now()
		s.entered(t, "list", l.ID, profile)
	}
	return true
}

// SetList makes or changes a list.
func (s *Server) SetList(account string, l List) (List, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.site(account)
	if t == nil {
		return List{}, fault.New(fault.NotFound, "klaviyotest.SetList", "There is no such account.")
	}
	if l.ID == "" {
		l.ID = s.short(6)
	}
	l.Updated = s.now()
	if old := t.list(l.ID); old != nil {
		l.Created = old.Created
		*old = l
		return l, nil
	}
	l.Created = s.now()
	kept := l
	t.Lists = append(t.Lists, &kept)
	return l, nil
}

// JoinList puts a profile (id or email) on a list.
func (s *Server) JoinList(account, list, profile string) bool {
	s.mu.Lock()
	t := s.site(account)
	done := false
	if t != nil {
		if p := t.find(profile); p != nil {
			done = s.join(t, list, p.ID)
		}
	}
	s.mu.Unlock()
	s.hurry()
	return done
}

// SetSegment makes or changes a segment and evaluates it.
func (s *Server) SetSegment(account string, g Segment) (Segment, error) {
	s.mu.Lock()
	t := s.site(account)
	if t == nil {
		s.mu.Unlock()
		return Segment{}, fault.New(fault.NotFound, "klaviyotest.SetSegment", "There is no such account.")
	}
	if g.ID == "" {
		g.ID = s.short(6)
	}
	if g.Operator == "" {
		g.Operator = "equals"
	}
	g.Created, g.Updated = s.now(), s.now()
	kept := g
	if old := t.segment(g.ID); old != nil {
		kept.Created, kept.Members = old.Created, old.Members
		*old = kept
	} else {
		t.Segments = append(t.Segments, &kept)
	}
	s.resegment(t)
	g = kept
	g.Members = slices.Clone(kept.Members) // the stored one changes with its customers
	s.mu.Unlock()
	s.hurry()
	return g, nil
}

// Lists and Segments are the account's groups.
func (s *Server) Lists(account string) []List {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []List{}
	if t := s.site(account); t != nil {
		for _, l := range t.Lists {
			one := *l
			one.Members = slices.Clone(l.Members)
			out = append(out, one)
		}
	}
	return out
}

// Segments lists the account's segments with their members.
func (s *Server) Segments(account string) []Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Segment{}
	if t := s.site(account); t != nil {
		for _, g := range t.Segments {
			one := *g
			one.Members = slices.Clone(g.Members)
			out = append(out, one)
		}
	}
	return out
}

// Metrics lists the account's metrics.
func (s *Server) Metrics(account string) []Metric {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Metric{}
	if t := s.site(account); t != nil {
		for _, m := range t.Metrics {
			out = append(out, *m)
		}
	}
	return out
}
