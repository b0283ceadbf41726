package klaviyotest_test

import (
	"net/url"
	"testing"
	"time"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/vendortest/spectest"
)

// TestAnswersFollowTheDocument makes typical requests, good and bad, and holds requests and
// answers against Klaviyo's OpenAPI document.
func TestAnswersFollowTheDocument(t *testing.T) {
	t.Parallel()
	checker := spectest.Klaviyo(t)
	f := start(t, nil)
	f.transport = checker.Transport("/klaviyo-api", nil)
	f.connect(t, "accounts:read profiles:read profiles:write lists:read lists:write segments:read "+
		"events:read events:write metrics:read flows:read flows:write forms:read webhooks:read webhooks:write")
	flow := splitFlow(f.metricID(t, klaviyotest.DemoMetric), "https://lumo.example/hooks")
	members := "/api/lists/" + klaviyotest.DemoList + "/relationships/profiles"
	const event = `{"type":"event","attributes":{"properties":{"a":1},"time":"2026-11-24T02:00:00Z","unique_id":"u1","value":5.5,
		"value_currency":"JPY","metric":{"data":{"type":"metric","attributes":{"name":"Sent LINE Message"}}},
		"profile":{"data":{"type":"profile","id":"` + klaviyotest.DemoMio + `","attributes":{}}}}}`
	const bulk = `{"data":{"type":"event-bulk-create-job","attributes":{"events-bulk-create":{"data":[{"type":"event-bulk-create",
		"attributes":{"profile":{"data":{"type":"profile","id":"` + klaviyotest.DemoKen + `","attributes":{}}},"events":{"data":[
		{"type":"event","attributes":{"properties":{},"unique_id":"b1","metric":{"data":{"type":"metric","attributes":{"name":"M"}}}}}]}}}]}}}}`
	const importJob = `{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":[
		{"type":"profile","attributes":{"email":"bulk@customer.example"}},{"type":"profile","attributes":{"phone_number":"090"}}]}}}}`
	const hook = `{"data":{"type":"webhook","attributes":{"name":"Lumo","endpoint_url":"https://lumo.example/hooks","secret_key":"0123456789abcdef"},
		"relationships":{"webhook-topics":{"data":[{"type":"webhook-topic","id":"event:klaviyo.merged_profile"}]}}}}`
	filter := url.QueryEscape(
		`equals(profile_id,"` + klaviyotest.DemoYuki + `"),greater-or-equal(datetime,2020-01-01T00:00:00Z)`,
	)
	byMail := url.QueryEscape(`equals(email,"yuki@customer.example")`)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/api/accounts", "", 200},
		{"POST", "/api/profile-import", `{"data":{"type":"profile","attributes":{"email":"x@customer.example","properties":{"LINE Consent":"given"}}}}`, 201},
		{"POST", "/api/profile-import", `{"data":{"type":"profile","id":"` + klaviyotest.DemoYuki + `","attributes":{"first_name":"Y"},"meta":{"patch_properties":{"unset":["LINE Consent"]}}}}`, 200},
		{"POST", "/api/profile-import", `{"data":{"type":"profile","id":"nobody","attributes":{}}}`, 404},
		{"GET", "/api/profiles?filter=" + byMail + "&page[size]=2&fields[profile]=email,properties,updated", "", 200},
		{"GET", "/api/profiles/" + klaviyotest.DemoYuki, "", 200},
		{"GET", "/api/profiles/nobody", "", 404},
		{"PATCH", "/api/profiles/" + klaviyotest.DemoKen, `{"data":{"type":"profile","id":"` + klaviyotest.DemoKen + `","attributes":{"last_name":"K"}}}`, 200},
		{"POST", "/api/events", `{"data":` + event + `}`, 202},
		{"POST", "/api/event-bulk-create-jobs", bulk, 202},
		{"POST", "/api/event-bulk-create-jobs", bulk, 400},
		{"GET", "/api/events?filter=" + filter + "&sort=-datetime&page[size]=1", "", 200},
		{"POST", "/api/profile-bulk-import-jobs", importJob, 202},
		{"GET", "/api/profile-bulk-import-jobs", "", 200},
		{"GET", "/api/metrics", "", 200},
		{"GET", "/api/lists", "", 200},
		{"GET", "/api/lists/" + klaviyotest.DemoList, "", 200},
		{"GET", "/api/lists/" + klaviyotest.DemoList + "/profiles?page[size]=2", "", 200},
		{"GET", "/api/segments", "", 200},
		{"GET", "/api/segments/" + klaviyotest.DemoSegment, "", 200},
		{"GET", "/api/segments/" + klaviyotest.DemoSegment + "/profiles", "", 200},
		{"GET", "/api/flows", "", 200},
		{"GET", "/api/flows/" + klaviyotest.DemoFlow, "", 200},
		{"GET", "/api/flows/" + klaviyotest.DemoFlow + "?additional-fields[flow]=definition", "", 200},
		{"GET", "/api/flows/" + klaviyotest.DemoFlow + "/flow-actions", "", 200},
		{"GET", "/api/flow-actions/101", "", 200},
		{"POST", "/api/flows", flow, 201},
		{"PATCH", "/api/flows/" + klaviyotest.DemoFlow, `{"data":{"type":"flow","id":"` + klaviyotest.DemoFlow + `","attributes":{"status":"manual"}}}`, 200},
		{"GET", "/api/forms", "", 200},
		{"GET", "/api/forms/" + klaviyotest.DemoForm, "", 200},
		{"GET", members, "", 200},
		{"POST", members, `{"data":[{"type":"profile","id":"` + klaviyotest.DemoKen + `"}]}`, 204},
		{"GET", "/api/segments/" + klaviyotest.DemoSegment + "/relationships/profiles", "", 200},
		{"GET", "/api/profiles/" + klaviyotest.DemoYuki + "/lists", "", 200},
		{"GET", "/api/profiles/" + klaviyotest.DemoYuki + "/segments", "", 200},
		{"POST", "/api/lists", `{"data":{"type":"list","attributes":{"name":"VIP"}}}`, 201},
		{"GET", "/api/webhook-topics", "", 200},
		{"POST", "/api/webhooks", hook, 201},
		{"GET", "/api/webhooks", "", 200},
	} {
		if a := f.do(t, c.method, "/klaviyo-api"+c.path, c.body); a.status != c.status {
			t.Errorf("%s %s: got %d %s", c.method, c.path, a.status, a.text)
		}
		f.clock.Advance(2 * time.Second) // past the smallest tier's burst
	}
	if known, _ := checker.Judged(); known < 38 {
		t.Errorf("only %d requests were held against the document", known)
	}
}
