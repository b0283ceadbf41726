package klaviyotest

import (
	"slices"
	"time"
)

// mergedLife is how long the id of a merged profile goes on resolving; then it is 404.
// Klaviyo does not say how long that is.
const mergedLife = 24 * time.Hour

// topicMerged is the topic of merges.
const topicMerged = "event:klaviyo.merged_profile"

// mergeProfiles is POST /api/profile-merge: the source goes into the destination, whose id
// is the answer. Klaviyo does the work later; here it is done at once.
func (s *Server) mergeProfiles(c *call) answer {
	data, bad := s.readData(c)
	if bad != nil {
		return *bad
	}
	into, _ := data["id"].(string)
	sources, _ := itemsOf(path(data, "relationships", "profiles", "data"))
	if data["type"] != "profile-merge" || into == "" || len(sources) != 1 {
		return s.invalid("/data", "A destination and exactly one source are required.")
	}
	from, _ := sources[0]["id"].(string)
	s.mu.Lock()
	t := s.db.Sites[c.account]
	for _, id := range []string{into, from} {
		if t.profile(id) == nil {
			s.mu.Unlock()
			return s.missing("A profile with id " + id + " does not exist.")
		}
	}
	s.mu.Unlock()
	if !s.Merge(c.account, from, into) {
		return s.invalid("/data/relationships/profiles", "A profile cannot be merged into itself.")
	}
	return answer{status: 202, body: object{"data": object{"type": "profile", "id": into,
		"links": object{"self": c.base + "/api/profiles/" + into + "/"}}}}
}

// moveMember lets the destination take the source's places on lists and in flows. The lock
// is held.
func (s *Server) moveMember(t *site, from, to string) {
	for _, l := range t.Lists {
		i := slices.Index(l.Members, from)
		switch {
		case i < 0:
		case slices.Contains(l.Members, to):
			l.Members = slices.Delete(l.Members, i, i+1)
		default:
			l.Members[i] = to
		}
	}
	for _, r := range t.Runs {
		if r.Profile == from {
			r.Profile = to
		}
	}
}

// mergedEvent is what system webhooks are told. What the real event's properties are called
// is not known; here they name both profiles.
func (s *Server) mergedEvent(from, to string) object {
	return object{"type": "event", "id": s.short(11),
		"attributes": object{"timestamp": s.now().Unix(), "datetime": moment(s.now()), "uuid": s.uuid(),
			"event_properties": object{"source_profile_id": from, "destination_profile_id": to}},
		"relationships": object{"profile": object{"data": object{"type": "profile", "id": to}}}}
}

// forget ends the ids of profiles that were merged long ago. The lock is held.
func (s *Server) forget(t *site) {
	for id, at := range t.MergedAt {
		if s.now().Sub(at) >= mergedLife {
			delete(t.Merged, id)
			delete(t.MergedAt, id)
		}
	}
}

// ForgetMerged ends the ids of all merged profiles now, as time does.
func (s *Server) ForgetMerged(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.site(account); t != nil {
		clear(t.Merged)
		clear(t.MergedAt)
	}
}
