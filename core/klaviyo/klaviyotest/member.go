package klaviyotest

import (
	"net/http"
	"slices"
)

// createList is POST /api/lists.
func (s *Server) createList(c *call) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	name, _ := path(data, "attributes", "name").(string)
	if data["type"] != "list" || name == "" {
		return s.invalid("/data/attributes/name", "A name is required.")
	}
	l, err := s.SetList(c.account, List{Name: name})
	if err != nil {
		return s.invalid("/data", err.Error())
	}
	s.changed("list", l.ID)
	return s.frozen(answer{status: 201, body: object{"data": l.resource(c.base)}})
}

// changeMembers is POST and DELETE /api/lists/{id}/relationships/profiles: at most 1,000 ids.
func (s *Server) changeMembers(c *call) answer {
	var body object
	if decode(c.body, &body) != nil {
		return s.invalid("/data", "The request body is not valid JSON.")
	}
	rows, fine := itemsOf(body["data"])
	if !fine || len(rows) == 0 || len(rows) > 1000 {
		return s.invalid("/data", "1 to 1000 profiles are required.")
	}
	s.mu.Lock()
	t := s.db.Sites[c.account]
	l := t.list(c.PathValue("id"))
	if l == nil {
		s.mu.Unlock()
		return s.missing("A list with id " + c.PathValue("id") + " does not exist.")
	}
	for _, row := range rows {
		id, _ := row["id"].(string)
		if t.profile(id) == nil {
			s.mu.Unlock()
			return s.missing("A profile with id " + id + " does not exist.")
		}
	}
	for _, row := range rows {
		id := t.profile(row["id"].(string)).ID
		if c.Method == http.MethodDelete {
			l.Members = slices.DeleteFunc(l.Members, func(m string) bool { return m == id })
			continue
		}
		s.join(t, l.ID, id)
	}
	s.resegment(t)
	s.mu.Unlock()
	s.hurry()
	s.changed("list", c.PathValue("id"))
	return answer{status: http.StatusNoContent}
}

// memberIDs is GET /api/{lists|segments}/{id}/relationships/profiles: ids alone.
func (s *Server) memberIDs(kind string) endpoint {
	return func(c *call) answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		t := s.db.Sites[c.account]
		members, known := []string(nil), false
		if l := t.list(c.PathValue("id")); kind == "list" && l != nil {
			members, known = l.Members, true
		}
		if g := t.segment(c.PathValue("id")); kind == "segment" && g != nil {
			members, known = g.Members, true
		}
		if !known {
			return s.missing("A " + kind + " with id " + c.PathValue("id") + " does not exist.")
		}
		items := t.memberItems(members, c.base)
		for i, one := range items {
			id, _ := one.fields["id"].(string)
			items[i].body = func() object { return object{"type": "profile", "id": id} }
		}
		return s.frozen(s.collect(c, memberRule(), items))
	}
}

// profileLists is GET /api/profiles/{id}/lists.
func (s *Server) profileLists(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	p := t.profile(c.PathValue("id"))
	if p == nil {
		return s.missing("A profile with id " + c.PathValue("id") + " does not exist.")
	}
	data := []any{}
	for _, l := range t.Lists {
		if slices.Contains(l.Members, p.ID) {
			data = append(data, l.resource(c.base))
		}
	}
	return s.whole(c, data)
}

// profileSegments is GET /api/profiles/{id}/segments.
func (s *Server) profileSegments(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.db.Sites[c.account]
	p := t.profile(c.PathValue("id"))
	if p == nil {
		return s.missing("A profile with id " + c.PathValue("id") + " does not exist.")
	}
	data := []any{}
	for _, g := range t.Segments {
		if slices.Contains(g.Members, p.ID) {
			data = append(data, s.segmentResource(c, t, g))
		}
	}
	return s.whole(c, data)
}

// whole is a collection on one page. The lock is held.
func (s *Server) whole(c *call, data []any) answer {
	return s.frozen(answer{status: 200, body: object{"data": data,
		"links": object{"self": c.base + c.URL.Path, "next": nil, "prev": nil}}})
}

// LeaveList takes a profile (id or email) off a list.
func (s *Server) LeaveList(account, list, profile string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.site(account)
	if t == nil || t.list(list) == nil || t.find(profile) == nil {
		return false
	}
	l, id := t.list(list), t.find(profile).ID
	l.Members = slices.DeleteFunc(l.Members, func(m string) bool { return m == id })
	l.Updated = s.now()
	return true
}
