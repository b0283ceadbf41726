package journey_test

import (
	"fmt"
	"testing"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/line/linetest"
)

// merges has Klaviyo merge a customer into another, and tell of it where it may.
func (w *world) merges(from, into string) {
	w.t.Helper()
	if !w.klaviyo.Merge("", from, into) {
		w.t.Fatalf("%s is not merged into %s", from, into)
	}
	w.klaviyo.Work(w.t.Context())
}

// settled waits until Klaviyo was told all there is to tell.
func (w *world) settled() {
	w.t.Helper()
	w.until("Klaviyo to be told of everything", func() (bool, error) {
		var v struct {
			Waiting int `json:"waiting_updates"`
		}
		err := w.console.Get(w.t.Context(), "/klaviyo", &v)
		return err == nil && v.Waiting == 0, fmt.Errorf("%d wait, %w", v.Waiting, err)
	})
}

// Two customers who are linked become one in Klaviyo, which says so to the edge. One link stays,
// the other is asked about; and the customer keeps the properties of who stays linked, since the
// merged id leads to her.
func TestAMergeOfTwoLinkedCustomersKeepsThePropertiesOfTheOneWhoStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("yuki", yuki)
	w.links("mio", mio)
	w.becomes(yuki, "LINE User ID", lineID("yuki"))
	w.becomes(mio, "LINE User ID", lineID("mio"))
	w.settled()
	w.merges(mio, yuki)
	w.until("the merge to need review", func() (bool, error) {
		got := w.review()
		return len(got) == 1 && got[0].Kind == "two_friends", fmt.Errorf("%+v", got)
	})
	w.settled()
	for name, want := range map[string]any{"LINE User ID": lineID("yuki"), "LINE Consent": "given",
		"LINE Follow Status": "following"} {
		if got := w.property(yuki, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if f := w.the(yuki); f.Name != "Yuki S." {
		t.Errorf("%s is linked", f.Name)
	}
}

// The email of before a merge names a customer who is another today, and whom a friend is linked
// to: whoever opens it is asked, nothing moves silently, and Klaviyo's property stays hers.
func TestTheOldEmailOfAMergedCustomerMovesNoLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("yuki", yuki)
	w.becomes(yuki, "LINE User ID", lineID("yuki"))
	old := w.mailed(ken)
	w.merges(ken, yuki)
	page := w.opens("mio", old, linetest.Choice{AddFriend: true})
	if len(page.Forms) != 1 || says(page, linkedTexts) {
		t.Fatalf("she is not asked: %q", page.Text)
	}
	w.confirms("mio")
	if waiting := w.review(); len(waiting) != 1 || waiting[0].Kind != "two_friends" {
		t.Errorf("in review: %+v", waiting)
	}
	w.settled()
	if got := w.property(yuki, "LINE User ID"); got != lineID("yuki") {
		t.Errorf("LINE User ID is %v", got)
	}
	if f := w.the(yuki); f.Name != "Yuki S." {
		t.Errorf("the link went to %s", f.Name)
	}
}

// Klaviyo's notice of a merge was lost, and the old id leads nowhere by the time something is
// written. The customer is found again by what the link was made with, and nothing is missing.
func TestAMergeNobodyWasToldOfIsFoundByThe404(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	code := w.codeBy("email")
	w.opens("mio", w.rendered(code.Template, mio), linetest.Choice{AddFriend: true})
	w.confirms("mio")
	w.becomes(mio, "LINE Consent", "given")
	w.settled()
	into, err := w.klaviyo.AddProfile("", klaviyotest.Profile{ID: "01JD2Q8Z5N6Y7XW3V4T2C99999"})
	w.must(err)
	if !w.klaviyo.Merge("", mio, into.ID) { // the notice waits at Klaviyo, and goes nowhere
		t.Fatal("no merge")
	}
	w.klaviyo.ForgetMerged("")
	w.must(w.line.Block("mio", messaging))
	w.becomes(into.ID, "LINE Consent", "withdrawn")
	w.becomes(into.ID, "LINE User ID", lineID("mio"))
	w.until("the event to follow", func() (bool, error) {
		n := w.events(into.ID)
		return n["Blocked LINE Account"] == 1 && n["Linked LINE Identity"] == 1, fmt.Errorf("%v", n)
	})
	if f := w.the(into.ID); f.Name != "Mio T." || w.linkOf(f).Assurance != "claimed" {
		t.Errorf("linked is %+v", f)
	}
	if got := w.review(); len(got) != 0 {
		t.Errorf("in review: %+v", got)
	}
}
