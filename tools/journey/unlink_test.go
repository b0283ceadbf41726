package journey_test

import (
	"fmt"
	"testing"
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
