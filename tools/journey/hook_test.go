package journey_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"lumo/core/line/linetest"
)

// happened is an event of LINE about a person, of any time.
func happened(t *testing.T, kind, person, id string, at time.Time, unblocked bool) json.RawMessage {
	t.Helper()
	e := map[string]any{"type": kind, "mode": "active", "timestamp": at.UnixMilli(), "webhookEventId": id,
		"deliveryContext": map[string]any{"isRedelivery": false},
		"source":          map[string]any{"type": "user", "userId": lineID(person)}}
	switch kind {
	case "follow":
		e["follow"], e["replyToken"] = map[string]any{"isUnblocked": unblocked}, "00000000000000000000000000000000"
	case "accountLink":
		e["link"] = map[string]any{"result": "ok", "nonce": "somebody-elses-nonce"}
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// orders are all orders of three things.
func orders() [][]int {
	return [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
}

// LINE promises neither order nor a single delivery. What holds is the newest by LINE's own
// time, each event counts once, and LINE's accountLink, which Lumo does not use, links nobody.
func TestFollowAndBlockAreSettledByLINEsTimeHoweverWebhooksArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("yuki", yuki)
	begun := time.Now().Add(-time.Hour)
	want := map[string]string{}
	for n, order := range orders() {
		for ends, status := range map[string]string{"follow": "following", "unfollow": "blocked"} {
			person := fmt.Sprintf("%s-%d", ends, n)
			w.line.AddPerson(linetest.Person{ID: person, Name: person})
			if ends == "follow" { // LINE tells a name only of who follows
				w.must(w.line.Follow(person, messaging))
			}
			middle := "unfollow"
			if ends == "unfollow" {
				middle = "follow"
			}
			all := []json.RawMessage{
				happened(t, ends, person, person+"-a", begun, false),
				happened(t, middle, person, person+"-b", begun.Add(time.Second), true),
				happened(t, ends, person, person+"-c", begun.Add(2*time.Second), true),
			}
			for _, i := range order {
				w.line.Emit(messaging, all[i])
				w.line.Emit(messaging, all[i]) // the same again
			}
			w.line.Emit(messaging, happened(t, "accountLink", person, person+"-link", begun.Add(3*time.Second), false))
			want[lineID(person)] = status
		}
	}
	w.line.Deliver(t.Context())
	w.until("all webhooks to be taken", func() (bool, error) {
		n := len(w.friends())
		return n == len(want)+1, fmt.Errorf("%d friends", n)
	})
	byStatus := map[string]int{}
	for _, f := range w.friends() {
		byStatus[f.FollowStatus]++
		if f.Linked != (f.ProfileID == yuki) {
			t.Errorf("%s is linked to %s", f.Name, f.ProfileID)
		}
	}
	for _, try := range w.line.HookLog() {
		if try.Status != 200 && try.Status != 202 { // 202: kept by the edge, the core took its time
			t.Errorf("LINE was answered %d", try.Status)
		}
	}
	// Those of the sequence that ends with a follow really follow: LINE told it last.
	if byStatus["following"] != len(orders())+1 || byStatus["blocked"] != len(orders()) {
		t.Errorf("got %v", byStatus)
	}
}

// A linked customer's block overtakes her return, twice each: Klaviyo ends at "given", with
// one event for each time she did something.
func TestReorderedAndDoubledWebhooksReachKlaviyoOnceAndInTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.links("yuki", yuki)
	w.becomes(yuki, "LINE Consent", "given")
	later := time.Now().Add(time.Minute)
	block := happened(t, "unfollow", "yuki", "yuki-block", later, false)
	back := happened(t, "follow", "yuki", "yuki-back", later.Add(time.Second), true)
	for _, e := range []json.RawMessage{back, block, back, block} {
		w.line.Emit(messaging, e)
	}
	w.line.Deliver(t.Context())
	w.until("Klaviyo to hear of both", func() (bool, error) {
		n := w.events(yuki)
		return n["Blocked LINE Account"] == 1 && n["Followed LINE Account"] == 2, fmt.Errorf("%v", n)
	})
	w.becomes(yuki, "LINE Consent", "given")
	w.becomes(yuki, "LINE Consent Source", "unblocked")
	w.becomes(yuki, "LINE Follow Status", "following")
	if f, _ := w.linked(yuki); f.FollowStatus != "following" || f.Consent != "given" {
		t.Errorf("got %+v", f)
	}
}

// Whichever comes first, the follow webhook or the way back from LINE Login: one friend, one
// link, one event of each kind, and the code counts one of each.
func TestWebhookBeforeTheCallbackAndAfterEndInTheSameLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	for n, one := range []struct{ person, profile, order string }{
		{"yuki", yuki, "follow_first"}, {"mio", mio, linetest.CallbackFirst}} {
		page := w.opens(one.person, w.mailed(one.profile), linetest.Choice{AddFriend: true, Order: one.order})
		if !says(page, linkedTexts) {
			t.Fatalf("%s: %q", one.order, page.Text)
		}
		w.until(one.order, func() (bool, error) {
			got := w.events(one.profile)
			return got["Linked LINE Identity"] == 1 && got["Followed LINE Account"] == 1 && got["Scanned LINE QR Code"] == 1,
				fmt.Errorf("events %v", got)
		})
		f, ok := w.linked(one.profile)
		if !ok || f.FollowStatus != "following" || f.Consent != "given" || len(w.friends()) != n+1 {
			t.Errorf("%s: got %+v of %d", one.order, f, len(w.friends()))
		}
		w.becomes(one.profile, "LINE User ID", lineID(one.person))
		w.until(one.order+" to be counted", func() (bool, error) {
			got := w.counted(w.code.ID)
			return got == counts{n + 1, n + 1, n + 1}, fmt.Errorf("%+v", got)
		})
	}
}
