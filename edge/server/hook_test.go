package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/edge/core"
	"lumo/edge/edgetest"
	"lumo/shared/edgeapi"
	"lumo/shared/edgeapi/edgeapitest"
	"lumo/shared/event"
	"lumo/shared/id"
	"lumo/shared/webhooksig"
)

const flowBody = `{"lumo":1,"message":"msg_01k0000000000000000000000a","profile_id":"01HPROFILE"}`

// accepted reads the request id of an answer that took a webhook.
func accepted(t *testing.T, a answer) id.ID {
	t.Helper()
	var body struct{ Status, Request string }
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || body.Status != "accepted" {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	v, err := id.ParseWith(id.Request, body.Request)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Each row of the design's table of webhook answers.
func TestWebhookAnswers(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	wrongKey := webhooksig.FormatFlowKey(1, [32]byte{6})
	says := func(status int, kind, body string) func(edgetest.Asked) edgetest.Answer {
		return func(edgetest.Asked) edgetest.Answer {
			return edgetest.Answer{Status: status, Body: body,
				Header: map[string]string{"Content-Type": kind}}
		}
	}
	stored := says(200, "application/json",
		`{"status":"accepted","request":"req_01k0000000000000000000000a"}`)
	skipped := says(200, "application/json", `{"status":"skipped","reason":"unlinked"}`)
	badBody := says(400, "application/problem+json", `{"reason":"bad_body"}`)
	unknown := says(404, "application/problem+json", `{"kind":"not_found"}`)
	megabyte := strings.Repeat(" ", 1<<20)
	for _, c := range []struct {
		name   string
		core   func(edgetest.Asked) edgetest.Answer
		send   func() answer
		status int
		reason string // of problem details
		body   string
	}{
		{"stored by the core", stored, func() answer {
			return e.flow(flowBody,
				edgeapitest.FlowKey())
		}, 200, "", stored(edgetest.Asked{}).Body},
		{"stored, LINE", says(200, "", ""), func() answer { return e.line("{}", signed("{}")) },
			200, "", ""},
		{"skipped", skipped, func() answer { return e.flow(flowBody, edgeapitest.FlowKey()) }, 200,
			"", skipped(edgetest.Asked{}).Body},
		{"wrong key", stored, func() answer { return e.flow(flowBody, wrongKey) }, 401, "wrong_key",
			""},
		{"missing key", stored, func() answer { return e.do("POST", flowPth, flowBody) }, 401,
			"no_key", ""},
		{"half a key", stored, func() answer {
			return e.flow(flowBody,
				edgeapitest.FlowKey()[:20])
		}, 401, "wrong_key", ""},
		{"tampered LINE body", stored, func() answer { return e.line("{} ", signed("{}")) }, 401,
			"bad_signature", ""},
		{"LINE without signature", stored, func() answer { return e.do("POST", linePth, "{}") },
			401, "bad_signature", ""},
		{"two signatures", stored, func() answer {
			return e.do("POST", linePth, "{}", "X-Line-Signature", signed("{}"), "X-Line-Signature",
				signed("{}"))
		}, 401, "bad_shape", ""},
		{"the core refuses the body", badBody, func() answer {
			return e.flow("nonsense",
				edgeapitest.FlowKey())
		}, 400, "bad_body", badBody(edgetest.Asked{}).Body},
		{"unknown hook", unknown, func() answer {
			return e.do("POST",
				"/hooks/line/aaaaaaaaaaaaaaaa", "{}")
		}, 404, "", unknown(edgetest.Asked{}).Body},
		{"no hook at all", stored, func() answer {
			return e.do("POST",
				"/hooks/other/aaaaaaaaaaaaaaaa", "{}")
		}, 404, "unknown_hook", ""},
		{"another method", stored, func() answer { return e.get(flowPth) }, 405, "bad_method", ""},
		{"LINE over 1 MB", stored, func() answer {
			return e.line(megabyte+" ",
				signed(megabyte+" "))
		}, 413, "too_large", ""},
		{"LINE of 1 MB", stored, func() answer { return e.line(megabyte, signed(megabyte)) }, 200,
			"", stored(edgetest.Asked{}).Body},
		{"flow over 1 MB", stored, func() answer {
			return e.flow(megabyte+" ",
				edgeapitest.FlowKey())
		}, 413, "too_large", ""},
		{"Klaviyo over 5 MB", stored, func() answer {
			return e.do("POST", "/hooks/klaviyo/system/"+edgetest.KlaviyoHook,
				strings.Repeat(megabyte, 5)+" ")
		}, 413, "too_large", ""},
		{"Shopify over 5 MB", stored, func() answer {
			return e.do("POST", "/hooks/shopify/"+edgetest.ShopifyHook,
				strings.Repeat(megabyte, 5)+" ")
		}, 413, "too_large", ""},
		{"Klaviyo system", stored, func() answer {
			return e.do("POST", "/hooks/klaviyo/system/"+edgetest.KlaviyoHook, "{}",
				"Klaviyo-Signature", klaviyoSigned("{}", "17"), "Klaviyo-Timestamp", "17")
		}, 200, "", stored(edgetest.Asked{}).Body},
		{"our own trouble", says(500, "", "oops"), func() answer {
			return e.flow(flowBody,
				edgeapitest.FlowKey())
		}, 202, "", ""},
	} {
		e.core.Answering(c.core)
		got := c.send()
		if got.status != c.status || c.body != "" && got.body != c.body {
			t.Errorf("%s: got %d %s want %d %s", c.name, got.status, got.body, c.status, c.body)
		}
		if c.reason != "" {
			if p := got.problem(t); p.Reason != c.reason {
				t.Errorf("%s: reason %q want %q", c.name, p.Reason, c.reason)
			}
		}
		if got.status >= 300 && got.status < 400 ||
			got.header.Get("Allow") != "" != (c.status == 405) {
			t.Errorf("%s: got %d, allow %q", c.name, got.status, got.header.Get("Allow"))
		}
	}
}

func TestWebhooksAreTakenWhileTheCoreIsAwayAndHandedOverOnce(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	e.core.Stop()
	want := map[id.ID]bool{}
	for range 5 {
		got := e.flow(flowBody, edgeapitest.FlowKey())
		if got.status != 202 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		want[accepted(t, got)] = true
	}
	if got := e.line("{}", signed("{}")); got.status != 202 || got.body != "" {
		t.Errorf("LINE reads the status alone: got %d %q", got.status, got.body)
	}
	if got := e.get("/c/"+edgetest.Link(1, 42), "User-Agent", phone); got.status != 302 {
		t.Errorf("redirects go on: got %d", got.status)
	}
	e.drain()
	e.core.Start()
	e.until("everything was handed over", func() bool { return e.spool.Stats().Waiting == 0 })
	requests := e.core.Requests()
	if len(requests) != 6 || len(e.core.Events()) != 1 {
		t.Fatalf("got %d requests and %d events", len(requests), len(e.core.Events()))
	}
	for _, r := range requests[:5] {
		if !want[r.ID] || r.Auth != "verified" || string(r.Body) != flowBody ||
			r.Target != flowPth || r.Method != "POST" ||
			r.Headers["X-Klaviyo-Flow-Id"] != "Flow1" ||
			r.Headers[edgeapi.HeaderFlowKey] != edgeapitest.FlowKey() {
			t.Errorf("got %+v", r)
		}
		delete(want, r.ID)
	}
	if line := requests[5]; line.Headers["X-Line-Signature"] != signed("{}") ||
		time.Since(time.UnixMilli(line.ReceivedAt)).Abs() > soon {
		t.Errorf("got %+v", line)
	}
}

func TestSlowCoreIsLeftAndTheRequestKeepsItsID(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	release := make(chan struct{})
	defer close(release)
	e.core.Answering(func(edgetest.Asked) edgetest.Answer {
		<-release
		return edgetest.Answer{Status: 200}
	})
	began := time.Now()
	got := e.line("{}", signed("{}"))
	if took := time.Since(began); got.status != 202 || took < 700*time.Millisecond ||
		took > 3*time.Second {
		t.Fatalf("got %d after %s", got.status, took)
	}
	e.handOver()
	asked, later := e.core.Asked(), e.core.Requests()
	if len(asked) != 1 || len(later) != 1 || asked[0].ID != later[0].ID {
		t.Errorf("got %+v and %+v", asked, later)
	}
}

func TestSilentCoreCostsOnlyAFewTheirTime(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	e.core.Answering(func(edgetest.Asked) edgetest.Answer { return edgetest.Answer{Drop: true} })
	for range 20 {
		if got := e.flow(flowBody, edgeapitest.FlowKey()); got.status != 202 {
			t.Fatalf("got %d", got.status)
		}
	}
	// Lost connections are tried again by the library, but not for each of the twenty.
	if asked := len(e.core.Asked()); asked > 10 {
		t.Errorf("the silent core was asked %d times", asked)
	}
	e.core.Answering(func(edgetest.Asked) edgetest.Answer { return edgetest.Answer{Status: 200} })
	e.clock.advance(2 * time.Second)
	if got := e.flow(flowBody, edgeapitest.FlowKey()); got.status != 200 {
		t.Errorf("it is not asked again: got %d", got.status)
	}
}

func TestLapsedLeaseTakesWhatItCannotJudge(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	e.lapse()
	newer := webhooksig.FormatFlowKey(2, [32]byte{6})
	mismatch := accepted(t, e.flow(flowBody, newer))
	if got := e.line("{} ", signed("{}")); got.status != 202 {
		t.Errorf("LINE: got %d %s", got.status, got.body)
	}
	if got := e.flow(flowBody, edgeapitest.FlowKey()); got.status != 200 {
		t.Errorf("a match is verified all the same: got %d", got.status)
	}
	if asked := e.core.Asked(); len(asked) != 1 || asked[0].Auth != "verified" {
		t.Errorf("the core was asked %+v", asked)
	}
	e.handOver()
	requests := e.core.Requests()
	if len(requests) != 2 {
		t.Fatalf("got %d requests", len(requests))
	}
	hash := webhooksig.HashFlowKey(newer)
	flow, line := requests[0], requests[1]
	if _, kept := flow.Headers[edgeapi.HeaderFlowKey]; kept || flow.ID != mismatch ||
		flow.Auth != "provisional" ||
		flow.KeySHA256 != fmt.Sprintf("%x", hash) {
		t.Errorf("got %+v", flow)
	}
	if line.Auth != "provisional" || line.Headers["X-Line-Signature"] != signed("{}") ||
		line.KeySHA256 != "" {
		t.Errorf("got %+v", line)
	}
	if len(e.core.Events()) != 0 {
		t.Error("a refusal was noted that was none")
	}
}

// No key that the core may know could make it right.
func TestASignatureThatCameTwiceIsFinalEvenWhenTheLeaseLapsed(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	e.lapse()
	got := e.do("POST", linePth, "{}", "X-Line-Signature", signed("{}"), "X-Line-Signature",
		signed("{} "))
	if got.status != 401 || got.problem(t).Reason != "bad_shape" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if n := e.spool.Stats().Requests; n != 0 {
		t.Errorf("%d requests were spooled", n)
	}
}

// The answer that brings the news must not acknowledge a webhook that nobody takes any more.
func TestARevokedEdgeAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	e.core.Revoke(true)
	for name, got := range map[string]answer{
		"flow": e.flow(flowBody, edgeapitest.FlowKey()), "LINE": e.line("{}", signed("{}")),
	} {
		if got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: got %d %v", name, got.status, got.header)
		}
	}
	if n := e.spool.Stats().Requests; n != 0 {
		t.Errorf("%d requests were spooled", n)
	}
	if got := e.get("/c/"+edgetest.Link(1, 42), "User-Agent", phone); got.status != 302 {
		t.Errorf("links go on: got %d", got.status)
	}
	e.core.Revoke(false)
	if got := e.flow(flowBody, edgeapitest.FlowKey()); got.status != 200 {
		t.Errorf("known again: got %d", got.status)
	}
}

// holding is a core that keeps everybody waiting: it notes how long they would.
type holding struct {
	edgetest.Away
	mu     sync.Mutex // guards waited
	waited []time.Duration
}

func (h *holding) Ask(ctx context.Context, q core.Question) (core.Answer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waited = append(h.waited, q.Limit)
	return h.Away.Ask(ctx, q)
}

func TestEachRouteWaitsForTheCoreNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	h := &holding{}
	e := start(t, setup{core: h})
	for _, c := range []struct {
		name   string
		send   func() answer
		limit  time.Duration
		status int
	}{
		{"a link that is not here", func() answer { return e.get("/c/"+edgetest.Link(99, 42), "User-Agent", phone) },
			300 * time.Millisecond, 302},
		{"LINE", func() answer { return e.line("{}", signed("{}")) }, 800 * time.Millisecond, 202},
		{"flow", func() answer { return e.flow(flowBody, edgeapitest.FlowKey()) },
			1500 * time.Millisecond, 202},
		{"Klaviyo", func() answer {
			return e.do("POST", "/hooks/klaviyo/system/"+edgetest.KlaviyoHook, "{}",
				"Klaviyo-Signature", klaviyoSigned("{}", "17"), "Klaviyo-Timestamp", "17")
		}, 1500 * time.Millisecond, 202},
		{"Shopify", func() answer {
			return e.do("POST", "/hooks/shopify/"+edgetest.ShopifyHook, "{}", "X-Shopify-Shop-Domain",
				"tea.myshopify.com", "X-Shopify-Hmac-Sha256", signed("{}"))
		}, 3 * time.Second, 202},
	} {
		h.waited = nil
		if got := c.send(); got.status != c.status {
			t.Errorf("%s: got %d want %d", c.name, got.status, c.status)
		}
		if len(h.waited) != 1 || h.waited[0] != c.limit {
			t.Errorf("%s: it waits %v want %s", c.name, h.waited, c.limit)
		}
	}
}

func TestProvisionalRequestsAreLimited(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	e.lapse()
	taken, began := 0, time.Now()
	for range 60 {
		switch got := e.flow(flowBody, webhooksig.FormatFlowKey(2, [32]byte{6})); got.status {
		case 202:
			taken++
		case 503:
			if got.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		default:
			t.Fatalf("got %d", got.status)
		}
	}
	// Time passes meanwhile, and with it twenty more a second may come.
	if most := 21 + int(20*time.Since(began).Seconds()); taken < 20 || taken > most {
		t.Errorf("got %d taken, want 20 to %d", taken, most)
	}
}

func TestRefusedLINERequestsArePassedOn(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	for n := range 103 {
		if n%15 == 14 {
			e.clock.advance(time.Second) // notes of refusals are limited, too
			e.until("the lease is fresh again", func() bool { return e.replica.Fresh() })
		}
		if got := e.line(fmt.Sprint(n), signed("{}")); got.status != 401 {
			t.Fatalf("got %d", got.status)
		}
	}
	if got := e.flow(flowBody, webhooksig.FormatFlowKey(9, [32]byte{6})); got.status != 401 {
		t.Fatalf("got %d", got.status)
	}
	e.handOver()
	requests, events := e.core.Requests(), e.core.Events()
	if len(requests) != 100 || len(events) != 104 {
		t.Fatalf("got %d requests want 100, %d events want 104", len(requests), len(events))
	}
	if requests[0].Auth != "refused" || string(requests[0].Body) != "0" ||
		requests[0].Headers["X-Line-Signature"] != signed("{}") {
		t.Errorf("got %+v", requests[0])
	}
	last := events[103]
	if last.Type != event.RefusedHook || last.Number != edgeapitest.Channel || last.Subject != 9 ||
		last.Reason != uint16(edgeapi.WrongKey) {
		t.Errorf("got %+v", last)
	}
}

func TestOwnTroubleIsNeverARefusal(t *testing.T) {
	t.Parallel()
	e := start(t, setup{spoolMax: 1})
	e.core.Stop()
	for name, send := range map[string]func() answer{
		"spool full":   func() answer { return e.flow(flowBody, edgeapitest.FlowKey()) },
		"unknown hook": func() answer { return e.do("POST", "/hooks/line/aaaaaaaaaaaaaaaa", "{}") },
		"erasure": func() answer {
			return e.do("POST", "/hooks/shopify/"+edgetest.ShopifyHook, "{}", "X-Shopify-Topic",
				"customers/redact",
				"X-Shopify-Shop-Domain", "tea.myshopify.com", "X-Shopify-Hmac-Sha256", signed("{}"))
		},
	} {
		if got := send(); got.status != 503 || got.header.Get("Retry-After") == "" ||
			got.problem(t).Kind != "unavailable" {
			t.Errorf("%s: got %d %v", name, got.status, got.header)
		}
	}
}

func TestShopifyIsTakenUncheckedButErasureIsNot(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	e.core.Stop()
	send := func(topic string) answer {
		return e.do("POST", "/hooks/shopify/"+edgetest.ShopifyHook, "{}", "X-Shopify-Topic", topic,
			"X-Shopify-Shop-Domain", "tea.myshopify.com", "X-Shopify-Hmac-Sha256", signed("{}"))
	}
	if got := send("products/update"); got.status != 202 {
		t.Errorf("got %d", got.status)
	}
	if got := send("shop/redact"); got.status != 503 {
		t.Errorf("erasure: got %d", got.status)
	}
	e.core.Start()
	e.handOver()
	if got := e.core.Requests(); len(got) != 1 || got[0].Auth != "unchecked" ||
		got[0].Headers["X-Shopify-Topic"] != "products/update" {
		t.Errorf("got %+v", got)
	}
}

func TestRecordsThatTheCoreKeepsAsideAreGone(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	e.core.Stop()
	refused := accepted(t, e.flow(flowBody, edgeapitest.FlowKey()))
	fine := accepted(t, e.flow(flowBody, edgeapitest.FlowKey()))
	e.core.Start()
	e.core.Refuse(refused)
	e.core.Break(true)
	e.handOver()
	if got := e.spool.Stats().Waiting; got != 2 {
		t.Errorf("got %d waiting want 2", got)
	}
	e.core.Break(false)
	e.handOver()
	if got := e.core.Requests(); len(got) != 1 || got[0].ID != fine ||
		e.spool.Stats().Waiting != 0 {
		t.Errorf("got %+v, %d wait", got, e.spool.Stats().Waiting)
	}
}

func TestKeyReissueIsKnownAtOnce(t *testing.T) {
	t.Parallel()
	e := start(t, setup{})
	key := webhooksig.FormatFlowKey(2, [32]byte{6})
	hash := webhooksig.HashFlowKey(key)
	if got := e.flow(flowBody, key); got.status != http.StatusUnauthorized {
		t.Fatalf("got %d", got.status)
	}
	e.core.PutKey(edgeapi.Ref(edgeapi.KeyFlow, 2, edgeapitest.Channel),
		edgeapi.KeyEntry{Secret: hash[:]})
	e.until("the edge acknowledged the key",
		func() bool { return e.core.Acked() == e.core.Version() })
	if got := e.flow(flowBody, key); got.status != http.StatusOK {
		t.Errorf("the new key: got %d", got.status)
	}
	e.core.Delete(edgeapi.TableKey, edgeapi.Ref(edgeapi.KeyFlow, 1,
		edgeapitest.Channel).Append(nil))
	e.until("the edge acknowledged the end",
		func() bool { return e.core.Acked() == e.core.Version() })
	if got := e.flow(flowBody, edgeapitest.FlowKey()); got.status != http.StatusUnauthorized {
		t.Errorf("the old key: got %d", got.status)
	}
}
