package linetest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lumo/core/line/linetest"
	"lumo/core/vendortest"
)

// inbox receives webhooks and checks their signatures.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex // guards the rest
	status int
	bodies []string
	bad    []string
}

func newInbox(t *testing.T, l *line) *inbox {
	t.Helper()
	in := &inbox{status: http.StatusOK}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		in.mu.Lock()
		defer in.mu.Unlock()
		if r.Header.Get(
			"X-Line-Signature",
		) != linetest.Sign(
			linetest.DemoChannel.MessagingSecret,
			body,
		) ||
			r.Header.Get("User-Agent") != "LineBotWebhook/2.0" {
			in.bad = append(in.bad, string(body))
		}
		in.bodies = append(in.bodies, string(body))
		w.WriteHeader(in.status)
	}))
	t.Cleanup(in.Close)
	l.Change(linetest.DemoChannel.MessagingID, func(c *linetest.Channel) {
		c.Endpoint, c.UseWebhook, c.Redelivery = in.URL+"/hooks", true, true
	})
	return in
}

func (in *inbox) answer(status int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.status = status
}

// types lists the kinds of the events that came, in order.
func (in *inbox) types(t *testing.T) string {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.bad) > 0 {
		t.Errorf("not signed as LINE does: %v", in.bad)
	}
	var out []string
	for _, body := range in.bodies {
		var b struct {
			Destination string
			Events      []struct {
				Type           string
				WebhookEventID string `json:"webhookEventId"`
				Delivery       struct {
					Again bool `json:"isRedelivery"`
				} `json:"deliveryContext"`
			}
		}
		if err := json.Unmarshal(
			[]byte(body),
			&b,
		); err != nil ||
			b.Destination != linetest.DemoChannel.BotUserID {
			t.Errorf("body %s: %v", body, err)
		}
		for _, e := range b.Events {
			if len(e.WebhookEventID) != 26 {
				t.Errorf("event id %q", e.WebhookEventID)
			}
			if e.Delivery.Again {
				e.Type += " again"
			}
			out = append(out, e.Type)
		}
	}
	return strings.Join(out, ", ")
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPeoplesDoingsArriveSignedAndInOrder(t *testing.T) {
	t.Parallel()
	l := start(t, nil)
	in := newInbox(t, l)
	must(
		t,
		l.Follow("yuki", ""),
		l.Follow("yuki", ""),
		l.Say("yuki", "", "hi"),
		l.Block("yuki", ""),
		l.Unblock("yuki", ""),
	)
	l.Deliver(t.Context())
	if got, want := in.types(t), "follow, message, unfollow, follow"; got != want {
		t.Errorf("got %s", got)
	}
	if err := l.Say("nobody", "", "x"); err == nil {
		t.Error("nobody said something")
	}
}

func TestRefusedWebhooksAreSentAgain(t *testing.T) {
	t.Parallel()
	l := start(t, nil)
	in := newInbox(t, l)
	in.answer(500)
	must(t, l.Follow("yuki", ""))
	l.Deliver(t.Context())
	in.answer(200)
	l.clock.Advance(2 * time.Minute)
	l.Deliver(t.Context())
	if got, want := in.types(t), "follow, follow again"; got != want {
		t.Errorf("got %s", got)
	}
	log := l.HookLog()
	if len(log) != 2 || log[0].Reason != linetest.ReasonStatus || log[1].Reason != linetest.ReasonOK ||
		!log[1].PlainHTTP {
		t.Errorf("log %+v", log)
	}
}

func TestDuplicatesAndOrderOnRequest(t *testing.T) {
	t.Parallel()
	l := start(t, nil)
	in := newInbox(t, l)
	l.Faults().Add(vendortest.Fault{API: "line.webhook", Kind: vendortest.Duplicate})
	must(t, l.Follow("yuki", ""))
	l.Deliver(t.Context())
	l.Faults().Add(vendortest.Fault{API: "line.webhook", Kind: vendortest.Reorder})
	must(t, l.Say("yuki", "", "first"))
	l.Deliver(t.Context())
	must(t, l.Block("yuki", ""))
	l.Deliver(t.Context())
	if got, want := in.types(t), "follow, follow, unfollow, message"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestWebhookSettingsAndTheirTest(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	in := newInbox(t, l)
	const base = "/line-api/v2/bot/channel/webhook/"
	l.Change(linetest.DemoChannel.MessagingID, func(c *linetest.Channel) { c.UseWebhook = false })
	if a := l.do(t, "GET", base+"endpoint", ""); a.body["active"] != false {
		t.Errorf("got %s", a.text)
	}
	if a := l.do(
		t,
		"POST",
		base+"test",
		"{}",
	); a.body["success"] != true || a.body["statusCode"] != 200.0 ||
		a.body["reason"] != "OK" {
		t.Errorf("test: got %s", a.text)
	}
	in.answer(404)
	if a := l.do(
		t,
		"POST",
		base+"test",
		"{}",
	); a.body["success"] != false ||
		a.body["reason"] != "ERROR_STATUS_CODE" {
		t.Errorf("test: got %s", a.text)
	}
	in.Close()
	if a := l.do(
		t,
		"POST",
		base+"test",
		"{}",
	); a.body["reason"] != "COULD_NOT_CONNECT" ||
		a.body["statusCode"] != 0.0 {
		t.Errorf("test: got %s", a.text)
	}
	for range 57 {
		l.do(t, "POST", base+"test", `{"endpoint":"http://192.0.2.1/"}`)
	}
	if a := l.do(t, "POST", base+"test", "{}"); a.status != 429 {
		t.Errorf("the 61st test within an hour: got %d want 429", a.status)
	}
}

func TestStrictRefusesPlainHTTP(t *testing.T) {
	t.Parallel()
	l := start(t, func(c *linetest.Config) { c.Strict = true }).signIn(t)
	if a := l.do(
		t,
		"PUT",
		"/line-api/v2/bot/channel/webhook/endpoint",
		`{"endpoint":"http://127.0.0.1:1/x"}`,
	); a.status != 400 {
		t.Errorf("webhook address: got %d want 400", a.status)
	}
	image := `[{"type":"image","originalContentUrl":"http://127.0.0.1/i.png","previewImageUrl":"https://x.example/p.png"}]`
	if a := l.do(
		t,
		"POST",
		"/line-api/v2/bot/message/validate/push",
		`{"messages":`+image+`}`,
	); a.status != 400 {
		t.Errorf("image address: got %d want 400", a.status)
	}
}
