package journey_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lumo/core/line/linetest"
	"lumo/shared/event"
)

// visit is how a program that looks at emails opens what is in them.
type visit struct {
	method  string
	agent   string
	purpose string
}

// visits are those of mail gateways, of mail providers' image proxies, and of previews.
func visits() []visit {
	const browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
	all := []visit{{"GET", browser, ""}, {"HEAD", browser, ""}, {"HEAD", "Mozilla/5.0 (iPhone) Mobile/15E148", ""},
		{"GET", "Mozilla/5.0 (iPhone) Mobile/15E148", "prefetch"}, {"GET", "", ""}, {"GET", "python-requests/2.32", ""}}
	for _, name := range event.Crawlers() {
		all = append(all, visit{"GET", "Mozilla/5.0 (iPhone; Mobile) " + name + "/1.0", ""})
	}
	return all
}

// scan opens an address as a program does, follows nothing, and keeps no cookie.
func (w *world) scan(v visit, address, body, origin string) (status int, location, text string) {
	w.t.Helper()
	method := v.method
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(body))
	w.must(err)
	req.Header.Set("User-Agent", v.agent)
	if v.purpose != "" {
		req.Header.Set("Sec-Purpose", v.purpose)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", origin)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	w.must(err)
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	w.must(err)
	return res.StatusCode, res.Header.Get("Location"), string(read)
}

// A gateway opens every link of an email before the customer does, and presses what can be
// pressed: nobody is linked, no scan and no claim is counted, nothing waits for review, and
// the customer's own scan afterwards works.
func TestScannerThatOpensEveryLinkLinksNobodyAndCountsNoScan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	const origin = "https://shop.hanatea.example"
	var form struct {
		ID     string `json:"id"`
		Script string `json:"script_url"`
	}
	w.post("/forms", map[string]any{"name": "Welcome", "shows": "both", "origins": []string{origin}}, &form)
	byEmail, byPhone := w.codeBy("email"), w.codeBy("phone")
	claim := strings.TrimSuffix(form.Script, ".js") + "/claim"
	addresses := []string{claim, w.mailed(yuki), w.mailed(yuki) + "&u=1", w.rendered(w.code.Image, yuki),
		w.rendered(byEmail.Template, yuki), w.rendered(byPhone.Template, yuki), w.rendered(byEmail.Image, yuki),
		strings.Split(w.mailed(yuki), "?")[0] + "?u=1", form.Script,
		w.front.URL + "/link/callback?code=abc&state=" + strings.Repeat("A", 120)}
	for _, v := range visits() {
		for _, address := range addresses {
			var status int
			var location string
			w.until("a module to have its time", func() (bool, error) { // as in opens
				status, location, _ = w.scan(v, address, "", "")
				return status != http.StatusServiceUnavailable, fmt.Errorf("%+v is told to try again", v)
			})
			if status >= 500 || location != "" {
				t.Errorf("%+v of %s: %d, leads to %q", v, strings.TrimPrefix(address, w.front.URL), status, location)
			}
		}
		w.scan(v, w.front.URL+"/link/confirm", "value="+strings.Repeat("A", 70), "null")
		if v.agent != "" && event.Classify(false, []byte(v.purpose), []byte(v.agent)) != event.Person {
			w.scan(v, claim, url.Values{"email": {"yuki@customer.example"}}.Encode(), origin)
		}
	}
	if n := len(w.friends()); n != 0 {
		t.Errorf("%d friends were made", n)
	}
	if n := len(w.review()); n != 0 {
		t.Errorf("%d wait for review", n)
	}
	// What an edge saw is in the core once the customer's own scan is, which came last.
	page := w.opens("yuki", w.mailed(yuki), linetest.Choice{AddFriend: true})
	if !says(page, linkedTexts) {
		t.Fatalf("the customer is told %q", page.Text)
	}
	w.until("her scan to be counted", func() (bool, error) { return w.counted(w.code.ID).Scans > 0, nil })
	if got := w.counted(w.code.ID); got != (counts{1, 1, 1}) {
		t.Errorf("the code counts %+v, want hers alone", got)
	}
	for _, code := range []string{byEmail.ID, byPhone.ID} {
		if got := w.counted(code); got != (counts{}) {
			t.Errorf("a code that only programs opened counts %+v", got)
		}
	}
	numbers := get[struct {
		Submitted, Shown, Tapped, Linked int
	}](w, "/forms/"+form.ID)
	if numbers.Submitted+numbers.Shown+numbers.Tapped+numbers.Linked != 0 {
		t.Errorf("the form counts %+v", numbers)
	}
}
