package linkage_test

import (
	"testing"
	"time"
)

// When LINE's webhook is answered, what Klaviyo is to be told lies in the outbox and is due, not
// a second later: time stands still from the webhook to the look.
func TestAFollowOrBlockIsDueAtKlaviyoWhenItsWebhookIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.linked(t, yuki, hana)
	out, facts := w.parts(t, w.db)
	w.channels = w.newChannels(t, w.db, facts, out)
	for n, told := range []struct{ webhook, consent, source string }{
		{"unfollow", "withdrawn", "blocked"}, {"follow", "given", "friend_added"}} {
		w.pass(time.Minute)
		w.webhook(t, told.webhook, yuki, told.webhook)
		due := w.written(t)[link.Profile]
		if len(due) != 1 || due[0].Revision != n+1 || due[0].Payload.Set["LINE Consent"] != told.consent ||
			due[0].Payload.Set["LINE Consent Source"] != told.source ||
			due[0].Payload.Set["LINE Consent Updated At"] != w.clock().Format(time.RFC3339) {
			t.Errorf("%s: due is %+v", told.webhook, due)
		}
	}
}
