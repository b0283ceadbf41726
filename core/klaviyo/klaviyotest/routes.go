package klaviyotest

import (
	"net/http"
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
	return append([]route{
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
	}, s.moreRoutes(on)...)
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
		{"GET /api/flows", "flows", tierS(), on("flows:read"), s.getFlows},
		{"GET /api/flows/{id}", "flows", tierS(), on("flows:read"), s.getFlow},
		{"GET /api/webhook-topics", "webhooks", tierXS(), on("webhooks:read"), s.getTopics},
		{"GET /api/webhooks", "webhooks", tierXS(), on("webhooks:read"), s.getHooks},
		{"GET /api/webhooks/{id}", "webhooks", tierXS(), on("webhooks:read"), s.getHook},
		{"POST /api/webhooks", "webhooks", tierXS(), on("webhooks:write"), s.createHook},
		{"PATCH /api/webhooks/{id}", "webhooks", tierXS(), on("webhooks:write"), s.patchHook},
		{"DELETE /api/webhooks/{id}", "webhooks", tierXS(), on("webhooks:write"), s.deleteHook},
	}
}
