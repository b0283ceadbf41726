package journey_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lumo/core/line/linetest"
)

const shopPage = "https://shop.example"

// types has a customer send a shop's form, as the form's script tells the edge, and answers the address
// of the button that she sees then; empty = none.
func (w *world) types(form string, fields url.Values) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, strings.TrimSuffix(form, ".js")+"/claim",
		strings.NewReader(fields.Encode()))
	w.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", shopPage)
	res, err := http.DefaultClient.Do(req)
	w.must(err)
	defer res.Body.Close()
	var answer struct{ URL, Image string }
	if res.StatusCode == http.StatusOK {
		w.must(json.NewDecoder(res.Body).Decode(&answer))
		if answer.Image == "" || res.Header.Get("Access-Control-Allow-Origin") != shopPage {
			w.t.Errorf("got %+v %v", answer, res.Header)
		}
	}
	return answer.URL
}

// A customer signs up on the shop's page, presses the button there, agrees at LINE, and confirms:
// she is linked by the form, by her email or by her phone as her country dials it.
func TestWhoSendsTheShopsFormIsLinkedByIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	var form struct {
		ID     string `json:"id"`
		Script string `json:"script_url"`
	}
	w.post("/forms", map[string]any{"name": "Sign-up", "shows": "both", "origins": []string{shopPage}}, &form)
	w.until("the edge to know the form", func() (bool, error) {
		return answers(form.Script)
	})
	for _, one := range []struct {
		person, profile string
		fields          url.Values
	}{
		{"yuki", yuki, url.Values{"email": {"Yuki@customer.example"}}},
		{"mio", mio, url.Values{"email": {"mio"}, "phone": {w.local(mio)}}},
	} {
		address := w.types(form.Script, one.fields)
		if !strings.Contains(address, "/q/") || !strings.Contains(address, "?s=") {
			t.Fatalf("%v leads to %q", one.fields, address)
		}
		page := w.opens(one.person, address, linetest.Choice{AddFriend: true})
		if len(page.Forms) != 1 || says(page, linkedTexts) || !strings.Contains(page.Text, shopName) {
			t.Fatalf("%s is not asked: %q", one.person, page.Text)
		}
		if page = w.confirms(one.person); !says(page, linkedTexts) {
			t.Fatalf("%s is told %q", one.person, page.Text)
		}
		l := w.linkOf(w.the(one.profile))
		if l == nil || l.Method != "form" || l.Assurance != "claimed" {
			t.Errorf("%s: got %+v", one.person, l)
		}
		w.becomes(one.profile, "LINE User ID", lineID(one.person))
	}
	got := get[struct{ Linked int }](w, "/forms/"+form.ID)
	if got.Linked != 2 {
		t.Errorf("the form counts %d links, want 2", got.Linked)
	}
	if address := w.types(form.Script, url.Values{"email": {"no email"}, "phone": {"call me"}}); address != "" {
		t.Errorf("nobody's claim leads to %s", address)
	}
}

// local is a customer's phone number as her country dials it, with the marks people write.
func (w *world) local(profile string) string {
	w.t.Helper()
	p, ok := w.klaviyo.Profile("", profile)
	number, found := strings.CutPrefix(p.Phone, "+81")
	if !ok || !found || len(number) < 8 {
		w.t.Fatalf("%s has no phone of Japan: %q", profile, p.Phone)
	}
	return fmt.Sprintf("0%s-%s-%s", number[:2], number[2:6], number[6:])
}
