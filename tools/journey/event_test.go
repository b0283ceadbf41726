package journey_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lumo/core/klaviyo/klaviyotest"
	"lumo/core/vendortest"
)

// cartFlow is a live flow with a message that shows values of a cart, in a webhook whose vars
// lack them: it was made before the message had them.
func (w *world) cartFlow(id, metric, text, event string) {
	w.t.Helper()
	message, err := w.console.CreateMessage(w.t.Context(), w.channel, "Cart "+id, text)
	w.must(err)
	settings, err := w.console.FlowSettings(w.t.Context(), w.channel, message)
	w.must(err)
	body := regexp.MustCompile(`(?s)"vars": \{.*?\}\n\}`).ReplaceAllString(settings.Body,
		`"vars": {"first_name": "{{ first_name }}"}}`)
	body = strings.Replace(body, "{{ event|lookup:'$event_id' }}", event, 1)
	if strings.Contains(body, "Item Count") {
		w.t.Fatalf("the webhook's body is %s", body)
	}
	_, err = w.klaviyo.SetFlow("", klaviyotest.Flow{ID: id, Name: "Cart by LINE", Status: klaviyotest.Live,
		Metric: metric, Actions: []klaviyotest.Action{{ID: id + "1", Type: klaviyotest.SendWebhook,
			Status: klaviyotest.Live, URL: settings.URL, Headers: map[string]string{settings.Header: settings.Key}, Body: body}}})
	w.must(err)
}

// flowCall is a call as the Flow doctor shows it.
type flowCall struct {
	State     string `json:"state"`
	Reason    string `json:"reason"`
	EventNote string `json:"event_note"`
}

// arrives waits until LINE took these texts for a person, and no others.
func (w *world) arrives(person string, want ...string) {
	w.t.Helper()
	w.until("the message", func() (bool, error) {
		var got []string
		for _, sent := range w.line.Ledger() {
			var body struct {
				To       string
				Messages []struct{ Text string }
			}
			w.must(json.Unmarshal(sent.Body, &body))
			if body.To == lineID(person) {
				got = append(got, body.Messages[0].Text)
			}
		}
		return slices.Equal(got, want), fmt.Errorf("%q", got)
	})
}

// What a message shows of the cart and the webhook does not bring is read from Klaviyo: of the
// cart that started the flow, not of a newer event, although Klaviyo refuses and fails at first.
// An event that Klaviyo does not have leaves what the merchant wrote for that case, and a note.
func TestAMessageShowsTheCartThatStartedItsFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("yuki", yuki)
	const text = "[[ first_name ]]: [[ Item Count | some ]] x [[ event.Items | things ]], [[ Colour | green ]]"
	w.cartFlow("CART", klaviyotest.DemoMetric, text, "{{ event|lookup:'$event_id' }}")
	w.cartFlow("GONE", "Cart Gone", text, "no-such-cart")
	newer := klaviyotest.DemoCart("newer")
	newer["Items"] = []any{"Hat"}
	_, err := w.klaviyo.Happen("", klaviyotest.Happening{Profile: yuki, Metric: "Viewed Product", UniqueID: "newer",
		Properties: newer, Time: time.Now().Add(time.Hour)})
	w.must(err)
	for _, kind := range []string{"429", "500"} {
		w.klaviyo.Faults().Add(vendortest.Fault{API: "klaviyo.events_read", Kind: kind, Times: 1})
	}
	w.cart(yuki, "cart-1")
	w.arrives("yuki", "Yuki: 2 x Sencha, Cup, green")
	w.told("", 1)
	if left := w.klaviyo.Faults().List(); len(left) != 0 {
		t.Errorf("Klaviyo was asked too seldom: %v is left", left)
	}
	_, err = w.klaviyo.Happen("", klaviyotest.Happening{Profile: yuki, Metric: "Cart Gone", UniqueID: "cart-2"})
	w.must(err)
	w.klaviyo.Work(t.Context())
	w.arrives("yuki", "Yuki: 2 x Sencha, Cup, green", "Yuki: some x things, green")
	w.told("missing", 2)
}

// told waits until the Flow doctor shows so many calls, all sent, and the newest with a note.
func (w *world) told(note string, n int) {
	w.t.Helper()
	w.until("the Flow doctor to say so", func() (bool, error) {
		c := get[struct{ Items []flowCall }](w, "/flow_requests").Items
		return len(c) == n && c[0].State == "sent" && c[0].EventNote == note && c[0].Reason == "", fmt.Errorf("%+v", c)
	})
}
