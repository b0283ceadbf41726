package journey_test

import (
	"fmt"
	"net/http"
	"strings"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
)

// friend is what the console's list says of one.
type friend struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Linked       bool   `json:"linked"`
	FollowStatus string `json:"follow_status"`
	ProfileID    string `json:"profile_id"`
	Consent      string `json:"consent"`
}

func (w *world) friends() []friend {
	w.t.Helper()
	return get[struct{ Items []friend }](w, "/friends").Items
}

// linked is who is linked to a customer of Klaviyo.
func (w *world) linked(profile string) (friend, bool) {
	w.t.Helper()
	for _, f := range w.friends() {
		if f.ProfileID == profile {
			return f, true
		}
	}
	return friend{}, false
}

// mailed is the link of a code in the email that Klaviyo renders for a customer.
func (w *world) mailed(profile string) string {
	w.t.Helper()
	return w.rendered(w.code.Template, profile)
}

// rendered fills a link's template in for a customer, as Klaviyo does in an email.
func (w *world) rendered(template, profile string) string {
	w.t.Helper()
	mail, err := w.klaviyo.RenderEmail("", profile, "Hana Tea on LINE", template, false)
	w.must(err)
	return strings.TrimSpace(mail.HTML)
}

// opens has a person open an address in LINE and answer LINE's consent screen where it comes,
// again where she is told to try again.
func (w *world) opens(person, address string, choice linetest.Choice) (last linetest.Page) {
	w.t.Helper()
	w.until("a module to have its time", func() (bool, error) { // on a starved machine it may take too long
		last = w.opensOnce(person, address, choice)
		return last.Status != http.StatusServiceUnavailable, fmt.Errorf("%s is told %q", person, last.Text)
	})
	return last
}

func (w *world) opensOnce(person, address string, choice linetest.Choice) linetest.Page {
	w.t.Helper()
	pages, err := w.line.Open(w.t.Context(), person, address)
	w.must(err)
	last := pages[len(pages)-1]
	if last.Login == nil { // who agreed before is not asked again
		return last
	}
	choice.Request = last.Login.Request
	pages, err = w.line.Consent(w.t.Context(), person, choice)
	w.must(err)
	return pages[len(pages)-1]
}

// confirms presses the button of the page a person is on.
func (w *world) confirms(person string) linetest.Page {
	w.t.Helper()
	pages, err := w.line.SubmitForm(w.t.Context(), person, linetest.Submission{})
	w.must(err)
	return pages[len(pages)-1]
}

// links takes a person from a customer's email to the link.
func (w *world) links(person, profile string) friend {
	w.t.Helper()
	page := w.opens(person, w.mailed(profile), linetest.Choice{AddFriend: true})
	if page.Status != 200 || !says(page, linkedTexts) {
		w.t.Fatalf("%s is told %d %q", person, page.Status, page.Text)
	}
	w.until(person+" to be linked and to follow", func() (bool, error) {
		f, ok := w.linked(profile)
		return ok && f.FollowStatus == "following", fmt.Errorf("%+v", f)
	})
	f, _ := w.linked(profile)
	return f
}

// linkedTexts say that it worked.
var linkedTexts = []string{"連携が完了しました。", "Linked. You can close this page."}

func says(p linetest.Page, texts []string) bool {
	for _, text := range texts {
		if strings.Contains(p.Text, text) {
			return true
		}
	}
	return false
}

// property is what Klaviyo knows of a customer.
func (w *world) property(profile, name string) any {
	w.t.Helper()
	p, ok := w.klaviyo.Profile("", profile)
	if !ok {
		return nil
	}
	return p.Properties[name]
}

// becomes waits until Klaviyo has a value.
func (w *world) becomes(profile, name string, want any) {
	w.t.Helper()
	w.until(fmt.Sprintf("%s of %s to be %v", name, profile, want), func() (bool, error) {
		got := w.property(profile, name)
		return got == want, fmt.Errorf("it is %v", got)
	})
}

// events counts a customer's events at Klaviyo by metric.
func (w *world) events(profile string) map[string]int {
	counts := map[string]int{}
	for _, e := range w.klaviyo.Events("", profile) {
		counts[e.Metric]++
	}
	return counts
}

// inSegment tells whether a customer is in a segment of Klaviyo.
func (w *world) inSegment(segment, profile string) bool {
	for _, s := range w.klaviyo.Segments("") {
		if s.ID == segment {
			for _, m := range s.Members {
				if m == profile {
					return true
				}
			}
		}
	}
	return false
}

// counts are what a code has come to.
type counts struct {
	Scans   int `json:"scans"`
	Friends int `json:"friends"`
	Linked  int `json:"linked"`
}

func (w *world) counted(code string) counts {
	w.t.Helper()
	return get[counts](w, "/qr_codes/"+code)
}

// link is what the console says of a friend's link.
type link struct {
	Method    string `json:"method"`
	Assurance string `json:"assurance"`
	ProfileID string `json:"profile_id"`
}

func (w *world) linkOf(f friend) *link {
	w.t.Helper()
	return get[struct{ Link *link }](w, "/friends/"+f.ID).Link
}

// inReview is what waits for a person's decision.
type inReview struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
}

func (w *world) review() []inReview {
	w.t.Helper()
	return get[struct{ Items []inReview }](w, "/review").Items
}

// lineID is a person's id at the demo's provider.
func lineID(person string) string { return linetest.UserID(linetest.DemoChannel.Provider, person) }

const (
	yuki = klaviyotest.DemoYuki
	mio  = klaviyotest.DemoMio
	ken  = klaviyotest.DemoKen
)

var messaging = linetest.DemoChannel.MessagingID
