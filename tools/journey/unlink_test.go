package journey_test

import (
	"fmt"
	"testing"

	"lumo/core/line/linetest"
)

// A friend ends the link from her phone by writing one of the account's words. Her customer in
// Klaviyo loses the LINE ID; whatever else people write unlinks nobody.
func TestAFriendWhoWritesTheWordOnHerPhoneIsUnlinkedInKlaviyoToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("yuki", yuki)
	w.links("mio", mio)
	w.becomes(yuki, "LINE User ID", lineID("yuki"))
	w.becomes(mio, "LINE User ID", lineID("mio"))
	for person, text := range map[string]string{"mio": "please do not unlink me", "yuki": "  Unlink "} {
		w.must(w.line.Say(person, messaging, text))
	}
	w.line.Deliver(t.Context())
	w.until("yuki to be unlinked", func() (bool, error) {
		f, linked := w.linked(yuki)
		return !linked, fmt.Errorf("%+v", f)
	})
	w.becomes(yuki, "LINE User ID", nil)
	if f, linked := w.linked(mio); !linked || f.FollowStatus != "following" || w.property(mio, "LINE User ID") != lineID("mio") {
		t.Errorf("mio, who wrote something else: got %+v, linked %t", f, linked)
	}
	for _, f := range w.friends() {
		if f.Name == "Yuki" && f.FollowStatus != "following" {
			t.Errorf("yuki is no friend any more: %+v", f)
		}
	}
}

// LINE wants to be told when a link ends, by whom it let us know: so it is, after the word and after
// the page, and it asks the friend anew when she comes again. Whoever is still linked stays known.
func TestLINEIsToldWhenAFriendUnlinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("yuki", yuki)
	w.links("mio", mio)
	w.links("ken", ken)
	for _, person := range []string{"yuki", "mio", "ken"} {
		if !w.allows(person) {
			t.Fatalf("%s agreed at LINE, which knows nothing of it", person)
		}
	}
	w.must(w.line.Say("yuki", messaging, "unlink"))
	w.line.Deliver(t.Context())
	page := w.opens("mio", w.front.URL+"/q/"+w.code.Code+"?u=1", linetest.Choice{})
	if len(page.Forms) != 1 || !w.allows("mio") {
		t.Fatalf("mio is not asked: %q", page.Text)
	}
	w.confirms("mio")
	for person, profile := range map[string]string{"yuki": yuki, "mio": mio} {
		w.becomes(profile, "LINE User ID", nil)
		w.until("LINE to be told of "+person, func() (bool, error) {
			return !w.allows(person), fmt.Errorf("it lets us know who %s is", person)
		})
		if f, linked := w.linked(profile); linked {
			t.Errorf("%s is linked: %+v", person, f)
		}
	}
	if _, linked := w.linked(ken); !linked || !w.allows("ken") {
		t.Errorf("ken, who did nothing: linked %t, known %t", linked, w.allows("ken"))
	}
}

// allows tells whether LINE lets the shop know who a person is.
func (w *world) allows(person string) bool {
	return w.line.Allows(person, linetest.DemoChannel.LoginID)
}
