package linetest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lumo/core/line/linetest"
)

func TestMessagesAreExamined(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	long := strings.Repeat("x", 5001)
	emoji := strings.Repeat("😀", 2501) // 5,002 UTF-16 units
	uri := "https://shop.example/" + strings.Repeat("x", 980)
	button := func(address string) string {
		return `[{"type":"flex","altText":"a","contents":{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[
			{"type":"button","action":{"type":"uri","label":"Go","uri":"` + address + `"}}]}}}]`
	}
	for _, c := range []struct{ name, messages, want string }{
		{"text", hello, ""},
		{"none", `[]`, "Size must be between 1 and 5"},
		{"six", `[` + strings.Repeat(`{"type":"text","text":"x"},`, 5) + `{"type":"text","text":"x"}]`, `"property":"messages"`},
		{"empty text", `[{"type":"text","text":""}]`, "May not be empty"},
		{"long text", `[{"type":"text","text":"` + long + `"}]`, "Length must be between 0 and 5000"},
		{"long in UTF-16", `[{"type":"text","text":"` + emoji + `"}]`, `"property":"messages[0].text"`},
		{"5000", `[{"type":"text","text":"` + long[:5000] + `"}]`, ""},
		{"unknown type", `[{"type":"poem"}]`, "messages[0].type"},
		{"plain http image", `[{"type":"image","originalContentUrl":"http://x.example/i","previewImageUrl":"https://x.example/i"}]`, "originalContentUrl"},
		{"flex", button("https://shop.example/"), ""},
		{"flex with a long uri", button(uri), "/body/contents/0/action/uri"},
		{"flex with a bad scheme", button("javascript:x"), "/body/contents/0/action/uri"},
		{"unknown component", strings.Replace(button("https://x.example"), `"button"`, `"poem"`, 1), `"property":"/body/contents/0"`},
		{"confirm with one action", `[{"type":"template","altText":"a","template":{"type":"confirm","text":"t","actions":[{"type":"message","label":"l","text":"t"}]}}]`, "template.actions"},
	} {
		a := l.do(t, "POST", "/line-api/v2/bot/message/validate/push", `{"messages":`+c.messages+`}`)
		if c.want == "" && (a.status != 200 || a.text != "{}") ||
			c.want != "" && (a.status != 400 || !strings.Contains(a.text, c.want)) {
			t.Errorf("%s: got %d %.200s", c.name, a.status, a.text)
		}
	}
}

func TestTheMonthEndsWithItsOwnText(t *testing.T) {
	t.Parallel()
	l := start(t, func(c *linetest.Config) {
		small := linetest.DemoChannel
		small.Quota = linetest.Limit(1)
		c.Channels = []linetest.Channel{small}
	}).signIn(t)
	must(t, l.Follow("yuki", ""))
	if a := l.push(t, yuki(), "", hello); a.status != 200 {
		t.Fatalf("got %d", a.status)
	}
	a := l.push(t, yuki(), someKey, hello)
	if a.status != 429 || a.body["message"] != "You have reached your monthly limit." {
		t.Errorf("got %d %s", a.status, a.text)
	}
	l.clock.Advance(40 * 24 * time.Hour)
	if a := l.signIn(t).push(t, yuki(), someKey, hello); a.status != 200 {
		t.Errorf("next month, same key: got %d %s", a.status, a.text)
	}
}

func TestTooManyRequestsPerSecond(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	body := fmt.Sprintf(`{"to":["%s"],"messages":%s}`, yuki(), hello)
	for i := range 201 {
		a := l.do(t, "POST", "/line-api/v2/bot/message/multicast", body)
		if want := map[bool]int{true: 200, false: 429}[i < 200]; a.status != want {
			t.Fatalf("request %d: got %d want %d %s", i+1, a.status, want, a.text)
		}
	}
	l.clock.Advance(5 * time.Millisecond)
	if a := l.do(t, "POST", "/line-api/v2/bot/message/multicast", body); a.status != 200 {
		t.Errorf("5 ms later: got %d want 200", a.status)
	}
}

func TestARedeliveredReplyTokenLastsAMinuteMore(t *testing.T) {
	t.Parallel()
	l := start(t, func(c *linetest.Config) {
		again := linetest.DemoChannel
		again.Redelivery = true
		c.Channels = []linetest.Channel{again}
	}).signIn(t)
	in := newInbox(t, l)
	in.mu.Lock()
	in.status = http.StatusInternalServerError
	in.mu.Unlock()
	must(t, l.Say("yuki", "", "hello?"))
	l.Deliver(t.Context())
	l.clock.Advance(3 * time.Minute)
	l.Deliver(t.Context())
	_, after, _ := strings.Cut(in.bodies[len(in.bodies)-1], `"replyToken":"`)
	token, _, _ := strings.Cut(after, `"`)
	if !strings.Contains(in.bodies[len(in.bodies)-1], `"isRedelivery":true`) {
		t.Fatalf("no redelivery in %s", in.bodies)
	}
	body := `{"replyToken":"` + token + `","messages":` + hello + `}`
	if a := l.do(t, "POST", "/line-api/v2/bot/message/reply", body); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.text)
	}
}

func TestMulticastWithAMalformedIDReachesNobody(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	must(t, l.Follow("yuki", ""))
	a := l.do(
		t,
		"POST",
		"/line-api/v2/bot/message/multicast",
		`{"to":["`+yuki()+`","C1"],"messages":`+hello+`}`,
	)
	if a.status != 400 ||
		!strings.Contains(
			a.text,
			"The property, to[1], in the request body is invalid (line: -, column: -)",
		) {
		t.Errorf("got %d %s", a.status, a.text)
	}
	if chat, _ := l.Chat("yuki", ""); len(chat) != 0 {
		t.Errorf("somebody got %d messages", len(chat))
	}
}

func TestReplyTokensAreUsedOnceWithinAMinute(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	in := newInbox(t, l)
	must(t, l.Say("yuki", "", "hello?"))
	l.Deliver(t.Context())
	_, after, _ := strings.Cut(in.bodies[0], `"replyToken":"`)
	token, _, _ := strings.Cut(after, `"`)
	for i, want := range []int{200, 400} {
		a := l.do(
			t,
			"POST",
			"/line-api/v2/bot/message/reply",
			`{"replyToken":"`+token+`","messages":`+hello+`}`,
		)
		if a.status != want {
			t.Errorf("use %d: got %d %s", i+1, a.status, a.text)
		}
	}
	if a := l.do(
		t,
		"POST",
		"/line-api/v2/bot/message/reply",
		`{"replyToken":"x","messages":`+hello+`}`,
		"X-Line-Retry-Key",
		someKey,
	); a.status != 400 {
		t.Errorf("reply with a retry key: got %d", a.status)
	}
	if got := l.Usage(""); got != 0 {
		t.Errorf("replies used %d of the quota", got)
	}
}

func TestFollowersAreForVerifiedAccounts(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	if a := l.do(t, "GET", "/line-api/v2/bot/followers/ids", ""); a.status != 403 {
		t.Errorf("got %d want 403", a.status)
	}
}

func TestTokensAreCheckedOnEachCall(t *testing.T) {
	t.Parallel()
	l := start(t, nil)
	if a := l.do(t, "GET", "/line-api/v2/bot/info", ""); a.status != 401 {
		t.Errorf("without a token: got %d", a.status)
	}
	l.signIn(t)
	l.clock.Advance(15 * time.Minute)
	if a := l.do(
		t,
		"GET",
		"/line-api/v2/bot/info",
		"",
	); a.status != 401 ||
		!strings.Contains(a.text, "Authentication failed") {
		t.Errorf("after 15 minutes: got %d %s", a.status, a.text)
	}
	a := l.form(
		t,
		"/line-api/oauth2/v3/token",
		"grant_type",
		"client_credentials",
		"client_id",
		linetest.DemoChannel.MessagingID,
		"client_secret",
		"wrong",
	)
	if a.status != 400 || a.body["error"] != "invalid_request" ||
		a.body["error_description"] != "Invalid 'client_credentials'." {
		t.Errorf("wrong secret: got %d %s", a.status, a.text)
	}
}

func TestViewLoadsPicturesOnceAndPreviewsBareLinks(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	must(t, l.Follow("yuki", ""))
	agents := map[string]string{}
	loads := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents[r.URL.Path] = r.Header.Get("User-Agent")
		loads[r.URL.Path]++
		if r.URL.Path == "/pic" {
			w.Header().Set("Content-Type", "image/png")
			w.Header().Set("Cache-Control", "private, max-age=3600")
		}
	}))
	t.Cleanup(server.Close)
	messages := `[{"type":"text","text":"see ` + server.URL + `/c/1, please"},
		{"type":"flex","altText":"a","contents":{"type":"bubble","hero":{"type":"image","url":"` + server.URL + `/pic"},
		"body":{"type":"box","layout":"vertical","contents":[],"action":{"type":"uri","label":"x","uri":"` + server.URL + `/c/2"}}}}]`
	for range 2 {
		if a := l.push(t, yuki(), "", messages); a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.text)
		}
		if _, err := l.View(t.Context(), "yuki", ""); err != nil {
			t.Fatal(err)
		}
	}
	if loads["/pic"] != 1 || loads["/c/1"] != 2 || loads["/c/2"] != 0 {
		t.Errorf("loads %v", loads)
	}
	if got, want := agents["/c/1"], "facebookexternalhit/1.1;line-poker/1.0"; got != want {
		t.Errorf("preview agent got %q", got)
	}
	if _, err := l.Touch(
		t.Context(),
		"yuki",
		linetest.Tap{URL: server.URL + "/c/2"},
	); err != nil ||
		!strings.Contains(agents["/c/2"], " Line/") {
		t.Errorf("tap: %v, agent %q", err, agents["/c/2"])
	}
}

func TestAddFriendPagesOpenInTheApp(t *testing.T) {
	t.Parallel()
	l := start(t, nil)
	pages, err := l.Open(t.Context(), "ken", "https://line.me/R/ti/p/%40hanatea")
	if err != nil || pages[0].AddFriend == nil || pages[0].AddFriend.Name != "Hana Tea" {
		t.Errorf("got %+v %v", pages, err)
	}
	pages, err = l.Open(t.Context(), "ken", "https://shop.hanatea.example/cart")
	if err != nil || pages[0].Status != 0 || pages[0].Note == "" {
		t.Errorf("a shop outside: got %+v %v", pages, err)
	}
}

func TestSnapshotsHoldEverything(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	must(t, l.Follow("yuki", ""))
	l.push(t, yuki(), someKey, hello)
	snapshot, err := l.Snapshot()
	must(t, err)
	other := start(t, nil)
	must(t, other.Restore(snapshot))
	other.token = l.token
	if a := other.push(t, yuki(), someKey, hello); a.status != http.StatusConflict {
		t.Errorf("the restored fake: got %d want 409", a.status)
	}
}
