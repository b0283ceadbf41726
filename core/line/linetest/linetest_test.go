package linetest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lumo/core/line/linetest"
	"lumo/core/vendortest"
)

// line is a fake LINE under test with its clock and address.
type line struct {
	*linetest.Server
	clock *vendortest.Clock
	url   string
	token string
	// transport checks traffic, nil = it is not checked
	transport http.RoundTripper
}

func start(t *testing.T, edit func(*linetest.Config)) *line {
	t.Helper()
	clock := vendortest.Fixed(time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC))
	c := linetest.Config{Now: clock.Now}
	if edit != nil {
		edit(&c)
	}
	l := &line{Server: linetest.New(c), clock: clock}
	address, stop, err := l.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	l.url = address
	return l
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (l *line) do(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, l.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if l.token != "" {
		req.Header.Set("Authorization", "Bearer "+l.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{
		Transport:     l.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, text: string(text)}
	_ = json.NewDecoder(bytes.NewReader(text)).Decode(&a.body)
	return a
}

func (l *line) form(t *testing.T, path string, pairs ...string) answer {
	t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return l.do(
		t,
		http.MethodPost,
		path,
		v.Encode(),
		"Content-Type",
		"application/x-www-form-urlencoded",
	)
}

// signIn gets a channel access token for the demo account.
func (l *line) signIn(t *testing.T) *line {
	t.Helper()
	d := linetest.DemoChannel
	a := l.form(t, "/line-api/oauth2/v3/token", "grant_type", "client_credentials",
		"client_id", d.MessagingID, "client_secret", d.MessagingSecret)
	if a.status != http.StatusOK || a.body["expires_in"] != 900.0 {
		t.Fatalf("token: got %d %s", a.status, a.text)
	}
	l.token, _ = a.body["access_token"].(string)
	return l
}

func (l *line) push(t *testing.T, to, key, messages string) answer {
	t.Helper()
	return l.do(t, http.MethodPost, "/line-api/v2/bot/message/push",
		`{"to":"`+to+`","messages":`+messages+`}`, "X-Line-Retry-Key", key)
}

const (
	hello   = `[{"type":"text","text":"hello"}]`
	someKey = "123e4567-e89b-12d3-a456-426614174000"
)

func yuki() string { return linetest.UserID(linetest.DemoChannel.Provider, "yuki") }

func TestPushReachesAFriendAndOnlyAFriend(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	for _, step := range []struct {
		name    string
		before  func() error
		to      string
		status  int
		text    string
		reached int
	}{
		{"stranger: taken in silence", nil, yuki(), 200, "sentMessages", 0},
		{"friend", func() error { return l.Follow("yuki", "") }, yuki(), 200, "sentMessages", 1},
		{"blocked: taken in silence", func() error { return l.Block("yuki", "") }, yuki(), 200, "sentMessages", 1},
		{"a stranger who wrote: reachable for a week", func() error {
			return errors.Join(l.Unblock("yuki", ""), l.Say("mio", "", "hi"))
		}, linetest.UserID(linetest.DemoChannel.Provider, "mio"), 200, "sentMessages", 1},
		{"deleted account: taken in silence", func() error {
			return l.Switch("yuki", func(p *linetest.Person) { p.Deleted = true })
		}, yuki(), 200, "sentMessages", 1},
		{"other provider", nil, linetest.UserID("prv_other", "yuki"), 400, "Failed to send messages", 1},
		{"malformed", nil, "yuki", 400, "The property, 'to', in the request body is invalid", 1},
	} {
		if step.before != nil {
			if err := step.before(); err != nil {
				t.Fatal(err)
			}
		}
		a := l.push(t, step.to, "", hello)
		if a.status != step.status || !strings.Contains(a.text, step.text) ||
			a.header.Get("X-Line-Request-Id") == "" {
			t.Errorf("%s: got %d %s", step.name, a.status, a.text)
		}
		chat, err := l.Chat("yuki", "")
		if err != nil || len(chat) != step.reached {
			t.Errorf("%s: phone has %d messages, want %d", step.name, len(chat), step.reached)
		}
	}
	if chat, _ := l.Chat("mio", ""); len(chat) != 2 {
		t.Errorf("the stranger's phone has %d entries, want own text and the answer", len(chat))
	}
	if got := l.Usage(""); got != 2 {
		t.Errorf("used %d of the quota, want 2: only delivered messages count", got)
	}
}

func TestRetryKeyIsTakenOnceInADay(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	if err := l.Follow("yuki", ""); err != nil {
		t.Fatal(err)
	}
	first := l.push(t, yuki(), someKey, hello)
	again := l.push(t, yuki(), someKey, hello)
	if again.status != http.StatusConflict ||
		again.body["message"] != "The retry key is already accepted" {
		t.Fatalf("got %d %s", again.status, again.text)
	}
	if got, want := again.header.Get(
		"X-Line-Accepted-Request-Id",
	), first.header.Get(
		"X-Line-Request-Id",
	); got != want {
		t.Errorf("accepted request id got %q want %q", got, want)
	}
	if !strings.Contains(again.text, first.text[1:len(first.text)-1]) {
		t.Errorf("409 lacks the first answer's messages: %s", again.text)
	}
	l.clock.Advance(24*time.Hour + time.Second)
	if late := l.signIn(t).push(t, yuki(), someKey, hello); late.status != http.StatusOK {
		t.Errorf("after a day the key is forgotten: got %d", late.status)
	}
	if bad := l.push(t, yuki(), "not-a-uuid", hello); bad.status != http.StatusBadRequest {
		t.Errorf("a key that is no UUID: got %d", bad.status)
	}
	if got := len(l.Ledger()); got != 2 {
		t.Errorf("ledger has %d accepted requests, want 2", got)
	}
}

func TestRefusedKeyStaysFree(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	l.Faults().Add(vendortest.Fault{API: "line.push", Kind: "500"})
	if a := l.push(t, yuki(), someKey, hello); a.status != 500 {
		t.Fatalf("got %d", a.status)
	}
	if a := l.push(t, yuki(), someKey, hello); a.status != 200 {
		t.Errorf("got %d, want 200: nothing was accepted before", a.status)
	}
}

func TestAcceptedWithoutAnAnswerStandsInTheLedger(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	if err := l.Follow("yuki", ""); err != nil {
		t.Fatal(err)
	}
	l.Faults().Add(vendortest.Fault{API: "line.push", Kind: vendortest.NoAnswer})
	req, _ := http.NewRequest(http.MethodPost, l.url+"/line-api/v2/bot/message/push",
		strings.NewReader(`{"to":"`+yuki()+`","messages":`+hello+`}`))
	req.Header.Set("Authorization", "Bearer "+l.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Line-Retry-Key", someKey)
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
		t.Fatalf("got an answer: %d", res.StatusCode)
	}
	if chat, _ := l.Chat("yuki", ""); len(chat) != 1 {
		t.Errorf("the phone has %d messages, want 1", len(chat))
	}
	if a := l.push(t, yuki(), someKey, hello); a.status != http.StatusConflict {
		t.Errorf("the same key again: got %d want 409", a.status)
	}
}
