package klaviyotest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/vendortest"
)

// target is the receiver of flow webhooks.
type target struct {
	*httptest.Server
	mu     sync.Mutex // guards the rest
	status int
	header http.Header
	bodies []string
}

func newTarget(t *testing.T, status int) *target {
	t.Helper()
	g := &target{status: status}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.header = r.Header
		g.bodies = append(g.bodies, string(body))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(g.status)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *target) answer(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = status
}

func (g *target) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.bodies)
}

// flow makes the demo flow send to the target.
func (f *fake) flow(t *testing.T, g *target, edit func(*klaviyotest.Flow)) {
	t.Helper()
	flow := klaviyotest.Flow{
		ID:     klaviyotest.DemoFlow,
		Name:   "Abandoned cart",
		Status: klaviyotest.Live,
		Metric: klaviyotest.DemoMetric,
		Actions: []klaviyotest.Action{
			{
				ID:      "101",
				Status:  klaviyotest.Live,
				URL:     g.URL + "/hooks",
				Headers: map[string]string{"Lumo-Flow-Key": "lfk_1_x"},
				Body:    `{"profile_id":"{{ person.KlaviyoID }}","event_id":"{{ event|lookup:'$event_id' }}"}`,
			},
		},
	}
	if edit != nil {
		edit(&flow)
	}
	if _, err := f.SetFlow("", flow); err != nil {
		t.Fatal(err)
	}
}

func (f *fake) checkout(t *testing.T, id string) {
	t.Helper()
	_, err := f.Happen(
		"",
		klaviyotest.Happening{Profile: klaviyotest.DemoYuki, Metric: klaviyotest.DemoMetric, UniqueID: id,
			Properties: klaviyotest.DemoCart(id)},
	)
	if err != nil {
		t.Fatal(err)
	}
	f.Work(t.Context())
}

func (f *fake) last(t *testing.T) klaviyotest.Activity {
	t.Helper()
	log := f.Activity("")
	if len(log) == 0 {
		t.Fatal("the activity log is empty")
	}
	return log[len(log)-1]
}

func TestALiveFlowSendsItsWebhook(t *testing.T) {
	t.Parallel()
	f, g := start(t, nil), newTarget(t, 200)
	f.flow(t, g, nil)
	f.checkout(t, "c1")
	if g.count() != 1 || g.bodies[0] != `{"profile_id":"`+klaviyotest.DemoYuki+`","event_id":"c1"}` {
		t.Fatalf("got %v", g.bodies)
	}
	if g.header.Get("X-Klaviyo-Flow-ID") != klaviyotest.DemoFlow ||
		g.header.Get("Lumo-Flow-Key") != "lfk_1_x" {
		t.Errorf("headers %v", g.header)
	}
	if got := f.last(t); got.Status != klaviyotest.Sent || got.Code != 200 || !got.PlainHTTP {
		t.Errorf("activity %+v", got)
	}
}

func TestWhatStartsNoWebhook(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*klaviyotest.Flow){
		"flow in draft":   func(f *klaviyotest.Flow) { f.Status = klaviyotest.Draft },
		"action in draft": func(f *klaviyotest.Flow) { f.Actions[0].Status = "" },
		"other metric":    func(f *klaviyotest.Flow) { f.Metric = "Placed Order" },
	} {
		f, g := start(t, nil), newTarget(t, 200)
		f.flow(t, g, edit)
		f.checkout(t, "c1")
		if g.count() != 0 {
			t.Errorf("%s: sent %d", name, g.count())
		}
	}
	f, g := start(t, nil), newTarget(t, 200)
	f.flow(t, g, nil)
	for _, h := range []klaviyotest.Happening{
		{UniqueID: "old", Time: f.clock.Now().Add(-7 * time.Hour)}, {UniqueID: "backfill", Backfill: true}} {
		h.Profile, h.Metric = klaviyotest.DemoYuki, klaviyotest.DemoMetric
		if _, err := f.Happen("", h); err != nil {
			t.Fatal(err)
		}
	}
	f.Work(t.Context())
	if g.count() != 0 {
		t.Errorf("old and imported events: sent %d", g.count())
	}
}

func TestStatusesDecideAboutRetries(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{200: klaviyotest.Sent, 202: klaviyotest.Sent, 204: klaviyotest.Sent,
		429: klaviyotest.Retrying, 500: klaviyotest.Retrying, 502: klaviyotest.Retrying, 503: klaviyotest.Retrying,
		301: klaviyotest.Skipped, 302: klaviyotest.Skipped, 400: klaviyotest.Skipped, 401: klaviyotest.Skipped,
		404: klaviyotest.Skipped, 409: klaviyotest.Skipped, 504: klaviyotest.Skipped} {
		f, g := start(t, nil), newTarget(t, status)
		f.flow(t, g, nil)
		f.checkout(t, "c1")
		got := f.last(t)
		if got.Status != want || got.Code != status || g.count() != 1 {
			t.Errorf("%d: got %s after %d requests, want %s", status, got.Status, g.count(), want)
		}
		if (got.NextAt != nil) != (want == klaviyotest.Retrying) {
			t.Errorf("%d: next at %v", status, got.NextAt)
		}
	}
}

func TestRetriesEndWithinADay(t *testing.T) {
	t.Parallel()
	f, g := start(t, nil), newTarget(t, 503)
	f.flow(t, g, nil)
	begun := f.clock.Now()
	f.checkout(t, "c1")
	for f.Waiting("") > 0 {
		next := f.last(t).NextAt
		if next == nil {
			f.Work(t.Context())
			break
		}
		f.clock.Set(*next)
		f.Work(t.Context())
	}
	if got := f.last(t); got.Status != klaviyotest.Failed || g.count() != 18 {
		t.Errorf("ended as %s after %d requests, want failed after 18", got.Status, g.count())
	}
	if span := f.clock.Now().Sub(begun); span > 24*time.Hour || span < 12*time.Hour {
		t.Errorf("took %s", span)
	}
	f.Work(t.Context())
	if g.count() != 18 {
		t.Error("sent again after it had failed")
	}
}

func TestARetryCanSucceed(t *testing.T) {
	t.Parallel()
	f, g := start(t, nil), newTarget(t, 503)
	f.flow(t, g, nil)
	f.checkout(t, "c1")
	g.answer(200)
	f.clock.Advance(time.Minute)
	f.Work(t.Context())
	if got := f.last(
		t,
	); got.Status != klaviyotest.Sent || got.Attempt != 2 ||
		g.bodies[0] != g.bodies[1] {
		t.Errorf("got %+v", got)
	}
}

func TestABodyThatCannotBeRenderedIsNotSent(t *testing.T) {
	t.Parallel()
	f, g := start(t, nil), newTarget(t, 200)
	f.flow(t, g, func(flow *klaviyotest.Flow) { flow.Actions[0].Body = `{{ person|lookup: 'x' }}` })
	f.checkout(t, "c1")
	if got := f.last(
		t,
	); got.Status != klaviyotest.Skipped || !strings.Contains(got.Answer, "colon") ||
		g.count() != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestPreviewAndTestSend(t *testing.T) {
	t.Parallel()
	f, g := start(t, nil), newTarget(t, 200)
	f.flow(t, g, func(flow *klaviyotest.Flow) {
		flow.Status, flow.Actions[0].Status = klaviyotest.Draft, klaviyotest.Draft
	})
	p, err := f.Preview("", klaviyotest.DemoFlow, "", "yuki@customer.example", "")
	if err != nil || !p.ValidJSON || !strings.Contains(p.Body, "demo-cart-1") || g.count() != 0 {
		t.Errorf("preview %+v %v", p, err)
	}
	act, err := f.TestSend(t.Context(), "", klaviyotest.DemoFlow, "", klaviyotest.DemoYuki, "")
	if err != nil || act.Status != klaviyotest.Sent || !act.Test || g.count() != 1 {
		t.Errorf("test send %+v %v", act, err)
	}
}

func TestAnEventOfTheProductStartsAnotherFlow(t *testing.T) {
	t.Parallel()
	f, g := start(t, nil), newTarget(t, 200)
	if _, err := f.SetFlow(
		"",
		klaviyotest.Flow{Name: "Thank you", Status: klaviyotest.Live, Metric: "Clicked LINE Message",
			Actions: []klaviyotest.Action{
				{Type: klaviyotest.TimeDelay, DelaySeconds: 3600},
				{
					Type:    klaviyotest.SendEmail,
					Status:  klaviyotest.Live,
					Subject: "Thanks {{ first_name }}",
					HTML:    `<a href="https://x.example/{{ person.KlaviyoID }}">x</a>`,
				},
				{Status: klaviyotest.Live, URL: g.URL, Body: "{}"},
			}},
	); err != nil {
		t.Fatal(err)
	}
	a := f.do(
		t,
		http.MethodPost,
		"/klaviyo-api/api/events",
		`{"data":{"type":"event","attributes":{"properties":{},"unique_id":"k1",
		"metric":{"data":{"type":"metric","attributes":{"name":"Clicked LINE Message"}}},
		"profile":{"data":{"type":"profile","id":"`+klaviyotest.DemoYuki+`","attributes":{}}}}}}`,
	)
	if a.status != 202 {
		t.Fatalf("got %d %s", a.status, a.text)
	}
	f.Work(t.Context())
	if g.count() != 0 || len(f.Emails("", klaviyotest.DemoYuki)) != 0 {
		t.Error("the delay did not hold")
	}
	f.clock.Advance(time.Hour)
	f.Work(t.Context())
	mails := f.Emails("", klaviyotest.DemoYuki)
	if g.count() != 1 || len(mails) != 1 || mails[0].Subject != "Thanks Yuki" ||
		mails[0].Links[0] != "https://x.example/"+klaviyotest.DemoYuki {
		t.Errorf("sent %d, mails %+v", g.count(), mails)
	}
}

func TestAPropertyMovesSegmentsAndStartsFlows(t *testing.T) {
	t.Parallel()
	f, g := start(t, nil), newTarget(t, 200)
	f.flow(
		t,
		g,
		func(flow *klaviyotest.Flow) { flow.Metric, flow.Segment = "", klaviyotest.DemoSegment },
	)
	if a := f.importProfile(
		t,
		`{"email":"yuki@customer.example","properties":{"LINE Consent":"given"}}`,
	); a.status != 200 {
		t.Fatalf("got %d", a.status)
	}
	f.Work(t.Context())
	if members := f.Segments("")[0].Members; len(members) != 1 || members[0] != klaviyotest.DemoYuki ||
		g.count() != 1 {
		t.Errorf("members %v, sent %d", members, g.count())
	}
	f.importProfile(t, `{"email":"yuki@customer.example","properties":{"LINE Consent":"withdrawn"}}`)
	f.Work(t.Context())
	if members := f.Segments("")[0].Members; len(members) != 0 || g.count() != 1 {
		t.Errorf("after withdrawing: members %v, sent %d", members, g.count())
	}
}

func TestLateEventsAreSeenLater(t *testing.T) {
	t.Parallel()
	f, g := start(t, nil), newTarget(t, 200)
	f.flow(t, g, nil)
	f.Faults().Add(vendortest.Fault{API: "klaviyo.events", Kind: vendortest.Late, DelayMS: 60_000})
	f.checkout(t, "c1")
	if g.count() != 0 {
		t.Error("seen at once")
	}
	f.clock.Advance(time.Minute)
	f.Work(t.Context())
	if g.count() != 1 {
		t.Errorf("sent %d after a minute", g.count())
	}
}

func TestImportJobsReportWhatFailed(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	a := f.do(
		t,
		http.MethodPost,
		"/klaviyo-api/api/profile-bulk-import-jobs",
		`{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":[
		{"type":"profile","attributes":{"email":"b1@customer.example"}},{"type":"profile","attributes":{"phone_number":"090"}}]}},
		"relationships":{"lists":{"data":[{"type":"list","id":"`+klaviyotest.DemoList+`"}]}}}}`,
	)
	_, after, _ := strings.Cut(a.text, `"id":"`)
	id, _, _ := strings.Cut(after, `"`)
	if a.status != 202 || !strings.Contains(a.text, `"status":"queued"`) {
		t.Fatalf("got %d %s", a.status, a.text)
	}
	f.Work(t.Context())
	job := f.do(t, http.MethodGet, "/klaviyo-api/api/profile-bulk-import-jobs/"+id, "")
	if !strings.Contains(job.text, `"status":"complete"`) ||
		!strings.Contains(job.text, `"failed_count":1`) {
		t.Errorf("job %s", job.text)
	}
	bad := f.do(
		t,
		http.MethodGet,
		"/klaviyo-api/api/profile-bulk-import-jobs/"+id+"/import-errors",
		"",
	)
	if !strings.Contains(bad.text, "Invalid phone number format") {
		t.Errorf("errors %s", bad.text)
	}
}

func TestAccountsNeverSeeEachOther(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	f.AddAccount(klaviyotest.Account{ID: "OtherX", Name: "Other", PrivateKey: "pk_other"})
	f.token = "Klaviyo-API-Key pk_other"
	for _, path := range []string{"/api/profiles", "/api/events", "/api/flows", "/api/lists", "/api/segments", "/api/metrics"} {
		if a := f.do(
			t,
			http.MethodGet,
			"/klaviyo-api"+path,
			"",
		); a.status != 200 ||
			!strings.Contains(a.text, `"data":[]`) {
			t.Errorf("%s: got %d %.200s", path, a.status, a.text)
		}
	}
	if a := f.do(
		t,
		http.MethodGet,
		"/klaviyo-api/api/profiles/"+klaviyotest.DemoYuki,
		"",
	); a.status != 404 {
		t.Errorf("another account's profile: got %d want 404", a.status)
	}
}

func TestPagesOfACollection(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	seen, path := 0, f.url+"/klaviyo-api/api/profiles?page[size]=3"
	for range 5 {
		a := f.do(t, http.MethodGet, strings.TrimPrefix(path, f.url), "")
		seen += strings.Count(a.text, `"type":"profile"`)
		_, after, found := strings.Cut(a.text, `"next":"`)
		if !found {
			break
		}
		path, _, _ = strings.Cut(after, `"`)
	}
	if seen != 4 {
		t.Errorf("saw %d profiles, want 4", seen)
	}
}

func TestSnapshotsHoldEverything(t *testing.T) {
	t.Parallel()
	f, g := start(t, nil), newTarget(t, 503)
	f.flow(t, g, nil)
	f.checkout(t, "c1")
	snapshot, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	other := start(t, nil)
	if err := other.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	g.answer(200)
	other.clock.Advance(time.Minute)
	other.Work(t.Context())
	if got := other.last(t); got.Status != klaviyotest.Sent || got.Attempt != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestSystemWebhooksAreSignedOverBodyAndTimestamp(t *testing.T) {
	t.Parallel()
	f, g := start(t, nil), newTarget(t, 200)
	f.connect(t, "webhooks:write")
	a := f.do(
		t,
		http.MethodPost,
		"/klaviyo-api/api/webhooks",
		`{"data":{"type":"webhook","attributes":{"name":"Lumo",
		"endpoint_url":"`+g.URL+`/hooks","secret_key":"0123456789abcdef"},"relationships":{"webhook-topics":{"data":[
		{"type":"webhook-topic","id":"event:klaviyo.merged_profile"}]}}}}`,
	)
	hooks := f.Hooks("")
	if a.status != 201 || len(hooks) != 1 || !strings.Contains(a.text, "/*****") {
		t.Fatalf("got %d %s", a.status, a.text)
	}
	status, err := f.SendHook(t.Context(), "", hooks[0].ID, "event:klaviyo.merged_profile", nil)
	if err != nil || status != 200 {
		t.Fatalf("got %d %v", status, err)
	}
	want := klaviyotest.SignHook(
		"0123456789abcdef",
		[]byte(g.bodies[0]),
		g.header.Get("Klaviyo-Timestamp"),
	)
	if got := g.header.Get("Klaviyo-Signature"); got != want {
		t.Errorf("signature got %s want %s", got, want)
	}
}
