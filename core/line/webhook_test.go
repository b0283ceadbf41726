package line_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lumo/core/channel"
	"lumo/core/line"
)

const twoEvents = `{"destination":"Ub0700000000000000000000000000001","events":[
 {"type":"follow","mode":"active","timestamp":1795489200123,"webhookEventId":"01K0FOLLOW","replyToken":"r",
  "source":{"type":"user","userId":"U1111111111111111111111111111aaaa"},
  "deliveryContext":{"isRedelivery":true},"follow":{"isUnblocked":true}},
 {"type":"message","mode":"active","timestamp":1795489200124,"webhookEventId":"01K0SAID",
  "source":{"type":"user","userId":"U1111111111111111111111111111aaaa"},
  "deliveryContext":{"isRedelivery":false},"replyToken":"s","message":{"type":"sticker","id":"1","packageId":"1","stickerId":"1",
  "stickerResourceType":"STATIC","quoteToken":"q"}},
 {"type":"somethingNew","timestamp":1795489200125,"webhookEventId":"01K0NEW","extra":{"a":[1]}},
 {"type":"unfollow","timestamp":1795489200126,"webhookEventId":"01K0GROUP",
  "source":{"type":"group","groupId":"C1","userId":"U1111111111111111111111111111aaaa"}}]}`

func TestWebhookIsReadEventByEvent(t *testing.T) {
	t.Parallel()
	got, err := line.ReadWebhook([]byte(twoEvents))
	if err != nil {
		t.Fatal(err)
	}
	at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	want := channel.Batch{Destination: "Ub0700000000000000000000000000001", Events: []channel.Event{
		{ID: "01K0FOLLOW", Type: "follow", At: at(1795489200123), User: user, Unblocked: true, Reply: "r"},
		{ID: "01K0SAID", Type: "message", At: at(1795489200124), User: user, Said: "sticker", Reply: "s"},
		{ID: "01K0NEW", Type: "somethingNew", At: at(1795489200125)},
		{ID: "01K0GROUP", Type: "unfollow", At: at(1795489200126)}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMalformedEventsCountAndTheOthersStand(t *testing.T) {
	t.Parallel()
	good := `{"type":"unfollow","timestamp":1,"webhookEventId":"A","source":{"type":"user","userId":"` + user + `"}}`
	for name, bad := range map[string]string{
		"not an object":  `7`,
		"null":           `null`,
		"no type":        `{"timestamp":1,"webhookEventId":"B"}`,
		"no id":          `{"type":"follow","timestamp":1}`,
		"odd id":         `{"type":"follow","timestamp":1,"webhookEventId":"a'b"}`,
		"no time":        `{"type":"follow","webhookEventId":"B"}`,
		"odd source":     `{"type":"follow","timestamp":1,"webhookEventId":"B","source":{"userId":"x"}}`,
		"not a user id":  `{"type":"follow","timestamp":1,"webhookEventId":"B","source":{"type":"user","userId":"../x"}}`,
		"another typing": `{"type":"follow","timestamp":"soon","webhookEventId":"B"}`,
	} {
		got, err := line.ReadWebhook([]byte(`{"events":[` + bad + `,` + good + `]}`))
		if err != nil || got.Bad != 1 || len(got.Events) != 1 {
			t.Errorf("%s: got %d bad, %d good, %v", name, got.Bad, len(got.Events), err)
		}
	}
	for _, body := range []string{"", "[]", "{", `{"destination":"x","events":[]}`, `{"events":{}}`} {
		if _, err := line.ReadWebhook([]byte(body)); err == nil {
			t.Errorf("%q was read", body)
		}
	}
}

func FuzzReadWebhook(f *testing.F) {
	f.Add([]byte(twoEvents))
	f.Add([]byte(`{"destination":"","events":[{"type":"message","message":{}}]}`))
	f.Add([]byte(`{"events":[null,1,{"type":"join","source":{"type":"room"}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := line.ReadWebhook(body)
		if err != nil {
			return
		}
		for _, e := range batch.Events {
			if e.ID == "" || e.Type == "" || e.User != "" && !e.User.Valid() {
				t.Errorf("read as %+v", e)
			}
		}
	})
}
