package journey_test

import (
	"fmt"
	"strings"
	"testing"

	"lumo/core/line/linetest"
	"lumo/tools/seed"
)

// codeBy makes a QR code that identifies customers in another way.
func (w *world) codeBy(by string) (code seed.QRCode) {
	w.t.Helper()
	w.post("/qr_codes", map[string]string{"name": "Code by " + by, "identify_by": by}, &code)
	return code
}

// private is what a page must not tell whoever got an email by forwarding.
func (w *world) private(page linetest.Page, what string) {
	w.t.Helper()
	for _, personal := range []string{"Yuki", "yuki@customer.example", "+819012345601", yuki} {
		if strings.Contains(page.Text, personal) || strings.Contains(page.HTML, personal) {
			w.t.Errorf("%s: the page tells %q", what, personal)
		}
	}
}

// Who forwards an email with an address or a number in its link forwards the link. So it
// always asks, shows nothing of the customer, links nobody who does not press, and what was
// pressed is only claimed: the customer herself, by her profile, is surer.
func TestForwardedEmailWithAnAddressInItAsksAndIsOnlyClaimed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	for by, template := range map[string]string{"email": "e", "phone": "t"} {
		code := w.codeBy(by)
		page := w.opens("mio", w.rendered(code.Template, yuki), linetest.Choice{AddFriend: true})
		if len(page.Forms) != 1 || says(page, linkedTexts) || !strings.Contains(page.Text, shopName) {
			t.Fatalf("%s (?%s=): she is not asked: %q", by, template, page.Text)
		}
		w.private(page, by)
		if f, ok := w.linked(yuki); ok {
			t.Fatalf("%s: %+v is linked before the click", by, f)
		}
	}
	w.confirms("mio")
	f, ok := w.linked(yuki)
	if l := w.linkOf(f); !ok || l == nil || l.Assurance != "claimed" {
		t.Fatalf("got %+v", l)
	}
	// Yuki's own email: nothing moves by itself, a person decides, and can see who is surer.
	page := w.opens("yuki", w.mailed(yuki), linetest.Choice{AddFriend: true})
	if len(page.Forms) != 1 {
		t.Fatalf("a second person for one customer is not asked: %q", page.Text)
	}
	w.confirms("yuki")
	waiting := w.review()
	if len(waiting) != 1 || waiting[0].Kind != "two_friends" {
		t.Fatalf("in review: %+v", waiting)
	}
	compare := get[struct{ Recommended, Reason string }](w, "/review/"+waiting[0].ID)
	if compare.Recommended != "use_second" || compare.Reason != "surer" {
		t.Errorf("got %+v", compare)
	}
	w.post("/review/"+waiting[0].ID+"/decide", map[string]string{"decision": "use_second"}, nil)
	w.becomes(yuki, "LINE User ID", lineID("yuki"))
	if l := w.linkOf(w.the(yuki)); l == nil || l.Assurance != "proven" {
		t.Errorf("got %+v", l)
	}
}

// the is who is linked to a customer.
func (w *world) the(profile string) friend {
	w.t.Helper()
	f, ok := w.linked(profile)
	if !ok {
		w.t.Fatalf("nobody is linked to %s", profile)
	}
	return f
}

// The customer has linked herself; then somebody else opens the email that she forwarded. The
// link stays hers, whatever the other presses, and what is sent to her goes to her phone.
func TestForwardedEmailOpenedBySomebodyElseMovesNoLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("yuki", yuki)
	page := w.opens("mio", w.mailed(yuki), linetest.Choice{AddFriend: true})
	if len(page.Forms) != 1 || says(page, linkedTexts) {
		t.Fatalf("she is not asked: %q", page.Text)
	}
	w.private(page, "the question")
	w.private(w.confirms("mio"), "the answer")
	if f := w.the(yuki); f.Name != "Yuki S." {
		t.Errorf("the link went to %s", f.Name)
	}
	if waiting := w.review(); len(waiting) != 1 || waiting[0].Kind != "two_friends" {
		t.Errorf("in review: %+v", waiting)
	}
	w.becomes(yuki, "LINE User ID", lineID("yuki"))
	w.until("Klaviyo to hear of the link", func() (bool, error) {
		n := w.events(yuki)["Linked LINE Identity"]
		return n > 0, fmt.Errorf("it heard of %d", n)
	})
	w.lineFlow("cart", nil, false)
	w.cart(yuki, "cart-1")
	w.until("the message", func() (bool, error) {
		chat, err := w.line.Chat("yuki", messaging)
		return len(chat) == 1, fmt.Errorf("%d messages, %w", len(chat), err)
	})
	if chat, _ := w.line.Chat("mio", messaging); len(chat) != 0 {
		t.Errorf("the other got %d messages", len(chat))
	}
	if n := w.events(yuki)["Linked LINE Identity"]; n != 1 {
		t.Errorf("Klaviyo heard of %d links, want 1", n)
	}
}

// Somebody else was first, with the profile's own link in her own browser: that cannot be told
// from the customer. When the customer comes, nothing moves silently either; a person decides,
// Klaviyo's property moves with the decision, and the first one's phone gets nothing more.
func TestCustomerWhoComesAfterAForwardedLinkGetsItByReview(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("mio", yuki)
	w.becomes(yuki, "LINE User ID", lineID("mio"))
	page := w.opens("yuki", w.mailed(yuki), linetest.Choice{AddFriend: true})
	if len(page.Forms) != 1 {
		t.Fatalf("she is not asked: %q", page.Text)
	}
	w.confirms("yuki")
	if f := w.the(yuki); f.Name != "Mio T." {
		t.Errorf("the link moved to %s without a decision", f.Name)
	}
	waiting := w.review()
	if len(waiting) != 1 {
		t.Fatalf("in review: %+v", waiting)
	}
	w.post("/review/"+waiting[0].ID+"/decide", map[string]string{"decision": "use_second"}, nil)
	w.becomes(yuki, "LINE User ID", lineID("yuki"))
	w.post("/review/"+waiting[0].ID+"/undo", nil, nil)
	w.becomes(yuki, "LINE User ID", lineID("mio"))
}

// LINE came back in another browser, as it does when a link was opened there: the cookie is
// missing, so even the profile's own link asks.
func TestForwardedLinkFinishedInAnotherBrowserAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	page := w.opens("mio", w.mailed(yuki), linetest.Choice{AddFriend: true, OtherBrowser: true})
	if len(page.Forms) != 1 || says(page, linkedTexts) {
		t.Fatalf("she is not asked: %q", page.Text)
	}
	w.private(page, "the question")
	if f, ok := w.linked(yuki); ok {
		t.Errorf("%+v is linked before the click", f)
	}
}
