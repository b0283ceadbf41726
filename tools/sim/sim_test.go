package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
)

// begin serves a simulator; dir may be empty.
func begin(t *testing.T, dir string) (base string, s *sim) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err = newSim(config{Now: time.Now, URL: "http://" + l.Addr().String(), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return s.url + "/sim/v1", s
}

// call makes a control request and decodes the answer into out, where out is not nil.
func call(t *testing.T, method, address, body string, want int, out any) string {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != want {
		t.Fatalf("%s %s: got %d %s", method, address, res.StatusCode, text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, address, err, text)
		}
	}
	return string(text)
}

func TestTheSeedIsWhatTheDemoNeeds(t *testing.T) {
	t.Parallel()
	base, _ := begin(t, "")
	var state struct {
		Channels []struct {
			ID string `json:"messaging_channel_id"`
		}
		People   []struct{ ID, Name string }
		Profiles []struct{ ID, Email string }
		Flows    []klaviyotest.Flow
		Settings map[string]string
	}
	call(t, "GET", base+"/state", "", 200, &state)
	if len(state.Channels) != 1 || state.Channels[0].ID != linetest.DemoChannel.MessagingID ||
		len(state.People) != 3 ||
		len(state.Profiles) != 4 {
		t.Errorf("got %+v", state)
	}
	f := state.Flows[0]
	if f.Status != klaviyotest.Draft || f.Name != "Abandoned cart" || f.Actions[0].URL != "" {
		t.Errorf("flow %+v", f)
	}
	if state.Settings["LUMO_LINE_ACCESS_URL"] == "" {
		t.Error("settings are missing")
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base, s := begin(t, dir)
	call(t, "POST", base+"/people/yuki/follow", "", 200, nil)
	call(t, "POST", base+"/klaviyo/profiles", `{"email":"new@customer.example"}`, 200, nil)
	call(t, "POST", base+"/clock", `{"advance_seconds":3600}`, 200, nil)
	if err := s.store.save(); err != nil {
		t.Fatal(err)
	}
	again, other := begin(t, dir)
	var yuki personView
	call(t, "GET", again+"/people/yuki", "", 200, &yuki)
	if got := yuki.Friendships[linetest.DemoChannel.MessagingID].State; got != linetest.Friend {
		t.Errorf("friendship got %s", got)
	}
	call(t, "GET", again+"/klaviyo/profiles/new@customer.example", "", 200, nil)
	if got := other.clock.Offset().Round(time.Second); got != time.Hour {
		t.Errorf("clock got %s", got)
	}
	call(t, "POST", again+"/reset", "", 200, nil)
	call(t, "GET", again+"/klaviyo/profiles/new@customer.example", "", 404, nil)
}

func TestScanReadsThePicture(t *testing.T) {
	t.Parallel()
	base, _ := begin(t, "")
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<title>Hello</title>")
	}))
	t.Cleanup(shop.Close)
	address := shop.URL + "/q/abcdefgh?k=01JD2Q8Z5N6Y7XW3V4T2S1R0QA"
	code, err := qr.Encode(address, qr.M, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	scaled, err := barcode.Scale(code, 320, 320)
	if err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, scaled); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		URL   string
		Pages []linetest.Page
	}
	call(
		t,
		"POST",
		base+"/people/mio/scan",
		`{"image":"`+base64.StdEncoding.EncodeToString(picture.Bytes())+`"}`,
		200,
		&answer,
	)
	if answer.URL != address || answer.Pages[0].Title != "Hello" {
		t.Errorf("got %+v", answer)
	}
	call(t, "POST", base+"/people/mio/scan", `{"image":"aGVsbG8="}`, 400, nil)
}

func TestAFlowIsFilledInAndSends(t *testing.T) {
	t.Parallel()
	base, s := begin(t, "")
	came := make(chan string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		came <- r.Header.Get("Lumo-Flow-Key") + " " + string(body)
	}))
	t.Cleanup(hook.Close)
	const flow = "/klaviyo/flows/" + klaviyotest.DemoFlow
	call(
		t,
		"PATCH",
		base+flow,
		`{"status":"live","webhook":{"url":"`+hook.URL+`","headers":{"Lumo-Flow-Key":"k"},"body":"{{ person.KlaviyoID }}"}}`,
		200,
		nil,
	)
	call(
		t,
		"POST",
		base+"/klaviyo/events",
		`{"profile":"mio@customer.example","metric":"Checkout Started"}`,
		200,
		nil,
	)
	s.klaviyo.Work(t.Context())
	if got, want := <-came, "k "+klaviyotest.DemoMio; got != want {
		t.Errorf("got %q want %q", got, want)
	}
	var log struct{ Items []klaviyotest.Activity }
	call(t, "GET", base+"/klaviyo/activity?flow="+klaviyotest.DemoFlow, "", 200, &log)
	if len(log.Items) != 1 || log.Items[0].Status != klaviyotest.Sent {
		t.Errorf("activity %+v", log)
	}
	call(t, "POST", base+flow+"/status", `{"status":"draft"}`, 200, nil)
}

func TestMistakesAreToldPlainly(t *testing.T) {
	t.Parallel()
	base, _ := begin(t, "")
	for _, c := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"POST", "/people/yuki/say", `{"txt":"x"}`, 400, "unknown field"},
		{"POST", "/people/nobody/follow", ``, 404, "There is no such person."},
		{"POST", "/people/yuki/unblock", ``, 409, "not blocked"},
		{"POST", "/faults", `{"api":"line.push","kind":"explode"}`, 400, "no such kind"},
		{"PATCH", "/klaviyo/flows/" + klaviyotest.DemoFlow, `{"webhook":{"url":"http://shop.example/"}}`, 400, "https"},
		{"POST", "/klaviyo/emails/render", `{"profile":"mio@customer.example","html":"{{ x|nope }}"}`, 400, "nope"},
		{"PATCH", "/line/channels/0", `{}`, 404, "no such LINE account"},
	} {
		if got := call(t, c.method, base+c.path, c.body, c.status, nil); !strings.Contains(got, c.text) {
			t.Errorf("%s %s: got %s", c.method, c.path, got)
		}
	}
}

func TestOtherSitesCannotControl(t *testing.T) {
	t.Parallel()
	base, _ := begin(t, "")
	req, _ := http.NewRequest("POST", base+"/reset", nil)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 403 {
		t.Errorf("got %d want 403", res.StatusCode)
	}
}

func TestChangesAreStreamed(t *testing.T) {
	t.Parallel()
	base, s := begin(t, "")
	req, _ := http.NewRequestWithContext(t.Context(), "GET", base+"/events", nil)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if lines.Text() == ": connected" {
			s.changed("person", "yuki")
		}
		if strings.HasPrefix(lines.Text(), "data: ") {
			if !strings.Contains(lines.Text(), `"kind":"person","id":"yuki"`) {
				t.Errorf("got %s", lines.Text())
			}
			return
		}
	}
	t.Error("the stream ended")
}

func TestAShopPageHoldsTheFormAndTheMerchantsScript(t *testing.T) {
	t.Parallel()
	base, s := begin(t, "")
	page := call(t, "GET", s.url+"/shop?script=http://127.0.0.1:9/f/abc.js", "", 200, nil)
	for _, want := range []string{`src="http://127.0.0.1:9/f/abc.js"`, `data-form="` + klaviyotest.DemoForm + `"`} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing in %s", want, page)
		}
	}
	if page := call(t, "GET", s.url+"/shop?script=https://evil.example/x.js", "", 200, nil); strings.Contains(page, "evil") {
		t.Error("a script of another machine is on the page")
	}
	call(t, "POST", base+"/klaviyo/forms/"+klaviyotest.DemoForm+"/submit", `{"email":"visitor@customer.example"}`, 200, nil)
	call(t, "GET", base+"/klaviyo/profiles/visitor@customer.example", "", 200, nil)
	call(t, "POST", base+"/klaviyo/lists/"+klaviyotest.DemoList+"/leave", `{"profile":"visitor@customer.example"}`, 200, nil)
}

func TestTheQRCodeOfTheLastEmailIsScanned(t *testing.T) {
	t.Parallel()
	base, _ := begin(t, "")
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".png") {
			code, err := qr.Encode("http://"+r.Host+"/q/abc", qr.M, qr.Auto)
			if err != nil {
				t.Error(err)
			}
			scaled, err := barcode.Scale(code, 300, 300)
			if err != nil {
				t.Error(err)
			}
			_ = png.Encode(w, scaled)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<title>Link</title>")
	}))
	t.Cleanup(shop.Close)
	call(t, "POST", base+"/people/mio/scan", `{"email":true}`, 404, nil)
	for _, html := range []string{`<img src=\"` + shop.URL + `/q/abc.png\">`, `no code here`} {
		call(t, "POST", base+"/klaviyo/emails/send",
			`{"profile":"mio@customer.example","subject":"Hello","html":"`+html+`"}`, 200, nil)
	}
	var answer struct {
		URL   string
		Pages []linetest.Page
	}
	call(t, "POST", base+"/people/mio/scan", `{"email":true}`, 200, &answer)
	if answer.URL != shop.URL+"/q/abc" || answer.Pages[0].Title != "Link" {
		t.Errorf("got %+v", answer)
	}
}
