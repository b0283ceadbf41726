package journey_test

import (
	"fmt"
	"testing"

	"lumo/core/line/linetest"
	"lumo/tools/seed"
)

// A code greets with a saved message: what is published then, with its fallbacks, once to each
// person. Once the message is put away nobody gets it, and both the code and the timeline say so.
func TestACodeGreetsWithASavedMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	hello, err := w.console.CreateMessage(t.Context(), w.channel, "Hello", "Hello [[ first_name | you ]]!")
	w.must(err)
	var code seed.QRCode
	w.post("/qr_codes", map[string]string{"name": "Counter", "identify_by": "none", "message": hello}, &code)
	comes := func(person string) {
		t.Helper()
		w.opens(person, w.front.URL+"/q/"+code.Code, linetest.Choice{AddFriend: true})
	}
	comes("yuki")
	w.arrives("yuki", "Hello you!")
	comes("yuki")
	w.post("/messages/"+hello+"/archive", nil, nil)
	comes("mio")
	notSent := func() (bool, error) {
		for _, f := range w.friends() {
			for _, e := range get[struct{ Items []entry }](w, "/friends/"+f.ID+"/timeline").Items {
				if f.Name == "Mio T." && e.Kind == "not_sent" && e.Data.Reason == "unknown_message" {
					return true, nil
				}
			}
		}
		return false, fmt.Errorf("%+v", w.friends())
	}
	w.until("mio's timeline to say why nothing came", notSent)
	for person, want := range map[string]int{"yuki": 1, "mio": 0} {
		if chat, err := w.line.Chat(person, messaging); err != nil || len(chat) != want {
			t.Errorf("%s has %d messages, want %d: %v", person, len(chat), want, err)
		}
	}
	seen := get[struct {
		Saved struct {
			Name     string
			Archived bool
		}
	}](w, "/qr_codes/"+code.ID).Saved
	if seen.Name != "Hello" || !seen.Archived {
		t.Errorf("the code says of its message %+v", seen)
	}
}

// entry is one thing in a friend's timeline.
type entry struct {
	Kind string
	Data struct{ Reason string }
}
