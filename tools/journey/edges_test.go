package journey_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lumo/core/line/linetest"
)

// A scan at one edge, the way back from LINE at another, the answer to the question at the
// first again: edges share nothing but what the core told them, and it is one link.
func TestScanAtOneEdgeAndCallbackAtAnotherEndInOneLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	served := map[string]map[int]int{}
	w.front.sends(func(r *http.Request) int {
		n := 0
		if strings.HasPrefix(r.URL.Path, "/link/callback") || strings.HasPrefix(r.URL.Path, "/hooks/") {
			n = 1
		}
		if served[r.URL.Path] == nil {
			served[r.URL.Path] = map[int]int{}
		}
		served[r.URL.Path][n]++
		return n
	})
	if f := w.links("yuki", yuki); f.Name != "Yuki S." {
		t.Errorf("%s is linked", f.Name)
	}
	byEmail := w.codeBy("email") // asks
	page := w.opens("mio", w.rendered(byEmail.Template, mio), linetest.Choice{AddFriend: true})
	if len(page.Forms) != 1 {
		t.Fatalf("she is not asked: %q", page.Text)
	}
	if done := w.confirms("mio"); !says(done, linkedTexts) {
		t.Errorf("told %q", done.Text)
	}
	w.the(mio)
	if served["/link/callback"][1] != 2 || served["/link/callback"][0] != 0 || served["/link/confirm"][0] != 1 {
		t.Errorf("served %v: the edges did not take turns, so this proves nothing", served)
	}
	w.until("both scans to be counted", func() (bool, error) {
		a, b := w.counted(w.code.ID), w.counted(byEmail.ID)
		return a == counts{1, 1, 1} && b == counts{1, 1, 1}, fmt.Errorf("%+v %+v", a, b)
	})
}

// The same customer's scan, callback and webhooks at two edges in the same moment: the state
// is taken once, so one of both says that she is linked, and everything is counted once.
func TestTwoEdgesTakeTheSameCallbackAndWebhookOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.front.sendsToAll(func(r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, "/link/") || strings.HasPrefix(r.URL.Path, "/hooks/line/")
	})
	page := w.opens("yuki", w.mailed(yuki), linetest.Choice{AddFriend: true})
	w.until("her to be linked and to follow", func() (bool, error) {
		f, ok := w.linked(yuki)
		return ok && f.FollowStatus == "following", fmt.Errorf("%+v, she saw %d %q", f, page.Status, page.Text)
	})
	linked, over := 0, 0
	for _, texts := range w.front.answers() {
		for _, text := range texts {
			switch {
			case strings.Contains(text, linkedTexts[0]):
				linked++
			case strings.Contains(text, "このリンクは使用できません。"):
				over++
			}
		}
	}
	if linked != 1 || over != 1 {
		t.Errorf("%d edges say linked and %d that the link is used up, want one each", linked, over)
	}
	w.until("Klaviyo to have its events", func() (bool, error) {
		got := w.events(yuki)
		return got["Linked LINE Identity"] == 1 && got["Followed LINE Account"] == 1 && got["Scanned LINE QR Code"] == 1,
			fmt.Errorf("%v", got)
	})
	w.must(w.line.Block("yuki", messaging))
	w.becomes(yuki, "LINE Consent", "withdrawn")
	if got := w.events(yuki)["Blocked LINE Account"]; got > 1 {
		t.Errorf("Klaviyo has %d events of one block", got)
	}
	if n := len(w.friends()); n != 1 {
		t.Errorf("%d friends, want her alone", n)
	}
	if got := w.counted(w.code.ID); got.Friends != 1 || got.Linked != 1 {
		t.Errorf("counted %+v", got)
	}
}
