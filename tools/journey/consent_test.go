package journey_test

import (
	"fmt"
	"testing"

	"lumo/core/klaviyo/klaviyotest"
)

// lineFlow is a live flow that a cart starts: the webhook of LINE for whom a condition lets
// through, an email for the others.
func (w *world) lineFlow(id string, filter klaviyotest.Filter, split bool) {
	w.t.Helper()
	settings, err := w.console.FlowSettings(w.t.Context(), w.channel, "")
	w.must(err)
	flow := klaviyotest.Flow{ID: id, Name: "Cart by LINE", Status: klaviyotest.Live, Metric: klaviyotest.DemoMetric,
		Actions: []klaviyotest.Action{
			{ID: id + "1", Type: klaviyotest.SendWebhook, Status: klaviyotest.Live, URL: settings.URL, Next: "-",
				Headers: map[string]string{settings.Header: settings.Key}, Body: settings.Body},
			{ID: id + "2", Type: klaviyotest.SendEmail, Status: klaviyotest.Live, Subject: "Your cart", HTML: "<p>Your cart</p>"}}}
	if split {
		flow.Actions = append([]klaviyotest.Action{{ID: id + "0", Type: klaviyotest.ConditionalSplit, Filter: filter,
			Next: id + "1", NextFalse: id + "2"}}, flow.Actions...)
	} else {
		flow.Filter = filter
	}
	_, err = w.klaviyo.SetFlow("", flow)
	w.must(err)
}

// cart has a customer leave a cart, and waits until Klaviyo has nothing more to do about it.
func (w *world) cart(profile, id string) {
	w.t.Helper()
	_, err := w.klaviyo.Happen("", klaviyotest.Happening{Profile: profile, Metric: klaviyotest.DemoMetric, UniqueID: id,
		Properties: klaviyotest.DemoCart(id)})
	w.must(err)
	w.klaviyo.Work(w.t.Context())
	w.until("the flows to be through", func() (bool, error) {
		n := w.klaviyo.Waiting("")
		return n == 0, fmt.Errorf("%d wait", n)
	})
}

// called counts a flow's webhooks that were sent.
func (w *world) called(flow string) (n int) {
	for _, a := range w.klaviyo.Activity(flow) {
		if a.Status == klaviyotest.Sent {
			n++
		}
	}
	return n
}

// What a merchant builds in Klaviyo on LINE Consent follows what people do on their phones:
// who follows is in the segment and gets LINE, who blocks is out of it and gets the email.
func TestSegmentAndFlowConditionsOnLINEConsentFollowThePhone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	consent := klaviyotest.Filter{{{Property: "LINE Consent", Operator: "equals", Value: "given"}}}
	segment, err := w.klaviyo.SetSegment("", klaviyotest.Segment{Name: "May get LINE", Property: "LINE Consent",
		Operator: "equals", Value: "given"})
	w.must(err)
	w.lineFlow("split", consent, true)
	w.lineFlow("filtered", consent, false)
	for _, step := range []struct {
		what    string
		does    func()
		consent any
		in      bool
	}{
		{"before anything", func() {}, nil, false},
		{"linked and following", func() { w.links("yuki", yuki) }, "given", true},
		{"blocked", func() { w.must(w.line.Block("yuki", messaging)) }, "withdrawn", false},
		{"unblocked", func() { w.must(w.line.Unblock("yuki", messaging)) }, "given", true},
	} {
		step.does()
		w.becomes(yuki, "LINE Consent", step.consent)
		w.klaviyo.Work(t.Context())
		if got := w.inSegment(segment.ID, yuki); got != step.in {
			t.Errorf("%s: in the segment %v, want %v", step.what, got, step.in)
		}
		split, filtered, emails := w.called("split"), w.called("filtered"), len(w.klaviyo.Emails("", yuki))
		w.cart(yuki, "cart "+step.what)
		sent := 0
		if step.in {
			sent = 1
		}
		if n := w.called("split") - split; n != sent {
			t.Errorf("%s: the split let %d calls through, want %d", step.what, n, sent)
		}
		if n := len(w.klaviyo.Emails("", yuki)) - emails; n != 1-sent {
			t.Errorf("%s: %d emails instead of LINE, want %d", step.what, n, 1-sent)
		}
		if n := w.called("filtered") - filtered; n != sent {
			t.Errorf("%s: the filter let %d calls through, want %d", step.what, n, sent)
		}
	}
}
