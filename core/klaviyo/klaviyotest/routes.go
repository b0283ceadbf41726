package klaviyotest

import (
	"net/http"
	"slices"
	"strings"
)

// API is a.klaviyo.com.
func (s *Server) API() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(
		"POST /oauth/token",
		s.faults.Guard("klaviyo.token", s.faulty, http.HandlerFunc(s.tokens)),
	)
	mux.Handle(
		"POST /oauth/revoke",
		s.faults.Guard("klaviyo.revoke", s.faulty, http.HandlerFunc(s.revoke)),
	)
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.serve(r))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.write(w, nil, s.missing("The requested resource does not exist."))
	})
	return slashless(mux)
}

// slashless serves /api/x/ as /api/x, as Klaviyo does.
func slashless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if trimmed, had := strings.CutSuffix(r.URL.Path, "/"); had && trimmed != "" {
			u := *r.URL
			u.Path, u.RawPath = trimmed, ""
			again := *r
			again.URL = &u
			r = &again
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) routes() []route {
	on := func(scopes ...string) []string { return scopes }
	return slices.Concat(s.moreRoutes(on), s.groupRoutes(on), s.flowRoutes(on), []route{
		{"GET /api/accounts", "accounts", tierXS(), on("accounts:read"), s.getAccounts},
		{"GET /api/accounts/{id}", "accounts", tierXS(), on("accounts:read"), s.getAccount},
		{"POST /api/profile-import", "profile_import", tierL(), on("profiles:write"), s.importProfile},
		{"POST /api/profiles", "profiles", tierL(), on("profiles:write"), s.createProfile},
		{"PATCH /api/profiles/{id}", "profiles", tierL(), on("profiles:write"), s.patchProfile},
		{"GET /api/profiles", "profiles_read", tierL(), on("profiles:read"), s.getProfiles},
		{"GET /api/profiles/{id}", "profiles_read", tierL(), on("profiles:read"), s.getProfile},
		{"POST /api/events", "events", tierXL(), on("events:write"), s.createEvent},
		{"GET /api/events", "events_read", tierXL(), on("events:read"), s.getEvents},
		{"GET /api/events/{id}", "events_read", tierM(), on("events:read"), s.getEvent},
		{"POST /api/event-bulk-create-jobs", "events_bulk", tierM(), on("events:write"), s.bulkEvents},
		{"POST /api/profile-merge", "profile_merge", tierM(), on("profiles:write"), s.mergeProfiles},
		{"GET /api/profiles/{id}/lists", "profiles_read", tierS(), on("profiles:read", "lists:read"),
			s.profileLists},
		{"GET /api/profiles/{id}/segments", "profiles_read", tierS(), on("profiles:read", "segments:read"),
			s.profileSegments},
	})
}

func (s *Server) moreRoutes(on func(...string) []string) []route {
	const jobs = "/api/profile-bulk-import-jobs"
	return []route{
		{"POST " + jobs, "profiles_bulk", tierM(), on("lists:write", "profiles:write"), s.bulkProfiles},
		{"GET " + jobs, "profiles_bulk_read", tierM(), on("lists:read", "profiles:read"), s.getJobs},
		{
			"GET " + jobs + "/{id}",
			"profiles_bulk_read",
			tierM(),
			on("lists:read", "profiles:read"),
			s.getJob,
		},
		{"GET " + jobs + "/{id}/import-errors", "profiles_bulk_read", tierM(),
			on("lists:read", "profiles:read"), s.getJobErrors},
		{"GET /api/metrics", "metrics", tierM(), on("metrics:read"), s.getMetrics},
		{"GET /api/metrics/{id}", "metrics", tierM(), on("metrics:read"), s.getMetric},
		{"GET /api/forms", "forms", tierS(), on("forms:read"), s.getForms},
		{"GET /api/forms/{id}", "forms", tierS(), on("forms:read"), s.getForm},
		{"GET /api/lists", "lists", tierL(), on("lists:read"), s.getLists},
		{"GET /api/lists/{id}", "lists", tierL(), on("lists:read"), s.getList},
		{
			"GET /api/lists/{id}/profiles",
			"lists",
			tierL(),
			on("lists:read", "profiles:read"),
			s.getListProfiles,
		},
		{"GET /api/segments", "segments", tierL(), on("segments:read"), s.getSegments},
		{"GET /api/segments/{id}", "segments", tierL(), on("segments:read"), s.getSegment},
		{"GET /api/segments/{id}/profiles", "segments", tierL(), on("segments:read", "profiles:read"),
			s.getSegmentProfiles},
		{"GET /api/webhook-topics", "webhooks", tierXS(), on("webhooks:read"), s.getTopics},
		{"GET /api/webhooks", "webhooks", tierXS(), on("webhooks:read"), s.getHooks},
		{"GET /api/webhooks/{id}", "webhooks", tierXS(), on("webhooks:read"), s.getHook},
		{"POST /api/webhooks", "webhooks", tierXS(), on("webhooks:write"), s.createHook},
		{"PATCH /api/webhooks/{id}", "webhooks", tierXS(), on("webhooks:write"), s.patchHook},
		{"DELETE /api/webhooks/{id}", "webhooks", tierXS(), on("webhooks:write"), s.deleteHook},
	}
}

func (s *Server) groupRoutes(on func(...string) []string) []route {
	const list, segment = "/api/lists/{id}/relationships/profiles", "/api/segments/{id}/relationships/profiles"
	create := tierM()
	create.daily = 150
	return []route{
		{"POST /api/lists", "lists_write", create, on("lists:write"), s.createList},
		{"GET " + list, "lists", tierL(), on("lists:read", "profiles:read"), s.memberIDs("list")},
		{"POST " + list, "lists_write", tierM(), on("lists:write", "profiles:write"), s.changeMembers},
		{"DELETE " + list, "lists_write", tierM(), on("lists:write", "profiles:write"), s.changeMembers},
		{"GET " + segment, "segments", tierL(), on("segments:read", "profiles:read"), s.memberIDs("segment")},
	}
}

func (s *Server) flowRoutes(on func(...string) []string) []route {
	create := tierXS()
	create.daily = 100
	return []route{
		{"GET /api/flows", "flows", tierS(), on("flows:read"), s.getFlows},
		{"GET /api/flows/{id}", "flows", tierS(), on("flows:read"), s.getFlow},
		{"GET /api/flows/{id}/flow-actions", "flows", tierS(), on("flows:read"), s.getFlowActions},
		{"POST /api/flows", "flows_write", create, on("flows:write"), s.createFlow},
		{"PATCH /api/flows/{id}", "flows_write", tierS(), on("flows:write"), s.patchFlow},
		{"DELETE /api/flows/{id}", "flows_write", tierS(), on("flows:write"), s.deleteFlow},
		{"GET /api/flow-actions/{id}", "flows", tierS(), on("flows:read"), s.getFlowAction},
		{"PATCH /api/flow-actions/{id}", "flows_write", tierS(), on("flows:write"), s.patchFlowAction},
		{"DELETE /api/flow-actions/{id}", "flows_write", tierS(), on("flows:write"), s.deleteFlowAction},
	}
}
