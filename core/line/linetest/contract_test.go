package linetest_test

import (
	"net/http"
	"strings"
	"testing"

	"lumo/core/line/linetest"
	"lumo/core/vendortest/spectest"
)

// TestAnswersFollowTheDocuments makes typical requests, good and bad, and holds requests and
// answers against LINE's OpenAPI documents.
func TestAnswersFollowTheDocuments(t *testing.T) {
	t.Parallel()
	checker := spectest.LINE(t)
	l := start(t, func(c *linetest.Config) {
		verified := linetest.DemoChannel
		verified.Verified = true
		c.Channels = []linetest.Channel{verified}
	})
	l.transport = checker.Transport("/line-api", nil)
	l.signIn(t)
	if err := l.Follow("yuki", ""); err != nil {
		t.Fatal(err)
	}
	const bot = "/line-api/v2/bot"
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", bot + "/info", "", 200},
		{"GET", bot + "/profile/" + yuki(), "", 200},
		{"GET", bot + "/profile/U" + strings.Repeat("0", 32), "", 404},
		{"GET", bot + "/followers/ids?limit=10", "", 200},
		{"GET", bot + "/message/quota", "", 200},
		{"GET", bot + "/message/quota/consumption", "", 200},
		{"GET", bot + "/channel/webhook/endpoint", "", 404},
		{"PUT", bot + "/channel/webhook/endpoint", `{"endpoint":"` + l.url + `/nowhere"}`, 200},
		{"PUT", bot + "/channel/webhook/endpoint", `{"endpoint":"http://example.com/x"}`, 400},
		{"GET", bot + "/channel/webhook/endpoint", "", 200},
		{"POST", bot + "/channel/webhook/test", `{}`, 200},
		{"POST", bot + "/message/push", `{"to":"` + yuki() + `","messages":` + hello + `}`, 200},
		{"POST", bot + "/message/push", `{"to":"` + yuki() + `","messages":[]}`, 400},
		{"POST", bot + "/message/multicast", `{"to":["` + yuki() + `"],"messages":` + hello + `}`, 200},
		{"POST", bot + "/message/broadcast", `{"messages":` + hello + `}`, 200},
		{"POST", bot + "/message/reply", `{"replyToken":"no","messages":` + hello + `}`, 400},
		{"POST", bot + "/message/validate/push", `{"messages":` + hello + `}`, 200},
		{"GET", bot + "/message/aggregation/info", "", 200},
		{"GET", bot + "/message/aggregation/list?limit=1", "", 200},
		{"GET", bot + "/message/delivery/push?date=20261123", "", 200},
		{"GET", bot + "/message/delivery/push?date=20261124", "", 200},
		{"GET", bot + "/insight/message/delivery?date=20261123", "", 200},
		{"GET", bot + "/insight/followers?date=20261123", "", 200},
		{"GET", bot + "/insight/message/event/aggregation?customAggregationUnit=a&from=20261101&to=20261130", "", 200},
		{"POST", bot + "/chat/loading/start", `{"chatId":"` + yuki() + `","loadingSeconds":5}`, 202},
	} {
		if a := l.do(t, c.method, c.path, c.body); a.status != c.status {
			t.Errorf("%s %s: got %d %s", c.method, c.path, a.status, a.text)
		}
	}
	first := l.push(t, yuki(), someKey, hello)
	again := l.push(t, yuki(), someKey, hello)
	if first.status != http.StatusOK || again.status != http.StatusConflict {
		t.Errorf("got %d, %d", first.status, again.status)
	}
	if known, _ := checker.Judged(); known < 28 {
		t.Errorf("only %d requests were held against a document", known)
	}
}
