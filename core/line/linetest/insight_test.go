package linetest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lumo/core/line/linetest"
)

// crowd adds friends of the demo account and gives their ids.
func (l *line) crowd(t *testing.T, n int) []string {
	t.Helper()
	var ids []string
	for i := range n {
		p := l.AddPerson(linetest.Person{ID: fmt.Sprintf("crowd%d", i), Name: "Crowd"})
		must(t, l.Follow(p.ID, ""))
		ids = append(ids, p.ID)
	}
	return ids
}

func TestStatisticsHideFewerThanTwentyPeople(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	people := l.crowd(t, 20)
	link := l.url + "/somewhere"
	for _, id := range people {
		body := fmt.Sprintf(`{"to":"%s","messages":[{"type":"text","text":"see %s"}],"customAggregationUnits":["autumn"]}`,
			linetest.UserID(linetest.DemoChannel.Provider, id), link)
		if a := l.do(t, "POST", "/line-api/v2/bot/message/push", body); a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.text)
		}
	}
	look := func() map[string]any {
		a := l.do(t, "GET", "/line-api/v2/bot/insight/message/event/aggregation"+
			"?customAggregationUnit=autumn&from=20261124&to=20261125", "")
		if a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.text)
		}
		return a.body
	}
	for i, id := range people {
		if i == 19 {
			if got := look()["overview"].(map[string]any)["uniqueImpression"]; got != nil {
				t.Errorf("19 viewers: got %v want null", got)
			}
		}
		if _, err := l.View(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := l.Touch(t.Context(), id, linetest.Tap{URL: link}); err != nil {
				t.Fatal(err)
			}
		}
	}
	body := look()
	overview := body["overview"].(map[string]any)
	if overview["uniqueImpression"] != 20.0 || overview["uniqueClick"] != 20.0 {
		t.Errorf("got %v", overview)
	}
	click := body["clicks"].([]any)[0].(map[string]any)
	if click["url"] != link || click["click"] != 40.0 || click["uniqueClick"] != 20.0 || click["seq"] != 1.0 {
		t.Errorf("got %v", click)
	}
	if a := l.do(t, "GET", "/line-api/v2/bot/message/aggregation/info", ""); a.body["numOfCustomAggregationUnits"] != 1.0 {
		t.Errorf("got %s", a.text)
	}
}

func TestABadQuestionIsAnsweredWithFourNulls(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	a := l.do(t, "GET", "/line-api/v2/bot/insight/message/event/aggregation?customAggregationUnit=x&from=20261101&to=20261225", "")
	if a.status != http.StatusBadRequest || a.text != `{"code":null,"key":null,"message":null,"stacktrace":null}` {
		t.Errorf("got %d %s", a.status, a.text)
	}
}

func TestTheThousandAndFirstUnitIsLostInSilence(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	must(t, l.Follow("yuki", ""))
	for i := range 1001 {
		body := fmt.Sprintf(`{"to":"%s","messages":%s,"customAggregationUnits":["u%d"]}`, yuki(), hello, i)
		if a := l.do(t, "POST", "/line-api/v2/bot/message/push", body); a.status != 200 {
			t.Fatalf("got %d %s", a.status, a.text)
		}
	}
	a := l.do(t, "GET", "/line-api/v2/bot/message/aggregation/list?limit=100", "")
	if got := len(a.body["customAggregationUnits"].([]any)); got != 100 || a.body["next"] == nil {
		t.Errorf("got %d %s", got, a.text)
	}
	chat, err := l.Chat("yuki", "")
	must(t, err)
	if chat[999].Unit != "u999" || chat[1000].Unit != "" {
		t.Errorf("got %q, %q", chat[999].Unit, chat[1000].Unit)
	}
}

func TestNumbersOfADayComeTheNextDay(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	must(t, l.Follow("yuki", ""))
	l.push(t, yuki(), "", hello)
	const push = "/line-api/v2/bot/message/delivery/push?date="
	if a := l.do(t, "GET", push+"20261124", ""); a.body["status"] != "unready" {
		t.Errorf("today: got %s", a.text)
	}
	l.clock.Advance(24 * time.Hour)
	l.signIn(t)
	if a := l.do(t, "GET", push+"20261124", ""); a.body["success"] != 1.0 {
		t.Errorf("tomorrow: got %s", a.text)
	}
	if a := l.do(t, "GET", push+"2026-11-24", ""); a.status != 400 {
		t.Errorf("bad date: got %d %s", a.status, a.text)
	}
}

func TestABroadcastHasItsOwnStatistics(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	people := l.crowd(t, 21)
	sent := l.do(t, "POST", "/line-api/v2/bot/message/broadcast", `{"messages":`+hello+`}`)
	for _, id := range people {
		if _, err := l.View(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
	}
	request := sent.header.Get("X-Line-Request-Id")
	a := l.do(t, "GET", "/line-api/v2/bot/insight/message/event?requestId="+request, "")
	if !strings.Contains(a.text, `"delivered":21`) || !strings.Contains(a.text, `"uniqueImpression":21`) {
		t.Errorf("got %d %s", a.status, a.text)
	}
	if a := l.do(t, "GET", "/line-api/v2/bot/insight/message/event?requestId=nobody", ""); a.status != 400 {
		t.Errorf("unknown request: got %d", a.status)
	}
}

func TestAPictureIsLoadedOncePerPhone(t *testing.T) {
	t.Parallel()
	l := start(t, nil).signIn(t)
	must(t, l.Follow("yuki", ""))
	var loads atomic.Int32
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		loads.Add(1)
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Cache-Control", "private, max-age=86400")
		_, _ = w.Write([]byte("picture"))
	}))
	t.Cleanup(shop.Close)
	address := shop.URL + "/a.png"
	l.push(t, yuki(), "", `[{"type":"image","originalContentUrl":"`+address+`","previewImageUrl":"`+address+`"}]`)
	if _, err := l.View(t.Context(), "yuki", ""); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p, err := l.Show(t.Context(), "yuki", address)
		if err != nil || string(p.Body) != "picture" || p.Type != "image/png" {
			t.Errorf("got %+v, %v", p, err)
		}
	}
	if loads.Load() != 1 {
		t.Errorf("the shop gave it %d times", loads.Load())
	}
}
