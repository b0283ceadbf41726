package klaviyotest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lumo/core/klaviyo/klaviyotest"
)

// metricID finds a metric over the API.
func (f *fake) metricID(t *testing.T, name string) string {
	t.Helper()
	for _, m := range f.Metrics("") {
		if m.Name == name {
			return m.ID
		}
	}
	t.Fatalf("there is no metric %s", name)
	return ""
}

// splitFlow is a definition: LINE for whoever consented, else an email.
func splitFlow(metric, address string) string {
	return `{"data":{"type":"flow","attributes":{"name":"Cart by LINE","definition":{
		"triggers":[{"type":"metric","id":"` + metric + `","trigger_filter":null}],
		"profile_filter":null,"entry_action_id":"t1","actions":[
		{"temporary_id":"t2","type":"send-webhook","links":{"next":null},"data":{"status":"live","message":{"name":"LINE","url":"` + address + `",
			"headers":{"Lumo-Flow-Key":"lfk_1_old"},"body":"{\"profile_id\":\"{{ person.KlaviyoID }}\"}"}}},
		{"temporary_id":"t1","type":"conditional-split","links":{"next_if_true":"t2","next_if_false":"t3"},"data":{"profile_filter":{"condition_groups":[{"conditions":[
			{"type":"profile-property","property":"properties['LINE Consent']","filter":{"type":"string","operator":"equals","value":"given"}}]}]}}},
		{"temporary_id":"t3","type":"send-email","links":{"next":null},"data":{"status":"live","message":{"subject_line":"Your cart"}}}]}}}}`
}

func TestAFlowIsMadeInDraftAndChecksItsCondition(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	g := newTarget(t, 202)
	a := f.do(t, "POST", "/klaviyo-api/api/flows", splitFlow(f.metricID(t, klaviyotest.DemoMetric), g.URL+"/hooks"))
	var made struct {
		Data struct {
			ID         string
			Attributes struct{ Status string }
		}
	}
	if err := json.Unmarshal([]byte(a.text), &made); err != nil || a.status != 201 ||
		made.Data.Attributes.Status != klaviyotest.Draft {
		t.Fatalf("got %d %s", a.status, a.text)
	}
	f.checkout(t, "while in draft")
	if g.count() != 0 {
		t.Fatal("a flow in draft sent")
	}
	status := f.do(t, "PATCH", "/klaviyo-api/api/flows/"+made.Data.ID,
		`{"data":{"type":"flow","id":"`+made.Data.ID+`","attributes":{"status":"live"}}}`)
	if status.status != 200 {
		t.Fatalf("got %d %s", status.status, status.text)
	}
	f.checkout(t, "no consent")
	if g.count() != 0 || len(f.Emails("", klaviyotest.DemoYuki)) != 1 {
		t.Errorf("without consent: %d webhooks, %d emails", g.count(), len(f.Emails("", klaviyotest.DemoYuki)))
	}
	f.importProfile(t, `{"email":"yuki@customer.example","properties":{"LINE Consent":"given"}}`)
	f.checkout(t, "consent")
	if g.count() != 1 || len(f.Emails("", klaviyotest.DemoYuki)) != 1 {
		t.Errorf("with consent: %d webhooks, %d emails", g.count(), len(f.Emails("", klaviyotest.DemoYuki)))
	}
}

func TestAKeyIsChangedInsideAFlow(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	g := newTarget(t, 202)
	f.flow(t, g, nil)
	a := f.do(t, "PATCH", "/klaviyo-api/api/flow-actions/101", `{"data":{"type":"flow-action","id":"101","attributes":{"definition":{
		"id":"101","type":"send-webhook","links":{"next":null},"data":{"status":"live","message":{"url":"`+g.URL+`/hooks","headers":{"Lumo-Flow-Key":"lfk_2_new"},"body":"{}"}}}}}}`)
	if a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.text)
	}
	f.checkout(t, "after")
	if got := g.header.Get("Lumo-Flow-Key"); got != "lfk_2_new" {
		t.Errorf("got %q", got)
	}
	account := klaviyotest.DemoAccount.Account
	account.MaskHeaders = true
	f.AddAccount(account)
	if a := f.do(t, "GET", "/klaviyo-api/api/flow-actions/101", ""); strings.Contains(a.text, "lfk_2_new") {
		t.Errorf("the header is not masked: %s", a.text)
	}
}

func TestABadDefinitionNamesItsPlace(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	good := splitFlow(f.metricID(t, klaviyotest.DemoMetric), "https://lumo.example/hooks")
	for _, c := range []struct{ from, to, want string }{
		{`"entry_action_id":"t1"`, `"entry_action_id":"tx"`, "entry_action_id"},
		{"https://lumo.example", "ftp://lumo.example", "actions/0"},
		{`"conditional-split"`, `"trigger-split"`, "trigger-split"},
		{f.metricID(t, klaviyotest.DemoMetric), "nobody", "no metric"},
	} {
		a := f.do(t, "POST", "/klaviyo-api/api/flows", strings.Replace(good, c.from, c.to, 1))
		if a.status != 400 || !strings.Contains(a.text, c.want) {
			t.Errorf("%s: got %d %s", c.to, a.status, a.text)
		}
		f.clock.Advance(2 * time.Second)
	}
	if f.token = "Bearer x"; f.do(t, "POST", "/klaviyo-api/api/flows", good).status != 401 {
		t.Error("a wrong token was taken")
	}
}

func TestSegmentsMoveOnEventsAndProperties(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	g, err := f.SetSegment("", klaviyotest.Segment{Name: "Clickers with consent", Metric: "Clicked LINE Message",
		Operator: "at_least", Value: "2", Filter: klaviyotest.Filter{{{Property: "LINE Consent", Operator: "equals", Value: "given"}}}})
	if err != nil {
		t.Fatal(err)
	}
	members := func() []string {
		f.Work(t.Context())
		for _, one := range f.Segments("") {
			if one.ID == g.ID {
				return one.Members
			}
		}
		return nil
	}
	f.importProfile(t, `{"email":"mio@customer.example","properties":{"LINE Consent":"given"}}`)
	for i := range 2 {
		if n := len(members()); n != 0 {
			t.Errorf("after %d clicks: %d members", i, n)
		}
		if _, err := f.Happen("", klaviyotest.Happening{Profile: klaviyotest.DemoMio, Metric: "Clicked LINE Message"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := members(); len(got) != 1 || got[0] != klaviyotest.DemoMio {
		t.Errorf("got %v", got)
	}
	if a := f.do(t, "GET", "/klaviyo-api/api/segments/"+g.ID+"/relationships/profiles", ""); !strings.Contains(a.text, klaviyotest.DemoMio) {
		t.Errorf("got %s", a.text)
	}
	if a := f.do(t, "GET", "/klaviyo-api/api/segments/"+g.ID+"?additional-fields[segment]=profile_count", ""); !strings.Contains(a.text, `"profile_count":1`) {
		t.Errorf("got %s", a.text)
	}
}

func TestAMergeIsToldAndTheOldIDEnds(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	f.connect(t, "profiles:read profiles:write lists:read webhooks:read webhooks:write")
	came := make(chan string, 10)
	in := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		buffer := make([]byte, 1<<16)
		for n, err := r.Body.Read(buffer); ; n, err = r.Body.Read(buffer) {
			body.Write(buffer[:n])
			if err != nil {
				break
			}
		}
		if r.Header.Get("Klaviyo-Signature") != klaviyotest.SignHook("0123456789abcdef", []byte(body.String()), r.Header.Get("Klaviyo-Timestamp")) {
			t.Error("the signature is wrong")
		}
		came <- body.String()
	}))
	t.Cleanup(in.Close)
	hook := f.do(t, "POST", "/klaviyo-api/api/webhooks", `{"data":{"type":"webhook","attributes":{"name":"Lumo","endpoint_url":"`+in.URL+`","secret_key":"0123456789abcdef"},
		"relationships":{"webhook-topics":{"data":[{"type":"webhook-topic","id":"event:klaviyo.merged_profile"}]}}}}`)
	if hook.status != 201 {
		t.Fatalf("got %d %s", hook.status, hook.text)
	}
	merge := f.do(t, "POST", "/klaviyo-api/api/profile-merge", `{"data":{"type":"profile-merge","id":"`+klaviyotest.DemoYuki+`",
		"relationships":{"profiles":{"data":[{"type":"profile","id":"`+klaviyotest.DemoKen+`"}]}}}}`)
	if merge.status != 202 || !strings.Contains(merge.text, klaviyotest.DemoYuki) {
		t.Fatalf("got %d %s", merge.status, merge.text)
	}
	f.Work(t.Context())
	if got := <-came; !strings.Contains(got, `"source_profile_id":"`+klaviyotest.DemoKen+`"`) {
		t.Errorf("got %s", got)
	}
	const ken = "/klaviyo-api/api/profiles/" + klaviyotest.DemoKen
	if a := f.do(t, "GET", ken, ""); a.status != 200 || !strings.Contains(a.text, klaviyotest.DemoYuki) {
		t.Errorf("soon after: got %d %s", a.status, a.text)
	}
	f.ForgetMerged("")
	if a := f.do(t, "GET", ken, ""); a.status != 404 {
		t.Errorf("later: got %d", a.status)
	}
	if l := f.Lists("")[0].Members; len(l) != 3 {
		t.Errorf("the list holds %v", l)
	}
}

func TestASystemWebhookIsTriedAgain(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	f.connect(t, "webhooks:read webhooks:write")
	g := newTarget(t, 500)
	f.do(t, "POST", "/klaviyo-api/api/webhooks", `{"data":{"type":"webhook","attributes":{"name":"Lumo","endpoint_url":"`+g.URL+`","secret_key":"0123456789abcdef"},
		"relationships":{"webhook-topics":{"data":[{"type":"webhook-topic","id":"event:klaviyo.merged_profile"}]}}}}`)
	f.Merge("", klaviyotest.DemoKen, klaviyotest.DemoYuki)
	f.Work(t.Context())
	g.answer(200)
	f.clock.Advance(2 * time.Minute)
	f.Work(t.Context())
	log := f.HookLog("")
	if len(log) != 2 || log[0].Status != 500 || log[1].Status != 200 || log[1].Try != 2 {
		t.Errorf("got %+v", log)
	}
	told := func(body string) string { before, _, _ := strings.Cut(body, `"meta":{"klaviyo`); return before }
	if told(g.bodies[0]) != told(g.bodies[1]) {
		t.Error("the second attempt told something else")
	}
}

func TestAFormMakesAProfileOnItsList(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	p, err := f.SubmitForm("", klaviyotest.DemoForm, map[string]string{"email": "New@Customer.example", "first_name": "New"})
	if err != nil || p.Email != "new@customer.example" {
		t.Fatalf("got %+v, %v", p, err)
	}
	if l := f.Lists("")[0].Members; l[len(l)-1] != p.ID {
		t.Errorf("the list holds %v", l)
	}
	if events := f.Events("", p.ID); len(events) != 1 || events[0].Metric != klaviyotest.FormMetric {
		t.Errorf("got %+v", events)
	}
	if _, err := f.SubmitForm("", klaviyotest.DemoForm, map[string]string{"email": "nonsense"}); err == nil {
		t.Error("a wrong email was taken")
	}
	if a := f.do(t, "GET", "/klaviyo-api/api/forms", ""); !strings.Contains(a.text, klaviyotest.DemoForm) {
		t.Errorf("got %s", a.text)
	}
}

func TestListsAreChangedOverTheAPI(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	made := f.do(t, "POST", "/klaviyo-api/api/lists", `{"data":{"type":"list","attributes":{"name":"VIP"}}}`)
	var list struct{ Data struct{ ID string } }
	if err := json.Unmarshal([]byte(made.text), &list); err != nil || made.status != 201 {
		t.Fatalf("got %d %s", made.status, made.text)
	}
	path := "/klaviyo-api/api/lists/" + list.Data.ID + "/relationships/profiles"
	ken := `{"data":[{"type":"profile","id":"` + klaviyotest.DemoKen + `"}]}`
	for _, c := range []struct {
		method, body string
		status       int
	}{{"POST", ken, 204}, {"POST", `{"data":[{"type":"profile","id":"nobody"}]}`, 404}, {"DELETE", ken, 204}} {
		if a := f.do(t, c.method, path, c.body); a.status != c.status {
			t.Errorf("%s: got %d %s", c.method, a.status, a.text)
		}
	}
	if a := f.do(t, "GET", "/klaviyo-api/api/profiles/"+klaviyotest.DemoYuki+"/lists", ""); !strings.Contains(a.text, klaviyotest.DemoList) {
		t.Errorf("got %s", a.text)
	}
}
