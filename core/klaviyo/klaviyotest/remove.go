package klaviyotest

import "slices"

// RemoveProfile deletes a profile (id or email) with all that Klaviyo knows of it, as an
// account's own deletion request does. Its id is unknown from then on.
func (s *Server) RemoveProfile(account, ref string) bool {
	s.mu.Lock()
	t := s.site(account)
	if t == nil || t.find(ref) == nil {
		s.mu.Unlock()
		return false
	}
	p := t.find(ref)
	t.leave(p)
	delete(t.Profiles, p.ID)
	delete(t.byProfile, p.ID)
	t.Sorted = slices.DeleteFunc(t.Sorted, func(id string) bool { return id == p.ID })
	ofIt := func(e *Event) bool { return e.Profile == p.ID }
	t.Events, t.pending = slices.DeleteFunc(t.Events, ofIt), slices.DeleteFunc(t.pending, ofIt)
	t.Runs = slices.DeleteFunc(t.Runs, func(r *run) bool { return r.Profile == p.ID })
	for _, l := range t.Lists {
		l.Members = slices.DeleteFunc(l.Members, func(m string) bool { return m == p.ID })
	}
	for _, g := range t.Segments {
		g.Members = slices.DeleteFunc(g.Members, func(m string) bool { return m == p.ID })
	}
	s.mu.Unlock()
	s.changed("profile", p.ID)
	return true
}
