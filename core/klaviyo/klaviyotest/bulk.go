package klaviyotest

import (
	"time"

	"lumo/core/vendortest"
)

// job is a bulk import of profiles.
type job struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"` // queued, processing, complete
	Created   time.Time `json:"created"`
	Due       time.Time `json:"due"`
	Completed time.Time `json:"completed"`
	Changes   []object  `json:"changes"`
	Lists     []string  `json:"lists"`
	Done      int       `json:"done"`
	Errors    []object  `json:"errors"`
}

// bulkEvents is POST /api/event-bulk-create-jobs. A unique id that comes twice for one
// profile and metric makes the whole request fail.
func (s *Server) bulkEvents(c *call) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	groups, fine := itemsOf(path(data, "attributes", "events-bulk-create", "data"))
	if data["type"] != "event-bulk-create-job" || !fine || len(groups) == 0 {
		return s.invalid("/data/attributes/events-bulk-create", "At least one event is required.")
	}
	all, bad := s.readGroups(groups)
	if bad != nil {
		return *bad
	}
	s.mu.Lock()
	t := s.db.Sites[c.account]
	seen := map[string]bool{}
	for _, in := range all {
		p, bad := s.locate(t, in.profile)
		if bad != nil {
			s.mu.Unlock()
			return *bad
		}
		who := string(raw(in.profile.attrs))
		if p != nil {
			who = p.ID
		}
		key := who + "\x00" + in.metric + "\x00" + in.unique
		if seen[key] || t.Seen[key] {
			s.mu.Unlock()
			return s.invalid("/data/attributes/events-bulk-create/data", "A unique_id is repeated.")
		}
		seen[key] = true
	}
	for _, in := range all {
		if _, bad := s.record(t, in, "bulk"); bad != nil {
			s.mu.Unlock()
			return *bad
		}
	}
	s.mu.Unlock()
	s.hurry()
	s.changed("event", "")
	return answer{status: 202}
}

func (s *Server) readGroups(groups []object) ([]incoming, *answer) {
	var all []incoming
	for i, group := range groups {
		pointer := "/data/attributes/events-bulk-create/data/" + itoa(i) + "/attributes"
		attributes, _ := group["attributes"].(object)
		profile, _ := path(attributes, "profile", "data").(object)
		meta, _ := profile["meta"].(object)
		ch, bad := s.readProfile(profile, pointer+"/profile/data", false)
		if bad != nil {
			return nil, bad
		}
		ch.patch, _ = meta["patch_properties"].(object)
		events, fine := itemsOf(path(attributes, "events", "data"))
		if !fine {
			a := s.invalid(pointer+"/events", "events is required.")
			return nil, &a
		}
		backfill, _ := attributes["backfill"].(bool)
		for _, e := range events {
			inner, _ := e["attributes"].(object)
			in, bad := s.readEvent(inner, pointer)
			if bad != nil {
				return nil, bad
			}
			in.profile, in.backfill = ch, backfill || in.backfill
			all = append(all, in)
		}
	}
	if len(all) > 1000 {
		a := s.invalid("/data/attributes/events-bulk-create/data", "At most 1000 events.")
		return nil, &a
	}
	return all, nil
}

// bulkProfiles is POST /api/profile-bulk-import-jobs.
func (s *Server) bulkProfiles(c *call) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	profiles, fine := itemsOf(path(data, "attributes", "profiles", "data"))
	if data["type"] != "profile-bulk-import-job" || !fine || len(profiles) == 0 ||
		len(profiles) > 10000 {
		return s.invalid("/data/attributes/profiles", "1 to 10000 profiles are required.")
	}
	j := &job{ID: s.ulid(), Status: "queued", Created: s.now(), Due: s.now(), Changes: profiles}
	if f, on := s.faults.Take("klaviyo.imports", vendortest.Late); on {
		j.Due = j.Due.Add(f.Delay())
	}
	lists, _ := itemsOf(path(data, "relationships", "lists", "data"))
	for _, l := range lists {
		id, _ := l["id"].(string)
		j.Lists = append(j.Lists, id)
	}
	s.mu.Lock()
	s.db.Sites[c.account].Jobs[j.ID] = j
	a := s.frozen(answer{status: 202, body: object{"data": j.resource(c.base)}})
	s.mu.Unlock()
	s.hurry()
	return a
}

func (j *job) resource(base string) object {
	self := base + "/api/profile-bulk-import-jobs/" + j.ID
	return object{
		"type": "profile-bulk-import-job",
		"id":   j.ID,
		"attributes": object{
			"status":          j.Status,
			"created_at":      stamp(j.Created),
			"total_count":     len(j.Changes),
			"completed_count": j.Done,
			"failed_count":    len(j.Errors),
			"completed_at":    stamp(j.Completed),
			"expires_at":      stamp(j.Created.AddDate(0, 0, 7)),
			"started_at":      stamp(j.Created),
		},
		"relationships": object{
			"import-errors": object{"links": object{"related": self + "/import-errors/"}},
		},
		"links": object{"self": self + "/"},
	}
}

// getJobs is GET /api/profile-bulk-import-jobs.
func (s *Server) getJobs(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []item
	for _, j := range s.db.Sites[c.account].Jobs {
		items = append(items, item{fields: map[string]any{"status": j.Status, "created_at": j.Created},
			body: func() object { return j.resource(c.base) }})
	}
	return s.frozen(s.collect(c, rule{
		kind: "profile-bulk-import-job",
		size: 20,
		most: 100,
		filters: map[string][]string{
			"status": {"any", "equals"},
		},
		sorts: []string{"created_at", "-created_at"},
	}, items))
}

// getJob is GET /api/profile-bulk-import-jobs/{id}.
func (s *Server) getJob(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.db.Sites[c.account].Jobs[c.PathValue("id")]
	if j == nil {
		return s.missing("A job with id " + c.PathValue("id") + " does not exist.")
	}
	return s.frozen(answer{status: 200, body: object{"data": j.resource(c.base)}})
}

// getJobErrors is GET /api/profile-bulk-import-jobs/{id}/import-errors.
func (s *Server) getJobErrors(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.db.Sites[c.account].Jobs[c.PathValue("id")]
	if j == nil {
		return s.missing("A job with id " + c.PathValue("id") + " does not exist.")
	}
	var items []item
	for _, e := range j.Errors {
		items = append(items, item{body: func() object { return e }})
	}
	return s.frozen(s.collect(c, rule{kind: "import-error", size: 20, most: 100}, items))
}

// workJobs does the imports that are due. The lock is held.
func (s *Server) workJobs(t *site) {
	for _, j := range t.Jobs {
		if j.Status == "complete" {
			continue
		}
		if j.Due.After(s.now()) {
			j.Status = "processing"
			continue
		}
		for i, data := range j.Changes {
			if bad := s.importOne(t, j, data, i); bad != nil {
				first := bad.body.(object)["errors"].([]any)[0].(object)
				j.Errors = append(j.Errors, object{"type": "import-error", "id": s.uuid(),
					"attributes": object{"code": first["code"], "title": first["title"], "detail": first["detail"],
						"source": first["source"], "original_payload": data},
					"links": object{"self": ""}})
				continue
			}
			j.Done++
		}
		j.Status, j.Completed = "complete", s.now()
	}
}

func (s *Server) importOne(t *site, j *job, data object, i int) *answer {
	pointer := "/data/attributes/profiles/data/" + itoa(i)
	ch, bad := s.readProfile(data, pointer, false)
	if bad != nil {
		return bad
	}
	p, bad := s.locate(t, ch)
	if bad != nil {
		return bad
	}
	if p == nil && !identified(ch.attrs) {
		a := s.invalid(pointer, "At least one identifier is required.")
		return &a
	}
	p = s.apply(t, p, ch)
	for _, id := range j.Lists {
		s.join(t, id, p.ID)
	}
	return nil
}
